//! Errors as Lua raises them, and who may catch them: nobody once the script is to end.

use std::cell::Cell;
use std::ffi::c_int;
use std::ptr;

use mlua::ffi::{
    LUA_MASKCOUNT, LUA_MULTRET, LUA_OK, LUA_TBOOLEAN, LUA_TNUMBER, LUA_TSTRING, LUA_TTABLE, lua_Debug,
    lua_State, lua_call, lua_concat, lua_error, lua_gettop, lua_insert, lua_isnumber, lua_pcall, lua_pop,
    lua_pushboolean, lua_pushcclosure, lua_pushstring_, lua_pushvalue, lua_rawget_, lua_remove, lua_replace,
    lua_sethook, lua_settop, lua_toboolean, lua_tolstring, lua_tonumber, lua_type, lua_upvalueindex,
    luaL_argerror, luaL_where,
};
use mlua::{Function, Lua, Result};

/// Every so many instructions it is looked whether the script is to end.
pub(super) const INSTRUCTIONS_A_LOOK: c_int = 100_000;

thread_local! {
    /// The script that runs on this thread is to end: its errors are not to be caught any more.
    static IS_ENDING: Cell<bool> = const { Cell::new(false) };
    /// The Lua thread in which it was started, as long as it runs; it may be in a coroutine of that.
    static ENTERED: Cell<*mut lua_State> = const { Cell::new(ptr::null_mut()) };
}

/// A script ended, or failed to: errors can be caught again. Whether it was to end.
pub fn stop_ending() -> bool {
    IS_ENDING.replace(false)
}

/// Whether the script that runs is to end.
pub(super) fn is_ending() -> bool {
    IS_ENDING.get()
}

/// Does `work`, which runs Lua code in this state.
pub fn entered<R>(state: *mut lua_State, work: impl FnOnce() -> R) -> R {
    struct Reset(*mut lua_State);
    impl Drop for Reset {
        fn drop(&mut self) {
            ENTERED.set(self.0);
        }
    }
    let _reset = Reset(ENTERED.replace(state));
    work()
}

/// Has scripts looked after from time to time, in all coroutines that there will be.
pub fn look_around_in(lua: &Lua) -> Result<()> {
    // SAFETY: the state is valid; setting a hook raises nothing.
    unsafe {
        lua.exec_raw((), |state| {
            lua_sethook(state, Some(look_around), LUA_MASKCOUNT, INSTRUCTIONS_A_LOOK);
        })
    }
}

unsafe extern "C-unwind" fn look_around(state: *mut lua_State, _: *mut lua_Debug) {
    if super::super::engine::is_to_end() {
        // SAFETY: Lua calls a hook with a valid state and room on its stack; no value here has a destructor.
        unsafe { end(state) }
    }
}

/// Ends the script that runs here: nothing catches its errors any more, and each further instruction is one.
///
/// # Safety
/// The state is valid and runs a function that may raise errors; it has room for a value.
pub(super) unsafe fn end(state: *mut lua_State) -> ! {
    IS_ENDING.set(true);
    // SAFETY: the state that was entered is valid until `entered` returns, which it does after this one ran.
    unsafe {
        for state in [state, ENTERED.get()] {
            if !state.is_null() {
                lua_sethook(state, Some(end_at_once), LUA_MASKCOUNT, 1);
            }
        }
        lua_pushstring_(state, c"the script is ended".as_ptr());
        lua_error(state)
    }
}

unsafe extern "C-unwind" fn end_at_once(state: *mut lua_State, _: *mut lua_Debug) {
    // SAFETY: as in `look_around`.
    unsafe { end(state) }
}

/// What `function` gives, with its first value taken off: that says what is to be made of the rest.
///
/// ```text
///   true, values…      the values
///   false, value       the value, raised as it is
///   nil, text          the text, raised with the place of the caller before it
///   number, text       an error about that argument
/// ```
pub fn raising(lua: &Lua, function: Function) -> Result<Function> {
    // SAFETY: one value is on the stack, which becomes the closure's upvalue; the closure is what is left.
    unsafe { lua.exec_raw(function, |state| lua_pushcclosure(state, raise_or_return, 1)) }
}

