//! `httpbasic-check` tells apart what may be wrong, says what helps, and gives no secret away.

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod mounted;
mod picture;
mod settings;
mod terminal;
mod tls;
