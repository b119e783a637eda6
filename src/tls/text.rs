//! Describes TLS errors: each text names the cause and, if there is one, the remedy.
//!
//! The texts of rustls are never used because many of them contain `Debug` output. An error without
//! a text of its own is described by the name of its variant.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::pki_types::UnixTime;
use rustls::{
    AlertDescription, CertificateError, Error, InvalidMessage, OtherError, PeerIncompatible,
    PeerMisbehaved,
};
use webpki::Error as WebPkiError;

use super::certificate::{Certificate, common_name};
use crate::text::printable;

/// The maximum length of a text, in characters.
const MAX_CHARS: usize = 260;

/// The maximum length of the list of a certificate's names, in characters.
const MAX_NAMES_CHARS: usize = 100;

const NOTHING_IN_COMMON: &str = "the server supports no common TLS version, cipher, key exchange or \
     key type; it needs TLS 1.3, or 1.2 with AES-GCM or ChaCha20; ECDHE with X25519, P-256 or P-384; \
     an RSA (not RSA-PSS), P-256, P-384 or Ed25519 key; or it requires a client certificate";
const KEY_EXCHANGE: &str =
    "the server supports no common key exchange; it needs ECDHE with X25519, P-256 or P-384";
const TOO_OLD: &str = "the server's TLS is too old; it needs TLS 1.2 or 1.3";
const NOT_TLS: &str =
    "the server does not speak TLS on this port; check the URL's port and its https://";
const CHAIN_TOO_LONG: &str =
    "the server's certificate chain is too long; have the server send less than 64 KiB";
const CLIENT_CERTIFICATE: &str = "the server requires a client certificate, which httpbasic does \
     not send; configure the server not to require one at this URL";
const UNKNOWN_NAME: &str = "the server has no certificate for the URL's host name (SNI); is the host \
     right, and does the server know it?";

/// Errors that rustls does not distinguish.
#[derive(Debug)]
pub enum Untrusted {
    /// The certificate is self-signed and not in `ca_file`.
    SelfSigned,
    /// The issuer is in `ca_file`, but it is not a CA.
    NoCa,
    /// The issuer is not one of Mozilla's CAs.
    NotMozillas,
    /// The size of an RSA key is not supported.
    KeySize,
    /// The issuer has a key of this kind, which is not supported.
    IssuerKey(&'static str),
    /// The parameters of an RSA-PSS signature are not supported.
    PssParameters,
    /// The server's private key does not belong to the certificate.
    KeyMismatch,
    /// The certificate is for other hosts.
    OtherHost {
        /// The host of the URL.
        host: String,
        /// The DNS names and addresses of the certificate.
        hosts: Vec<String>,
    },
    /// An intermediate certificate is the cause.
    Intermediate {
        /// Its subject.
        name: String,
        /// What is wrong with it.
        problem: CertificateError,
    },
}

impl Untrusted {
    /// The problem of an intermediate certificate.
    pub fn of_intermediate(
        certificate: &Certificate<'_>,
        problem: CertificateError,
    ) -> CertificateError {
        let name = common_name(certificate.subject());
        Untrusted::Intermediate { name, problem }.into()
    }

    fn describe(&self, subject: &Subject<'_>) -> String {
        match self {
            Untrusted::SelfSigned => "the certificate is self-signed and not in ca_file; if it is \
                                      your server's, put it there"
                .into(),
            Untrusted::NoCa => "the certificate's issuer is in ca_file, but it is not a CA (basic \
                                constraints); make it again as a CA, or put the server's own \
                                certificate into ca_file"
                .into(),
            Untrusted::NotMozillas => "the certificate's issuer is not trusted; if it is your own \
                                       CA, set ca_file to its certificate; otherwise the server may \
                                       not send an intermediate certificate, or Mozilla does not \
                                       trust the CA, although this system (curl) may"
                .into(),
            Untrusted::KeySize => "the RSA key of the certificate or of its issuer is too weak, or \
                                   too long; it needs 2048 to 8192 bits"
                .into(),
            Untrusted::IssuerKey(kind) => format!(
                "the issuer of {subject} has a key that is not supported ({kind}); {}",
                subject.remedy(
                    "have it issued by a CA with an RSA (not RSA-PSS), P-256, P-384 or Ed25519 key"
                )
            ),
            Untrusted::PssParameters => format!(
                "{subject} has an RSA-PSS signature with parameters that are not supported; {}",
                subject.remedy(
                    "have it issued again, with a salt as long as the hash (SHA-256: 32 bytes)"
                )
            ),
            Untrusted::KeyMismatch => "the server does not have the certificate's private key; \
                                       compare the two on the server"
                .into(),
            Untrusted::OtherHost { host, hosts } => other_host(host, hosts),
            Untrusted::Intermediate { name, problem } => {
                describe_certificate(problem, &Subject::Intermediate(name))
            }
        }
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe(&Subject::Server))
    }
}

impl std::error::Error for Untrusted {}

impl From<Untrusted> for CertificateError {
    fn from(problem: Untrusted) -> Self {
        CertificateError::Other(OtherError(Arc::new(problem)))
    }
}

