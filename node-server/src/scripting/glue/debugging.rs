//! The debugger's look into Lua: a hook before each line, and what is seen from there of a script that is stopped.
//!
//! While the client thinks, the hook waits. In a hook Lua calls no other hook, so what the client has evaluated runs in a
//! coroutine of its own, where it can be ended as a script can.

use std::ffi::{CStr, c_char, c_int};

use mlua::ffi::{
    LUA_HOOKCOUNT, LUA_MASKCOUNT, LUA_MASKLINE, LUA_OK, LUA_TBOOLEAN, LUA_TFUNCTION, LUA_TLIGHTUSERDATA,
    LUA_TNIL, LUA_TNUMBER, LUA_TSTRING, LUA_TTABLE, LUA_TTHREAD, LUA_TUSERDATA, lua_Debug, lua_State,
    lua_checkstack, lua_concat, lua_createtable, lua_error, lua_getglobal_, lua_getinfo, lua_getlocal,
    lua_getstack, lua_gettop, lua_newthread, lua_next, lua_pcall, lua_pop, lua_pushlstring_, lua_pushnil,
    lua_pushstring_, lua_rawget_, lua_rawset, lua_sethook, lua_settop, lua_toboolean, lua_tolstring,
    lua_tonumber, lua_topointer, lua_type, lua_xmove, luaL_loadbuffer,
};
use mlua::{Function, Lua, Result};

use super::super::debugger::{self, Notes, Wish};
use super::super::exposed::general;
use super::commands::Called;
use super::errors::{INSTRUCTIONS_A_LOOK, end, is_ending};
use crate::monitor::quote;

/// Tables in tables are shown to this depth.
const MOST_LEVELS: usize = 10;
/// On the stack, for all that is done here: a value, and a key and a value for each level of tables in it.
const ROOM: c_int = 64;

const SCRIPT: &[u8] = b"user_script";

/// Has the scripts that will run in this Lua stop as the debugger says.
pub fn stop_at_lines_in(lua: &Lua) -> Result<()> {
    // SAFETY: the state is valid; setting a hook raises nothing.
    unsafe {
        lua.exec_raw((), |state| {
            lua_sethook(state, Some(at_line), LUA_MASKLINE | LUA_MASKCOUNT, INSTRUCTIONS_A_LOOK);
        })
    }
}

unsafe extern "C-unwind" fn at_line(state: *mut lua_State, here: *mut lua_Debug) {
    // SAFETY: Lua calls a hook with a valid state and a record of where it is, inside the script's protected call. No value
    // here has a destructor. `lua_checkstack` may raise an error; after it there is room.
    unsafe {
        let is_late_look = (*here).event == LUA_HOOKCOUNT;
        if is_late_look && debugger::is_to_end() {
            end(state);
        }
        lua_checkstack(state, ROOM);
        lua_getinfo(state, c"Sl".as_ptr(), here);
        if !is_of_script(&*here) || !debugger::arrive(i64::from((*here).currentline), is_late_look) {
            return;
        }
        let top = lua_gettop(state);
        loop {
            match debugger::next_wish() {
                Wish::Resume => return,
                Wish::Abort(text) => raise(state, text),
                Wish::End => end(state),
                Wish::Print => print(state),
                Wish::Trace => trace(state),
                Wish::Eval => evaluate(state),
                Wish::Command => {
                    if matches!(debugger::call_command(), Called::Ends) {
                        end(state);
                    }
                }
            }
            lua_settop(state, top);
            debugger::send();
        }
    }
}

fn is_of_script(place: &lua_Debug) -> bool {
    // SAFETY: Lua ends the text with a NUL, within the array.
    let name = unsafe { CStr::from_ptr(place.short_src.as_ptr()) };
    name.to_bytes().windows(SCRIPT.len()).any(|part| part == SCRIPT)
}

/// Raises a table with this text, as `redis.call` does.
///
/// # Safety
/// As in [`at_line`].
unsafe fn raise(state: *mut lua_State, text: &'static str) -> ! {
    // SAFETY: as above; Lua copies the text.
    unsafe {
        lua_createtable(state, 0, 4);
        lua_pushstring_(state, c"err".as_ptr());
        lua_pushstring_(state, c"ERR ".as_ptr());
        lua_pushlstring_(state, text.as_ptr().cast(), text.len());
        lua_concat(state, 2);
        lua_rawset(state, -3);
        lua_error(state)
    }
}

/// The record of a function that was called, `level` calls ago.
///
/// # Safety
/// As in [`at_line`].
unsafe fn frame(state: *mut lua_State, level: c_int) -> Option<lua_Debug> {
    // SAFETY: the record is plain data, for which zeros are good; Lua fills it. It raises no error.
    unsafe {
        let mut frame: lua_Debug = std::mem::zeroed();
        (lua_getstack(state, level, &mut frame) != 0).then_some(frame)
    }
}

/// # Safety
/// As in [`at_line`].
unsafe fn print(state: *mut lua_State) {
    // SAFETY: as above.
    unsafe {
        let mut is_one = false;
        debugger::answer(|asked, _| is_one = asked.len() == 2);
        if is_one { print_one(state) } else { print_all(state) }
    }
}

