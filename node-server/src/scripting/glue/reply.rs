//! A command's reply as Lua values.
//!
//! ```text
//!   :1  $…           number, string                    ,1.5      {double = 1.5}
//!   +OK              {ok = "OK"}                       (12       {big_number = "12"}
//!   -ERR …           {err = "ERR …"}                   =…        {verbatim_string = {format =, string =}}
//!   *2 …             {…, …}                            %1 …      {map = {key = value}}
//!   $-1  *-1         false                             ~1 …      {set = {member = true}}
//!   _                nil                               #t        true
//! ```

use std::ffi::c_int;

use mlua::ffi::{
    LUA_TNIL, lua_State, lua_createtable, lua_pop, lua_pushboolean, lua_pushlstring_, lua_pushnil,
    lua_pushnumber, lua_rawset, lua_rawseti_, lua_type, luaL_checkstack,
};

use super::Name;

/// What is pushed at once at one level: a table, a name or key, a value or the table in its place.
const ROOM: c_int = 6;

/// Pushes the value of the first reply in `bytes`, which a command of ours wrote; what is cut off reads as nil. True when it
/// is an error.
///
/// # Safety
/// The state is valid, runs inside a protected call, and its function has the names as upvalues.
pub unsafe fn push_reply(state: *mut lua_State, bytes: &[u8]) -> bool {
    // SAFETY: as above.
    unsafe { Reader { state, rest: bytes }.push_value() }
    bytes.first() == Some(&b'-')
}

/// Pushes `{err = text}`, which was counted when it came.
///
/// # Safety
/// As [`push_reply`].
pub unsafe fn push_error(state: *mut lua_State, text: &[u8]) {
    // SAFETY: as in `push_reply`.
    unsafe {
        lua_createtable(state, 0, 4);
        Name::Err.push(state);
        push_string(state, text);
        lua_rawset(state, -3);
        Name::IgnoreErrorStatsUpdate.push(state);
        lua_pushboolean(state, 1);
        lua_rawset(state, -3);
    }
}

unsafe fn push_string(state: *mut lua_State, text: &[u8]) {
    // SAFETY: as in `push_reply`; Lua copies the bytes.
    unsafe { lua_pushlstring_(state, text.as_ptr().cast(), text.len()) }
}

struct Reader<'b> {
    state: *mut lua_State,
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    fn line(&mut self) -> &'b [u8] {
        let end = self.rest.iter().position(|&byte| byte == b'\r').unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest.get(2..).unwrap_or_default();
        line
    }

    fn bulk(&mut self, length: i64) -> &'b [u8] {
        let length = (length as usize).min(self.rest.len());
        let (bytes, rest) = self.rest.split_at(length);
        self.rest = rest.get(2..).unwrap_or_default();
        bytes
    }

    /// # Safety
    /// As [`push_reply`]; so are all below.
    unsafe fn push_value(&mut self) {
        let line = self.line();
        let (kind, text) = line.split_first().map_or((0, line), |(kind, text)| (*kind, text));
        // SAFETY: as in `push_reply`. There is room for what one level pushes: a C function's, or what was asked for.
        unsafe {
            match kind {
                b'$' | b'*' | b'>' if text.first() == Some(&b'-') => lua_pushboolean(self.state, 0),
                b'$' => push_string(self.state, self.bulk(count(text))),
                // Lua has no integers: what is beyond 2^53 is rounded.
                b':' => lua_pushnumber(self.state, count(text) as f64),
                b'+' => self.push_single(Name::Ok, |reader| push_string(reader.state, text)),
                b'-' => push_error(self.state, text),
                b'*' | b'>' => self.push_array(count(text)),
                b'%' => self.push_single(Name::Map, |reader| reader.push_map(count(text))),
                b'~' => self.push_single(Name::Set, |reader| reader.push_set(count(text))),
                b'#' => lua_pushboolean(self.state, c_int::from(text == b"t")),
                b',' => {
                    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
                    self.push_single(Name::Double, |reader| {
                        lua_pushnumber(reader.state, number.unwrap_or(0.0));
                    });
                }
                b'(' => self.push_single(Name::BigNumber, |reader| push_string(reader.state, text)),
                b'|' => self.skip_attribute(count(text)),
                b'=' => self.push_single(Name::VerbatimString, |reader| reader.push_verbatim(count(text))),
                _ => lua_pushnil(self.state),
            }
        }
    }

    unsafe fn push_single(&mut self, name: Name, push_value: impl FnOnce(&mut Self)) {
        // SAFETY: as in `push_value`.
        unsafe {
            self.make_room();
            lua_createtable(self.state, 0, 1);
            name.push(self.state);
            push_value(self);
            lua_rawset(self.state, -3);
        }
    }

    unsafe fn push_array(&mut self, count: i64) {
        let start = self.rest;
        // SAFETY: as in `push_value`.
        unsafe {
            self.make_room();
            lua_createtable(self.state, c_int::try_from(count).unwrap_or(0), 0);
            for index in 1..=count {
                self.push_value();
                if lua_type(self.state, -1) == LUA_TNIL {
                    lua_pop(self.state, 2);
                    self.rest = start;
                    return self.push_array_with_holes(count);
                }
                lua_rawseti_(self.state, -2, index as c_int);
            }
        }
    }

    /// How long Lua takes a table with holes to be hangs on how it grew: this one grows as Redis's do.
    unsafe fn push_array_with_holes(&mut self, count: i64) {
        // SAFETY: as in `push_value`; there is room, since `push_array` asked for it.
        unsafe {
            lua_createtable(self.state, 0, 0);
            for index in 1..=count {
                self.push_value();
                lua_rawseti_(self.state, -2, index as c_int);
            }
        }
    }

    unsafe fn push_map(&mut self, count: i64) {
        // SAFETY: as in `push_value`; a key is no nil.
        unsafe {
            self.make_room();
            lua_createtable(self.state, 0, c_int::try_from(count).unwrap_or(0));
            for _ in 0..count {
                self.push_value();
                self.push_value();
                if lua_type(self.state, -2) == LUA_TNIL {
                    lua_pop(self.state, 2);
                } else {
                    lua_rawset(self.state, -3);
                }
            }
        }
    }

    unsafe fn push_set(&mut self, count: i64) {
        // SAFETY: as in `push_map`.
        unsafe {
            self.make_room();
            lua_createtable(self.state, 0, c_int::try_from(count).unwrap_or(0));
            for _ in 0..count {
                self.push_value();
                if lua_type(self.state, -1) == LUA_TNIL {
                    lua_pop(self.state, 1);
                } else {
                    lua_pushboolean(self.state, 1);
                    lua_rawset(self.state, -3);
                }
            }
        }
    }

    /// Scripts see only the reply behind what is told besides it.
    unsafe fn skip_attribute(&mut self, count: i64) {
        // SAFETY: as in `push_value`.
        unsafe {
            for _ in 0..count.saturating_mul(2) {
                self.push_value();
                lua_pop(self.state, 1);
            }
            self.push_value();
        }
    }

    unsafe fn push_verbatim(&mut self, length: i64) {
        let bytes = self.bulk(length);
        // SAFETY: as in `push_value`.
        unsafe {
            self.make_room();
            lua_createtable(self.state, 0, 2);
            Name::Format.push(self.state);
            push_string(self.state, bytes.get(..3).unwrap_or_default());
            lua_rawset(self.state, -3);
            Name::String.push(self.state);
            push_string(self.state, bytes.get(4..).unwrap_or_default());
            lua_rawset(self.state, -3);
        }
    }

    unsafe fn make_room(&mut self) {
        // SAFETY: as in `push_value`.
        unsafe { luaL_checkstack(self.state, ROOM, c"too deep a reply".as_ptr()) }
    }
}

