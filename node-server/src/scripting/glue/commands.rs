//! `redis.call` and its kin: the words of a command come in, its reply goes out.

use std::cell::RefCell;
use std::ffi::c_int;

use mlua::ffi::{
    LUA_MULTRET, LUA_TNUMBER, LUA_TSTRING, lua_State, lua_call, lua_error, lua_gettop, lua_pushcclosure,
    lua_pushvalue, lua_settop, lua_tolstring, lua_tonumber, lua_type, lua_upvalueindex,
};
use mlua::{Function, Lua, Result};
use rcl_proto::resp::{OwnedArgs, format_double};

use super::errors::{act_on_first, end};
use super::reply::{push_error, push_reply};
use super::{NAME_COUNT, push_names};

/// What came of a command that a script called.
#[derive(Clone, Copy)]
pub enum Called {
    /// Its reply as the command wrote it. The bytes stay until the script's next command, and until the script is through.
    Replied(*const [u8]),
    /// It was no command of a script at all.
    Refused(&'static str),
    /// The script is to end.
    Ends,
}

/// `redis.call`, or `redis.pcall`: the first raises the command's error, the second returns it. `run` is given the words
/// by [`take_words`].
pub fn command(lua: &Lua, raises: bool) -> Result<Function> {
    let function = if raises { call_command::<true> } else { call_command::<false> };
    // SAFETY: inside a protected call, with room for twenty values; the names become upvalues, the closure is what is left.
    unsafe {
        lua.exec_raw((), |state| {
            push_names(state);
            lua_pushcclosure(state, function, NAME_COUNT);
        })
    }
}

unsafe extern "C-unwind" fn call_command<const RAISES: bool>(state: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with a valid state, and the names are the upvalues. No value here has a destructor: `called`
    // has returned, and nothing else runs before the reply's bytes are read.
    unsafe {
        let called = called(state);
        lua_settop(state, 0);
        let is_error = match called {
            Called::Replied(reply) => push_reply(state, &*reply),
            Called::Refused(text) => {
                push_error(state, text.as_bytes());
                true
            }
            Called::Ends => end(state),
        };
        if is_error && RAISES { lua_error(state) } else { 1 }
    }
}

/// # Safety
/// The state is valid. Nothing here raises an error.
unsafe fn called(state: *mut lua_State) -> Called {
    let mut words = take_words();
    // SAFETY: as above.
    unsafe { gather(state, &mut words) }
    let called = super::super::call::redis_call(&words);
    put_back_words(words);
    called
}

/// The words of a command as a script gave them.
#[derive(Debug, Default)]
pub struct Words {
    pub words: OwnedArgs,
    /// There is something among them that is neither a string nor a number.
    pub is_wrong: bool,
}

thread_local! {
    /// Of the last command; kept, so that its room is used again.
    static WORDS: RefCell<Words> = RefCell::default();
}

/// The room of larger commands is given back.
const KEEP_BYTES: usize = 1 << 20;

/// What the last function of this file was given. To be put back, so that its room is used again.
pub fn take_words() -> Words {
    WORDS.take()
}

pub fn put_back_words(words: Words) {
    if words.words.byte_count() <= KEEP_BYTES {
        WORDS.set(words);
    }
}

/// As [`raising`](super::raising), but `function` is called without arguments: it finds them by [`take_words`]. A command may have more of
/// them than a Rust function can be given.
pub fn with_words(lua: &Lua, function: Function) -> Result<Function> {
    // SAFETY: as in `raising`: one value is on the stack, which becomes the closure's upvalue.
    unsafe { lua.exec_raw(function, |state| lua_pushcclosure(state, gather_words, 1)) }
}

unsafe extern "C-unwind" fn gather_words(state: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with a valid state; the upvalue is a function. `gather` calls only what raises no error.
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
