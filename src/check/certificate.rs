//! What a server's certificate says.

use std::time::{SystemTime, UNIX_EPOCH};

use x509_cert::certificate::{CertificateInner, Raw, TbsCertificateInner};
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::time::Time;

use super::report::Finding;
use crate::text::printable;

/// With less time left, the renewal has probably failed.
const SOON: i64 = 14 * SECONDS_A_DAY;

/// Programs that renew certificates do so when this part of their lifetime is left, or earlier.
const RENEWED_AT: i64 = 3;

/// How many names are shown.
const MAX_NAMES: usize = 4;

const SECONDS_A_DAY: i64 = 86_400;

/// A certificate as servers have it. Not all follow the rules of RFC 5280.
type Certificate = CertificateInner<Raw>;
type TbsCertificate = TbsCertificateInner<Raw>;

/// The certificate in one sentence, and a warning if it expires soon.
pub fn describe(der: &[u8]) -> Finding {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs() as i64);
    describe_at(der, now)
}

fn describe_at(der: &[u8], now: i64) -> Finding {
    let Ok(certificate) = Certificate::from_der(der) else {
        return Finding::new("certificate that cannot be read");
    };
    let certificate = certificate.tbs_certificate();
    let validity = certificate.validity();
    let (begin, end) = (timestamp(validity.not_before), timestamp(validity.not_after));
    let left = if begin > now {
        "not valid yet".into()
    } else if end < now {
        format!("expired {} ago", duration(now - end))
    } else {
        format!("{} left", duration(end - now))
    };
    let issuer = printable(&certificate.issuer().to_string());
    let finding =
        Finding::new(format!("certificate for {} from {issuer}, {left}", names(certificate)));
    let soon = SOON.min((end - begin) / RENEWED_AT);
    finding.warn((0..soon).contains(&(end - now)).then(|| {
        format!("the certificate has only {} left: does its renewal work?", duration(end - now))
    }))
}

fn timestamp(time: Time) -> i64 {
    time.to_unix_duration().as_secs() as i64
}

/// A duration in days. A short one is in hours or minutes.
fn duration(seconds: i64) -> String {
    let units = [("day", SECONDS_A_DAY), ("hour", 3600), ("minute", 60)];
    let (unit, length) = units.into_iter().find(|it| seconds >= 2 * it.1).unwrap_or(("minute", 60));
    let amount = seconds / length;
    if amount == 1 { format!("1 {unit}") } else { format!("{amount} {unit}s") }
}

fn names(certificate: &TbsCertificate) -> String {
    let names = certificate.get_extension().ok().flatten();
    let names = names.map_or_else(Vec::new, |(_, SubjectAltName(names))| names);
    let shown: Vec<_> = names.iter().take(MAX_NAMES).map(shown).collect();
    match names.len() {
        0 => "no host name".into(),
        all if all > MAX_NAMES => format!("{} and {} more", shown.join(", "), all - MAX_NAMES),
        _ => shown.join(", "),
    }
}

fn shown(name: &GeneralName) -> String {
    match name {
        GeneralName::IpAddress(address) => {
            let bytes = address.as_bytes();
            match (<[u8; 4]>::try_from(bytes), <[u8; 16]>::try_from(bytes)) {
                (Ok(address), _) => std::net::Ipv4Addr::from(address).to_string(),
                (_, Ok(address)) => std::net::Ipv6Addr::from(address).to_string(),
                _ => "an invalid address".into(),
            }
        }
        GeneralName::DnsName(name)
        | GeneralName::Rfc822Name(name)
        | GeneralName::UniformResourceIdentifier(name) => printable(name.as_str()),
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
    fn a_warning_depends_on_the_lifetime() {
        const HOUR: i64 = 3600;
        for (lifetime, left, shown, is_warned) in [
            (398 * 24, 15 * 24, "15 days left", false),
            (398 * 24, 14 * 24, "14 days left", false),
            (398 * 24, 14 * 24 - 1, "13 days left", true),
            (90 * 24, 2 * 24, "2 days left", true),
            (6 * 24, 2 * 24, "2 days left", false),
            (6 * 24, 2 * 24 - 1, "47 hours left", true),
            (12, 4, "4 hours left", false),
            (12, 3, "3 hours left", true),
            (12, 1, "60 minutes left", true),
            (12, 0, "0 minutes left", true),
            (12, -1, "expired 60 minutes ago", false),
            (12, -48, "expired 2 days ago", false),
            (12, 13, "not valid yet", false),
        ] {
            let now = 1_800_000_000;
            let der = certificate(|params| {
                let at = |hours: i64| {
                    let secs = u64::try_from(now + hours * HOUR).unwrap();
                    (UNIX_EPOCH + std::time::Duration::from_secs(secs)).into()
                };
                (params.not_before, params.not_after) = (at(left - lifetime), at(left));
            });
            let finding = describe_at(&der, now);
            assert!(finding.text().ends_with(&format!(", {shown}")), "{}", finding.text());
            let warned = format!("{finding:?}").contains(&format!("has only {shown}: "));
            assert_eq!(warned, is_warned, "{lifetime} {left}: {finding:?}");
        }
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
