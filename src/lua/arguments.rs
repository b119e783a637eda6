//! The arguments of a call. Errors have the wording of Lua's own.

use std::fmt::Display;

use mlua::{IntoLua, Lua, String as LuaString, Table, Value};

/// The text of a Lua error.
#[derive(Debug)]
pub struct Problem(String);

impl<T: Display> From<T> for Problem {
    fn from(reason: T) -> Self {
        Self(reason.to_string())
    }
}

impl IntoLua for Problem {
    fn into_lua(self, lua: &Lua) -> mlua::Result<Value> {
        self.0.into_lua(lua)
    }
}

/// The arguments of a call to `function`. As in Lua, the first one has the number 1.
pub struct Arguments<'a> {
    pub function: &'a str,
    pub values: &'a [Value],
}

impl Arguments<'_> {
    /// The error for a method whose object is not a client. The arguments do not include the object.
    pub fn bad_self(&self, object: &Value) -> Problem {
        let function = self.function;
        let got = if object.is_nil() && self.values.is_empty() { "no value" } else { kind(object) };
        let problem = format!("httpbasic.client expected, got {got}");
        format!("calling '{function}' on bad self ({problem}); use client:{function}(…)").into()
    }

    /// Checks that there are at most `count` arguments.
    pub fn at_most(&self, count: usize) -> Result<(), Problem> {
        let (function, got) = (self.function, self.values.len());
        if got > count {
            let text = format!("too many arguments to '{function}' ({count} expected, got {got})");
            return Err(text.into());
        }
        Ok(())
    }

    /// An argument that must be a string. Unlike Lua's own functions, this does not convert
    /// numbers.
    pub fn string(&self, place: usize) -> Result<&LuaString, Problem> {
        self.get(place).as_string().ok_or_else(|| self.not_a("string", place))
    }

    /// An argument that must be a string or nil.
    pub fn optional_string(&self, place: usize) -> Result<Option<&LuaString>, Problem> {
        match self.get(place) {
            Value::Nil => Ok(None),
            Value::String(text) => Ok(Some(text)),
            _ => Err(self.not_a("string or nil", place)),
        }
    }

    /// An argument that must be a table.
    pub fn table(&self, place: usize) -> Result<&Table, Problem> {
        self.get(place).as_table().ok_or_else(|| self.not_a("table", place))
    }

    /// Whether an argument is given and neither nil nor false.
    pub fn given(&self, place: usize) -> bool {
        !matches!(self.get(place), Value::Nil | Value::Boolean(false))
    }

    /// An argument of any type, or nil if it is not given.
    pub fn get(&self, place: usize) -> &Value {
        self.values.get(place - 1).unwrap_or(&Value::Nil)
    }

    /// The error for a wrong argument.
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