/// The certificate that a text is about.
enum Subject<'a> {
    /// The server's own.
    Server,
    /// An intermediate one of this name.
    Intermediate(&'a str),
}

impl Subject<'_> {
    /// The remedy. An intermediate certificate is not the administrator's.
    fn remedy<'a>(&self, of_server: &'a str) -> &'a str {
        match self {
            Subject::Server => of_server,
            Subject::Intermediate(_) => "have the server send the one that its CA uses now",
        }
    }
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Server => f.write_str("the certificate"),
            Subject::Intermediate(name) => write!(f, "the intermediate certificate \"{name}\""),
        }
    }
}

/// Describes an error of rustls in one line of at most 260 characters.
pub fn describe(problem: &Error) -> String {
    let text = match problem {
        Error::InvalidCertificate(problem) => describe_certificate(problem, &Subject::Server),
        Error::AlertReceived(alert) => received(*alert),
        Error::PeerIncompatible(why) => incompatible(why),
        Error::InvalidMessage(why) => invalid(*why),
        Error::PeerSentOversizedRecord => NOT_TLS.into(),
        Error::NoCertificatesPresented => "the server presents no certificate".into(),
        Error::DecryptError => "a message from the server cannot be decrypted".into(),
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            "the server breaks the rules of TLS (unexpected message)".into()
        }
        Error::PeerMisbehaved(PeerMisbehaved::IllegalHelloRetryRequestWithUnofferedNamedGroup) => {
            KEY_EXCHANGE.into()
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

fn describe_certificate(problem: &CertificateError, subject: &Subject<'_>) -> String {
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
            "{subject} expired on {}; {} (this machine's clock: {})",
            date(*not_after),
            subject.remedy("have it renewed"),
            date(*time)
        ),
        Expired => format!("{subject} has expired; {}", subject.remedy("have it renewed")),
        NotValidYetContext { time, not_before } => format!(
            "{subject} is not valid before {}; is this machine's clock right? It says {}",
            date(*not_before),
            date(*time)
        ),
        NotValidYet => format!("{subject} is not valid yet; is this machine's clock right?"),
        NotValidForName | NotValidForNameContext { .. } => {
            "the certificate does not match the URL's host".into()
        }
        #[allow(deprecated, reason = "rustls still has it")]
        UnsupportedSignatureAlgorithm | UnsupportedSignatureAlgorithmContext { .. } => format!(
            "{subject} is signed by an algorithm that is not supported, such as SHA-1; {}",
            subject.remedy("have it issued again, signed with SHA-256")
        ),
        UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => format!(
            "{subject}, or its issuer, has a key that is not supported; {}",
            subject.remedy("it needs an RSA, P-256, P-384 or Ed25519 key")
        ),
        InvalidPurpose | InvalidPurposeContext { .. } => format!(
            "{subject} is not for servers (extended key usage); {}",
            subject.remedy("have it issued for server authentication")
        ),
        UnhandledCriticalExtension => critical_extension(subject),
        BadEncoding => malformed(subject),
        Other(OtherError(other)) => match (other.downcast_ref(), other.downcast_ref()) {
            (Some(ours), _) => Untrusted::describe(ours, subject),
            (_, Some(problem)) => chain(problem, subject),
            _ => format!("{subject} cannot be verified"),
        },
        other => format!("{subject} cannot be verified ({})", words(other)),
    }
}

/// Describes the errors of webpki that rustls has no variant for.
fn chain(problem: &WebPkiError, subject: &Subject<'_>) -> String {
    use WebPkiError::*;
    match problem {
        CaUsedAsEndEntity => "the certificate belongs to a CA, not to a server; have one issued \
                              for the server, or put this one into ca_file"
            .into(),
        EndEntityUsedAsCa => "the certificate's issuer is not a CA; have the certificate issued \
                              by a CA, or put it into ca_file"
            .into(),
        UnsupportedCertVersion => format!(
            "{subject} is of X.509 version 1; {}",
            subject.remedy("have it issued as version 3, with the host's name as subjectAltName")
        ),
        NameConstraintViolation => "the certificate's issuer may not issue it for this host (name \
                                    constraints); have another CA issue it"
            .into(),
        UnsupportedCriticalExtension => critical_extension(subject),
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
        other => format!("{} ({})", malformed(subject), words(other)),
    }
}

fn malformed(subject: &Subject<'_>) -> String {
    format!("{subject} is malformed; {}", subject.remedy("have it issued again"))
}

fn critical_extension(subject: &Subject<'_>) -> String {
    format!(
        "{subject} has a critical extension that is not supported; {}",
        subject.remedy("have it issued without it")
    )
}

/// Describes a certificate for other hosts than the URL's.
fn other_host(host: &str, hosts: &[String]) -> String {
    if hosts.is_empty() {
        return "the certificate has no host name in a subjectAltName (a common name does not \
                count); have it issued again with one"
            .into();
    }
    if host.parse::<IpAddr>().is_ok() && hosts.iter().any(|it| it == host) {
        return format!(
            "the certificate has {host} as a DNS name, not as an IP address; have it issued again \
             with IP:{host} as subjectAltName"
        );
    }
    let listed = hosts.join(", ");
    let mut shown: String = printable(&listed).chars().take(MAX_NAMES_CHARS).collect();
    if listed.chars().count() > MAX_NAMES_CHARS {
        shown.push('…');
    }
    let remedy = match hosts.iter().all(|it| it.starts_with("*.")) {
        true => "use a name in the URL that has one label in place of the *",
        false => "use that name in the URL",
    };
    format!("the certificate does not match the URL's host: it is for {shown}; {remedy}")
}

