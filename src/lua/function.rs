//! Functions that scripts call.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mlua::{Function, IntoLua, Lua, MultiValue, Nil, Table, Value};

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

impl IntoLua for Problem {
    fn into_lua(self, lua: &Lua) -> mlua::Result<Value> {
        self.0.into_lua(lua)
    }
}

/// What a function does, in Rust.
pub type Body<T> = fn(&Lua, Arguments) -> Result<T, Problem>;

/// What a function returns to the script.
pub type Results = (Value, Value);

/// What a call leaves behind.
pub struct Outcome {
    pub results: Results,
    pub lines: Vec<Line>,
}

/// A function that logs the lines of `body`, and raises what it says is wrong.
pub fn raising(lua: &Lua, name: &'static str, body: Body<Outcome>) -> mlua::Result<Function> {
    let native = lua.create_function(move |lua, mut values: MultiValue| {
        Ok(match run(lua, name, values.make_contiguous(), body) {
            Ok(Outcome { results, lines }) => (None, log(lua, lines)?, results.0, results.1),
            Err(problem) => (Some(problem), None, Nil, Nil),
        })
    })?;
    lua.load(include_str!("raise.lua")).set_name("=httpbasic").call(native)
}

/// A function that returns its result, or nil and what is wrong.
pub fn native<T: IntoLua + 'static>(
    lua: &Lua,
    name: &'static str,
    body: Body<T>,
) -> mlua::Result<Function> {
    lua.create_function(move |lua, mut values: MultiValue| {
        Ok(run(lua, name, values.make_contiguous(), body))
    })
}

/// The same for a call with one argument, in less time. What is wrong, [`native`] has to say: only
/// there nil and no value are two things.
pub fn quick<T: IntoLua + 'static>(
    lua: &Lua,
    name: &'static str,
    body: Body<T>,
) -> mlua::Result<Function> {
    lua.create_function(move |lua, value| Ok(run(lua, name, &[value], body).ok()))
}

/// Runs `body`. No panic gets out of it.
fn run<T>(lua: &Lua, function: &str, values: &[Value], body: Body<T>) -> Result<T, Problem> {
    let arguments = Arguments { function, values };
    catch_unwind(AssertUnwindSafe(|| body(lua, arguments))).unwrap_or_else(|_| {
        Err(format!("httpbasic: a bug in '{function}'; standard error says where").into())
    })
}

/// The lines as `raise.lua` logs them, if there are any.
fn log(lua: &Lua, lines: Vec<Line>) -> mlua::Result<Option<Table>> {
    if lines.is_empty() {
        return Ok(None);
    }
    let lines = lines.into_iter().map(|(level, text)| [level.to_string(), text]);
    lua.create_sequence_from(lines).map(Some)
}

// With the feature `module` there is no Lua to link to.
#[cfg(all(test, feature = "vendored"))]
mod tests {
    use super::*;

    /// What a script gets when it calls a function with this body: the error, if it is a string.
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
        assert!(text.starts_with("script.lua:1: httpbasic: a bug in 'call'"), "{text}");
    }
}
