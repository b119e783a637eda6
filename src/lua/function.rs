//! Functions that scripts call.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

use log::Level;
use mlua::{Function, IntoLuaMulti, Lua, Table, Value};

use crate::capture::Line;
use crate::lua::arguments::Arguments;

/// The text of an error to raise.
#[derive(Debug)]
pub struct Problem(String);

impl<T: Display> From<T> for Problem {
    fn from(reason: T) -> Self {
        Self(reason.to_string())
    }
}

/// What a function returns to the script.
pub type Results = (Value, Value);

/// What a call leaves behind.
pub struct Outcome {
    pub results: Results,
    pub lines: Vec<Line>,
}

/// A function that logs the lines of `body`, and raises what it says is wrong.
pub fn raising(
    lua: &Lua,
    name: &'static str,
    body: fn(&Lua, Arguments) -> Result<Outcome, Problem>,
) -> mlua::Result<Function> {
    let native = native(lua, name, move |lua, arguments| {
        let Outcome { results: (first, second), lines } = body(lua, arguments)?;
        Ok((log(lua, lines)?, first, second))
    })?;
    lua.load(include_str!("raise.lua")).set_name("=httpbasic").call(native)
}

/// The lines as `raise.lua` logs them, if there are any.
fn log(lua: &Lua, lines: Vec<Line>) -> mlua::Result<Option<Table>> {
    if lines.is_empty() {
        return Ok(None);
    }
    let lines = lines.into_iter().map(|(level, text)| {
        let level = match level {
            Level::Error => "error",
            Level::Warn => "warning",
            Level::Info => "info",
            Level::Debug | Level::Trace => "debug",
        };
        [level.to_string(), text]
    });
    lua.create_sequence_from(lines).map(Some)
}

/// The half in Rust: returns what is wrong, or nil and what `body` returns. No panic gets out of it.
pub fn native<T: IntoLuaMulti + Default>(
    lua: &Lua,
    name: &'static str,
    body: impl Fn(&Lua, Arguments) -> Result<T, Problem> + 'static,
) -> mlua::Result<Function> {
    lua.create_function(move |lua, values| {
        let arguments = Arguments { function: name, values };
        let result = catch_unwind(AssertUnwindSafe(|| body(lua, arguments))).unwrap_or_else(|_| {
            Err(format!("httpbasic: a bug in '{name}'; standard error says where").into())
        });
        Ok(match result {
            Ok(values) => (None, values),
            Err(Problem(text)) => (Some(text), T::default()),
        })
    })
}

// With the feature `module` there is no Lua to link to.
#[cfg(all(test, feature = "vendored"))]
mod tests {
    use super::*;

    /// What a script gets when it calls a function with this body: the error, if it is a string.
    fn raised(body: fn(&Lua, Arguments) -> Result<Outcome, Problem>) -> String {
        let lua = Lua::new();
        lua.globals().set("call", raising(&lua, "call", body).unwrap()).unwrap();
        let script = "local ok, problem = pcall(function() local x = call() end) return problem";
        let problem: Value = lua.load(script).set_name("@script.lua").eval().unwrap();
        problem.as_string().unwrap().to_string_lossy()
    }

    #[test]
    fn a_problem_is_raised_as_a_string_with_the_scripts_position() {
        assert_eq!(raised(|_, _| Err("no".into())), "script.lua:1: no");
    }

    #[test]
    fn a_panic_is_raised_as_a_string_too() {
        let text = raised(|_, _| panic!("a bug, on purpose"));
        assert!(text.starts_with("script.lua:1: httpbasic: a bug in 'call'"), "{text}");
    }
}
