//! Describes TLS errors: each text names the cause and, if there is one, the remedy.
//!
//! The texts of rustls are never used because many of them contain `Debug` output. An error without
//! a text of its own is described by the name of its variant.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::UnixTime;
use rustls::{
    AlertDescription, CertificateError, Error, InvalidMessage, OtherError, PeerIncompatible,
};
use webpki::Error as WebPkiError;

use crate::text::printable;

/// The maximum length of a text, in characters.
const MAX_CHARS: usize = 250;

/// The maximum length of the list of a certificate's names, in characters.
const MAX_NAMES_CHARS: usize = 100;

const NOTHING_IN_COMMON: &str = "the server supports no common TLS version, cipher or key type; it \
     needs TLS 1.3, or 1.2 with ECDHE and AES-GCM or ChaCha20, and an RSA, P-256, P-384 or Ed25519 \
     key; or it requires a client certificate, which is not sent";
const TOO_OLD: &str = "the server's TLS is too old; it needs TLS 1.2 or 1.3";
const NOT_TLS: &str =
    "the server does not speak TLS on this port; check the URL's port and its https://";
const CHAIN_TOO_LONG: &str =
    "the server's certificate chain is too long; have the server send less than 64 KiB";
const CLIENT_CERTIFICATE: &str = "the server requires a client certificate, which httpbasic does \
     not send; configure the server not to require one at this URL";
const MALFORMED: &str = "the certificate is malformed; have it issued again";

/// Errors that rustls does not distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untrusted {
    /// The certificate is self-signed and not in `ca_file`.
    SelfSigned,
    /// The size of an RSA key is not supported.
    KeySize,
    /// The server's private key does not belong to the certificate.
    KeyMismatch,
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Untrusted::SelfSigned => {
                "the certificate is self-signed and not in ca_file; if it is your server's, put it \
                 there"
            }
            Untrusted::KeySize => {
                "the RSA key of the certificate or of its issuer is too weak, or too long; it needs \
                 2048 to 8192 bits"
            }
            Untrusted::KeyMismatch => {
                "the server does not have the certificate's private key; compare the two on the \
                 server"
            }
        })
    }
}

impl std::error::Error for Untrusted {}

impl From<Untrusted> for Error {
    fn from(problem: Untrusted) -> Self {
        CertificateError::Other(OtherError(Arc::new(problem))).into()
    }
}

/// Describes an error of rustls in one line of at most 250 characters.
pub fn describe(problem: &Error) -> String {
    let text = match problem {
        Error::InvalidCertificate(problem) => certificate(problem),
        Error::AlertReceived(alert) => received(*alert),
        Error::PeerIncompatible(why) => incompatible(why),
        Error::InvalidMessage(why) => invalid(*why),
        Error::PeerSentOversizedRecord => NOT_TLS.into(),
        Error::NoCertificatesPresented => "the server presents no certificate".into(),
        Error::DecryptError => "a message from the server cannot be decrypted".into(),
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            "the server breaks the rules of TLS (unexpected message)".into()
        }
        Error::PeerMisbehaved(why) => {
            format!("the server breaks the rules of TLS ({})", words(why))
        }
        other => format!("the TLS connection failed ({})", words(other)),
    };
    text.chars().take(MAX_CHARS).collect()
}

/// The webpki error inside an error of rustls, if rustls has no variant for it.
pub fn webpki_error(problem: &CertificateError) -> Option<&WebPkiError> {
    let CertificateError::Other(OtherError(problem)) = problem else { return None };
    problem.downcast_ref()
}

fn certificate(problem: &CertificateError) -> String {
    use CertificateError::*;
    match problem {
        UnknownIssuer => "the certificate's issuer is not trusted; if it is your own CA, set \
                          ca_file to its certificate; otherwise the server may not send an \
                          intermediate certificate"
            .into(),
        BadSignature => "the certificate is signed by another CA of the same name; set ca_file to \
                         the certificate of the one that issued it"
            .into(),
        ExpiredContext { time, not_after } => format!(
            "the certificate expired on {}; have it renewed (this machine's clock: {})",
            date(*not_after),
            date(*time)
        ),
        Expired => "the certificate has expired; have it renewed".into(),
        NotValidYetContext { time, not_before } => format!(
            "the certificate is not valid before {}; is this machine's clock right? It says {}",
            date(*not_before),
            date(*time)
        ),
        NotValidYet => "the certificate is not valid yet; is this machine's clock right?".into(),
        NotValidForNameContext { presented, .. } => names(presented),
        NotValidForName => "the certificate does not match the URL's host".into(),
        #[allow(deprecated, reason = "rustls still has it")]
        UnsupportedSignatureAlgorithm | UnsupportedSignatureAlgorithmContext { .. } => {
            "the certificate is signed by an algorithm that is not supported, such as SHA-1; have \
             it issued again, signed with SHA-256"
                .into()
        }
        UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "the certificate, or its issuer, has a key that is not supported; it needs an RSA, \
             P-256, P-384 or Ed25519 key"
                .into()
        }
        InvalidPurpose | InvalidPurposeContext { .. } => "the certificate is not for servers \
             (extended key usage); have it issued for server authentication"
            .into(),
        UnhandledCriticalExtension => critical_extension(),
        BadEncoding => MALFORMED.into(),
        Other(OtherError(other)) => match (other.downcast_ref(), other.downcast_ref()) {
            (Some(ours), _) => Untrusted::to_string(ours),
            (_, Some(problem)) => chain(problem),
            _ => "the certificate cannot be verified".into(),
        },
        other => format!("the certificate cannot be verified ({})", words(other)),
    }
}

