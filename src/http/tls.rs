//! TLS: with whom, and which certificates are trusted.

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ALL_VERSIONS, ClientConfig, ClientConnection, ConfigBuilder, WantsVerifier};

use crate::options::roots::Roots;

/// Makes TLS connections to one host. They share the sessions that the host lets resume.
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

    /// TLS with `host`, whose certificate `verifier` checks.
    pub fn verified_by(host: ServerName<'static>, verifier: Arc<dyn ServerCertVerifier>) -> Self {
        let config = builder().dangerous().with_custom_certificate_verifier(verifier);
        Self { config: Arc::new(config.with_no_client_auth()), host }
    }

    /// A connection whose handshake has not begun.
    pub fn connection(&self) -> Result<ClientConnection, rustls::Error> {
        ClientConnection::new(self.config.clone(), self.host.clone())
    }
}

fn builder() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(ALL_VERSIONS)
        .expect("ring has what they need")
}
