//! One call of a function: its arguments, the words for what is wrong with them, and what is to be
//! logged of it.

#![allow(unsafe_code, reason = "Lua's C API is unsafe throughout")]

use std::cell::RefCell;
use std::ffi::{CStr, c_int};
use std::slice;

use log::Level;
use mlua::ffi::{self, lua_State};

use crate::http::Client;
use crate::log::Line;
use crate::lua::function::{Failure, Function};
use crate::lua::object;
use crate::options::value::Value;

/// A call. Nothing here raises an error of Lua's, or changes what is on its stack.
pub struct Call {
    state: *mut lua_State,
    name: &'static CStr,
    /// How many values come before the first argument: a method's object.
    before: c_int,
    /// How many values there are.
    count: c_int,
    lines: RefCell<Vec<Line>>,
}

impl Call {
    /// A call of this function.
    ///
    /// # Safety
    /// `state` is that of the function, which has pushed nothing yet, and pushes nothing as long as
    /// the call lives.
    pub unsafe fn new(state: *mut lua_State, function: &Function) -> Self {
        let before = c_int::from(function.is_method);
        // SAFETY: a state may always be asked.
        let count = unsafe { ffi::lua_gettop(state) };
        Self { state, name: function.name, before, count, lines: RefCell::default() }
    }

    /// The function's name.
    pub fn name(&self) -> &'static str {
        self.name.to_str().expect("names are ASCII")
    }

    /// Has a line logged when the call ends.
    pub fn log(&self, level: Level, line: String) {
        self.lines.borrow_mut().push((level, line));
    }

    /// What is to be logged.
    pub fn into_lines(self) -> Vec<Line> {
        self.lines.into_inner()
    }

    /// The client that a method is called on.
    pub fn client(&self) -> Result<&Client, Failure> {
        // SAFETY: the object stays on the stack, and so alive, as long as the call.
        let client = unsafe { object::get(self.state, 1) };
        client.ok_or_else(|| {
            let (name, got) = (self.name(), name_of_kind(self.state, self.kind(0)));
            format!("calling '{name}' on bad self (httpbasic.client expected, got {got}); is there a colon before it?").into()
        })
    }

    /// There must be no more than `count`.
    pub fn at_most(&self, count: c_int) -> Result<(), Failure> {
        let (name, got) = (self.name(), self.count - self.before);
        match got > count {
            true => {
                Err(format!("too many arguments to '{name}' ({count} expected, got {got})").into())
            }
            false => Ok(()),
        }
    }

    /// Argument `number`, counted from 1, which must be a string: a number is none.
    pub fn string(&self, number: c_int) -> Result<&[u8], Failure> {
        match self.kind(number) {
            // SAFETY: it is one, and as an argument it stays where it is.
            ffi::LUA_TSTRING => Ok(unsafe { bytes(self.state, self.index(number)) }),
            _ => Err(self.wrong(number, "string")),
        }
    }

    /// Argument `number`, which must be a string or nil.
    pub fn optional_string(&self, number: c_int) -> Result<Option<&[u8]>, Failure> {
        match self.kind(number) {
            ffi::LUA_TNIL | ffi::LUA_TNONE => Ok(None),
            ffi::LUA_TSTRING => self.string(number).map(Some),
            _ => Err(self.wrong(number, "string or nil")),
        }
    }

    /// The pairs of argument `number`, which must be a table, in the order of their keys.
    pub fn pairs(&self, number: c_int) -> Result<Vec<(String, Value)>, Failure> {
        if self.kind(number) != ffi::LUA_TTABLE {
            return Err(self.wrong(number, "table"));
        }
        let mut pairs = Vec::new();
        // SAFETY: it is one, and nobody changes it meanwhile, so `lua_next` finds each key that it gave.
        unsafe {
            ffi::lua_pushnil(self.state);
            while ffi::lua_next(self.state, self.index(number)) != 0 {
                let key = match value(self.state, -2) {
                    Value::String(name) => String::from_utf8_lossy(&name).into_owned(),
                    Value::Number(number) => number.to_string(),
                    Value::Boolean(yes) => yes.to_string(),
                    Value::Other(kind) => format!("a {kind}"),
                };
                pairs.push((key, value(self.state, -1)));
                ffi::lua_pop(self.state, 1);
            }
        }
        // Lua's order is by chance; the first error should not be.
        pairs.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(pairs)
    }

    /// The error for an argument of the wrong type, in Lua's own words.
    fn wrong(&self, number: c_int, expected: &str) -> Failure {
        let (name, got) = (self.name(), name_of_kind(self.state, self.kind(number)));
        format!("bad argument #{number} to '{name}' ({expected} expected, got {got})").into()
    }

    /// Lua's number for the type of argument `number`; 0 is a method's object.
    fn kind(&self, number: c_int) -> c_int {
        // SAFETY: any index above 0 may be asked about, and for what is not there Lua has a type.
        unsafe { ffi::lua_type(self.state, self.index(number)) }
    }

    /// Where argument `number` is on Lua's stack.
    fn index(&self, number: c_int) -> c_int {
        number + self.before
    }
}

/// Lua's name for one of its types.
fn name_of_kind(state: *mut lua_State, kind: c_int) -> &'static str {
    // SAFETY: the names live for ever.
    let name = unsafe { CStr::from_ptr(ffi::lua_typename(state, kind)) };
    name.to_str().expect("names of types are ASCII")
}

/// The bytes of the string at this index.
///
/// # Safety
/// There is one; the bytes are used only while it is there.
pub unsafe fn bytes<'a>(state: *mut lua_State, index: c_int) -> &'a [u8] {
    let mut length = 0;
    // SAFETY: Lua says where it is and how long.
    unsafe {
        let start = ffi::lua_tolstring(state, index, &mut length);
        slice::from_raw_parts(start.cast(), length)
    }
}

unsafe fn value(state: *mut lua_State, index: c_int) -> Value {
    // SAFETY: the caller has a value at this index, which is asked only for what it is.
    unsafe {
        match ffi::lua_type(state, index) {
            ffi::LUA_TBOOLEAN => Value::Boolean(ffi::lua_toboolean(state, index) != 0),
            ffi::LUA_TNUMBER => Value::Number(ffi::lua_tonumber(state, index)),
            ffi::LUA_TSTRING => Value::String(bytes(state, index).to_vec()),
            kind => Value::Other(name_of_kind(state, kind)),
        }
    }
}
