//! lbase64's table of functions.

use mlua::{Lua, Result, Table};

pub fn exports(lua: &Lua) -> Result<Table> {
    lua.create_table()
}
