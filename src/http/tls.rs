//! TLS: with whom, and which certificates are trusted.

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ALL_VERSIONS, ClientConfig, ClientConnection};

use super::verifier::Verifier;
use crate::options::roots::Roots;

/// Makes TLS connections to one host. They share the sessions that the host lets resume.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ClientConfig>,
    host: ServerName<'static>,
}

impl Tls {
    /// TLS with `host`, whose certificate `roots` must vouch for.
    pub fn new(host: ServerName<'static>, roots: &Roots) -> Self {
        Self::verified_by(host, Arc::new(Verifier::new(roots)))
    }

    /// TLS with `host`, whose certificate `verifier` checks.
    pub fn verified_by(host: ServerName<'static>, verifier: Arc<dyn ServerCertVerifier>) -> Self {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(ALL_VERSIONS)
            .expect("ring has what they need")
            // The only way in rustls to give a verifier of one's own.
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Self { config: Arc::new(config), host }
    }

    /// A connection whose handshake has not begun.
    pub fn connection(&self) -> Result<ClientConnection, rustls::Error> {
        ClientConnection::new(self.config.clone(), self.host.clone())
    }
}
