//! A client as an object of Lua's: userdata with the address of what Lua then owns.

#![allow(unsafe_code, reason = "Lua's C API is unsafe throughout")]

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use mlua::ffi::{self, lua_State};

use crate::http::Client;
use crate::lua::function::{self, Function};

/// Its address is the metatable's key in Lua's registry: that of another copy of this library, whose
/// clients are other ones, differs.
static METATABLE: u8 = 0;

fn key() -> *const c_void {
    ptr::from_ref(&METATABLE).cast()
}

/// Makes the metatable, unless this Lua has it.
///
/// # Safety
/// `state` is that of a running C function, which has nothing alive that needs dropping.
pub unsafe fn register(state: *mut lua_State, methods: &'static [Function]) {
    // SAFETY: a C function has room for 20 values.
    unsafe {
        let known = ffi::lua_rawgetp(state, ffi::LUA_REGISTRYINDEX, key());
        ffi::lua_pop(state, 1);
        if known == ffi::LUA_TTABLE {
            return;
        }
        ffi::lua_newtable(state);
        ffi::lua_newtable(state);
        for method in methods {
            function::push(state, method);
            ffi::lua_setfield(state, -2, method.name.as_ptr());
        }
        ffi::lua_setfield(state, -2, c"__index".as_ptr());
        ffi::lua_pushcfunction(state, collect);
        ffi::lua_setfield(state, -2, c"__gc".as_ptr());
        ffi::lua_pushstring(state, c"httpbasic.client".as_ptr());
        ffi::lua_setfield(state, -2, c"__name".as_ptr());
        ffi::lua_pushboolean(state, 0);
        ffi::lua_setfield(state, -2, c"__metatable".as_ptr());
        ffi::lua_rawsetp(state, ffi::LUA_REGISTRYINDEX, key());
    }
}

/// Pushes the client; when this returns, it is Lua's.
///
/// # Safety
/// `state` is that of a running C function, which has nothing alive that needs dropping, and
/// `register` has been called.
pub unsafe fn push(state: *mut lua_State, client: &mut Option<Box<Client>>) {
    // SAFETY: the userdata holds an address. Nothing raises an error once it is that of the client.
    unsafe {
        let place = ffi::lua_newuserdata(state, size_of::<*mut Client>()).cast::<*mut Client>();
        *place = ptr::null_mut();
        ffi::lua_rawgetp(state, ffi::LUA_REGISTRYINDEX, key());
        ffi::lua_setmetatable(state, -2);
        *place = client.take().map_or(ptr::null_mut(), Box::into_raw);
    }
}

/// The client at this index, if there is one.
///
/// # Safety
/// There is a value at this index, or none; the client is used only while it is there.
pub unsafe fn get<'a>(state: *mut lua_State, index: c_int) -> Option<&'a Client> {
    // SAFETY: an address that is not null is that of a client.
    unsafe { place(state, index)?.as_ref()?.as_ref() }
}

/// Where the userdata at this index, if it is ours, has the client's address.
unsafe fn place(state: *mut lua_State, index: c_int) -> Option<*mut *mut Client> {
    // SAFETY: two values are pushed and taken off again. Only our metatable makes it ours.
    unsafe {
        if ffi::lua_type(state, index) != ffi::LUA_TUSERDATA
            || ffi::lua_getmetatable(state, index) == 0
        {
            return None;
        }
        ffi::lua_rawgetp(state, ffi::LUA_REGISTRYINDEX, key());
        let is_ours = ffi::lua_rawequal(state, -1, -2) != 0;
        ffi::lua_pop(state, 2);
        is_ours.then(|| ffi::lua_touserdata(state, index).cast())
    }
}

/// Called by Lua when nobody has the object any more; and by who finds it, with anything.
unsafe extern "C-unwind" fn collect(state: *mut lua_State) -> c_int {
    // SAFETY: the address is that of a box, and is taken once.
    unsafe {
        if let Some(place) = place(state, 1) {
            let client = place.replace(ptr::null_mut());
            if !client.is_null() {
                // No panic may reach Lua.
                let _ = catch_unwind(AssertUnwindSafe(|| drop(Box::from_raw(client))));
            }
        }
    }
    0
}