/// # Safety
/// As in [`at_line`].
unsafe fn print_one(state: *mut lua_State) {
    let is_asked_for = |name: &CStr| {
        let mut is = false;
        debugger::answer(|asked, _| is = asked.get(1).is_some_and(|asked| asked == name.to_bytes()));
        is
    };
    // SAFETY: as above. Reading a global may raise an error: nothing is alive then that has a destructor.
    unsafe {
        let mut level = 0;
        while let Some(frame) = frame(state, level) {
            let mut number = 1;
            loop {
                let name = lua_getlocal(state, &frame, number);
                if name.is_null() {
                    break;
                }
                if is_asked_for(CStr::from_ptr(name)) {
                    return note_value(state, b"<value> ");
                }
                lua_pop(state, 1);
                number += 1;
            }
            level += 1;
        }
        for name in [c"KEYS", c"ARGV"] {
            if is_asked_for(name) {
                lua_getglobal_(state, name.as_ptr());
                return note_value(state, b"<value> ");
            }
        }
        debugger::answer(|_, notes| notes.push("No such variable."));
    }
}

/// # Safety
/// As in [`at_line`].
unsafe fn print_all(state: *mut lua_State) {
    // SAFETY: as above; none of these raises an error.
    unsafe {
        let Some(frame) = frame(state, 0) else { return };
        let (mut number, mut shown) = (1, 0);
        loop {
            let name = lua_getlocal(state, &frame, number);
            if name.is_null() {
                break;
            }
            let name = CStr::from_ptr(name).to_bytes();
            if name != b"(*temporary)" {
                debugger::answer(|_, notes| {
                    let line = [b"<value> ", name, b" = "].concat();
                    show_on(state, line, notes);
                });
                shown += 1;
            }
            lua_pop(state, 1);
            number += 1;
        }
        if shown == 0 {
            debugger::answer(|_, notes| notes.push("No local variables in the current context."));
        }
    }
}

/// The value on top of the stack, behind this beginning of the line.
///
/// # Safety
/// As in [`at_line`]; there is a value.
unsafe fn note_value(state: *mut lua_State, beginning: &[u8]) {
    // SAFETY: as above.
    debugger::answer(|_, notes| unsafe { show_on(state, beginning.to_vec(), notes) });
}

/// # Safety
/// As [`note_value`].
unsafe fn show_on(state: *mut lua_State, mut line: Vec<u8>, notes: &mut Notes) {
    // SAFETY: as above; `show` raises no error.
    unsafe { show(state, lua_gettop(state), 0, &mut line, notes.limit()) }
    notes.push_trimmed(line);
}

/// # Safety
/// As in [`at_line`].
unsafe fn trace(state: *mut lua_State) {
    // SAFETY: as above; none of these raises an error. The name is Lua's, and stays.
    unsafe {
        let mut level = 0;
        while let Some(mut frame) = frame(state, level) {
            lua_getinfo(state, c"Snl".as_ptr(), &mut frame);
            if is_of_script(&frame) {
                let name = if frame.name.is_null() { c"top level" } else { CStr::from_ptr(frame.name) };
                debugger::note_frame(level == 0, name.to_bytes(), i64::from(frame.currentline));
            }
            level += 1;
        }
    }
}

/// # Safety
/// As in [`at_line`].
unsafe fn evaluate(state: *mut lua_State) {
    // SAFETY: as above. In the coroutine nothing is called outside of protected calls that may raise an error, since nobody
    // would catch it there. The code stays where it is until the client's next request.
    unsafe {
        let own = lua_newthread(state);
        lua_sethook(own, Some(look_around), LUA_MASKCOUNT, INSTRUCTIONS_A_LOOK);
        if !load(own, debugger::code(true)) {
            lua_settop(own, 0);
            if !load(own, debugger::code(false)) {
                lua_xmove(own, state, 1);
                return note_error(state);
            }
        }
        let is_good = lua_pcall(own, 0, 1, 0) == LUA_OK;
        if is_ending() {
            end(state);
        }
        lua_xmove(own, state, 1);
        if is_good { note_value(state, b"<retval> ") } else { note_error(state) }
    }
}

/// Text to a function; never what is compiled already, which Lua does not check.
///
/// # Safety
/// The state is valid and has room for a value. Nothing is raised; in place of the function there may be an error.
unsafe fn load(state: *mut lua_State, code: *const [u8]) -> bool {
    // SAFETY: as above; see `debugger::code`.
    unsafe {
        let code = &*code;
        // Where it begins like compiled code, it is read from the next byte on, which is an error as good as the first.
        let code = if code.first() == Some(&0x1b) { &code[1..] } else { code };
        luaL_loadbuffer(state, code.as_ptr().cast::<c_char>(), code.len(), c"@ldb_eval".as_ptr()) == LUA_OK
    }
}

unsafe extern "C-unwind" fn look_around(state: *mut lua_State, _: *mut lua_Debug) {
    if debugger::is_to_end() {
        // SAFETY: as in `at_line`.
        unsafe { end(state) }
    }
}

