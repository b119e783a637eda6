//! The binding: what Lua sees, on mlua's safe API.
//!
//! A function for scripts has two halves. The one in Rust does the work and never raises: it returns
//! what is wrong. The one in Lua (`raise.lua`, `base64.lua`) raises that as a string with the script's
//! position, since Dovecot logs an error of mlua's, which is userdata, as `(null)`.

mod arguments;
mod base64;
mod client;
mod function;

use mlua::{Lua, Result, Table};

pub use base64::base64;
#[cfg(feature = "check")]
pub(crate) use client::pairs;

/// The table of `require("httpbasic")`.
///
/// # Errors
/// Lua has no memory left.
pub fn httpbasic(lua: &Lua) -> Result<Table> {
    let module = lua.create_table()?;
    module.raw_set("_VERSION", env!("CARGO_PKG_VERSION"))?;
    module.raw_set("base64", base64(lua)?)?;
    module.raw_set("client", client::constructor(lua)?)?;
    Ok(module)
}
