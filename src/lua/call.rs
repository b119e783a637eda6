//! Creates Lua functions from Rust functions.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mlua::{FromLuaMulti, Function, IntoLua, IntoLuaMulti, Lua, MultiValue, Table};

use super::arguments::{Arguments, Problem};
use super::capture::Line;

/// What a call returns to the script, and the lines to log.
pub struct Outcome<R> {
    pub results: R,
    pub lines: Vec<Line>,
}

/// Creates the Rust half of a function. It returns to `httpbasic.lua` the lines to log, the problem to raise, and
/// the results.
pub fn rust_half<A: FromLuaMulti + 'static, R: IntoLuaMulti + Default + 'static>(
    lua: &Lua,
    name: &'static str,
    call: fn(&Lua, A) -> Result<Outcome<R>, Problem>,
) -> mlua::Result<Function> {
    lua.create_function(move |lua, arguments| {
        Ok(match run(name, || call(lua, arguments)) {
            Ok(Outcome { results, lines }) => (log(lua, lines)?, None, results),
            Err(problem) => (None, Some(problem), R::default()),
        })
    })
}

/// Creates the Lua half of the module from a table of Rust halves. Returns the module and the methods of a client.
pub fn lua_half(lua: &Lua, rust_halves: Table) -> mlua::Result<(Table, Table)> {
    lua.load(include_str!("httpbasic.lua")).set_name("=httpbasic").call(rust_halves)
}

/// A function of base64.
pub type Codec<T> = fn(&Lua, Arguments) -> Result<T, Problem>;

/// Creates a function that returns the result of `call`, or nil and its problem.
pub fn function_returning_problem<T: IntoLua + 'static>(
    lua: &Lua,
    name: &'static str,
    call: Codec<T>,
) -> mlua::Result<Function> {
    lua.create_function(move |lua, mut values: MultiValue| {
        let arguments = Arguments { function: name, values: values.make_contiguous() };
        Ok(run(name, || call(lua, arguments)))
    })
}

/// Creates a faster function with exactly one argument, which returns nil if there is a problem. It
/// cannot distinguish nil from a missing argument, so the problem has to come from the function that
/// [`function_returning_problem`] creates.
pub fn function_without_problem<T: IntoLua + 'static>(
    lua: &Lua,
    name: &'static str,
    call: Codec<T>,
) -> mlua::Result<Function> {
    lua.create_function(move |lua, value| {
        let arguments = Arguments { function: name, values: &[value] };
        Ok(run(name, || call(lua, arguments)).ok())
    })
}

/// Runs a Rust half and converts a panic to a problem.
fn run<T>(function: &str, call: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| {
        Err(format!("httpbasic: internal error in '{function}'; see standard error").into())
    })
}

/// The lines in the format of `httpbasic.lua`, or `None` if there are none.
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
    use mlua::Value;

    use super::*;

    /// The error that a script gets when it calls a function with this Rust half. It must be a string.
    fn raised(call: fn(&Lua, ()) -> Result<Outcome<()>, Problem>) -> String {
        let lua = Lua::new();
        let rust_halves = [("client", rust_half(&lua, "call", call).unwrap())];
        let rust_halves = lua.create_table_from(rust_halves).unwrap();
        let (module, _) = lua_half(&lua, rust_halves).unwrap();
        lua.globals().set("httpbasic", module).unwrap();
        let script =
            "local _, problem = pcall(function() local x = httpbasic.client() end) return problem";
        let problem: Value = lua.load(script).set_name("@script.lua").eval().unwrap();
        problem.as_string().unwrap().to_string_lossy()
    }

    #[test]
    fn a_problem_is_raised_as_a_string_with_the_scripts_position() {
        assert_eq!(raised(|_, ()| Err("no".into())), "script.lua:1: no");
    }

    #[test]
    fn a_panic_is_raised_as_a_string_too() {
        let text = raised(|_, ()| panic!("a bug, on purpose"));
        assert!(text.starts_with("script.lua:1: httpbasic: internal error in 'call'"), "{text}");
    }
}
