//! What a script returns, as a reply; the other way round than [`reply`](super::reply).
//!
//! A number loses its fraction, an array ends before its first nil, and whatever has no counterpart is null.

use std::ffi::c_int;

use mlua::ffi::{
    LUA_TBOOLEAN, LUA_TNIL, LUA_TNUMBER, LUA_TSTRING, LUA_TTABLE, lua_State, lua_gettop, lua_next, lua_pop,
    lua_pushnil, lua_pushvalue, lua_rawget_, lua_rawgeti_, lua_toboolean, lua_tolstring, lua_tonumber,
    lua_type, luaL_checkstack,
};
use rcl_proto::resp::{Protocol, ReplyWriter};

use super::Name;
use crate::scripting::redis_table::trimmed;

/// Deeper nesting than this is answered with an error in its place.
const MOST_LEVELS: usize = 1000;
/// What is pushed at once at one level: a field, and within it a format and a text, or a key and a value.
const ROOM: c_int = 6;

pub struct Answer<'w, 'o> {
    pub state: *mut lua_State,
    pub reply: &'w mut ReplyWriter<'o>,
    /// The version of the protocol that the script chose, which decides what booleans are.
    pub of_script: Protocol,
}

impl Answer<'_, '_> {
    /// Writes the value on top of the stack, and leaves it there.
    ///
    /// # Safety
    /// The state is valid, runs inside a protected call, and its function has the names as upvalues. So with all below.
    pub unsafe fn write(&mut self, level: usize) {
        let state = self.state;
        // SAFETY: as above.
        unsafe {
            match lua_type(state, -1) {
                _ if level > MOST_LEVELS => self.reply.error("ERR reached lua stack limit"),
                LUA_TSTRING => self.reply.bulk(text(state)),
                LUA_TNUMBER => self.reply.integer(whole(lua_tonumber(state, -1))),
                LUA_TBOOLEAN => match (self.of_script, lua_toboolean(state, -1) != 0) {
                    (Protocol::Resp3, value) => self.reply.boolean(value),
                    (Protocol::Resp2, true) => self.reply.integer(1),
                    (Protocol::Resp2, false) => self.reply.null(),
                },
                LUA_TTABLE => {
                    luaL_checkstack(state, ROOM, c"reached lua stack limit".as_ptr());
                    let top = lua_gettop(state);
                    self.write_table(level);
                    mlua::ffi::lua_settop(state, top);
                }
                _ => self.reply.null(),
            }
        }
    }

    /// May leave values on the stack.
    unsafe fn write_table(&mut self, level: usize) {
        let state = self.state;
        // SAFETY: as in `write`; each field is pushed over the table or over the field before it, which is popped first.
        unsafe {
            if self.push_field(Name::Err, LUA_TSTRING) {
                return self.write_line(b'-', trimmed(text(state)));
            }
            if self.push_field(Name::Ok, LUA_TSTRING) {
                return self.write_line(b'+', text(state));
            }
            if self.push_field(Name::Double, LUA_TNUMBER) {
                return self.reply.double(lua_tonumber(state, -1));
            }
            if self.push_field(Name::BigNumber, LUA_TSTRING) {
                let digits = String::from_utf8_lossy(text(state)).replace(['\r', '\n'], " ");
                return self.reply.big_number(&digits);
            }
            if self.push_field(Name::VerbatimString, LUA_TTABLE) {
                if self.push_field(Name::Format, LUA_TSTRING) {
                    // It stays on the stack while the text is pushed over it.
                    let format = text(state);
                    lua_pushvalue(state, -2);
                    if self.push_field(Name::String, LUA_TSTRING) {
                        return self.write_verbatim(format, text(state));
                    }
                    lua_pop(state, 2);
                }
                lua_pop(state, 1);
            }
            if self.push_field(Name::Map, LUA_TTABLE) {
                let place = self.reply.deferred_map();
                let count = self.write_pairs(level, true);
                return self.reply.set_length(place, count);
            }
            if self.push_field(Name::Set, LUA_TTABLE) {
                let place = self.reply.deferred_set();
                let count = self.write_pairs(level, false);
                return self.reply.set_length(place, count);
            }
            self.write_array(level);
        }
    }

    /// Pushes this field of the table on top, if it is of this type.
    unsafe fn push_field(&mut self, name: Name, of_type: c_int) -> bool {
        // SAFETY: as in `write`.
        unsafe {
            name.push(self.state);
            lua_rawget_(self.state, -2);
            let is_it = lua_type(self.state, -1) == of_type;
            if !is_it {
                lua_pop(self.state, 1);
            }
            is_it
        }
    }

    /// The pairs of the table on top; or only their keys. How many they are.
    unsafe fn write_pairs(&mut self, level: usize, with_values: bool) -> usize {
        let state = self.state;
        let mut count = 0;
        // SAFETY: as in `write`; the key that is there stays as it is, and the table is not changed.
        unsafe {
            lua_pushnil(state);
            while lua_next(state, -2) != 0 {
                count += 1;
                lua_pushvalue(state, -2);
                self.write(level + 1);
                lua_pop(state, 1);
                if with_values {
                    self.write(level + 1);
                }
                lua_pop(state, 1);
            }
        }
        count
    }

    unsafe fn write_array(&mut self, level: usize) {
        let place = self.reply.deferred_array();
        let mut count = 0;
        loop {
            // SAFETY: as in `write`.
            unsafe {
                lua_rawgeti_(self.state, -1, count + 1);
                if lua_type(self.state, -1) == LUA_TNIL {
                    break;
                }
                self.write(level + 1);
                lua_pop(self.state, 1);
            }
            count += 1;
        }
        self.reply.set_length(place, count as usize);
    }

    fn write_verbatim(&mut self, format: &[u8], text: &[u8]) {
        let format = String::from_utf8_lossy(format);
        let format: String = format.chars().chain("   ".chars()).take(3).collect();
        self.reply.verbatim(&format, text);
    }

    fn write_line(&mut self, kind: u8, text: &[u8]) {
        // C's strings end at a NUL.
        let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
        self.reply.raw(&[kind]);
        for line in text[..end].split_inclusive(|byte| matches!(byte, b'\r' | b'\n')) {
            match line {
                [line @ .., b'\r' | b'\n'] => {
                    self.reply.raw(line);
                    self.reply.raw(b" ");
                }
                line => self.reply.raw(line),
            }
        }
        self.reply.raw(b"\r\n");
    }
}

/// The string on top of the stack.
///
/// # Safety
/// It is one, and what is returned is not used when it may have gone from there.
unsafe fn text<'s>(state: *mut lua_State) -> &'s [u8] {
    let mut length = 0;
    // SAFETY: as above; a string is not converted.
    unsafe {
        let bytes = lua_tolstring(state, -1, &mut length);
        std::slice::from_raw_parts(bytes.cast(), length)
    }
}

/// As C casts a double: what does not fit becomes the lowest number.
fn whole(number: f64) -> i64 {
    const LIMIT: f64 = (1u64 << 63) as f64;
    if (-LIMIT..LIMIT).contains(&number) { number as i64 } else { i64::MIN }
}
