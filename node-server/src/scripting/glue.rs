//! The few functions that must be C functions: they raise Lua errors as they are (tables, texts with the place of their
//! caller), stand in the way of a library's function without being seen, or catch errors.
//!
//! Each is a closure; what it works with are its upvalues. An error leaves a C function by a jump that runs no
//! destructors, so none of these has a value that needs one while it calls into Lua. Beyond its arguments a C function has
//! room for twenty values on the stack, which is more than any of these pushes.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_int};

use mlua::ffi::{
    LUA_MULTRET, LUA_OK, LUA_TBOOLEAN, LUA_TFUNCTION, LUA_TNIL, LUA_TNUMBER, LUA_TSTRING, LUA_TTABLE,
    lua_CFunction, lua_State, lua_call, lua_checkstack, lua_concat, lua_error, lua_gettop, lua_insert,
    lua_isnumber, lua_objlen, lua_pcall, lua_pop, lua_pushboolean, lua_pushcclosure, lua_pushnil,
    lua_pushstring_, lua_pushvalue, lua_rawget_, lua_rawgeti_, lua_remove, lua_replace, lua_settop,
    lua_toboolean, lua_tocfunction, lua_tolstring, lua_tonumber, lua_type, lua_upvalueindex, luaL_argerror,
    luaL_checknumber, luaL_checktype, luaL_where,
};
use mlua::{Function, Lua, Result, Table};
use rcl_proto::resp::{OwnedArgs, format_double};

const READ_ONLY: &CStr = c"Attempt to modify a readonly table";

thread_local! {
    /// The script that runs on this thread is to end: its errors are not to be caught any more.
    static IS_ENDING: Cell<bool> = const { Cell::new(false) };
}

/// From now on no pcall and no error handler of the running script gets hold of an error, until this is set to false.
pub fn let_nothing_be_caught(ending: bool) {
    IS_ENDING.set(ending);
}

pub fn is_ending() -> bool {
    IS_ENDING.get()
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
unsafe fn act_on_first(state: *mut lua_State) -> c_int {
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

/// The words of a command as a script gave them.
#[derive(Debug, Default)]
pub struct Words {
    pub words: OwnedArgs,
    /// There is something among them that is neither a string nor a number.
    pub is_wrong: bool,
}

thread_local! {
    static WORDS: RefCell<Words> = RefCell::default();
}

/// The room of larger commands is given back.
const KEEP_BYTES: usize = 1 << 20;

/// What the last function made by [`with_words`] was given. To be put back, so that its room is used again.
pub fn take_words() -> Words {
    WORDS.take()
}

pub fn put_back_words(words: Words) {
    if words.words.byte_count() <= KEEP_BYTES {
        WORDS.set(words);
    }
}

/// As [`raising`], but `function` is called without arguments: it finds them by [`take_words`]. A command may have more of
/// them than a Rust function can be given.
pub fn with_words(lua: &Lua, function: Function) -> Result<Function> {
    // SAFETY: as in `raising`.
    unsafe { lua.exec_raw(function, |state| lua_pushcclosure(state, gather_words, 1)) }
}

unsafe extern "C-unwind" fn gather_words(state: *mut lua_State) -> c_int {
    // SAFETY: as in `raise_or_return`. `gather` calls only what raises no error.
    unsafe {
        WORDS.with_borrow_mut(|words| gather(state, words));
        lua_settop(state, 0);
        lua_pushvalue(state, lua_upvalueindex(1));
        lua_call(state, 0, LUA_MULTRET);
        act_on_first(state)
    }
}

/// # Safety
/// The state is valid.
unsafe fn gather(state: *mut lua_State, words: &mut Words) {
    words.words.clear();
    words.is_wrong = false;
    // SAFETY: the indexes lie within the stack. The bytes of a string stay where they are while it is on the stack; a
    // string is not converted, so nothing is allocated in Lua.
    unsafe {
        for index in 1..=lua_gettop(state) {
            match lua_type(state, index) {
                LUA_TSTRING => {
                    let mut length = 0;
                    let bytes = lua_tolstring(state, index, &mut length);
                    words.words.push(std::slice::from_raw_parts(bytes.cast(), length));
                }
                LUA_TNUMBER => push_number(&mut words.words, lua_tonumber(state, index)),
                _ => words.is_wrong = true,
            }
        }
    }
}

/// A number is written with all its digits, and without an exponent as long as it is whole.
fn push_number(words: &mut OwnedArgs, number: f64) {
    const HALF: f64 = (i64::MAX / 2) as f64;
    if number.fract() == 0.0 && number.abs() < HALF {
        return words.push(itoa::Buffer::new().format(number as i64).as_bytes());
    }
    let mut text = Vec::with_capacity(24);
    format_double(number, &mut text);
    words.push(&text);
}

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
