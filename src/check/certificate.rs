//! What a server's certificate says.

use std::time::{SystemTime, UNIX_EPOCH};

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::report::Finding;
use crate::text::printable;

/// With fewer days left, the renewal has probably failed.
const FEW_DAYS: i64 = 14;

/// How many names are shown.
const MAX_NAMES: usize = 4;

const SECONDS_A_DAY: i64 = 86_400;

/// The certificate in one sentence, and a warning if it expires soon.
pub fn describe(der: &[u8]) -> Finding {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs() as i64);
    describe_at(der, now)
}

fn describe_at(der: &[u8], now: i64) -> Finding {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return Finding::new("certificate that cannot be read");
    };
    let validity = certificate.validity();
    let days = (validity.not_after.timestamp() - now).div_euclid(SECONDS_A_DAY);
    let left = if validity.not_before.timestamp() > now {
        "not valid yet".into()
    } else if days < 0 {
        format!("expired {} ago", in_days(-days))
    } else {
        format!("{} left", in_days(days))
    };
    let issuer = printable(&certificate.issuer().to_string());
    let finding =
        Finding::new(format!("certificate for {} from {issuer}, {left}", names(&certificate)));
    let expires_soon = (0..FEW_DAYS).contains(&days);
    finding.warn(expires_soon.then(|| {
        format!("the certificate has only {} left: does its renewal work?", in_days(days))
    }))
}

fn in_days(days: i64) -> String {
    if days == 1 { "1 day".into() } else { format!("{days} days") }
}

fn names(certificate: &X509Certificate) -> String {
    let names = certificate.subject_alternative_name().ok().flatten();
    let names: Vec<_> = names.map(|it| &it.value.general_names).into_iter().flatten().collect();
    let shown: Vec<_> = names.iter().take(MAX_NAMES).map(|name| shown(name)).collect();
    match names.len() {
        0 => "no host name".into(),
        all if all > MAX_NAMES => format!("{} and {} more", shown.join(", "), all - MAX_NAMES),
        _ => shown.join(", "),
    }
}

fn shown(name: &GeneralName) -> String {
    match name {
        GeneralName::DNSName(name) => printable(name),
        GeneralName::IPAddress(bytes) => {
            match (<[u8; 4]>::try_from(*bytes), <[u8; 16]>::try_from(*bytes)) {
                (Ok(address), _) => std::net::Ipv4Addr::from(address).to_string(),
                (_, Ok(address)) => std::net::Ipv6Addr::from(address).to_string(),
                _ => "an invalid address".into(),
            }
        }
        GeneralName::RFC822Name(name) | GeneralName::URI(name) => printable(name),
        _ => "another kind of name".into(),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    fn certificate(change: impl Fn(&mut CertificateParams)) -> Vec<u8> {
        let mut params = CertificateParams::new(["localhost".into()]).unwrap();
        change(&mut params);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn hostile_names_control_no_terminal_and_fill_no_screen() {
        let hostile = "\u{1b}[31m\u{202e}\n".repeat(5000);
        let der = certificate(|params| {
            params.distinguished_name.push(DnType::CommonName, &hostile);
            params.subject_alt_names =
                vec![SanType::DnsName("\u{1b}[2J\n".repeat(1000).try_into().unwrap()); 100];
        });
        let text = describe(&der).text().to_string();
        assert!(text.starts_with("certificate for  [2J "), "{text}");
        assert!(text.contains(" and 96 more from CN=") && text.chars().count() < 1200, "{text}");
        assert!(!text.contains(|c: char| c.is_control() || c == '\u{202e}'), "{text}");
    }

    #[test]
    fn a_damaged_certificate_is_read_without_harm() {
        let der = certificate(|_| {});
        for at in 0..der.len() {
            for value in [0, 1, 0x30, 0x7f, 0x80, 0x84, 0xff] {
                let mut damaged = der.clone();
                damaged[at] = value;
                describe(&damaged);
            }
            describe(&der[..at]);
        }
    }
}
