//! Rust functions for Lua whose errors are strings with the script's position.
//!
//! An mlua error, or a panic, that is raised as it is reaches Lua as userdata, and Dovecot's log
//! then says `(null)`. So no function of ours ever fails in mlua's sense: it returns its failure as
//! its first value, and a few lines of Lua raise it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mlua::{Function, IntoLuaMulti, Lua, MultiValue, Value};

/// The text of an error to raise.
pub struct Failure(String);

impl<T: std::fmt::Display> From<T> for Failure {
    fn from(reason: T) -> Self {
        Self(reason.to_string())
    }
}

const RAISING: &str = "
local call, error = ...
return function(...)
    local failure, first, second = call(...)
    if failure then
        error(failure, 2)
    end
    return first, second
end
";

/// Makes `body`, which returns at most two values, a Lua function that raises strings.
pub fn raising<F, R>(lua: &Lua, name: &'static str, body: F) -> mlua::Result<Function>
where
    F: Fn(&Lua, Arguments) -> Result<R, Failure> + 'static,
    R: IntoLuaMulti,
{
    let call = lua.create_function(move |lua, values: MultiValue| {
        let attempt =
            || body(lua, Arguments { name, values })?.into_lua_multi(lua).map_err(Failure::from);
        let outcome = catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(|_| {
            Err(Failure(format!("httpbasic: a bug in '{name}'; standard error says where")))
        });
        let mut results = match outcome {
            Ok(results) => results,
            Err(Failure(text)) => return text.into_lua_multi(lua),
        };
        results.push_front(Value::Nil);
        Ok(results)
    })?;
    let error: Value = lua.globals().raw_get("error")?;
    lua.load(RAISING).set_name("=httpbasic").call((call, error))
}

/// A call's arguments, and the words for what is wrong with one of them.
pub struct Arguments {
    name: &'static str,
    values: MultiValue,
}

impl Arguments {
    /// Takes the object of a method call off the front.
    pub fn take_self(&mut self) -> Value {
        self.values.pop_front().unwrap_or(Value::Nil)
    }

    /// There must be no more than `count`.
    pub fn at_most(&self, count: usize) -> Result<(), Failure> {
        let got = self.values.len();
        if got > count {
            return Err(format!(
                "too many arguments to '{}' ({count} expected, got {got})",
                self.name
            )
            .into());
        }
        Ok(())
    }

    /// Argument `number`, counted from 1, if it is there.
    pub fn get(&self, number: usize) -> Option<&Value> {
        self.values.get(number - 1)
    }

    /// Argument `number`, which must be a string: a number is none.
    pub fn string(&self, number: usize) -> Result<&mlua::String, Failure> {
        match self.get(number) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(self.wrong(number, "string")),
        }
    }

    /// Argument `number`, which must be a string or nil.
    pub fn optional_string(&self, number: usize) -> Result<Option<&mlua::String>, Failure> {
        match self.get(number) {
            None | Some(Value::Nil) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            _ => Err(self.wrong(number, "string or nil")),
        }
    }

    /// The error for an argument of the wrong type, in Lua's own words.
    pub fn wrong(&self, number: usize, expected: &str) -> Failure {
        let got = self.get(number).map_or("no value", Value::type_name);
        format!("bad argument #{number} to '{}' ({expected} expected, got {got})", self.name).into()
    }

    /// The error for a method that is called on something else, most often with a dot.
    pub fn wrong_self(&self, expected: &str, got: &Value) -> Failure {
        let (name, got) = (self.name, got.type_name());
        format!("calling '{name}' on bad self ({expected} expected, got {got}); is there a colon before it?").into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a script gets when it calls `body`: the error's text, if it is a string.
    fn raised<R: IntoLuaMulti + 'static>(body: fn() -> Result<R, Failure>) -> Option<String> {
        let lua = Lua::new();
        let function = raising(&lua, "call", move |_, _| body()).unwrap();
        lua.globals().set("call", function).unwrap();
        let script = "local ok, problem = pcall(function() local x = call() end) return problem";
        let problem: Value = lua.load(script).set_name("@script.lua").eval().unwrap();
        problem.as_string().map(|text| text.to_string_lossy())
    }

    #[test]
    fn a_failure_is_raised_as_a_string_with_the_scripts_position() {
        let problem = raised(|| Err::<(), _>(Failure::from("no")));
        assert_eq!(problem.as_deref(), Some("script.lua:1: no"));
    }

    #[test]
    fn a_panic_is_raised_as_a_string_too() {
        let text = raised::<()>(|| panic!("a bug, on purpose")).unwrap();
        assert!(text.starts_with("script.lua:1: httpbasic: a bug in 'call'"), "{text}");
    }

    #[test]
    fn an_error_of_mlua_is_raised_as_a_string_too() {
        assert!(raised(|| Err::<(), _>(Failure::from(mlua::Error::StackError))).is_some());
    }
}