/// The error on top of the stack: its text, that of its field `err` if it is a table, or else as any value.
///
/// # Safety
/// As in [`at_line`]. Pushing a name may raise an error: nothing is alive then that has a destructor.
unsafe fn note_error(state: *mut lua_State) {
    // SAFETY: as above.
    unsafe {
        if lua_type(state, -1) == LUA_TTABLE {
            lua_pushstring_(state, c"err".as_ptr());
            lua_rawget_(state, -2);
            if lua_type(state, -1) != LUA_TSTRING {
                lua_pop(state, 1);
            }
        }
        debugger::answer(|_, notes| {
            let mut line = b"<error> ".to_vec();
            if lua_type(state, -1) == LUA_TSTRING {
                line.extend_from_slice(text(state, -1));
            } else {
                show(state, lua_gettop(state), 0, &mut line, notes.limit());
            }
            notes.push(line);
        });
    }
}

/// # Safety
/// There is a string at this index; it stays while it is on the stack.
unsafe fn text<'s>(state: *mut lua_State, index: c_int) -> &'s [u8] {
    let mut length = 0;
    // SAFETY: as above; a string is not converted, so nothing is allocated.
    unsafe {
        let bytes = lua_tolstring(state, index, &mut length);
        std::slice::from_raw_parts(bytes.cast(), length)
    }
}

/// A value as the debugger writes it. Behind `limit` nothing more is added, since nobody would see it.
///
/// # Safety
/// There is a value at this index (counted from below), and room for two more for each level of tables. Nothing here allocates in
/// Lua or raises an error.
unsafe fn show(state: *mut lua_State, index: c_int, level: usize, out: &mut Vec<u8>, limit: usize) {
    if level == MOST_LEVELS {
        return out.extend_from_slice(b"<max recursion level reached! Nested table?>");
    }
    // SAFETY: as above.
    unsafe {
        match lua_type(state, index) {
            LUA_TSTRING => quote(out, text(state, index)),
            LUA_TBOOLEAN => {
                out.extend_from_slice(if lua_toboolean(state, index) != 0 { b"true" } else { b"false" })
            }
            LUA_TNUMBER => out.extend_from_slice(general(lua_tonumber(state, index), 6).as_bytes()),
            LUA_TNIL => out.extend_from_slice(b"nil"),
            LUA_TTABLE => show_table(state, index, level + 1, out, limit),
            other => {
                let name = match other {
                    LUA_TFUNCTION => "function",
                    LUA_TUSERDATA => "userdata",
                    LUA_TTHREAD => "thread",
                    LUA_TLIGHTUSERDATA => "light-userdata",
                    _ => "unknown",
                };
                let place = lua_topointer(state, index);
                out.extend_from_slice(format!("\"{name}@{place:?}\"").as_bytes());
            }
        }
    }
}

/// `{1; 2}` where all its keys are 1, 2, … in this order; `{["a"]=1; [3]=2}` else.
///
/// # Safety
/// As [`show`].
unsafe fn show_table(state: *mut lua_State, index: c_int, level: usize, out: &mut Vec<u8>, limit: usize) {
    // SAFETY: as above. The table is not changed between the calls of `lua_next`, and the keys are its own.
    unsafe {
        let is_list = is_list(state, index);
        out.push(b'{');
        let mut is_first = true;
        lua_pushnil(state);
        while lua_next(state, index) != 0 {
            if out.len() > limit {
                return lua_pop(state, 2);
            }
            if !std::mem::replace(&mut is_first, false) {
                out.extend_from_slice(b"; ");
            }
            let value = lua_gettop(state);
            if !is_list {
                out.push(b'[');
                show(state, value - 1, level, out, limit);
                out.extend_from_slice(b"]=");
            }
            show(state, value, level, out, limit);
            lua_pop(state, 1);
        }
        out.push(b'}');
    }
}

/// # Safety
/// As [`show`].
unsafe fn is_list(state: *mut lua_State, index: c_int) -> bool {
    // SAFETY: as in `show_table`.
    unsafe {
        let mut expected = 1.0;
        lua_pushnil(state);
        while lua_next(state, index) != 0 {
            lua_pop(state, 1);
            if lua_type(state, -1) != LUA_TNUMBER || lua_tonumber(state, -1) != expected {
                lua_pop(state, 1);
                return false;
            }
            expected += 1.0;
        }
        true
    }
}

/// `redis.debug`: its values are told to the client of a session; without one it does nothing.
pub fn debug(lua: &Lua) -> Result<Function> {
    // SAFETY: it has no upvalues.
    unsafe { lua.create_c_function(tell_values) }
}

unsafe extern "C-unwind" fn tell_values(state: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with a valid state. `lua_checkstack` runs where no value has a destructor.
    unsafe {
        lua_checkstack(state, ROOM);
        debugger::answer_debug(|line, limit| {
            for index in 1..=lua_gettop(state) {
                if index > 1 {
                    line.extend_from_slice(b", ");
                }
                show(state, index, 0, line, limit);
            }
        });
    }
    0
}