fn count(text: &[u8]) -> i64 {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use mlua::Lua;
    use mlua::ffi::{lua_pushcclosure, lua_settop, lua_tolstring};

    use super::super::{NAME_COUNT, push_names};
    use super::*;

    /// Pushes the reply whose bytes it is given.
    unsafe extern "C-unwind" fn read(state: *mut lua_State) -> c_int {
        let mut length = 0;
        // SAFETY: it is called with a string, which stays on the stack, and the names are its upvalues.
        unsafe {
            let bytes = lua_tolstring(state, 1, &mut length);
            push_reply(state, std::slice::from_raw_parts(bytes.cast(), length));
        }
        1
    }

    fn shown(reply: &str) -> String {
        let lua = Lua::new();
        // SAFETY: as in `command`.
        let read: mlua::Function = unsafe {
            lua.exec_raw((), |state| {
                lua_settop(state, 0);
                push_names(state);
                lua_pushcclosure(state, read, NAME_COUNT);
            })
        }
        .unwrap();
        let code = "local function show(v)
              if type(v) ~= 'table' then return tostring(v) end
              local parts = {}
              for key, value in pairs(v) do parts[#parts + 1] = tostring(key) .. '=' .. show(value) end
              table.sort(parts)
              return '{' .. table.concat(parts, ' ') .. '}'
            end
            local read, reply = ...
            return show(read(reply))";
        lua.load(code).call((read, reply)).unwrap()
    }

    #[test]
    fn each_kind_of_reply() {
        for (reply, expected) in [
            (":5\r\n", "5"),
            (":-9223372036854775808\r\n", "-9.2233720368548e+18"),
            ("$2\r\nab\r\n", "ab"),
            ("$-1\r\n", "false"),
            ("*-1\r\n", "false"),
            ("_\r\n", "nil"),
            ("+OK\r\n", "{ok=OK}"),
            ("-ERR no\r\n", "{err=ERR no ignore_error_stats_update=true}"),
            ("*3\r\n:1\r\n$-1\r\n*1\r\n+x\r\n", "{1=1 2=false 3={1={ok=x}}}"),
            ("*3\r\n_\r\n:1\r\n_\r\n", "{2=1}"),
            ("%2\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n*0\r\n", "{map={a=1 b={}}}"),
            ("~2\r\n$1\r\na\r\n:7\r\n", "{set={7=true a=true}}"),
            ("#t\r\n", "true"),
            ("#f\r\n", "false"),
            (",1.5\r\n", "{double=1.5}"),
            (",inf\r\n", "{double=inf}"),
            ("(123\r\n", "{big_number=123}"),
            ("=6\r\ntxt:ab\r\n", "{verbatim_string={format=txt string=ab}}"),
            ("|1\r\n$1\r\na\r\n*1\r\n:1\r\n+yes\r\n", "{ok=yes}"),
            ("*2\r\n$5\r\nab", "{1=ab}"),
            ("", "nil"),
        ] {
            assert_eq!(shown(reply), expected, "{reply:?}");
        }
    }

    #[test]
    fn a_deep_reply_finds_room() {
        let deep = "*1\r\n".repeat(500) + ":7\r\n";
        assert_eq!(shown(&deep), format!("{}7{}", "{1=".repeat(500), "}".repeat(500)));
    }
}
