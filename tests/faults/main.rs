//! Every fault of a server, a network or a name service, and what the module makes of it.

#[path = "../support/mod.rs"]
mod support;

mod backoff;
mod kept;
mod names;
mod servers;
