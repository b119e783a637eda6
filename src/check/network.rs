//! The network steps: the server's name, a connection to it, TLS. No credentials are sent.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};

use super::advice::about_error;
use super::certificate;
use super::report::{Finding, Outcome, Report};
use crate::http::connector::in_turn;
use crate::http::deadline::Deadline;
use crate::http::resolver::Resolver;
use crate::http::socket::Socket;
use crate::http::stream::Stream;
use crate::http::{Error, Phase};
use crate::options::Options;
use crate::tls::{Tls, Verifier};

/// Runs each step within `connect_timeout_msecs`, up to the first one that fails. Returns whether all
/// succeeded.
pub fn check(options: &Options, report: &mut Report) -> bool {
    let addresses = report.step("name", || resolve(options));
    let socket = addresses.and_then(|all| report.step("connection", || connect(options, &all)));
    socket.and_then(|socket| report.step("TLS", || secure(options, socket))).is_some()
}

fn resolve(options: &Options) -> Outcome<Vec<SocketAddr>> {
    let host = options.url.host();
    let is_address = host.parse::<IpAddr>().is_ok();
    let resolver = Resolver::new(host, options.url.port());
    let addresses = resolver.addresses(Deadline::new(options.connect_timeout));
    let addresses = addresses.map_err(|error| about_error(&error))?;
    if is_address {
        return Ok((addresses, Finding::skipped("none: the URL has an address")));
    }
    let shown: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
    let text = format!("{host} is {}", shown.join(", "));
    Ok((addresses, Finding::new(text)))
}

fn connect(options: &Options, addresses: &[SocketAddr]) -> Outcome<Socket> {
    let deadline = Deadline::new(options.connect_timeout);
    match in_turn(addresses, options.connect_timeout, deadline, Ok) {
        Ok((address, socket)) => Ok((socket, Finding::new(address.to_string()))),
        Err((phase, problem)) => {
            Err(about_error(&Error::from_io(problem, phase, deadline.elapsed())))
        }
    }
}

fn secure(options: &Options, mut socket: Socket) -> Outcome<()> {
    if !options.url.is_https() {
        return Ok(((), Finding::skipped("none: the URL begins with http://")));
    }
    let deadline = Deadline::new(options.connect_timeout);
    socket.set_deadline(Instant::now() + options.connect_timeout);
    let (stream, shown) = negotiate(options, socket);
    let shown = shown.map(|certificate| certificate::describe(&certificate));
    match stream {
        Ok(stream) => {
            let version = version(&stream);
            let shown = shown.unwrap_or_else(|| Finding::new("no certificate"));
            let text = format!("{version}, {}", shown.text());
            Ok(((), shown.renamed(text)))
        }
        Err(problem) => {
            let error = Error::from_io(problem, Phase::Handshaking, deadline.elapsed());
            let finding = about_error(&error);
            Err(match shown {
                Some(shown) => {
                    let text = format!("{} (the server's {})", finding.text(), shown.text());
                    finding.renamed(text)
                }
                None => finding,
            })
        }
    }
}

/// Such as `TLSv1.3`.
fn version(stream: &Stream) -> String {
    let Stream::Tls(stream) = stream else { return String::new() };
    let version = stream.conn.protocol_version();
    version.map_or(String::new(), |version| format!("{version:?}").replace('_', "."))
}

/// Negotiates TLS as the library does. Returns the certificate that the server showed as well, trusted
/// or not.
fn negotiate(
    options: &Options,
    socket: Socket,
) -> (io::Result<Stream>, Option<CertificateDer<'static>>) {
    let verifier = Verifier::new(&options.roots);
    let witness = Arc::new(Witness { verifier, seen: Mutex::default() });
    let tls = Tls::verified_by(options.url.server_name(), witness.clone());
    let stream = Stream::secure(socket, &tls);
    let shown = witness.seen().take();
    (stream, shown)
}

/// Lets `verifier` check a certificate, and remembers it.
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
