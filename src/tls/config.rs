//! TLS connections to one host, and how long their sessions can be resumed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ALL_VERSIONS, ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme,
};

use super::roots::Roots;
use super::verifier::{Verifier, expiry};

/// How long sessions can be resumed. A resumed session verifies no certificate.
const MAX_AGE: Duration = Duration::from_secs(3600);

/// rustls keeps up to this number of tickets of TLS 1.3 for one server.
const MAX_TICKETS: usize = 8;

/// The TLS configuration for one host.
#[derive(Debug)]
pub struct Tls {
    host: ServerName<'static>,
    verifier: Arc<dyn ServerCertVerifier>,
    sessions: Mutex<Sessions>,
}

impl Tls {
    /// TLS with `host`. The trust anchors are `roots`.
    pub fn new(host: ServerName<'static>, roots: &Roots) -> Self {
        Self::verified_by(host, Arc::new(Verifier::new(roots)))
    }

    /// TLS with `host`. Its certificate is verified by `verifier`.
    pub fn verified_by(host: ServerName<'static>, verifier: Arc<dyn ServerCertVerifier>) -> Self {
        let sessions = Mutex::new(Sessions::new(&verifier, Instant::now()));
        Self { host, verifier, sessions }
    }

    /// A new connection before its handshake. It may resume a session.
    pub fn connection(&self) -> Result<ClientConnection, Error> {
        self.connection_at(Instant::now(), UnixTime::now())
    }

    fn connection_at(&self, at: Instant, now: UnixTime) -> Result<ClientConnection, Error> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.have_ended(at, now) {
            *sessions = Sessions::new(&self.verifier, at);
        }
        ClientConnection::new(sessions.config.clone(), self.host.clone())
    }
}

/// Sessions that can be resumed. All of them began with a full handshake after `began`. A resumed
/// session gets new tickets, but they are dropped with the others.
#[derive(Debug)]
struct Sessions {
    config: Arc<ClientConfig>,
    began: Instant,
    expiry: Arc<AtomicU64>,
}

impl Sessions {
    fn new(verifier: &Arc<dyn ServerCertVerifier>, began: Instant) -> Self {
        let expiry = Arc::new(AtomicU64::new(u64::MAX));
        let verifier = Recorder { verifier: verifier.clone(), expiry: expiry.clone() };
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(ALL_VERSIONS)
            .expect("ring supports all versions")
            // rustls calls every custom verifier dangerous. Ours always verifies the certificate.
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.resumption = Resumption::in_memory_sessions(MAX_TICKETS);
        Self { config: Arc::new(config), began, expiry }
    }

    fn have_ended(&self, at: Instant, now: UnixTime) -> bool {
        at.saturating_duration_since(self.began) >= MAX_AGE
            || now.as_secs() > self.expiry.load(Ordering::Relaxed)
    }
}

/// Lets `verifier` verify certificates, and records when the first of them expires, in seconds since
/// 1970.
#[derive(Debug)]
struct Recorder {
    verifier: Arc<dyn ServerCertVerifier>,
    expiry: Arc<AtomicU64>,
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified =
            self.verifier.verify_server_cert(certificate, intermediates, host, ocsp, now)?;
        // A certificate that has expired was not needed.
        let ends = intermediates.iter().chain([certificate]).filter_map(expiry);
        if let Some(first) = ends.map(|end| end.as_secs()).filter(|end| *end >= now.as_secs()).min()
        {
            self.expiry.fetch_min(first, Ordering::Relaxed);
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use rcgen::{CertificateParams, KeyPair};
    use rustls::HandshakeKind::{Full, Resumed};
    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    use rustls::version::{TLS12, TLS13};
    use rustls::{HandshakeKind, ServerConfig, ServerConnection, SupportedProtocolVersion};

    use super::*;

    /// How long the certificate of the server is valid.
    const DAY: Duration = Duration::from_secs(86_400);

    /// A server whose certificate expires in a day, and the TLS that trusts it.
    fn server(version: &'static SupportedProtocolVersion) -> (Arc<ServerConfig>, Tls) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["localhost".into()]).unwrap();
        params.not_after = (SystemTime::now() + DAY).into();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        let roots = Roots::Own([certificate].into());
        (Arc::new(config), Tls::new("localhost".try_into().unwrap(), &roots))
    }

    /// Passes on what the client has to say, and then what the server has.
    fn exchange(client: &mut ClientConnection, server: &mut ServerConnection) {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        server.read_tls(&mut &bytes[..]).unwrap();
        server.process_new_packets().unwrap();
        bytes.clear();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        client.read_tls(&mut &bytes[..]).unwrap();
        client.process_new_packets().unwrap();
    }

    /// Performs the handshake. The tickets of TLS 1.3 follow with the next exchange.
    fn shake_hands(client: &mut ClientConnection, server: &mut ServerConnection) -> HandshakeKind {
        while client.is_handshaking() {
            exchange(client, server);
        }
        client.handshake_kind().unwrap()
    }

    /// Connects at these times, and compares the kind of handshake.
    fn connect(
        server: &Arc<ServerConfig>,
        tls: &Tls,
        (at, now): (Instant, UnixTime),
        expected: HandshakeKind,
    ) {
        let mut client = tls.connection_at(at, now).unwrap();
        let mut server = ServerConnection::new(server.clone()).unwrap();
        assert_eq!(shake_hands(&mut client, &mut server), expected, "{at:?} {now:?}");
        exchange(&mut client, &mut server);
    }

    #[test]
    fn sessions_are_resumed_for_an_hour_after_their_full_handshake() {
        for version in [&TLS12, &TLS13] {
            let (server, tls) = server(version);
            let (begin, now) = (Instant::now(), UnixTime::now());
            // Each connection gets new tickets, and they do not prolong the hour.
            for (after_secs, expected) in [
                (0, Full),
                (1, Resumed),
                (1800, Resumed),
                (3598, Resumed),
                (3601, Full),
                (3602, Resumed),
                (7199, Resumed),
                (7202, Full),
            ] {
                let at = begin + Duration::from_secs(after_secs);
                connect(&server, &tls, (at, now), expected);
            }
        }
    }

    #[test]
    fn no_session_is_resumed_after_its_certificate_has_expired() {
        for version in [&TLS12, &TLS13] {
            let (server, tls) = server(version);
            let (at, begin) = (Instant::now(), UnixTime::now().as_secs());
            for (after_secs, expected) in [
                (0, Full),
                (DAY.as_secs() - 60, Resumed),
                // Here, the verifier would refuse the certificate, but its clock is the real one.
                (DAY.as_secs() + 60, Full),
            ] {
                let now = UnixTime::since_unix_epoch(Duration::from_secs(begin + after_secs));
                connect(&server, &tls, (at, now), expected);
            }
        }
    }

    #[test]
    fn a_ticket_that_arrives_after_its_hour_is_not_used() {
        let (config, tls) = server(&TLS13);
        let (begin, now) = (Instant::now(), UnixTime::now());
        let mut client = tls.connection_at(begin, now).unwrap();
        let mut server = ServerConnection::new(config.clone()).unwrap();
        assert_eq!(shake_hands(&mut client, &mut server), Full);
        // Another connection begins the next hour, and fails.
        drop(tls.connection_at(begin + MAX_AGE, now).unwrap());
        exchange(&mut client, &mut server);
        assert_eq!(client.tls13_tickets_received(), 2);
        connect(&config, &tls, (begin + MAX_AGE, now), Full);
    }
}
