//! The binding: what Lua sees, and the only place that knows mlua.

mod base64;
mod client;
mod function;
mod options;

use mlua::{Lua, Result, Table};

/// The table that `require("httpbasic")` returns.
pub fn httpbasic(lua: &Lua) -> Result<Table> {
    let exports = lua.create_table()?;
    exports.raw_set("_VERSION", env!("CARGO_PKG_VERSION"))?;
    exports.raw_set("base64", base64(lua)?)?;
    exports.raw_set("client", client::constructor(lua)?)?;
    Ok(exports)
}

/// The table that `require("base64")` returns.
pub fn base64(lua: &Lua) -> Result<Table> {
    base64::exports(lua)
}
