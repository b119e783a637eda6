//! `httpbasic` lets Dovecot's Lua passdb scripts ask a web server whether a password is right.
//!
//! Data goes one way. A lookup comes in through [`lua`]; [`login`] asks the server by [`http`], and
//! [`verdict`] says what the answer means, whose body [`dav`] has read. What may be sent and how, the
//! [`options`] and the [`credentials`] decide. README.md describes the Lua interface.

#![forbid(unsafe_code)]

pub mod capture;
#[cfg(feature = "check")]
pub mod check;
pub mod credentials;
pub mod dav;
pub mod error;
mod file;
pub mod http;
pub mod lbase64;
pub mod login;
mod names;
pub mod options;
mod ssha256;
mod text;
mod tls_error;
pub mod verdict;

// Unit tests with the feature `module` have no Lua to link to; they test the core alone.
#[cfg(all(feature = "lua", not(all(test, feature = "module"))))]
pub mod lua;

/// The entry points that a Lua's `require` looks for. Memory is not checked: an allocation that fails
/// ends Dovecot's process, and never comes back to us as an error.
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

    /// `require("base64")`, when the library is named `base64.so`
    #[lua_module(skip_memory_check)]
    fn base64(lua: &Lua) -> Result<Table> {
        lua::base64(lua)
    }
}
