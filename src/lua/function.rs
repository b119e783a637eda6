//! Functions that Lua calls: Rust gets the arguments, plain values go back.
//!
//! These are C functions, since mlua's own cost a lookup several times what its arguments and
//! results are worth. Whatever raises an error of Lua's jumps out of Rust and runs no destructor: so
//! a function's body calls nothing that does, and who hands over what it returned owns nothing. And
//! what is raised is a string with the script's position: Dovecot logs anything else as `(null)`.

#![allow(unsafe_code, reason = "Lua's C API is unsafe throughout")]

use std::ffi::{CStr, c_int};
use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use log::Level;
use mlua::ffi::{self, lua_State};

use crate::http::Client;
use crate::log::Line;
use crate::lua::call::Call;
use crate::lua::object;

/// A function of ours.
pub struct Function {
    pub name: &'static CStr,
    /// Whether it is called with a colon.
    pub is_method: bool,
    pub body: Body,
}

/// Reads the arguments and returns two values.
pub type Body = fn(&Call) -> Result<[Output; 2], Failure>;

/// The text of an error to raise.
#[derive(Debug)]
pub struct Failure(String);

impl<T: std::fmt::Display> From<T> for Failure {
    fn from(reason: T) -> Self {
        Self(reason.to_string())
    }
}

/// A value on its way to Lua.
pub enum Output {
    Nil,
    Integer(i64),
    Word(&'static str),
    String(Vec<u8>),
    List(Vec<Output>),
    Table(Vec<(&'static CStr, Output)>),
    /// Empty when Lua has it.
    Client(Option<Box<Client>>),
}

impl From<String> for Output {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<&'static str> for Output {
    fn from(word: &'static str) -> Self {
        Self::Word(word)
    }
}

impl<T: Into<Output>> From<Option<T>> for Output {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nil, Into::into)
    }
}

/// What a call leaves behind for Lua.
struct Outcome {
    lines: Vec<Line>,
    result: Result<[Output; 2], Failure>,
}

/// Pushes the function.
///
/// # Safety
/// `state` is that of a running C function, which has nothing alive that needs dropping.
pub unsafe fn push(state: *mut lua_State, function: &'static Function) {
    // SAFETY: `run` takes the pointer for what it is; the function lives for ever.
    unsafe {
        ffi::lua_pushlightuserdata(state, ptr::from_ref(function).cast_mut().cast());
        ffi::lua_pushcclosure(state, run, 1);
    }
}

/// What Lua calls, whichever the function.
unsafe extern "C-unwind" fn run(state: *mut lua_State) -> c_int {
    // SAFETY: `push` made this closure. An error of Lua's in `hand_over` jumps out of here: then the
    // outcome is lost, but not dropped halfway.
    unsafe {
        let function = &*ffi::lua_touserdata(state, ffi::lua_upvalueindex(1)).cast::<Function>();
        let mut outcome = ManuallyDrop::new(call(state, function));
        hand_over(state, &mut outcome);
        let is_fine = outcome.result.is_ok();
        ManuallyDrop::drop(&mut outcome);
        if is_fine { 2 } else { raise(state) }
    }
}

/// Runs the function. No panic gets out of it.
unsafe fn call(state: *mut lua_State, function: &Function) -> Outcome {
    // SAFETY: `state` is that of the running function.
    let call = unsafe { Call::new(state, function) };
    let result = catch_unwind(AssertUnwindSafe(|| (function.body)(&call))).unwrap_or_else(|_| {
        Err(format!("httpbasic: a bug in '{}'; standard error says where", call.name()).into())
    });
    Outcome { lines: call.into_lines(), result }
}

/// Logs the lines, and pushes two values or the text of an error.
unsafe fn hand_over(state: *mut lua_State, outcome: &mut Outcome) {
    // SAFETY: nothing is owned in here.
    unsafe {
        for (level, line) in &outcome.lines {
            say(state, *level, line);
        }
        match &mut outcome.result {
            Ok(outputs) => outputs.iter_mut().for_each(|output| output.push(state)),
            Err(Failure(text)) => push_bytes(state, text.as_bytes()),
        }
    }
}

impl Output {
    unsafe fn push(&mut self, state: *mut lua_State) {
        // SAFETY: a C function has room for 20 values, and no table is that deep. Nothing is owned.
        unsafe {
            match self {
                Output::Nil => ffi::lua_pushnil(state),
                Output::Integer(number) => ffi::lua_pushinteger(state, *number as _),
                Output::Word(word) => push_bytes(state, word.as_bytes()),
                Output::String(bytes) => push_bytes(state, bytes),
                Output::List(outputs) => {
                    ffi::lua_newtable(state);
                    for (place, output) in (1..).zip(outputs) {
                        output.push(state);
                        ffi::lua_rawseti(state, -2, place);
                    }
                }
                Output::Table(fields) => {
                    ffi::lua_newtable(state);
                    for (name, output) in fields {
                        output.push(state);
                        ffi::lua_setfield(state, -2, name.as_ptr());
                    }
                }
                Output::Client(client) => object::push(state, client),
            }
        }
    }
}

unsafe fn push_bytes(state: *mut lua_State, bytes: &[u8]) {
    // SAFETY: Lua copies them.
    unsafe {
        ffi::lua_pushlstring(state, bytes.as_ptr().cast(), bytes.len());
    }
}

/// Gives a line to Dovecot's log, or to standard error where there is no Dovecot.
unsafe fn say(state: *mut lua_State, level: Level, line: &str) {
    let function = match level {
        Level::Error => c"i_error",
        Level::Warn => c"i_warning",
        Level::Info => c"i_info",
        Level::Debug | Level::Trace => c"i_debug",
    };
    // SAFETY: there is room for the three values.
    unsafe {
        ffi::lua_getglobal(state, c"dovecot".as_ptr());
        if ffi::lua_type(state, -1) == ffi::LUA_TTABLE {
            ffi::lua_getfield(state, -1, function.as_ptr());
            push_bytes(state, line.as_bytes());
            ffi::lua_call(state, 1, 0);
        } else {
            // Who has closed it does not want to know.
            let _ = writeln!(io::stderr(), "{level} {line}");
        }
        ffi::lua_pop(state, 1);
    }
}

/// Raises the string on top of the stack, with the script's position before it.
///
/// # Safety
/// There is one. Nothing that needs dropping is alive.
pub unsafe fn raise(state: *mut lua_State) -> ! {
    // SAFETY: there is room for another string.
    unsafe {
        ffi::luaL_where(state, 1);
        ffi::lua_insert(state, -2);
        ffi::lua_concat(state, 2);
        ffi::lua_error(state)
    }
}

// With the feature `module` there is no Lua to link to.
#[cfg(all(test, feature = "vendored"))]
mod tests {
    use mlua::{Lua, Value};

