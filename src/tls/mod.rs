//! TLS with the server.
//!
//! [`Tls`] is the configuration. Its [`Verifier`] decides which certificates are trusted, by the
//! [`Roots`]. [`text`] describes what went wrong.

mod certificate;
mod config;
mod roots;
pub mod text;
mod verifier;

pub use config::Tls;
pub use roots::Roots;
pub use verifier::Verifier;
