//! An options table as plain values; what they may be, `crate::options` knows.

use mlua::{Table, Value as LuaValue};

use crate::value::Value;

/// The table's pairs. A key that is no string gets the name that Lua would print.
pub fn pairs(table: &Table) -> mlua::Result<Vec<(String, Value)>> {
    let mut pairs = Vec::new();
    for pair in table.pairs::<LuaValue, LuaValue>() {
        let (key, value) = pair?;
        let key = match key {
            LuaValue::String(name) => name.to_string_lossy(),
            other => other.to_string()?,
        };
        pairs.push((key, plain(value)));
    }
    // Lua's order is by chance; the first error should not be.
    pairs.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(pairs)
}

fn plain(value: LuaValue) -> Value {
    match value {
        LuaValue::Boolean(yes) => Value::Boolean(yes),
        LuaValue::Integer(number) => Value::Number(number as f64),
        LuaValue::Number(number) => Value::Number(number),
        LuaValue::String(text) => Value::String(text.as_bytes().to_vec()),
        other => Value::Other(other.type_name()),
    }
}
