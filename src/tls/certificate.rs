//! The parts of a certificate that webpki does not show. A crate for them, such as x509-cert, would
//! add 250 KB to the library.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustls::pki_types::{CertificateDer, alg_id};

use crate::text::one_line;

/// The maximum length of a subject's name in a text, in characters.
const MAX_NAME_CHARS: usize = 50;

// Object identifiers in DER. Names and extensions: X.520 and RFC 5280.
const COMMON_NAME: &[u8] = b"\x55\x04\x03";
const ORGANIZATION: &[u8] = b"\x55\x04\x0a";
const SUBJECT_ALT_NAME: &[u8] = b"\x55\x1d\x11";
const BASIC_CONSTRAINTS: &[u8] = b"\x55\x1d\x13";
const EXTENDED_KEY_USAGE: &[u8] = b"\x55\x1d\x25";
const SERVER_AUTH: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x03\x01";
// Keys: RFC 8017, RFC 8410, RFC 9881, RFC 9909.
const RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
const RSA_PSS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
const ED448: &[u8] = b"\x2b\x65\x71";
const POST_QUANTUM: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x03";

// Tags in DER.
const BOOLEAN: u8 = 0x01;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;

/// The elements of a sequence in DER: the tag and the content of each. Ends at the first one that is
/// malformed.
#[derive(Clone)]
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (tag, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(*first), rest),
            // The length follows in one to four bytes.
            0x81..=0x84 => {
                let (length, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
                (length.iter().fold(0, |all, byte| all << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, content))
    }
}

impl<'a> Elements<'a> {
    /// The content of the next element, which must have this tag.
    fn expect(&mut self, expected: u8) -> Option<&'a [u8]> {
        self.next().and_then(|(tag, content)| (tag == expected).then_some(content))
    }

    /// The elements of the next element, which must be a sequence.
    fn sequence(&mut self) -> Option<Self> {
        self.expect(SEQUENCE).map(Elements)
    }
}

/// A certificate.
pub struct Certificate<'a> {
    to_be_signed: Elements<'a>,
    signature_algorithm: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// `None` for a malformed certificate.
    pub fn new(der: &'a CertificateDer<'_>) -> Option<Self> {
        let mut parts = Elements(der).sequence()?;
        let to_be_signed = parts.sequence()?;
        Some(Self { to_be_signed, signature_algorithm: parts.expect(SEQUENCE)? })
    }

    /// The algorithm of the issuer's signature: an object identifier with parameters.
    pub fn signature_algorithm(&self) -> &'a [u8] {
        self.signature_algorithm
    }

    /// The issuer's name, as webpki shows names.
    pub fn issuer(&self) -> &'a [u8] {
        self.field(2)
    }

    /// The subject's name.
    pub fn subject(&self) -> &'a [u8] {
        self.field(4)
    }

    /// The content of the SubjectPublicKeyInfo.
    pub fn public_key(&self) -> &'a [u8] {
        self.field(5)
    }

    /// The field at this place. The version, which may be missing, does not count.
    fn field(&self, index: usize) -> &'a [u8] {
        let mut fields = self.to_be_signed.clone().filter(|(tag, _)| *tag != VERSION);
        fields.nth(index).map_or(&[], |(_, content)| content)
    }

    /// Whether it is of X.509 version 1, which has no extensions.
    pub fn is_version_1(&self) -> bool {
        self.to_be_signed.clone().next().is_some_and(|(tag, _)| tag != VERSION)
    }

    /// Whether it belongs to a CA, by its basic constraints.
    pub fn is_ca(&self) -> bool {
        let constraints = self.extension(BASIC_CONSTRAINTS);
        constraints.and_then(|mut it| it.expect(BOOLEAN)) == Some(&[0xff])
    }

    /// Whether its extended key usage, if it has one, allows servers.
    pub fn is_for_servers(&self) -> bool {
        let server = (OBJECT_IDENTIFIER, SERVER_AUTH);
        self.extension(EXTENDED_KEY_USAGE)
            .is_none_or(|mut purposes| purposes.any(|purpose| purpose == server))
    }

    /// The hosts in the subjectAltName: DNS names, and IP addresses in std's notation.
    pub fn hosts(&self) -> Vec<String> {
        let names = self.extension(SUBJECT_ALT_NAME).into_iter().flatten();
        names.filter_map(|(tag, name)| host(tag, name)).collect()
    }

    /// The content of an extension that is a sequence.
    fn extension(&self, id: &[u8]) -> Option<Elements<'a>> {
        let (_, all) = self.to_be_signed.clone().find(|(tag, _)| *tag == EXTENSIONS)?;
        let mut extensions = Elements(Elements(all).expect(SEQUENCE)?);
        // Between its identifier and its value, an extension may say that it is critical.
        let (_, extension) = extensions
            .find(|(_, extension)| Elements(extension).expect(OBJECT_IDENTIFIER) == Some(id))?;
        let (_, value) = Elements(extension).find(|(tag, _)| *tag == OCTET_STRING)?;
        Elements(value).sequence()
    }
}