fn received(alert: AlertDescription) -> String {
    use AlertDescription::*;
    match alert {
        HandshakeFailure | InsufficientSecurity => NOTHING_IN_COMMON.into(),
        ProtocolVersion => TOO_OLD.into(),
        // No certificate was sent, so the server cannot mean that it was a bad one.
        CertificateRequired | NoCertificate | BadCertificate => CLIENT_CERTIFICATE.into(),
        UnrecognisedName => UNKNOWN_NAME.into(),
        // Caddy sends this alert if it has no certificate for the name.
        InternalError => "the server aborted TLS with an alert (internal error); it may have no \
                          certificate for the URL's host name (SNI): see its log"
            .into(),
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
        NoKxGroupsInCommon => KEY_EXCHANGE.into(),
        NoCipherSuitesInCommon | NoSignatureSchemesInCommon => NOTHING_IN_COMMON.into(),
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
        UnsupportedCurveType | UnsupportedKeyExchangeAlgorithm(_) => KEY_EXCHANGE.into(),
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

    fn for_hosts(host: &str, hosts: &[&str]) -> String {
        let hosts = hosts.iter().map(|host| host.to_string()).collect();
        let problem = Untrusted::OtherHost { host: host.into(), hosts };
        describe(&CertificateError::from(problem).into())
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
            Untrusted::SelfSigned.into(),
            Untrusted::NoCa.into(),
            Untrusted::NotMozillas.into(),
            Untrusted::KeySize.into(),
            Untrusted::IssuerKey("post-quantum").into(),
            Untrusted::PssParameters.into(),
            Untrusted::KeyMismatch.into(),
            Untrusted::OtherHost { host: "localhost".into(), hosts: vec!["ä\u{1b}".repeat(5000)] }
                .into(),
            Untrusted::OtherHost {
                host: "2001:db8:1111:2222:3333:4444:5555:6666".into(),
                hosts: vec!["2001:db8:1111:2222:3333:4444:5555:6666".into()],
            }
            .into(),
        ];
        // The longest name that certificate::common_name returns.
        let of_intermediate = |problem| Untrusted::Intermediate { name: "ä".repeat(50), problem };
        let certificates: Vec<_> = certificates
            .into_iter()
            .flat_map(|it| [it.clone(), of_intermediate(it).into()])
            .collect();
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
    fn a_certificate_for_other_hosts_is_shown_with_them_up_to_a_length() {
        let text = for_hosts("localhost", &[]);
        assert!(
            text.starts_with("the certificate has no host name in a subjectAltName "),
            "{text}"
        );
        let (name, one_label) = (
            "use that name in the URL",
            "use a name in the URL that has one label in place of the *",
        );
        for (host, hosts, shown, remedy) in [
            ("localhost", &["mail.example.com"][..], "mail.example.com", name),
            (
                "localhost",
                &["*.example.com", "192.0.2.1", "::1"],
                "*.example.com, 192.0.2.1, ::1",
                name,
            ),
            ("example.com", &["*.example.com"], "*.example.com", one_label),
            ("a.b.example.com", &["*.example.com"], "*.example.com", one_label),
            ("192.0.2.2", &["192.0.2.1"], "192.0.2.1", name),
            ("localhost", &["a\u{1b}\nb"], "a  b", name),
            ("localhost", &[&"é".repeat(101)], &format!("{}…", "é".repeat(100)), name),
        ] {
            let expected = format!(
                "the certificate does not match the URL's host: it is for {shown}; {remedy}"
            );
            assert_eq!(for_hosts(host, hosts), expected);
        }
        for address in ["127.0.0.1", "2001:db8::1"] {
            let expected = format!(
                "the certificate has {address} as a DNS name, not as an IP address; have it issued \
                 again with IP:{address} as subjectAltName"
            );
            assert_eq!(for_hosts(address, &["localhost", address]), expected);
        }
    }

    #[test]
    fn an_intermediate_certificate_is_named_and_the_remedy_is_the_servers() {
        for (problem, expected) in [
            (
                CertificateError::ExpiredContext { time: at(86_400), not_after: at(0) },
                "expired on 1970-01-01 00:00 UTC; have the server send the one that its CA uses now \
                 (this machine's clock: 1970-01-02 00:00 UTC)",
            ),
            (
                CertificateError::InvalidPurpose,
                "is not for servers (extended key usage); have the server send the one that its CA \
                 uses now",
            ),
        ] {
            let problem = Untrusted::Intermediate { name: "R3".into(), problem };
            let expected = format!("the intermediate certificate \"R3\" {expected}");
            assert_eq!(describe(&CertificateError::from(problem).into()), expected);
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
