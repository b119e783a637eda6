//! The arguments of one call, and Lua's own words for what is wrong with them.

use std::fmt::Display;

use mlua::{String as LuaString, Table, UserDataRef, Value};

use crate::http::Client;
use crate::lua::function::Problem;

/// The arguments of a call of `function`, counted from 1 as in Lua.
pub struct Arguments<'a> {
    pub function: &'a str,
    pub values: &'a [Value],
}

impl Arguments<'_> {
    /// Takes off the client that a method is called on.
    pub fn client(&mut self) -> Result<UserDataRef<Client>, Problem> {
        let object = self.values.first();
        self.values = self.values.get(1..).unwrap_or_default();
        let userdata = object.and_then(Value::as_userdata);
        userdata.and_then(|userdata| userdata.borrow().ok()).ok_or_else(|| {
            let (function, got) = (self.function, object.map_or("no value", kind));
            let problem = format!("httpbasic.client expected, got {got}");
            format!("calling '{function}' on bad self ({problem}); is there a colon before it?")
                .into()
        })
    }

    /// There must be no more than `count`.
    pub fn at_most(&self, count: usize) -> Result<(), Problem> {
        let (function, got) = (self.function, self.values.len());
        if got > count {
            let text = format!("too many arguments to '{function}' ({count} expected, got {got})");
            return Err(text.into());
        }
        Ok(())
    }

    /// A string; Lua would take a number as well.
    pub fn string(&self, place: usize) -> Result<&LuaString, Problem> {
        self.get(place).as_string().ok_or_else(|| self.not_a("string", place))
    }

    /// A string or nil.
    pub fn optional_string(&self, place: usize) -> Result<Option<&LuaString>, Problem> {
        match self.get(place) {
            Value::Nil => Ok(None),
            Value::String(text) => Ok(Some(text)),
            _ => Err(self.not_a("string or nil", place)),
        }
    }

    /// A table.
    pub fn table(&self, place: usize) -> Result<&Table, Problem> {
        self.get(place).as_table().ok_or_else(|| self.not_a("table", place))
    }

    /// Whether there is an argument that is neither nil nor false.
    pub fn given(&self, place: usize) -> bool {
        !matches!(self.get(place), Value::Nil | Value::Boolean(false))
    }

    /// Any value; nil if there is none.
    pub fn get(&self, place: usize) -> &Value {
        self.values.get(place - 1).unwrap_or(&Value::Nil)
    }

    /// What is wrong with an argument.
    pub fn bad(&self, place: usize, reason: impl Display) -> Problem {
        format!("bad argument #{place} to '{}' ({reason})", self.function).into()
    }

    fn not_a(&self, expected: &str, place: usize) -> Problem {
        let got = self.values.get(place - 1).map_or("no value", kind);
        self.bad(place, format_args!("{expected} expected, got {got}"))
    }
}

/// Lua's name for the type of a value.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Integer(_) => "number",
        Value::LightUserData(_) | Value::Error(_) => "userdata",
        other => other.type_name(),
    }
}
