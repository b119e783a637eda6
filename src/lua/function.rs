//! Creates Lua functions from Rust functions.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mlua::{Function, IntoLua, Lua, MultiValue, Nil, Table, Value};

use crate::capture::Line;
use crate::lua::arguments::Arguments;

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

/// The Rust implementation of a function.
pub type Body<T> = fn(&Lua, Arguments) -> Result<T, Problem>;

/// The values that a function returns to the script.
pub type Results = (Value, Value);

/// The outcome of a successful call: its results, and the lines to log.
pub struct Outcome {
    pub results: Results,
    pub lines: Vec<Line>,
}

/// Creates a function that calls `body`, logs its lines and raises its errors.
pub fn raising(lua: &Lua, name: &'static str, body: Body<Outcome>) -> mlua::Result<Function> {
    let native = lua.create_function(move |lua, mut values: MultiValue| {
        Ok(match run(lua, name, values.make_contiguous(), body) {
            Ok(Outcome { results, lines }) => (None, log(lua, lines)?, results.0, results.1),
            Err(problem) => (Some(problem), None, Nil, Nil),
        })
    })?;
    lua.load(include_str!("raise.lua")).set_name("=httpbasic").call(native)
}

/// Creates a function that returns the result of `body`, or nil and an error text.
pub fn native<T: IntoLua + 'static>(
    lua: &Lua,
    name: &'static str,
    body: Body<T>,
) -> mlua::Result<Function> {
    lua.create_function(move |lua, mut values: MultiValue| {
        Ok(run(lua, name, values.make_contiguous(), body))
    })
}

/// Creates a faster function with exactly one argument, which returns nil for every error. To get
/// the error text, call the function of [`native`], which can distinguish nil from a missing
/// argument.
pub fn quick<T: IntoLua + 'static>(
    lua: &Lua,
    name: &'static str,
    body: Body<T>,
) -> mlua::Result<Function> {
    lua.create_function(move |lua, value| Ok(run(lua, name, &[value], body).ok()))
}

/// Runs `body` and converts a panic to an error.
fn run<T>(lua: &Lua, function: &str, values: &[Value], body: Body<T>) -> Result<T, Problem> {
    let arguments = Arguments { function, values };
    catch_unwind(AssertUnwindSafe(|| body(lua, arguments))).unwrap_or_else(|_| {
        Err(format!("httpbasic: internal error in '{function}'; see standard error").into())
    })
}

/// The lines in the format of `raise.lua`, or `None` if there are none.
fn log(lua: &Lua, lines: Vec<Line>) -> mlua::Result<Option<Table>> {
    if lines.is_empty() {
        return Ok(None);
    }
    let lines = lines.into_iter().map(|(level, text)| [level.to_string(), text]);
    lua.create_sequence_from(lines).map(Some)
}

// With the feature `module`, tests have no Lua to link to.
#[cfg(all(test, feature = "vendored"))]
mod tests {
    use super::*;

    /// The error that a script gets when it calls a function with this body. It must be a string.
    fn raised(body: Body<Outcome>) -> String {
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
        assert!(text.starts_with("script.lua:1: httpbasic: internal error in 'call'"), "{text}");
    }
}
