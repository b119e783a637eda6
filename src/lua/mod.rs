//! The Lua binding, on mlua's safe API.
//!
//! A function that scripts call has two halves. The Rust half does the work and returns its error
//! as a text. The Lua half (`httpbasic.lua`, `base64.lua`) raises that text as a string with the
//! script's position. An error that mlua raises itself is userdata, which Dovecot logs as `(null)`.

mod arguments;
mod base64;
mod call;
mod capture;
mod client;
mod shared;

use mlua::{Lua, Result, Table, Value};

pub use base64::base64;
use client::Methods;
#[cfg(feature = "check")]
pub(crate) use client::pairs;

/// Creates the table that `require("httpbasic")` returns.
///
/// # Errors
/// Lua is out of memory.
pub fn httpbasic(lua: &Lua) -> Result<Table> {
    let (module, methods) = call::lua_half(lua, client::rust_halves(lua)?)?;
    module.raw_set("_VERSION", env!("CARGO_PKG_VERSION"))?;
    // Most scripts do not use base64, and every garbage collection would visit its functions.
    let metatable = lua.create_table_from([("__index", lua.create_function(made_when_used)?)])?;
    module.set_metatable(Some(metatable))?;
    lua.set_app_data(Methods(methods));
    Ok(module)
}

/// Creates the table `base64` of the module.
fn made_when_used(lua: &Lua, (module, name): (Table, Value)) -> Result<Value> {
    if name.as_string().is_some_and(|name| *name == "base64") {
        module.raw_set("base64", base64(lua)?)?;
    }
    module.raw_get(name)
}
