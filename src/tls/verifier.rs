//! Verifies server certificates against the trust anchors: Mozilla's, or those in `ca_file`.

use std::mem::discriminant;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, ExtendedKeyPurpose, RootCertStore,
    SignatureScheme,
};

use super::certificate::{Certificate, Weakness, is_rsa_pss, weakness};
use super::roots::Roots;
use super::text::{Untrusted, webpki_error};

/// Verifies the certificates of servers.
///
/// A certificate that is itself in `ca_file`, byte for byte, needs no issuer. Its dates and names
/// are verified as usual, and rustls makes the server prove that it has the private key. Most
/// home-made certificates need this: they are self-signed and claim to be a CA, and webpki rejects
/// the certificate of a CA as that of a server.
#[derive(Debug)]
pub struct Verifier {
    issuers: RootCertStore,
    /// The certificates in `ca_file`.
    pinned: Arc<[CertificateDer<'static>]>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    /// A verifier that trusts `roots`.
    pub fn new(roots: &Roots) -> Self {
        let algorithms = ring::default_provider().signature_verification_algorithms;
        let (issuers, pinned) = match roots {
            Roots::Mozilla => (webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect(), [].into()),
            Roots::Own(certificates) => {
                let mut issuers = RootCertStore::empty();
                issuers.add_parsable_certificates(
                    certificates.iter().filter(|it| may_issue(it)).cloned(),
                );
                (issuers, certificates.clone())
            }
        };
        Self { issuers, pinned, algorithms }
    }

    /// Replaces an error of webpki about a chain by a more precise one, if possible.
    fn explain(
        &self,
        problem: CertificateError,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> CertificateError {
        let shown = [certificate].into_iter().chain(intermediates);
        let chain: Vec<_> = shown.filter_map(Certificate::new).collect();
        match problem {
            CertificateError::UnknownIssuer | CertificateError::BadSignature
                if is_self_signed(certificate) =>
            {
                Untrusted::SelfSigned.into()
            }
            _ if is_ca_as_server(&problem) && is_self_signed(certificate) => {
                Untrusted::SelfSigned.into()
            }
            CertificateError::UnknownIssuer => self.explain_unknown(&chain),
            CertificateError::BadSignature => {
                let mut keys = chain.iter().flat_map(|it| self.issuer_keys(it, &chain));
                match keys.any(|key| weakness(key) == Some(Weakness::Size)) {
                    true => Untrusted::KeySize.into(),
                    false => problem,
                }
            }
            CertificateError::UnsupportedSignatureAlgorithmContext {
                ref signature_algorithm_id,
                ..
            }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
                ref signature_algorithm_id,
                ..
            } => {
                let id = signature_algorithm_id.clone();
                self.explain_signature(problem, &id, &chain)
            }
            _ => self.explain_intermediate(problem, certificate, intermediates, now),
        }
    }

    fn explain_unknown(&self, chain: &[Certificate<'_>]) -> CertificateError {
        let in_file = self.pinned.iter().filter_map(Certificate::new);
        let mut subjects = in_file.map(|it| it.subject());
        if subjects.any(|subject| chain.iter().any(|it| it.issuer() == subject)) {
            return Untrusted::NoCa.into();
        }
        match self.pinned.is_empty() {
            true => Untrusted::NotMozillas.into(),
            false => CertificateError::UnknownIssuer,
        }
    }

    /// Explains why the signature of a certificate, by this algorithm, is not supported.
    fn explain_signature(
        &self,
        problem: CertificateError,
        algorithm: &[u8],
        chain: &[Certificate<'_>],
    ) -> CertificateError {
        let signed = || chain.iter().filter(|it| it.signature_algorithm() == algorithm);
        let by_key = signed().find_map(|it| {
            let mut keys = self.issuer_keys(it, chain).into_iter();
            keys.find_map(|key| match weakness(key) {
                Some(Weakness::Kind(kind)) => Some((it, Untrusted::IssuerKey(kind).into())),
                _ => None,
            })
        });
        let problem = if is_rsa_pss(algorithm) { Untrusted::PssParameters.into() } else { problem };
        let Some((culprit, problem)) = by_key.or(signed().next().map(|it| (it, problem.clone())))
        else {
            return problem;
        };
        match std::ptr::eq(culprit, &chain[0]) {
            true => problem,
            false => Untrusted::of_intermediate(culprit, problem),
        }
    }

    /// Finds the intermediate certificate that has the problem, if it is not the server's own one.
    fn explain_intermediate(
        &self,
        problem: CertificateError,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> CertificateError {
        let check = |it| check_without_issuer(it, now, &self.algorithms);
        if check(certificate) != Ok(Role::Server) {
            return problem;
        }
        let culprit = intermediates.iter().find_map(|it| match check(it) {
            Err(Error::InvalidCertificate(own)) if is_same_kind(&own, &problem) => {
                Some(Untrusted::of_intermediate(&Certificate::new(it)?, own))
            }
            _ => None,
        });
        culprit.unwrap_or(problem)
    }

    /// The keys that may have signed a certificate of the chain.
    fn issuer_keys<'a>(
        &'a self,
        certificate: &Certificate<'_>,
        chain: &[Certificate<'a>],
    ) -> Vec<&'a [u8]> {
        let roots = self.issuers.roots.iter();
        let roots = roots.filter(|root| certificate.issuer() == &*root.subject);
        let keys = roots.map(|root| &*root.subject_public_key_info);
        let shown = chain.iter().filter(|it| certificate.issuer() == it.subject());
        keys.chain(shown.map(Certificate::public_key)).collect()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = ParsedCertificate::try_from(certificate)?;
        if self.pinned.iter().any(|pinned| pinned == certificate) {
            check_without_issuer(certificate, now, &self.algorithms)?;
        } else {
            verify_server_cert_signed_by_trust_anchor(
                &parsed,
                &self.issuers,
                intermediates,
                now,
                self.algorithms.all,
            )
            .map_err(|problem| match problem {
                Error::InvalidCertificate(problem) => {
                    self.explain(problem, certificate, intermediates, now).into()
                }
                other => other,
            })?;
        }
        verify_server_name(&parsed, host).map_err(|problem| {
            match Certificate::new(certificate) {
                Some(it) => {
                    let (host, hosts) = (host.to_str().into(), it.hosts());
                    CertificateError::from(Untrusted::OtherHost { host, hosts }).into()
                }
                None => problem,
            }
        })?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
            .map_err(|problem| explain_signature(problem, certificate))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
            .map_err(|problem| explain_signature(problem, certificate))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// What a certificate is for, according to its basic constraints.
#[derive(Debug, PartialEq)]
enum Role {
    Ca,
    Server,
}

/// Checks everything in a certificate except its names and its issuer.
fn check_without_issuer(
    certificate: &CertificateDer<'_>,
    now: UnixTime,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<Role, Error> {
    // webpki looks for an issuer last. Without trust anchors, "unknown issuer" therefore means that
    // everything else is right.
    let no_anchors = RootCertStore::empty();
    let checked = verify_server_cert_signed_by_trust_anchor(
        &ParsedCertificate::try_from(certificate)?,
        &no_anchors,
        &[],
        now,
        algorithms.all,
    );
    match checked {
        Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => Ok(Role::Server),
        Err(Error::InvalidCertificate(problem)) if is_ca_as_server(&problem) => {
            // webpki has not come to the extended key usage.
            match Certificate::new(certificate).is_some_and(|it| it.is_for_servers()) {
                true => Ok(Role::Ca),
                false => Err(CertificateError::InvalidPurposeContext {
                    required: ExtendedKeyPurpose::ServerAuth,
                    presented: vec![],
                }
                .into()),
            }
        }
        Err(problem) => Err(problem),
        Ok(()) => Err(CertificateError::ApplicationVerificationFailure.into()),
    }
}

/// When a certificate expires.
pub fn expiry(certificate: &CertificateDer<'_>) -> Option<UnixTime> {
    let algorithms = ring::default_provider().signature_verification_algorithms;
    // webpki checks the dates first. Its error for a date in the future tells when validity ends.
    let end_of_time = UnixTime::since_unix_epoch(Duration::from_secs(u64::MAX));
    match check_without_issuer(certificate, end_of_time, &algorithms) {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            Some(not_after)
        }
        _ => None,
    }
}

/// Whether a certificate of `ca_file` is a trust anchor for others. The certificate of a server is
/// not. A root of X.509 version 1 does not say what it is for, and can only be in the file as a trust
/// anchor.
fn may_issue(certificate: &CertificateDer<'_>) -> bool {
    Certificate::new(certificate).is_some_and(|it| it.is_version_1() || it.is_ca())
}

/// Whether the error is that the certificate is a CA's and was presented by a server.
fn is_ca_as_server(problem: &CertificateError) -> bool {
    webpki_error(problem) == Some(&webpki::Error::CaUsedAsEndEntity)
}

fn is_same_kind(one: &CertificateError, other: &CertificateError) -> bool {
    discriminant(one) == discriminant(other)
        && webpki_error(one).map(discriminant) == webpki_error(other).map(discriminant)
}

fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    Certificate::new(certificate).is_some_and(|it| it.issuer() == it.subject())
}

/// Distinguishes an unsupported key from a wrong one. ring reports both as a bad signature.
fn explain_signature(problem: Error, certificate: &CertificateDer<'_>) -> Error {
    if problem != CertificateError::BadSignature.into() {
        return problem;
    }
    let weakness = Certificate::new(certificate).and_then(|it| weakness(it.public_key()));
    let problem = match weakness {
        Some(Weakness::Size) => Untrusted::KeySize,
        _ => Untrusted::KeyMismatch,
    };
    CertificateError::from(problem).into()
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, Certificate, CertificateParams, CustomExtension, DnType,
        ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints,
        date_time_ymd,
    };
    use rustls::crypto::ring::sign::any_supported_type;
    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    use rustls::sign::{CertifiedKey, SingleCertAndKey};
    use rustls::version::{TLS12, TLS13};
    use rustls::{ServerConfig, ServerConnection};

    use super::*;
    use crate::tls::Tls;
    use crate::tls::text::describe;

    type Change = fn(&mut CertificateParams);

    const CA: IsCa = IsCa::Ca(BasicConstraints::Unconstrained);
    const SELF_SIGNED: &str = "the certificate is self-signed and not in ca_file; ";
    const UNKNOWN: &str = "the certificate's issuer is not trusted; ";
    const NO_CA: &str = "the certificate's issuer is in ca_file, but it is not a CA ";

    /// A certificate and its key.
    struct Identity(Certificate, KeyPair);

    impl Identity {
        /// A self-signed certificate for localhost.
        fn new(name: &str, is_ca: IsCa, change: Change) -> Self {
            let key = KeyPair::generate().unwrap();
            Self(params(name, is_ca, change).self_signed(&key).unwrap(), key)
        }

        fn issue(&self, name: &str, is_ca: IsCa, change: Change) -> Self {
            let key = KeyPair::generate().unwrap();
            let params = params(name, is_ca, change);
            Self(params.signed_by(&key, &self.0, &self.1).unwrap(), key)
        }

        fn der(&self) -> CertificateDer<'static> {
            self.0.der().clone()
        }
    }

    fn params(name: &str, is_ca: IsCa, change: Change) -> CertificateParams {
        let mut params = CertificateParams::new(["localhost".into()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = is_ca;
        change(&mut params);
        params
    }

    fn unchanged(_: &mut CertificateParams) {}

    fn roots(ca_file: &[&Identity]) -> Roots {
        Roots::Own(ca_file.iter().map(|it| it.der()).collect())
    }

    /// The error for a chain that a server at localhost presents; empty if it is trusted.
    fn verify(ca_file: &[&Identity], shown: &[&Identity]) -> String {
        let chain: Vec<_> = shown.iter().map(|it| it.der()).collect();
        let host = "localhost".try_into().unwrap();
        let verifier = Verifier::new(&roots(ca_file));
        let verified =
            verifier.verify_server_cert(&chain[0], &chain[1..], &host, &[], UnixTime::now());
        verified.err().map_or(String::new(), |problem| describe(&problem))
    }

    #[test]
    fn a_certificate_in_ca_file_needs_no_issuer_but_everything_else() {
        let ca = Identity::new("CA", CA, unchanged);
        let other_ca = Identity::new("CA", CA, unchanged);
        let cases: [(Change, &str); 6] = [
            (unchanged, ""),
            (
                |it| it.not_after = date_time_ymd(2020, 2, 29),
                "the certificate expired on 2020-02-29 00:00 UTC; ",
            ),
            (
                |it| it.subject_alt_names = params_for(&["mail.example.com", "192.0.2.1"]),
                "the certificate does not match the URL's host: it is for mail.example.com, 192.0.2.1; ",
            ),
            (
                |it| it.subject_alt_names = vec![],
                "the certificate has no host name in a subjectAltName ",
            ),
            (
                |it| it.custom_extensions.push(critical()),
                "the certificate has a critical extension that ",
            ),
            (
                |it| it.not_before = date_time_ymd(2999, 12, 31),
                "the certificate is not valid before 2999-12-31 00:00 UTC; is this machine's clock right? It says 2",
            ),
        ];
        for is_ca in [CA, IsCa::NoCa, IsCa::ExplicitNoCa] {
            for (change, expected) in &cases {
                let own = Identity::new("server", is_ca.clone(), *change);
                let issued = ca.issue("server", is_ca.clone(), *change);
                for (ca_file, shown) in [
                    (&[&own][..], &own),
                    (&[&other_ca, &own], &own),
                    (&[&issued], &issued),
                    // A different CA of the same name in the file makes no difference.
                    (&[&other_ca, &issued], &issued),
                ] {
                    let text = verify(ca_file, &[shown]);
                    assert!(
                        text.starts_with(expected) && expected.is_empty() == text.is_empty(),
                        "{expected}: {text}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_certificate_in_ca_file_must_be_for_servers() {
        use ExtendedKeyUsagePurpose::{Any, ClientAuth, ServerAuth};
        for is_ca in [CA, IsCa::NoCa, IsCa::ExplicitNoCa] {
            for (change, is_for_servers) in [
                (unchanged as Change, true),
                (|it| it.extended_key_usages = vec![ServerAuth], true),
                (|it| it.extended_key_usages = vec![ClientAuth, ServerAuth], true),
                (|it| it.extended_key_usages = vec![ClientAuth], false),
                (|it| it.extended_key_usages = vec![Any], false),
            ] {
                let own = Identity::new("server", is_ca.clone(), change);
                let text = verify(&[&own], &[&own]);
                let expected = "the certificate is not for servers (extended key usage); ";
                assert_eq!(text.is_empty(), is_for_servers, "{text}");
                assert!(is_for_servers || text.starts_with(expected), "{text}");
            }
        }
    }

    fn params_for(hosts: &[&str]) -> Vec<rcgen::SanType> {
        let hosts: Vec<String> = hosts.iter().map(|host| host.to_string()).collect();
        CertificateParams::new(hosts).unwrap().subject_alt_names
    }

    fn critical() -> CustomExtension {
        let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        extension.set_criticality(true);
        extension
    }

    #[test]
    fn a_certificate_in_ca_file_is_a_ca_only_if_it_says_so() {
        for (is_ca, expected) in [(CA, ""), (IsCa::NoCa, NO_CA), (IsCa::ExplicitNoCa, NO_CA)] {
            for change in [
                unchanged as Change,
                // webpki cannot parse this one as the certificate of a server.
                |it| it.custom_extensions.push(critical()),
                |it| it.key_usages = vec![KeyUsagePurpose::KeyCertSign],
                |it| it.not_after = date_time_ymd(2020, 12, 31),
                |it| it.not_before = date_time_ymd(2999, 12, 31),
            ] {
                let pinned = Identity::new("pinned", is_ca.clone(), change);
                let issued = pinned.issue("server", IsCa::NoCa, unchanged);
                let text = verify(&[&pinned], &[&issued]);
                assert!(
                    text.starts_with(expected) && expected.is_empty() == text.is_empty(),
                    "{text}"
                );
            }
        }
        let pinned = Identity::new("pinned", IsCa::NoCa, unchanged);
        let issued = pinned.issue("server", IsCa::NoCa, unchanged);
        // Presenting it as an intermediate certificate does not help either.
        let text = verify(&[&pinned], &[&issued, &pinned]);
        assert!(text.starts_with("the certificate's issuer is not a CA; "), "{text}");
    }

    #[test]
    fn without_the_certificate_itself_ca_file_must_have_its_issuer() {
        let ca = Identity::new("CA", CA, unchanged);
        let same_name = Identity::new("CA", CA, unchanged);
        let intermediate = ca.issue("intermediate", CA, unchanged);
        let server = intermediate.issue("server", IsCa::NoCa, unchanged);
        let (own, again) =
            (Identity::new("server", CA, unchanged), Identity::new("server", CA, unchanged));
        let (plain, plain_again) = (
            Identity::new("server", IsCa::NoCa, unchanged),
            Identity::new("server", IsCa::NoCa, unchanged),
        );
        let ca_as_server = ca.issue("server", CA, unchanged);
        let limited = Identity::new("CA", CA, |it| {
            let permitted_subtrees = vec![GeneralSubtree::DnsName("example.com".into())];
            it.name_constraints =
                Some(NameConstraints { permitted_subtrees, excluded_subtrees: vec![] });
        });
        let constrained = limited.issue("server", IsCa::NoCa, unchanged);
        let odd = ca.issue("server", IsCa::NoCa, |it| it.custom_extensions.push(critical()));
        for (ca_file, shown, expected) in [
            (&ca, &[&server, &intermediate][..], ""),
            (&intermediate, &[&server], ""),
            (&ca, &[&server], UNKNOWN),
            (&own, &[&server, &intermediate], UNKNOWN),
            (
                &same_name,
                &[&server, &intermediate],
                "the certificate is signed by another CA of the same name; ",
            ),
            (&ca, &[&own], SELF_SIGNED),
            (&ca, &[&plain], SELF_SIGNED),
            (&again, &[&own], SELF_SIGNED),
            (&again, &[&plain], SELF_SIGNED),
            (&plain_again, &[&plain], SELF_SIGNED),
            (&ca, &[&ca_as_server], "the certificate belongs to a CA, not to a server; "),
            (&limited, &[&constrained], "the certificate's issuer may not issue it for this host "),
            (&ca, &[&odd], "the certificate has a critical extension "),
        ] {
            let text = verify(&[ca_file], shown);
            assert!(
                text.starts_with(expected) && expected.is_empty() == text.is_empty(),
                "{expected}: {text}"
            );
        }
        let verifier = Verifier::new(&Roots::Mozilla);
        assert!(verifier.pinned.is_empty() && verifier.issuers.len() > 100);
    }

    #[test]
    fn the_intermediate_certificate_that_is_wrong_is_named() {
        let ca = Identity::new("CA", CA, unchanged);
        for (is_ca, change, expected) in [
            (CA, unchanged as Change, ""),
            (
                CA,
                |it| it.not_after = date_time_ymd(2020, 2, 29),
                "the intermediate certificate \"X1\" expired on 2020-02-29 00:00 UTC; have the \
                 server send the one that its CA uses now (this ",
            ),
            (
                CA,
                |it| it.not_before = date_time_ymd(2999, 12, 31),
                "the intermediate certificate \"X1\" is not valid before 2999-12-31 00:00 UTC; ",
            ),
            (
                CA,
                |it| it.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
                "the intermediate certificate \"X1\" is not for servers (extended key usage); have \
                 the server send ",
            ),
            (
                CA,
                |it| it.custom_extensions.push(critical()),
                "the intermediate certificate \"X1\" has a critical extension ",
            ),
            (IsCa::NoCa, unchanged, "the certificate's issuer is not a CA; "),
        ] {
            let wrong = ca.issue("X1", is_ca, change);
            let right = wrong.issue("X2", CA, unchanged);
            for (issuer, chain) in [(&wrong, &[&wrong][..]), (&right, &[&right, &wrong])] {
                let server = issuer.issue("server", IsCa::NoCa, unchanged);
                let text = verify(&[&ca], &[&[&server], chain].concat());
                assert!(
                    text.starts_with(expected) && expected.is_empty() == text.is_empty(),
                    "{expected}: {text}"
                );
            }
            // The server's own certificate comes first.
            let server = right.issue("server", IsCa::NoCa, |it| {
                it.not_after = date_time_ymd(2021, 1, 1);
            });
            let text = verify(&[&ca], &[&server, &right, &wrong]);
            assert!(text.starts_with("the certificate expired on 2021-01-01 "), "{text}");
        }
    }

    #[test]
    fn what_mozilla_does_not_trust_has_one_more_cause() {
        let ca = Identity::new("CA", CA, unchanged);
        let server = ca.issue("server", IsCa::NoCa, unchanged);
        let host = "localhost".try_into().unwrap();
        let verifier = Verifier::new(&Roots::Mozilla);
        let verified = verifier.verify_server_cert(&server.der(), &[], &host, &[], UnixTime::now());
        let text = describe(&verified.unwrap_err());
        assert!(text.starts_with(UNKNOWN) && text.contains("Mozilla does not trust"), "{text}");
    }

    /// A TLS handshake with a server that presents a certificate and signs with a key.
    fn shake_hands(
        trusted: &Identity,
        key: &KeyPair,
        version: &'static rustls::SupportedProtocolVersion,
    ) -> Result<(), Error> {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let key = CertifiedKey::new(vec![trusted.der()], any_supported_type(&key).unwrap());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
        let mut server = ServerConnection::new(Arc::new(config)).unwrap();
        let tls = Tls::new("localhost".try_into().unwrap(), &roots(&[trusted]));
        let mut client = tls.connection().unwrap();
        while client.is_handshaking() {
            let mut bytes = Vec::new();
            client.write_tls(&mut bytes).unwrap();
            server.read_tls(&mut &bytes[..]).unwrap();
            server.process_new_packets().unwrap();
            bytes.clear();
            server.write_tls(&mut bytes).unwrap();
            client.read_tls(&mut &bytes[..]).unwrap();
            client.process_new_packets()?;
        }
        Ok(())
    }

    #[test]
    fn a_server_without_the_key_of_a_certificate_in_ca_file_is_not_trusted() {
        for is_ca in [CA, IsCa::NoCa] {
            let pinned = Identity::new("server", is_ca, unchanged);
            let other_key = KeyPair::generate().unwrap();
            for version in [&TLS12, &TLS13] {
                assert_eq!(shake_hands(&pinned, &pinned.1, version), Ok(()));
                let problem = shake_hands(&pinned, &other_key, version).unwrap_err();
                let text = describe(&problem);
                assert!(text.starts_with("the server does not have the certificate's "), "{text}");
            }
        }
    }

    #[test]
    fn the_error_about_dates_shows_the_time_of_the_verification() {
        let own = Identity::new("server", CA, |it| it.not_after = date_time_ymd(2020, 2, 29));
        let verifier = Verifier::new(&roots(&[&own]));
        let host = "localhost".try_into().unwrap();
        let verify_at = |secs| {
            let now = UnixTime::since_unix_epoch(Duration::from_secs(secs));
            verifier.verify_server_cert(&own.der(), &[], &host, &[], now)
        };
        let end = 1_582_934_400;
        assert!(verify_at(end).is_ok());
        let text = describe(&verify_at(end + 86_461).unwrap_err());
        let expected = "the certificate expired on 2020-02-29 00:00 UTC; have it renewed (this \
                        machine's clock: 2020-03-01 00:01 UTC)";
        assert_eq!(text, expected);
    }
}
