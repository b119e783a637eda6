//! The way to a server, step by step, for those who look for what is wrong with it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};

use super::connector::in_turn;
use super::deadline::Deadline;
use super::resolver::Resolver;
use super::socket::Socket;
use super::stream::Stream;
use super::tls::Tls;
use super::verifier::Verifier;
use crate::error::{Error, Phase};
use crate::options::Options;

/// How far one gets, and what is there. No credentials are sent.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Inspection {
    /// The host's addresses.
    pub addresses: Vec<SocketAddr>,
    /// The time that the name service took.
    pub resolving: Duration,
    /// The first address that accepts a connection.
    pub connected: Option<SocketAddr>,
    /// The time that it took, failed attempts included.
    pub connecting: Duration,
    /// The version of TLS, such as `TLSv1_3`, if it was agreed upon.
    pub tls_version: Option<String>,
    /// The time that this took.
    pub handshaking: Duration,
    /// The certificate that the server showed, trusted or not.
    pub certificate: Option<CertificateDer<'static>>,
    /// What went wrong, if anything did.
    pub error: Option<Error>,
}

/// Goes as far as the server lets one, each step within `connect_timeout_msecs`.
pub fn inspect(options: &Options) -> Inspection {
    let mut inspection = Inspection::default();
    inspection.error = inspection.go(options).err();
    inspection
}

impl Inspection {
    fn go(&mut self, options: &Options) -> Result<(), Error> {
        let resolver = Resolver::new(options.url.host(), options.url.port());
        let start = Instant::now();
        let addresses = resolver.addresses(Deadline::new(options.connect_timeout));
        self.resolving = start.elapsed();
        self.addresses = addresses?;

        let start = Instant::now();
        let reached = in_turn(
            &self.addresses,
            Deadline::new(options.connect_timeout),
            |address, deadline| {
                Socket::connect(address, deadline).map_err(|problem| (Phase::Connecting, problem))
            },
        );
        self.connecting = start.elapsed();
        let (address, socket) =
            reached.map_err(|(phase, problem)| Error::from_io(problem, phase, self.connecting))?;
        self.connected = Some(address);
        if options.url.is_https() {
            let start = Instant::now();
            let result = self.agree(socket, options);
            self.handshaking = start.elapsed();
            result
                .map_err(|problem| Error::from_io(problem, Phase::Handshaking, start.elapsed()))?;
        }
        Ok(())
    }

    fn agree(&mut self, socket: Socket, options: &Options) -> io::Result<()> {
        let verifier = Verifier::new(&options.roots);
        let witness = Arc::new(Witness { verifier, seen: Mutex::default() });
        let tls = Tls::verified_by(options.url.server_name(), witness.clone());
        let stream = Stream::secure(socket, &tls);
        self.certificate = witness.seen().take();
        self.tls_version = stream?.tls_version();
        Ok(())
    }
}

/// Leaves the check of a certificate to `verifier`, and remembers which one it was.
#[derive(Debug)]
struct Witness {
    verifier: Verifier,
    seen: Mutex<Option<CertificateDer<'static>>>,
}

impl Witness {
    fn seen(&self) -> MutexGuard<'_, Option<CertificateDer<'static>>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.seen() = Some(certificate.clone().into_owned());
        self.verifier.verify_server_cert(certificate, intermediates, host, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
