//! What `require` returns, for a Lua in this process.
#![allow(dead_code, reason = "most tests need one of them")]

use mlua::{Lua, Table};

pub fn httpbasic(lua: &Lua) -> Table {
    httpbasic::lua::httpbasic(lua).unwrap()
}

pub fn base64(lua: &Lua) -> Table {
    httpbasic::lua::base64(lua).unwrap()
}
