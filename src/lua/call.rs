//! Creates Lua functions from Rust functions. `raise.lua` is the Lua half of one that raises its
//! errors.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mlua::{Function, IntoLua, Lua, MultiValue, Nil, Table, Value};

use super::arguments::{Arguments, Problem};
use super::capture::Line;

/// The Rust half of a function.
pub type RustHalf<T> = fn(&Lua, Arguments) -> Result<T, Problem>;

/// The values that a function returns to the script.
pub type Results = [Value; 4];

/// The outcome of a successful call: its results, and the lines to log.
pub struct Outcome {
    pub results: Results,
    pub lines: Vec<Line>,
}

/// Creates a function that calls `rust_half`, logs its lines and raises its problem.
pub fn function(
    lua: &Lua,
    name: &'static str,
    rust_half: RustHalf<Outcome>,
) -> mlua::Result<Function> {
    let rust_half = lua.create_function(move |lua, mut values: MultiValue| {
        Ok(match run(lua, name, values.make_contiguous(), rust_half) {
            Ok(Outcome { results: [one, two, three, four], lines }) => {
                (None, log(lua, lines)?, one, two, three, four)
            }
            Err(problem) => (Some(problem), None, Nil, Nil, Nil, Nil),
        })
    })?;
    lua.load(include_str!("raise.lua")).set_name("=httpbasic").call(rust_half)
}

/// Creates a function that returns the result of `rust_half`, or nil and its problem.
pub fn function_returning_problem<T: IntoLua + 'static>(
    lua: &Lua,
    name: &'static str,
    rust_half: RustHalf<T>,
) -> mlua::Result<Function> {
    lua.create_function(move |lua, mut values: MultiValue| {
        Ok(run(lua, name, values.make_contiguous(), rust_half))
    })
}

/// Creates a faster function with exactly one argument, which returns nil if there is a problem. It
/// cannot distinguish nil from a missing argument, so the problem has to come from the function that
/// [`function_returning_problem`] creates.
pub fn function_without_problem<T: IntoLua + 'static>(
    lua: &Lua,
    name: &'static str,
    rust_half: RustHalf<T>,
) -> mlua::Result<Function> {
    lua.create_function(move |lua, value| Ok(run(lua, name, &[value], rust_half).ok()))
}

/// Runs `rust_half` and converts a panic to a problem.
fn run<T>(
    lua: &Lua,
    function: &str,
    values: &[Value],
    rust_half: RustHalf<T>,
) -> Result<T, Problem> {
    let arguments = Arguments { function, values };
    catch_unwind(AssertUnwindSafe(|| rust_half(lua, arguments))).unwrap_or_else(|_| {
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

    /// The error that a script gets when it calls a function with this Rust half. It must be a string.
    fn raised(rust_half: RustHalf<Outcome>) -> String {
        let lua = Lua::new();
        lua.globals().set("call", function(&lua, "call", rust_half).unwrap()).unwrap();
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
