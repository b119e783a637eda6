//! lbase64's table of functions.
//!
//! They do not go through [`super::function`], which takes longer than all that it takes to encode a
//! login. Where one raises an error, Lua jumps out of it and runs no destructor, so nothing that has
//! one may be alive then.

#![allow(unsafe_code, reason = "Lua's C API is unsafe throughout")]

use std::ffi::{CStr, c_int};
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{ptr, slice};

use mlua::ffi::{self, lua_State};
use zeroize::Zeroize;

use crate::base64::{self, DECODER, Decoder, ENCODER, Encoder, Error};
use crate::lua::call;
use crate::lua::function::raise;

/// Results up to this size are made on the stack, larger ones in memory of Lua's.
const SMALL: usize = 2048;

/// What the table holds.
pub const FUNCTIONS: [(&CStr, ffi::lua_CFunction); 4] = [
    (c"encode", encode),
    (c"decode", decode),
    (c"makeencoder", makeencoder),
    (c"makedecoder", makedecoder),
];

/// `base64.encode(str, encoder, usecaching)`
unsafe extern "C-unwind" fn encode(state: *mut lua_State) -> c_int {
    // SAFETY: `state` is that of the running call; `text` stays where it is as long as it is the
    // call's argument.
    unsafe {
        let text = string(state, 1, c"encode");
        let custom = given(state, 2).then(|| encoder(state));
        let size = Encoder::size(text.len());
        answer(state, c"encode", size, |out| custom.as_ref().unwrap_or(&ENCODER).encode(text, out))
    }
}

/// `base64.decode(b64, decoder, usecaching)`
unsafe extern "C-unwind" fn decode(state: *mut lua_State) -> c_int {
    // SAFETY: as in `encode`.
    unsafe {
        let text = string(state, 1, c"decode");
        let custom = given(state, 2).then(|| decoder(state));
        let size = text.len();
        answer(state, c"decode", size, |out| custom.as_ref().unwrap_or(&DECODER).decode(text, out))
    }
}

/// `base64.makeencoder(s62, s63, spad)`
unsafe extern "C-unwind" fn makeencoder(state: *mut lua_State) -> c_int {
    // SAFETY: `state` is that of the running call.
    unsafe { table(state, &bytes(state, c"makeencoder")) }
}

/// `base64.makedecoder(s62, s63, spad)`
unsafe extern "C-unwind" fn makedecoder(state: *mut lua_State) -> c_int {
    // SAFETY: as in `makeencoder`.
    unsafe { table(state, &base64::values(&bytes(state, c"makedecoder"))) }
}

/// Returns a table with these entries, counted from 0.
unsafe fn table(state: *mut lua_State, entries: &[Option<u8>]) -> c_int {
    // SAFETY: a C function has room for 20 values.
    unsafe {
        ffi::lua_newtable(state);
        for (key, entry) in (0..).zip(entries) {
            if let Some(number) = *entry {
                ffi::lua_pushinteger(state, number.into());
                ffi::lua_rawseti(state, -2, key);
            }
        }
    }
    1
}

/// Returns to Lua what `fill` makes in `size` bytes, or raises its error. Whatever it is, it may be
/// a password: no copy is left behind.
unsafe fn answer(
    state: *mut lua_State,
    name: &CStr,
    size: usize,
    fill: impl FnOnce(&mut [u8]) -> Result<usize, Error>,
) -> c_int {
    let mut small = MaybeUninit::<[u8; SMALL]>::uninit();
    // SAFETY: both kinds of memory hold `size` bytes and outlive `out`: one is on the stack of this
    // function, the other on that of Lua. `out` is made of bytes that have been written.
    unsafe {
        let memory = match size {
            0..=SMALL => small.as_mut_ptr().cast::<u8>(),
            _ => ffi::lua_newuserdata(state, size).cast(),
        };
        ptr::write_bytes(memory, 0, size);
        let out = slice::from_raw_parts_mut(memory, size);
        // No panic may reach Lua. Nor may an error of Lua's be caught, but nothing in here calls it.
        let outcome = catch_unwind(AssertUnwindSafe(|| fill(out))).map_err(drop);
        if let Ok(Ok(length)) = outcome {
            ffi::lua_pushlstring(state, out.as_ptr().cast(), length);
        }
        out.zeroize();
        match outcome {
            Ok(Ok(_)) => 1,
            Ok(Err(error)) => fail(state, name, error),
            Err(()) => {
                let format = c"httpbasic: a bug in '%s'; standard error says where".as_ptr();
                ffi::lua_pushfstring(state, format, name.as_ptr());
                raise(state)
            }
        }
    }
}