/// Describes the errors of webpki that rustls has no variant for.
fn chain(problem: &WebPkiError) -> String {
    use WebPkiError::*;
    match problem {
        CaUsedAsEndEntity => "the certificate belongs to a CA, not to a server; have one issued \
                              for the server, or put this one into ca_file"
            .into(),
        EndEntityUsedAsCa => "the certificate's issuer is not a CA; have the certificate issued \
                              by a CA, or put it into ca_file"
            .into(),
        UnsupportedCertVersion => "the certificate is of X.509 version 1; have it issued as \
                                   version 3, with the host's name as subjectAltName"
            .into(),
        NameConstraintViolation => "the certificate's issuer may not issue it for this host (name \
                                    constraints); have another CA issue it"
            .into(),
        UnsupportedCriticalExtension => critical_extension(),
        PathLenConstraintViolated
        | MaximumPathDepthExceeded
        | MaximumPathBuildCallsExceeded
        | MaximumSignatureChecksExceeded
        | MaximumNameConstraintComparisonsExceeded => {
            "the server's certificate chain has too many certificates; have it send its own and \
             the intermediate ones"
                .into()
        }
        CertDistrusted => {
            "the certificate's issuer is no longer trusted; have another CA issue it".into()
        }
        other => format!("{MALFORMED} ({})", words(other)),
    }
}

fn critical_extension() -> String {
    "the certificate has a critical extension that is not supported; have it issued without it"
        .into()
}

/// Describes a certificate for other names. `presented` has them in webpki's notation.
fn names(presented: &[String]) -> String {
    let hosts: Vec<&str> = presented.iter().filter_map(|name| host(name)).collect();
    if hosts.is_empty() {
        return "the certificate has no host name in a subjectAltName (a common name does not \
                count); have it issued again with one"
            .into();
    }
    let listed = hosts.join(", ");
    let mut shown: String = printable(&listed).chars().take(MAX_NAMES_CHARS).collect();
    if listed.chars().count() > MAX_NAMES_CHARS {
        shown.push('…');
    }
    format!(
        "the certificate does not match the URL's host: it is for {shown}; use that name in the URL"
    )
}

/// The host in `DnsName("host")` or `IpAddress(192.0.2.1)`. Other kinds of names are not for hosts.
fn host(presented: &str) -> Option<&str> {
    let name = presented.strip_prefix("DnsName(\"").and_then(|rest| rest.strip_suffix("\")"));
    name.or_else(|| presented.strip_prefix("IpAddress(")?.strip_suffix(')'))
}

fn received(alert: AlertDescription) -> String {
    use AlertDescription::*;
    match alert {
        HandshakeFailure | InsufficientSecurity => NOTHING_IN_COMMON.into(),
        ProtocolVersion => TOO_OLD.into(),
        // No certificate was sent, so the server cannot mean that it was a bad one.
        CertificateRequired | NoCertificate | BadCertificate => CLIENT_CERTIFICATE.into(),
        UnrecognisedName => "the server does not know the URL's host name (SNI)".into(),
        other if other.as_str().is_none() => {
            format!("the server aborted TLS with an unknown alert ({})", u8::from(other))
        }
        other => format!("the server aborted TLS with an alert ({})", words(&other)),
    }
}

fn incompatible(why: &PeerIncompatible) -> String {
    use PeerIncompatible::*;
    match why {
        ServerDoesNotSupportTls12Or13 | ServerTlsVersionIsDisabledByOurConfig => TOO_OLD.into(),
        NoCipherSuitesInCommon | NoKxGroupsInCommon | NoSignatureSchemesInCommon => {
            NOTHING_IN_COMMON.into()
        }
        other => format!("the server's TLS is not compatible ({})", words(other)),
    }
}

