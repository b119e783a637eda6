//! `httpbasic-check` finds each fault, gives the advice that helps, and reveals no secret.

mod answers;
mod mounted;
mod picture;
mod servers;
mod settings;
mod terminal;
mod tls;
