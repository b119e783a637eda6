//! The module in an embedded Lua, without Dovecot, and httpbasic-check, which embeds a Lua too.
//!
//! Lua 5.4 runs all of it. The other Luas run what may differ from Lua to Lua.

#[path = "../support/mod.rs"]
mod support;

mod base64;
mod base64_random;
mod interface;

#[cfg(feature = "check")]
mod check;
#[cfg(feature = "lua54")]
mod faults;
#[cfg(feature = "lua54")]
mod hostile;
#[cfg(feature = "lua54")]
mod servers;
#[cfg(feature = "lua54")]
mod tls;
