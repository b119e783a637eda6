//! The binding: what Lua sees, and the only place that knows its C API.

mod base64;
mod call;
mod client;
mod function;
mod object;

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

/// Returns the table of `require("httpbasic")`.
///
/// # Safety
/// Lua calls it.
#[allow(unsafe_code, reason = "Lua's C API is unsafe throughout")]
pub unsafe extern "C-unwind" fn httpbasic(state: *mut lua_State) -> c_int {
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    // SAFETY: a C function has room for 20 values.
    unsafe {
        object::register(state, &client::METHODS);
        ffi::lua_newtable(state);
        ffi::lua_pushlstring(state, VERSION.as_ptr().cast(), VERSION.len());
        ffi::lua_setfield(state, -2, c"_VERSION".as_ptr());
        base64(state);
        ffi::lua_setfield(state, -2, c"base64".as_ptr());
        function::push(state, &client::CONSTRUCTOR);
        ffi::lua_setfield(state, -2, client::CONSTRUCTOR.name.as_ptr());
    }
    1
}

/// Returns the table of `require("base64")`.
///
/// # Safety
/// Lua calls it.
#[allow(unsafe_code, reason = "Lua's C API is unsafe throughout")]
pub unsafe extern "C-unwind" fn base64(state: *mut lua_State) -> c_int {
    // SAFETY: the functions keep to the protocol that Lua has for its C functions.
    unsafe {
        ffi::lua_newtable(state);
        for (name, function) in base64::FUNCTIONS {
            ffi::lua_pushcfunction(state, function);
            ffi::lua_setfield(state, -2, name.as_ptr());
        }
    }
    1
}
