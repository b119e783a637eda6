//! `httpbasic` lets Dovecot's Lua passdb scripts verify passwords against a web server.
//!
//! Data goes one way. A script calls [`lua`], which passes each lookup on to [`login`]. That sends
//! the [`credentials`] to the server through [`http`] and [`tls`]. [`dav`] parses the body of the
//! [`answer`], and [`verdict`] decides what it means: a login is accepted, or there is a [`denial`].
//! The [`options`] configure all of this. docs/lua.md describes the Lua interface.

#![forbid(unsafe_code)]

pub mod answer;
#[cfg(feature = "check")]
pub mod check;
pub mod credentials;
pub mod dav;
pub mod denial;
mod file;
pub mod http;
pub mod login;
mod names;
pub mod options;
mod ssha256;
mod text;
pub mod tls;
pub mod verdict;

// With the feature `module`, unit tests have no Lua to link to. They then test the rest of the
// crate.
#[cfg(all(feature = "lua", not(all(test, feature = "module"))))]
pub mod lua;

/// The entry points that Lua's `require` looks for.
///
/// `skip_memory_check` is sound because Dovecot's allocator ends the process when memory runs out.
/// No call into Lua returns an allocation error. Without it, `encode` and `decode` of 40 bytes execute
/// a sixth more instructions, and a lookup without TLS 6% more. docs/lua.md says what it means in
/// other programs.
#[cfg(all(feature = "module", not(test)))]
mod entry {
    use mlua::{Lua, Result, Table, lua_module};

    use crate::lua;

    /// `require("httpbasic")`
    #[lua_module(skip_memory_check)]
    fn httpbasic(lua: &Lua) -> Result<Table> {
        lua::httpbasic(lua)
    }

    /// `require("httpbasic.base64")`
    #[lua_module(skip_memory_check)]
    fn httpbasic_base64(lua: &Lua) -> Result<Table> {
        lua::base64(lua)
    }

    /// `require("base64")`, if the library is named `base64.so`
    #[lua_module(skip_memory_check)]
    fn base64(lua: &Lua) -> Result<Table> {
        lua::base64(lua)
    }
}