unsafe extern "C-unwind" fn raise_or_return(state: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with a valid state; the upvalue is a function (see `raising`). No value here has a
    // destructor.
    unsafe {
        let count = lua_gettop(state);
        lua_pushvalue(state, lua_upvalueindex(1));
        lua_insert(state, 1);
        lua_call(state, count, LUA_MULTRET);
        act_on_first(state)
    }
}

/// # Safety
/// Called by a closure whose stack holds what [`raising`] describes.
pub(super) unsafe fn act_on_first(state: *mut lua_State) -> c_int {
    // SAFETY: the state is valid.
    unsafe {
        match lua_type(state, 1) {
            LUA_TBOOLEAN if lua_toboolean(state, 1) != 0 => {
                lua_remove(state, 1);
                lua_gettop(state)
            }
            LUA_TBOOLEAN => {
                lua_settop(state, 2);
                lua_error(state)
            }
            LUA_TNUMBER => {
                lua_settop(state, 2);
                let text = lua_tolstring(state, 2, std::ptr::null_mut());
                luaL_argerror(state, lua_tonumber(state, 1) as c_int, text)
            }
            _ => {
                lua_settop(state, 2);
                luaL_where(state, 1);
                lua_insert(state, 2);
                lua_concat(state, 2);
                lua_error(state)
            }
        }
    }
}

/// Redis's pcall: of an error that is a table with a text `err`, the text is what is caught.
pub fn pcall(lua: &Lua) -> Result<Function> {
    // SAFETY: it has no upvalues.
    unsafe { lua.create_c_function(catch) }
}

unsafe extern "C-unwind" fn catch(state: *mut lua_State) -> c_int {
    // SAFETY: as in `raise_or_return`.
    unsafe {
        if lua_gettop(state) == 0 {
            return luaL_argerror(state, 1, c"value expected".as_ptr());
        }
        let count = lua_gettop(state) - 1;
        if lua_pcall(state, count, LUA_MULTRET, 0) == LUA_OK {
            lua_pushboolean(state, 1);
            lua_insert(state, 1);
            return lua_gettop(state);
        }
        if IS_ENDING.get() {
            lua_error(state)
        }
        if lua_type(state, -1) == LUA_TTABLE {
            lua_pushstring_(state, c"err".as_ptr());
            lua_rawget_(state, -2);
            if lua_type(state, -1) == LUA_TSTRING || lua_isnumber(state, -1) != 0 {
                lua_replace(state, -2);
            } else {
                lua_pop(state, 1);
            }
        }
        lua_pushboolean(state, 0);
        lua_insert(state, -2);
        2
    }
}

/// Lua's xpcall. A script that is to end runs no handler: hooks are switched off in one, so it could not be ended.
pub fn xpcall(lua: &Lua) -> Result<Function> {
    // SAFETY: it has no upvalues.
    unsafe { lua.create_c_function(catch_with_handler) }
}

unsafe extern "C-unwind" fn catch_with_handler(state: *mut lua_State) -> c_int {
    // SAFETY: as in `raise_or_return`.
    unsafe {
        if lua_gettop(state) < 2 {
            return luaL_argerror(state, 2, c"value expected".as_ptr());
        }
        lua_settop(state, 2);
        lua_pushcclosure(state, handle, 1);
        lua_insert(state, 1);
        let is_good = lua_pcall(state, 0, LUA_MULTRET, 1) == LUA_OK;
        if !is_good && IS_ENDING.get() {
            lua_error(state)
        }
        lua_pushboolean(state, c_int::from(is_good));
        lua_replace(state, 1);
        lua_gettop(state)
    }
}

unsafe extern "C-unwind" fn handle(state: *mut lua_State) -> c_int {
    // SAFETY: as in `raise_or_return`; the upvalue is the handler, whatever that is.
    unsafe {
        lua_settop(state, 1);
        if IS_ENDING.get() {
            return 1;
        }
        lua_pushvalue(state, lua_upvalueindex(1));
        lua_insert(state, 1);
        lua_call(state, 1, 1);
        1
    }
}