fn host(tag: u8, name: &[u8]) -> Option<String> {
    match tag {
        DNS_NAME => Some(String::from_utf8_lossy(name).into()),
        IP_ADDRESS => {
            let v4 = <[u8; 4]>::try_from(name).map(|it| IpAddr::from(Ipv4Addr::from(it)));
            let address =
                v4.or_else(|_| <[u8; 16]>::try_from(name).map(|it| Ipv6Addr::from(it).into()));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

/// The common name of a subject, or its organization.
pub fn common_name(subject: &[u8]) -> String {
    let named = |id| {
        Elements(subject).find_map(|(_, attributes)| {
            let mut attribute = Elements(attributes).sequence()?;
            (attribute.expect(OBJECT_IDENTIFIER)? == id).then(|| attribute.next())?
        })
    };
    let name = named(COMMON_NAME).or_else(|| named(ORGANIZATION));
    let name = name.map_or("?".into(), |(_, name)| String::from_utf8_lossy(name));
    // These characters separate the parts of a text.
    one_line(&name, MAX_NAME_CHARS).replace(['(', ')', ';', '"'], " ")
}

/// What is wrong with a public key, the content of a SubjectPublicKeyInfo.
#[derive(Debug, PartialEq)]
pub enum Weakness {
    /// Its size.
    Size,
    /// Its kind.
    Kind(&'static str),
}

/// Why a public key is not supported.
pub fn weakness(key: &[u8]) -> Option<Weakness> {
    let algorithm = Elements(key).expect(SEQUENCE)?;
    let id = Elements(algorithm).expect(OBJECT_IDENTIFIER)?;
    // About 2048 to 8192 bits.
    let is_good_size = (256 + 24..1024 + 64).contains(&key.len());
    match id {
        RSA => (!is_good_size).then_some(Weakness::Size),
        RSA_PSS => Some(Weakness::Kind("RSA-PSS")),
        ED448 => Some(Weakness::Kind("Ed448")),
        _ if id.starts_with(POST_QUANTUM) => Some(Weakness::Kind("post-quantum")),
        _ if algorithm == &*alg_id::ECDSA_P521 => Some(Weakness::Kind("P-521")),
        _ => {
            let supported = [alg_id::ECDSA_P256, alg_id::ECDSA_P384, alg_id::ED25519];
            let is_supported = supported.iter().any(|it| algorithm == &**it);
            (!is_supported).then_some(Weakness::Kind("unknown"))
        }
    }
}

/// Whether a signature's algorithm is RSASSA-PSS.
pub fn is_rsa_pss(algorithm: &[u8]) -> bool {
    Elements(algorithm).expect(OBJECT_IDENTIFIER) == Some(RSA_PSS)
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, SanType};

    use super::*;

    fn certificate(change: impl Fn(&mut CertificateParams)) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(["localhost".into()]).unwrap();
        change(&mut params);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().into()
    }

    #[test]
    fn addresses_are_in_the_usual_notation() {
        let addresses = ["192.0.2.1", "::1", "2001:db8::1", "fe80::1:0:0:5", "::ffff:192.0.2.1"];
        let der = certificate(|params| {
            let names = addresses.map(|it| SanType::IpAddress(it.parse().unwrap()));
            params.subject_alt_names.extend(names);
        });
        let hosts = Certificate::new(&der).unwrap().hosts();
        assert_eq!(
            (hosts[0].as_str(), &hosts[1..]),
            ("localhost", &addresses.map(String::from)[..])
        );
    }

    #[test]
    fn a_subject_is_named_by_its_common_name_or_organization() {
        for (names, expected) in [
            (&[(DnType::CommonName, "R3")][..], "R3"),
            (&[(DnType::OrganizationName, "CA"), (DnType::CommonName, "R3")], "R3"),
            (&[(DnType::CountryName, "DE"), (DnType::OrganizationName, "Ä")], "Ä"),
            (&[(DnType::CountryName, "DE")], "?"),
            (&[], "?"),
            (&[(DnType::CommonName, "a\n(b; c)\"")], "a  b  c  "),
            (&[(DnType::CommonName, &"x".repeat(300))], &"x".repeat(50)),
        ] {
            let der = certificate(|params| {
                params.distinguished_name = rcgen::DistinguishedName::new();
                for (kind, value) in names {
                    params.distinguished_name.push(kind.clone(), *value);
                }
            });
            assert_eq!(common_name(Certificate::new(&der).unwrap().subject()), expected);
        }
    }

    #[test]
    fn a_damaged_certificate_is_no_ca_and_harms_nobody() {
        let der = certificate(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
        assert!(Certificate::new(&der).unwrap().is_ca());
        for at in 0..der.len() {
            let cut = CertificateDer::from(&der[..at]);
            assert!(Certificate::new(&cut).is_none());
            for value in [0, 1, 0x30, 0x7f, 0x80, 0x81, 0x84, 0xa3, 0xff] {
                let mut damaged = der.to_vec();
                damaged[at] = value;
                let damaged = CertificateDer::from(damaged);
                if let Some(read) = Certificate::new(&damaged) {
                    let _ = (read.hosts(), read.is_for_servers(), read.is_version_1());
                    let _ = (read.is_ca(), common_name(read.subject()));
                    let _ = weakness(read.public_key());
                }
            }
        }
    }
}
