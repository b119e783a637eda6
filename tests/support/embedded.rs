//! What `require` returns, for a Lua in this process.
#![allow(dead_code, reason = "most tests need one of them")]

use mlua::{Lua, Table, ffi};

pub fn httpbasic(lua: &Lua) -> Table {
    load(lua, httpbasic::lua::httpbasic)
}

pub fn base64(lua: &Lua) -> Table {
    load(lua, httpbasic::lua::base64)
}

fn load(lua: &Lua, open: ffi::lua_CFunction) -> Table {
    // SAFETY: it is one of those that Lua calls.
    unsafe { lua.create_c_function(open) }.unwrap().call(()).unwrap()
}