/// Raises an error of the core's as one of the argument that is to blame.
unsafe fn fail(state: *mut lua_State, name: &CStr, error: Error) -> ! {
    let (argument, reason, number) = match error {
        Error::NoByte(value) => (2, c"the encoder has no byte for value %d", value),
        Error::NoValue(byte) => (2, c"the decoder has no value for byte %d", byte),
        Error::NoCharacter(value) => (2, c"the decoder has no byte for value %d", value),
        Error::Incomplete => (1, c"its last group of four is incomplete", 0),
    };
    // SAFETY: the formats fit their arguments, of which one may have no use for its number.
    unsafe {
        let reason = ffi::lua_pushfstring(state, reason.as_ptr(), c_int::from(number));
        let format = c"bad argument #%d to '%s' (%s)".as_ptr();
        ffi::lua_pushfstring(state, format, argument as c_int, name.as_ptr(), reason);
        raise(state)
    }
}

/// Whether the call has this argument. Like lbase64 it takes `false` for none.
unsafe fn given(state: *mut lua_State, argument: c_int) -> bool {
    // SAFETY: any index above 0 may be asked about.
    unsafe { ffi::lua_toboolean(state, argument) != 0 }
}

/// The string that is this argument: a number is none.
unsafe fn string<'a>(state: *mut lua_State, argument: c_int, name: &CStr) -> &'a [u8] {
    // SAFETY: the caller uses the string only while the argument is on Lua's stack.
    unsafe {
        expect(state, argument, name, ffi::LUA_TSTRING);
        call::bytes(state, argument)
    }
}

/// Raises Lua's own error for an argument of the wrong type.
unsafe fn expect(state: *mut lua_State, argument: c_int, name: &CStr, expected: c_int) {
    // SAFETY: the format fits its arguments.
    unsafe {
        let got = ffi::lua_type(state, argument);
        if got != expected {
            let format = c"bad argument #%d to '%s' (%s expected, got %s)".as_ptr();
            let (expected, got) =
                (ffi::lua_typename(state, expected), ffi::lua_typename(state, got));
            ffi::lua_pushfstring(state, format, argument, name.as_ptr(), expected, got);
            raise(state)
        }
    }
}

/// The three arguments of `makeencoder` and `makedecoder`, of which the first bytes count.
unsafe fn bytes(state: *mut lua_State, name: &CStr) -> [Option<u8>; base64::VALUES] {
    let byte = |argument, default| {
        // SAFETY: no more is kept than a byte.
        unsafe {
            if given(state, argument) {
                string(state, argument, name).first().copied()
            } else {
                Some(default)
            }
        }
    };
    base64::bytes(byte(1, b'+'), byte(2, b'/'), byte(3, b'='))
}

/// The second argument of `encode`.
unsafe fn encoder(state: *mut lua_State) -> Encoder {
    let mut bytes = [None; base64::VALUES];
    // SAFETY: the argument is a table.
    unsafe {
        expect(state, 2, c"encode", ffi::LUA_TTABLE);
        for (value, byte) in (0..).zip(&mut bytes) {
            ffi::lua_geti(state, 2, value);
            *byte = integer(state).and_then(|number| number.try_into().ok());
            ffi::lua_pop(state, 1);
        }
    }
    Encoder::new(bytes)
}

/// The second argument of `decode`.
unsafe fn decoder(state: *mut lua_State) -> Decoder {
    let (mut s62, mut s63) = (None, None);
    // SAFETY: the argument is a table, and the keys on the stack stay what they are.
    unsafe {
        expect(state, 2, c"decode", ffi::LUA_TTABLE);
        ffi::lua_pushnil(state);
        while ffi::lua_next(state, 2) != 0 {
            let value = integer(state);
            ffi::lua_pop(state, 1);
            match value {
                Some(62) => s62 = integer(state).and_then(|key| key.try_into().ok()),
                Some(63) => s63 = integer(state).and_then(|key| key.try_into().ok()),
                _ => {}
            }
        }
        let Some(s62) = s62 else { fail(state, c"decode", Error::NoCharacter(62)) };
        let Some(s63) = s63 else { fail(state, c"decode", Error::NoCharacter(63)) };
        Decoder::new(s62, s63, |byte| {
            ffi::lua_geti(state, 2, byte.into());
            let value = integer(state).map(|number| number as u32);
            ffi::lua_pop(state, 1);
            value
        })
    }
}

/// The integer on top of the stack; neither a string nor a fraction is one.
unsafe fn integer(state: *mut lua_State) -> Option<ffi::lua_Integer> {
    // SAFETY: there is a value on the stack.
    unsafe {
        let mut is_integer = 0;
        let integer = ffi::lua_tointegerx(state, -1, &mut is_integer);
        let is_number = ffi::lua_type(state, -1) == ffi::LUA_TNUMBER;
        (is_number && is_integer != 0).then_some(integer)
    }
}
