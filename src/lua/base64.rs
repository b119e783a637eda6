//! lbase64's table of functions.

use mlua::{Lua, String as LuaString, Table, Value};
use zeroize::Zeroizing;

use crate::lbase64::{self, DECODER, Decoder, ENCODER, Encoder, Error};
use crate::lua::arguments::Arguments;
use crate::lua::function::{Problem, native};

/// The table of `require("base64")`.
///
/// # Errors
/// Lua has no memory left.
pub fn base64(lua: &Lua) -> mlua::Result<Table> {
    let natives = lua.create_table_from([
        ("encode", native(lua, "encode", encode)?),
        ("decode", native(lua, "decode", decode)?),
        ("makeencoder", native(lua, "makeencoder", makeencoder)?),
        ("makedecoder", native(lua, "makedecoder", makedecoder)?),
    ])?;
    lua.load(include_str!("base64.lua")).set_name("=httpbasic.base64").call(natives)
}

/// `encode(text, encoder)`, where the encoder has no metamethods.
fn encode(lua: &Lua, arguments: Arguments) -> Result<Option<LuaString>, Problem> {
    let text = arguments.string(1)?.as_bytes();
    let custom = arguments.given(2).then(|| encoder(arguments.table(2)?)).transpose()?;
    hand_over(lua, &arguments, custom.as_ref().unwrap_or(&ENCODER).encode(&text))
}

/// `decode(text, decoder, s62, s63)`, where the decoder has no metamethods.
fn decode(lua: &Lua, arguments: Arguments) -> Result<Option<LuaString>, Problem> {
    let text = arguments.string(1)?.as_bytes();
    let custom = arguments.given(2).then(|| decoder(&arguments)).transpose()?;
    hand_over(lua, &arguments, custom.as_ref().unwrap_or(&DECODER).decode(&text))
}

/// `makeencoder(s62, s63, spad)`
fn makeencoder(lua: &Lua, arguments: Arguments) -> Result<Option<Table>, Problem> {
    table(lua, &bytes(&arguments)?)
}

/// `makedecoder(s62, s63, spad)`
fn makedecoder(lua: &Lua, arguments: Arguments) -> Result<Option<Table>, Problem> {
    table(lua, &lbase64::values(&bytes(&arguments)?))
}

/// A table with these entries, counted from 0.
fn table(lua: &Lua, entries: &[Option<u8>]) -> Result<Option<Table>, Problem> {
    let entries = (0..).zip(entries).filter(|(_, entry)| entry.is_some());
    Ok(Some(lua.create_table_from(entries.map(|(key, entry): (u16, _)| (key, *entry)))?))
}

/// Gives Lua a text, which may be a password: no other copy is left behind.
fn hand_over(
    lua: &Lua,
    arguments: &Arguments,
    text: Result<Zeroizing<Vec<u8>>, Error>,
) -> Result<Option<LuaString>, Problem> {
    let text = text.map_err(|error| wrong(arguments, error))?;
    Ok(Some(lua.create_string(&*text)?))
}

/// An error of the core's, as one of the argument that is to blame.
fn wrong(arguments: &Arguments, error: Error) -> Problem {
    match error {
        Error::NoByte(value) => {
            arguments.bad(2, format_args!("the encoder has no byte for value {value}"))
        }
        Error::NoValue(byte) => {
            arguments.bad(2, format_args!("the decoder has no value for byte {byte}"))
        }
        Error::NoCharacter(value) => {
            arguments.bad(2, format_args!("the decoder has no byte for value {value}"))
        }
        Error::Incomplete => arguments.bad(1, "its last group of four is incomplete"),
    }
}

/// The arguments of `makeencoder` and `makedecoder`, of which the first bytes count.
fn bytes(arguments: &Arguments) -> Result<[Option<u8>; lbase64::VALUES], Problem> {
    let byte = |place, default| match arguments.given(place) {
        true => arguments.string(place).map(|text| text.as_bytes().first().copied()),
        false => Ok(Some(default)),
    };
    Ok(lbase64::bytes(byte(1, b'+')?, byte(2, b'/')?, byte(3, b'=')?))
}

fn encoder(entries: &Table) -> Result<Encoder, Problem> {
    let mut bytes = [None; lbase64::VALUES];
    for (value, byte) in (0..).zip(&mut bytes) {
        *byte =
            integer(&entries.raw_get::<Value>(value)?).and_then(|number| number.try_into().ok());
    }
    Ok(Encoder::new(bytes))
}

fn decoder(arguments: &Arguments) -> Result<Decoder, Problem> {
    let entries = arguments.table(2)?;
    let byte = |place, value| {
        let byte = integer(arguments.get(place)).and_then(|number| number.try_into().ok());
        byte.ok_or_else(|| wrong(arguments, Error::NoCharacter(value)))
    };
    Decoder::new(byte(3, 62)?, byte(4, 63)?, |byte| {
        Ok(integer(&entries.raw_get::<Value>(byte)?).map(|number| number as u32))
    })
}

/// Neither a string nor a fraction is an integer.
fn integer(value: &Value) -> Option<i64> {
    match *value {
        Value::Integer(number) => Some(number),
        Value::Number(number) if number.fract() == 0.0 => Some(number as i64),
        _ => None,
    }
}
