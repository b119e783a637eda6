//! The HTTP client of one server, built on ureq.
//!
//! A [`Client`] owns a ureq agent, which speaks HTTP. The layers below it are our own and use
//! ureq's extension points:
//!
//! - `connector` opens connections, unless the `backoff` forbids it. The `resolver` caches addresses.
//! - `transport` sends each request in one write and decides whether a connection may be reused.
//! - `stream` is a `socket`, in cleartext or over TLS. The end of each TLS record is known by `records`.
//! - `deadline` limits the time of all of this.

mod backoff;
mod client;
pub(crate) mod connector;
pub(crate) mod deadline;
mod error;
mod records;
pub(crate) mod resolver;
pub(crate) mod socket;
pub(crate) mod stream;
mod transport;

pub use client::{Client, Connection, Lookup};
pub use error::{Error, Phase};
