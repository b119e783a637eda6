//! Bytes to and from the server: over TLS, or in clear.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{
    ALL_VERSIONS, ClientConfig, ClientConnection, ConfigBuilder, StreamOwned, WantsVerifier,
};

use crate::roots::Roots;
use crate::socket::Socket;

const AT_ONCE: Duration = Duration::from_millis(10);

/// With whom TLS is agreed upon, and how. Clones share the sessions that servers let resume.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ClientConfig>,
    host: ServerName<'static>,
}

impl Tls {
    /// TLS with `host`, whose certificate must come from one of `roots`.
    pub fn new(host: ServerName<'static>, roots: &Roots) -> Self {
        let config = builder().with_root_certificates(roots.store()).with_no_client_auth();
        Self { config: Arc::new(config), host }
    }

    /// TLS with `host`, of whose certificate `judge` thinks what it thinks.
    pub fn judged_by(host: ServerName<'static>, judge: Arc<dyn ServerCertVerifier>) -> Self {
        let config = builder().dangerous().with_custom_certificate_verifier(judge);
        Self { config: Arc::new(config.with_no_client_auth()), host }
    }
}

fn builder() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(ALL_VERSIONS)
        .expect("ring has what they need")
}

/// A connection that requests and answers go through.
#[derive(Debug)]
pub enum Channel {
    /// In clear.
    Plain(Socket),
    /// Over TLS.
    Secured(Box<StreamOwned<ClientConnection, Socket>>),
}

impl Channel {
    /// Agrees on TLS.
    ///
    /// # Errors
    /// Those of rustls wrapped, or of the kind `TimedOut`.
    pub fn secure(mut socket: Socket, tls: &Tls) -> io::Result<Self> {
        let mut connection = ClientConnection::new(tls.config.clone(), tls.host.clone())
            .map_err(io::Error::other)?;
        connection.complete_io(&mut socket)?;
        Ok(Self::Secured(Box::new(StreamOwned::new(connection, socket))))
    }

    /// The version of TLS, such as `TLSv1_3`.
    pub fn tls_version(&self) -> Option<String> {
        match self {
            Channel::Plain(_) => None,
            Channel::Secured(stream) => {
                stream.conn.protocol_version().map(|version| format!("{version:?}"))
            }
        }
    }

    /// Reads and writes end by this deadline from now on.
    pub fn set_deadline(&mut self, deadline: Instant) {
        match self {
            Channel::Plain(socket) => socket.set_deadline(deadline),
            Channel::Secured(stream) => stream.sock.set_deadline(deadline),
        }
    }

    /// Sends all of it, in one write if it is no more than one record of TLS holds (16 KiB).
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Channel::Plain(socket) => socket.write_all(bytes),
            // A write of rustls keeps its errors for the flush.
            Channel::Secured(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }

    /// Whether a request may be sent: the server has neither ended the connection nor said what it
    /// was not asked for, which would be taken for the answer. TLS's own messages, such as tickets
    /// that come after an answer, are neither, as long as one read takes them. Never waits.
    pub fn is_idle(&mut self) -> bool {
        match self {
            Channel::Plain(socket) => !socket.has_input(),
            Channel::Secured(stream) => {
                let says_too_much = stream.sock.has_input()
                    && (!has_only_messages(stream) || stream.sock.has_input());
                let state = stream.conn.process_new_packets();
                !says_too_much && state.is_ok_and(|state| state.plaintext_bytes_to_read() == 0)
            }
        }
    }
}

impl Read for Channel {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Channel::Plain(socket) => socket.read(buffer),
            Channel::Secured(stream) => stream.read(buffer),
        }
    }
}

/// Reads what is there. Whether it is neither the end nor broken.
fn has_only_messages(stream: &mut StreamOwned<ClientConnection, Socket>) -> bool {
    // The last request's deadline may have passed, but what is there is not waited for.
    stream.sock.set_deadline(Instant::now() + AT_ONCE);
    stream.conn.read_tls(&mut stream.sock).is_ok_and(|amount| amount > 0)
        && stream.conn.process_new_packets().is_ok()
}
