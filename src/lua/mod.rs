//! The Lua binding, on mlua's safe API.
//!
//! A function that scripts call has two halves. The Rust half does the work and returns its error
//! as a text. The Lua half (`raise.lua`, `base64.lua`) raises that text as a string with the
//! script's position. An error that mlua raises itself is userdata, which Dovecot logs as `(null)`.

mod arguments;
mod base64;
mod call;
mod capture;
mod client;
mod shared;

use mlua::{Lua, Result, Table};

pub use base64::base64;
#[cfg(feature = "check")]
pub(crate) use client::pairs;

/// Creates the table that `require("httpbasic")` returns.
///
/// # Errors
/// Lua is out of memory.
pub fn httpbasic(lua: &Lua) -> Result<Table> {
    let module = lua.create_table()?;
    module.raw_set("_VERSION", env!("CARGO_PKG_VERSION"))?;
    module.raw_set("base64", base64(lua)?)?;
    module.raw_set("client", client::constructor(lua)?)?;
    Ok(module)
}