fn invalid(why: InvalidMessage) -> String {
    use InvalidMessage::*;
    match why {
        CertificatePayloadTooLarge | HandshakePayloadTooLarge => CHAIN_TOO_LONG.into(),
        InvalidContentType | UnknownProtocolVersion | MessageTooLarge | InvalidEmptyPayload => {
            NOT_TLS.into()
        }
        UnsupportedCurveType | UnsupportedKeyExchangeAlgorithm(_) => NOTHING_IN_COMMON.into(),
        other => format!("the server breaks the rules of TLS ({})", words(&other)),
    }
}

/// The name of an enum variant as words: `AccessDenied` becomes "access denied".
fn words(variant: &impl fmt::Debug) -> String {
    let text = format!("{variant:?}");
    let mut words = String::new();
    for c in text.chars().take_while(char::is_ascii_alphanumeric) {
        let begins =
            c.is_ascii_uppercase() && !words.ends_with(|last: char| last.is_ascii_uppercase());
        if begins && !words.is_empty() {
            words.push(' ');
        }
        words.push(c);
    }
    words.to_ascii_lowercase()
}

/// A date and time in UTC, such as `2025-11-25 04:00 UTC`.
fn date(time: UnixTime) -> String {
    let is_leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let (mut days, minutes) = (time.as_secs() / 86_400, time.as_secs() % 86_400 / 60);
    let (mut year, mut month) = (1970, 1);
    let mut length = 365;
    while days >= length {
        days -= length;
        year += 1;
        length = 365 + u64::from(is_leap(year));
    }
    let february = 28 + u64::from(is_leap(year));
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02} {:02}:{:02} UTC", days + 1, minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::pki_types::ServerName;
    use rustls::{
        CertRevocationListError, ContentType, EncryptedClientHelloError, ExtendedKeyPurpose,
        HandshakeType, InconsistentKeys, PeerMisbehaved,
    };

    use super::*;

    fn other(problem: impl std::error::Error + Send + Sync + 'static) -> OtherError {
        OtherError(Arc::new(problem))
    }

    fn at(secs: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(secs))
    }

    fn for_names(presented: &[&str]) -> String {
        let problem = CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("localhost").unwrap(),
            presented: presented.iter().map(|name| name.to_string()).collect(),
        };
        describe(&problem.into())
    }

    /// Errors of each kind, with what a hostile server may put into them.
    fn errors() -> Vec<Error> {
        use CertificateError::*;
        let long = || vec![0xff; 5000];
        let names =
            || ["DnsName(\"a\n\")".to_string(), format!("DnsName(\"{}\")", "ä".repeat(5000))];
        let hostile = "\u{1b}[31m{ Other( Context ".repeat(100);
        #[allow(deprecated, reason = "rustls still has it")]
        let certificates = [
            BadEncoding,
            Expired,
            ExpiredContext { time: at(1), not_after: at(253_402_300_799) },
            NotValidYet,
            NotValidYetContext { time: at(253_402_300_799), not_before: at(0) },
            Revoked,
            UnhandledCriticalExtension,
            UnknownIssuer,
            UnknownRevocationStatus,
            ExpiredRevocationList,
            ExpiredRevocationListContext { time: at(1), next_update: at(0) },
            BadSignature,
            UnsupportedSignatureAlgorithm,
            UnsupportedSignatureAlgorithmContext {
                signature_algorithm_id: long(),
                supported_algorithms: vec![],
            },
            UnsupportedSignatureAlgorithmForPublicKeyContext {
                signature_algorithm_id: long(),
                public_key_algorithm_id: long(),
            },
            NotValidForName,
            NotValidForNameContext {
                expected: ServerName::try_from("localhost").unwrap(),
                presented: names().to_vec(),
            },
            InvalidPurpose,
            InvalidPurposeContext {
                required: ExtendedKeyPurpose::ServerAuth,
                presented: vec![ExtendedKeyPurpose::Other(vec![1; 5000])],
            },
            InvalidOcspResponse,
            ApplicationVerificationFailure,
            Other(other(std::fmt::Error)),
            Other(other(std::io::Error::other(hostile.clone()))),
            Other(other(WebPkiError::CaUsedAsEndEntity)),
            Other(other(WebPkiError::EndEntityUsedAsCa)),
            Other(other(WebPkiError::UnsupportedCertVersion)),
            Other(other(WebPkiError::NameConstraintViolation)),
            Other(other(WebPkiError::UnsupportedCriticalExtension)),
            Other(other(WebPkiError::PathLenConstraintViolated)),
            Other(other(WebPkiError::MaximumPathDepthExceeded)),
            Other(other(WebPkiError::CertDistrusted)),
            Other(other(WebPkiError::SignatureAlgorithmMismatch)),
            Other(other(WebPkiError::CertExpired { time: at(1), not_after: at(0) })),
            Other(other(Untrusted::SelfSigned)),
            Other(other(Untrusted::KeySize)),
            Other(other(Untrusted::KeyMismatch)),
        ];
        let messages = [
            InvalidMessage::CertificatePayloadTooLarge,
            InvalidMessage::HandshakePayloadTooLarge,
            InvalidMessage::InvalidContentType,
            InvalidMessage::MissingData("ServerHello"),
            InvalidMessage::TrailingData("{ Other( Context"),
            InvalidMessage::UnsupportedCompression,
            InvalidMessage::UnsupportedCurveType,
            InvalidMessage::DuplicateExtension(7),
        ];
        let incompatible = [
            PeerIncompatible::ServerDoesNotSupportTls12Or13,
            PeerIncompatible::NoCipherSuitesInCommon,
            PeerIncompatible::UncompressedEcPointsRequired,
            PeerIncompatible::ServerRejectedEncryptedClientHello(Some(vec![])),
        ];
        let others = [
            Error::InappropriateMessage {
                expect_types: vec![ContentType::Handshake; 500],
                got_type: ContentType::Unknown(9),
            },
            Error::InappropriateHandshakeMessage {
                expect_types: vec![HandshakeType::Unknown(99); 500],
                got_type: HandshakeType::Finished,
            },
            Error::InvalidEncryptedClientHello(EncryptedClientHelloError::SniRequired),
            Error::NoCertificatesPresented,
            Error::UnsupportedNameType,
            Error::DecryptError,
            Error::EncryptError,
            Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedCipherSuite),
            Error::InvalidCertRevocationList(CertRevocationListError::Other(other(
                std::fmt::Error,
            ))),
            Error::General(hostile),
            Error::FailedToGetCurrentTime,
            Error::FailedToGetRandomBytes,
            Error::HandshakeNotComplete,
            Error::PeerSentOversizedRecord,
            Error::NoApplicationProtocol,
            Error::BadMaxFragmentSize,
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch),
            Error::Other(other(WebPkiError::CertExpired { time: at(1), not_after: at(0) })),
        ];
        let alerts = (0..=255).map(|code| Error::AlertReceived(AlertDescription::from(code)));
        let certificates = certificates.into_iter().map(Error::from);
        let messages = messages.into_iter().map(Error::from);
        let incompatible = incompatible.into_iter().map(Error::from);
        certificates.chain(messages).chain(incompatible).chain(others).chain(alerts).collect()
    }

    #[test]
    fn every_text_is_one_readable_line_of_a_bounded_length() {
        for problem in errors() {
            let text = describe(&problem);
            assert!((20..=MAX_CHARS).contains(&text.chars().count()), "{text}");
            for unwanted in ["{", "Context", "Other(", "://docs", "0x", "\n", "\u{1b}", "  "] {
                assert!(!text.contains(unwanted), "{text}");
            }
            assert!(
                text.starts_with("the ") || text.starts_with("a ") || text.starts_with("TLS "),
                "{text}"
            );
            // No text was cut.
            assert!(text.chars().count() < MAX_CHARS, "{text}");
            println!("{text}");
        }
    }

    #[test]
    fn a_certificate_with_other_names_is_shown_with_them_up_to_a_length() {
        let of_none = "the certificate has no host name in a subjectAltName (a common name does not \
                       count); have it issued again with one";
        for presented in [&[][..], &["DirectoryName", "Unsupported(0x01)"]] {
            assert_eq!(for_names(presented), of_none);
        }
        for (presented, shown) in [
            (&["DnsName(\"mail.example.com\")"][..], "mail.example.com"),
            (
                &[
                    "DnsName(\"*.example.com\")",
                    "DirectoryName",
                    "IpAddress(192.0.2.1)",
                    "IpAddress(::1)",
                ],
                "*.example.com, 192.0.2.1, ::1",
            ),
            (&["DnsName(\"a\u{1b}\nb\")"], "a  b"),
            (&["DnsName(\"DnsName(\"x\")\")"], "DnsName(\"x\")"),
            (&[&format!("DnsName(\"{}\")", "é".repeat(101))], &format!("{}…", "é".repeat(100))),
        ] {
            let expected = format!(
                "the certificate does not match the URL's host: it is for {shown}; use that name in the URL"
            );
            assert_eq!(for_names(presented), expected);
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (secs, expected) in [
            (0, "1970-01-01 00:00 UTC"),
            (86_399, "1970-01-01 23:59 UTC"),
            (951_782_399, "2000-02-28 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (1_709_251_199, "2024-02-29 23:59 UTC"),
            (1_735_689_599, "2024-12-31 23:59 UTC"),
            (1_735_689_600, "2025-01-01 00:00 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
            (253_402_300_799, "9999-12-31 23:59 UTC"),
        ] {
            assert_eq!(date(at(secs)), expected);
        }
    }
}
