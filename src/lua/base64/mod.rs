//! The functions of `httpbasic.base64`. The rules are those of [`lbase64`].

mod lbase64;

use mlua::{Lua, String as LuaString, Table, Value};
use zeroize::Zeroize;

use self::lbase64::{DECODER, Decoder, Error};
use crate::lua::arguments::{Arguments, Problem};
use crate::lua::call::{function_returning_problem, function_without_problem};

/// The maximum size of a result that is built on the stack, in bytes.
const SHORT: usize = 256;

/// Creates the table that `require("base64")` returns.
///
/// # Errors
/// Lua is out of memory.
pub fn base64(lua: &Lua) -> mlua::Result<Table> {
    let functions = lua.create_table_from([
        ("encode", function_returning_problem(lua, "encode", encode)?),
        ("decode", function_returning_problem(lua, "decode", decode)?),
        ("makeencoder", function_returning_problem(lua, "makeencoder", makeencoder)?),
        ("makedecoder", function_returning_problem(lua, "makedecoder", makedecoder)?),
    ])?;
    let fast_functions = lua.create_table_from([
        ("encode", function_without_problem(lua, "encode", encode)?),
        ("decode", function_without_problem(lua, "decode", decode)?),
    ])?;
    lua.load(include_str!("base64.lua"))
        .set_name("=httpbasic.base64")
        .call((functions, fast_functions))
}

/// `encode(text, encoder)`. The encoder must not have metamethods.
fn encode(lua: &Lua, arguments: Arguments) -> Result<LuaString, Problem> {
    let text = arguments.string(1)?.as_bytes();
    let encoder = arguments.given(2).then(|| arguments.table(2)).transpose()?;
    result(lua, &arguments, lbase64::encoded_size(text.len()), |out| {
        match encoder {
            None => lbase64::encode(&text, out),
            Some(encoder) => lbase64::encode_with(|value| entry(encoder, value), &text, out)?,
        }
        Ok(out.len())
    })
}

/// `decode(text, decoder, s62, s63)`. The decoder must not have metamethods.
fn decode(lua: &Lua, arguments: Arguments) -> Result<LuaString, Problem> {
    let text = arguments.string(1)?.as_bytes();
    let decoder = arguments.given(2).then(|| arguments.table(2)).transpose()?;
    result(lua, &arguments, text.len(), |out| {
        let Some(decoder) = decoder else { return DECODER.decode(&text, out) };
        let s62 = integer(arguments.get(3)).ok_or(Error::NoCharacter(62))?;
        let s63 = integer(arguments.get(4)).ok_or(Error::NoCharacter(63))?;
        let value = |byte| entry(decoder, byte).map(|value: i64| value as u32);
        Decoder::new(&text, s62, s63, value).decode(&text, out)
    })
}

/// `makeencoder(s62, s63, spad)`
fn makeencoder(lua: &Lua, arguments: Arguments) -> Result<Table, Problem> {
    table(lua, &bytes(&arguments)?)
}

/// `makedecoder(s62, s63, spad)`
fn makedecoder(lua: &Lua, arguments: Arguments) -> Result<Table, Problem> {
    table(lua, &lbase64::values(&bytes(&arguments)?))
}

/// Creates a table with these entries. The first one has the key 0.
fn table(lua: &Lua, entries: &[Option<u8>]) -> Result<Table, Problem> {
    let entries = (0_u16..).zip(entries.iter().copied()).filter(|(_, entry)| entry.is_some());
    Ok(lua.create_table_from(entries)?)
}

/// Creates a string from the bytes that `fill` writes into a buffer of `size` bytes. The string may
/// be a password, so the buffer is wiped.
fn result(
    lua: &Lua,
    arguments: &Arguments,
    size: usize,
    fill: impl FnOnce(&mut [u8]) -> Result<usize, Error>,
) -> Result<LuaString, Problem> {
    // Most texts are short and need no allocation.
    let (mut short, mut long) = ([0; SHORT], Vec::new());
    let out = match short.get_mut(..size) {
        Some(out) => out,
        None => {
            long.resize(size, 0);
            &mut long[..]
        }
    };
    let result = match fill(out) {
        Ok(length) => lua.create_string(&out[..length]).map_err(Problem::from),
        Err(error) => {
            let place = if error == Error::Incomplete { 1 } else { 2 };
            Err(arguments.bad(place, error))
        }
    };
    out.zeroize();
    result
}

/// Reads the arguments of `makeencoder` and `makedecoder`. Only their first bytes count.
fn bytes(arguments: &Arguments) -> Result<[Option<u8>; lbase64::VALUES], Problem> {
    let byte = |place, default| match arguments.given(place) {
        true => arguments.string(place).map(|text| text.as_bytes().first().copied()),
        false => Ok(Some(default)),
    };
    Ok(lbase64::bytes(byte(1, b'+')?, byte(2, b'/')?, byte(3, b'=')?))
}

/// The integer in a table under `key`.
fn entry<T: TryFrom<i64>>(table: &Table, key: u8) -> Option<T> {
    integer(&table.raw_get(key).ok()?)
}

/// The value as an integer. Strings and fractions are not converted.
fn integer<T: TryFrom<i64>>(value: &Value) -> Option<T> {
    match *value {
        Value::Integer(number) => T::try_from(number).ok(),
        Value::Number(number) if number as i64 as f64 == number => T::try_from(number as i64).ok(),
        _ => None,
    }
}
