//! The HTTP client of one server, built on ureq.
//!
//! A [`Client`] owns a ureq agent, which speaks HTTP. The layers below it are our own and use
//! ureq's extension points:
//!
//! - `connector` opens connections, unless the `backoff` forbids it. The `resolver` caches addresses.
//! - `transport` sends each request in one write and decides whether a connection may be reused.
//! - `stream` is a `socket`, in clear or with `tls`. The `verifier` decides which certificates are
//!   trusted.
//! - `deadline` limits the time of all of this.

mod backoff;
mod client;
pub(crate) mod connector;
pub(crate) mod deadline;
mod records;
pub(crate) mod resolver;
mod response;
pub(crate) mod socket;
pub(crate) mod stream;
pub(crate) mod tls;
mod transport;
pub(crate) mod verifier;

pub use client::{Client, Lookup};
pub use response::Response;
