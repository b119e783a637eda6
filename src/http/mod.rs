//! One server on ureq.
//!
//! A [`Client`] owns a ureq agent. The agent speaks HTTP; what lies below is ours, by ureq's own
//! extension points: the `connector` opens connections at the addresses that the `resolver`
//! remembers, unless the `backoff` forbids it; the `transport` sends a request in one write, and
//! knows when a connection may be kept; the `stream` is a `socket`, with `tls` around it or not, where
//! the `verifier` says which certificates are trusted.

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
