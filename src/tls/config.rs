//! TLS connections to one host.

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ALL_VERSIONS, ClientConfig, ClientConnection};

use super::roots::Roots;
use super::verifier::Verifier;

/// The TLS configuration for one host. Its connections share a cache of sessions that can be
/// resumed.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ClientConfig>,
    host: ServerName<'static>,
}

impl Tls {
    /// TLS with `host`. The trust anchors are `roots`.
    pub fn new(host: ServerName<'static>, roots: &Roots) -> Self {
        Self::verified_by(host, Arc::new(Verifier::new(roots)))
    }

    /// TLS with `host`. Its certificate is verified by `verifier`.
    pub fn verified_by(host: ServerName<'static>, verifier: Arc<dyn ServerCertVerifier>) -> Self {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(ALL_VERSIONS)
            .expect("ring supports all versions")
            // rustls calls every custom verifier dangerous. Ours always verifies the certificate.
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Self { config: Arc::new(config), host }
    }

    /// A new connection before its handshake.
    pub fn connection(&self) -> Result<ClientConnection, rustls::Error> {
        ClientConnection::new(self.config.clone(), self.host.clone())
    }
}
