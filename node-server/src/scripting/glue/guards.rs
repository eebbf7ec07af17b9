//! Functions of Lua's own library for scripts that must not reach behind what is protected, or count beyond what fits.

use std::ffi::{CStr, c_int};

use mlua::ffi::{
    LUA_TFUNCTION, LUA_TNIL, LUA_TNUMBER, LUA_TTABLE, lua_CFunction, lua_State, lua_checkstack, lua_concat,
    lua_error, lua_objlen, lua_pop, lua_pushcclosure, lua_pushnil, lua_pushstring_, lua_pushvalue,
    lua_rawget_, lua_rawgeti_, lua_replace, lua_tocfunction, lua_tonumber, lua_type, lua_upvalueindex,
    luaL_checknumber, luaL_checktype, luaL_where,
};
use mlua::{Function, Lua, Result, Table};

const READ_ONLY: &CStr = c"Attempt to modify a readonly table";

/// `original`, a C function without upvalues, but its first argument may not be one of the `protected` tables or functions.
pub fn refusing(lua: &Lua, protected: &Table, original: Function) -> Result<Function> {
    standing_before(lua, protected, original, refuse_protected)
}

/// `original`, but instead of a protected table it sees the table behind it.
pub fn seeing_through(lua: &Lua, protected: &Table, original: Function) -> Result<Function> {
    standing_before(lua, protected, original, see_through)
}

fn standing_before(
    lua: &Lua,
    protected: &Table,
    original: Function,
    function: lua_CFunction,
) -> Result<Function> {
    // SAFETY: two values are on the stack, which become the closure's upvalues; the closure is what is left.
    unsafe { lua.exec_raw((protected, original), |state| lua_pushcclosure(state, function, 2)) }
}

unsafe extern "C-unwind" fn refuse_protected(state: *mut lua_State) -> c_int {
    // SAFETY: as in `raise_or_return`; the upvalues are a table and a C function.
    unsafe {
        // setfenv's 0 means the globals of all that is loaded from then on.
        let means_globals = lua_type(state, 1) == LUA_TNUMBER && lua_tonumber(state, 1) as c_int == 0;
        if means_globals && is_setfenv(state) || push_what_is_behind(state) {
            lua_pushstring_(state, READ_ONLY.as_ptr());
            lua_error(state)
        }
        call_original(state)
    }
}

unsafe extern "C-unwind" fn see_through(state: *mut lua_State) -> c_int {
    // SAFETY: as in `refuse_protected`.
    unsafe {
        if push_what_is_behind(state) {
            lua_replace(state, 1);
        }
        call_original(state)
    }
}

/// # Safety
/// Called by a closure of [`standing_before`].
unsafe fn is_setfenv(state: *mut lua_State) -> bool {
    // SAFETY: of the functions that are stood before, only setfenv takes a number first and a table second.
    unsafe { lua_type(state, 2) == LUA_TTABLE }
}

/// Pushes what stands behind the first argument, if that is protected.
///
/// # Safety
/// Called by a closure of [`standing_before`].
unsafe fn push_what_is_behind(state: *mut lua_State) -> bool {
    // SAFETY: the first upvalue is a table.
    unsafe {
        if !matches!(lua_type(state, 1), LUA_TTABLE | LUA_TFUNCTION) {
            return false;
        }
        lua_pushvalue(state, 1);
        lua_rawget_(state, lua_upvalueindex(1));
        let is_protected = lua_type(state, -1) != LUA_TNIL;
        if !is_protected {
            lua_pop(state, 1);
        }
        is_protected
    }
}

/// # Safety
/// Called by a closure of [`standing_before`].
unsafe fn call_original(state: *mut lua_State) -> c_int {
    // SAFETY: the second upvalue is a C function that has no upvalues of its own, so it may run as if it were this one.
    unsafe {
        match lua_tocfunction(state, lua_upvalueindex(2)) {
            Some(original) => original(state),
            None => 0,
        }
    }
}

/// `pairs`, which sees through protected tables; `next` is the one that scripts have.
pub fn pairs(lua: &Lua, protected: &Table, next: &Function) -> Result<Function> {
    // SAFETY: as in `standing_before`.
    unsafe { lua.exec_raw((protected, next), |state| lua_pushcclosure(state, pairs_seeing_through, 2)) }
}

unsafe extern "C-unwind" fn pairs_seeing_through(state: *mut lua_State) -> c_int {
    // SAFETY: as in `refuse_protected`; the second upvalue is a function.
    unsafe {
        luaL_checktype(state, 1, LUA_TTABLE);
        if push_what_is_behind(state) {
            lua_replace(state, 1);
        }
        lua_pushvalue(state, lua_upvalueindex(2));
        lua_pushvalue(state, 1);
        lua_pushnil(state);
        3
    }
}

/// Lua's unpack, which counts with numbers that do not overflow.
pub fn unpack(lua: &Lua) -> Result<Function> {
    // SAFETY: it has no upvalues.
    unsafe { lua.create_c_function(unpack_range) }
}

unsafe extern "C-unwind" fn unpack_range(state: *mut lua_State) -> c_int {
    // SAFETY: as in `raise_or_return`.
    unsafe {
        luaL_checktype(state, 1, LUA_TTABLE);
        let bound = |index: c_int, default: i64| {
            if lua_type(state, index) <= LUA_TNIL { default } else { luaL_checknumber(state, index) as i64 }
        };
        let first = bound(2, 1);
        let last = bound(3, lua_objlen(state, 1) as i64);
        if first > last {
            return 0;
        }
        let count = last.saturating_sub(first).saturating_add(1);
        let fits = c_int::try_from(count).is_ok_and(|count| lua_checkstack(state, count) != 0);
        let within = c_int::try_from(first).is_ok() && c_int::try_from(last).is_ok();
        if !fits || !within {
            luaL_where(state, 1);
            lua_pushstring_(state, c"too many results to unpack".as_ptr());
            lua_concat(state, 2);
            lua_error(state)
        }
        for index in first..=last {
            lua_rawgeti_(state, 1, index as c_int);
        }
        count as c_int
    }
}