    use super::*;

    unsafe extern "C-unwind" fn make<const N: usize>(state: *mut lua_State) -> c_int {
        static FUNCTIONS: [Function; 2] = [
            Function { name: c"call", is_method: false, body: |_| Err(Failure::from("no")) },
            Function { name: c"call", is_method: false, body: |_| panic!("a bug, on purpose") },
        ];
        // SAFETY: Lua calls this.
        unsafe { push(state, &FUNCTIONS[N]) };
        1
    }

    /// What a script gets when it calls the function that `make` pushes: the error, if it is a string.
    fn raised(make: ffi::lua_CFunction) -> String {
        let lua = Lua::new();
        // SAFETY: it keeps to the protocol that Lua has for its C functions.
        let function: Value = unsafe { lua.create_c_function(make) }.unwrap().call(()).unwrap();
        lua.globals().set("call", function).unwrap();
        let script = "local ok, problem = pcall(function() local x = call() end) return problem";
        let problem: Value = lua.load(script).set_name("@script.lua").eval().unwrap();
        problem.as_string().unwrap().to_string_lossy()
    }

    #[test]
    fn a_failure_is_raised_as_a_string_with_the_scripts_position() {
        assert_eq!(raised(make::<0>), "script.lua:1: no");
    }

    #[test]
    fn a_panic_is_raised_as_a_string_too() {
        let text = raised(make::<1>);
        assert!(text.starts_with("script.lua:1: httpbasic: a bug in 'call'"), "{text}");
    }
}
