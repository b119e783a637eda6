//! `httpbasic` lets Dovecot's Lua passdb scripts ask a web server whether a password is right.
//!
//! The data goes one way: a lookup comes in through [`lua`], [`verdict`] asks [`client`] and judges
//! the [`response`]. README.md describes the Lua interface.

#![deny(unsafe_code)]

pub mod base64;
#[cfg(feature = "check")]
pub mod check;
pub mod credentials;
pub mod dav;
pub mod error;
pub mod http;
pub mod log;
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

/// The entry points that a Lua's `require` looks for.
#[cfg(all(feature = "module", not(test)))]
mod entry {
    #![allow(unsafe_code, reason = "Lua finds them by their names")]

    use std::ffi::c_int;

    use mlua::ffi::lua_State;

    use crate::lua;

    /// `require("httpbasic")`
    // SAFETY: nothing else has this name.
    #[unsafe(no_mangle)]
    unsafe extern "C-unwind" fn luaopen_httpbasic(state: *mut lua_State) -> c_int {
        // SAFETY: Lua calls it.
        unsafe { lua::httpbasic(state) }
    }

    /// `require("httpbasic.base64")`
    // SAFETY: nothing else has this name.
    #[unsafe(no_mangle)]
    unsafe extern "C-unwind" fn luaopen_httpbasic_base64(state: *mut lua_State) -> c_int {
        // SAFETY: Lua calls it.
        unsafe { lua::base64(state) }
    }

    /// `require("base64")`, when the library is named `base64.so`
    // SAFETY: nothing else has this name.
    #[unsafe(no_mangle)]
    unsafe extern "C-unwind" fn luaopen_base64(state: *mut lua_State) -> c_int {
        // SAFETY: Lua calls it.
        unsafe { lua::base64(state) }
    }
}
