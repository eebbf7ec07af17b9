//! The way into Lua, for scripts and functions: what they are given goes in, and what they return is written as the reply.
//!
//! ```text
//!   protected call, errors to `describe`
//!     └─ enter: KEYS and ARGV ─▶ the script ─▶ its value ─▶ the reply     (a table with a text `err` is returned)
//! ```

use std::ffi::c_int;
use std::ptr;

use mlua::ffi::{
    LUA_MULTRET, LUA_OK, LUA_REGISTRYINDEX, LUA_TSTRING, LUA_TTABLE, lua_State, lua_call, lua_checkstack,
    lua_createtable, lua_gettop, lua_pcall, lua_pop, lua_pushboolean, lua_pushcclosure, lua_pushinteger,
    lua_pushlightuserdata, lua_pushlstring_, lua_pushvalue, lua_rawget_, lua_rawgeti_, lua_rawset,
    lua_rawseti_, lua_settop, lua_touserdata, lua_type, lua_upvalueindex, luaL_ref,
};
use mlua::{Function, Lua, Result, Table, Value};
use rcl_proto::resp::Args;

use super::answer::Answer;
use super::{NAME_COUNT, Name, entered, push_names};

/// What the closure has besides the names.
const GLOBALS: c_int = NAME_COUNT + 1;
const CALLABLES: c_int = NAME_COUNT + 2;

/// What is to be run, and with what.
pub struct Call<'a> {
    /// Its place in the table of what can be run.
    pub callable: c_int,
    pub keys: Args<'a>,
    pub arguments: Args<'a>,
    /// A function is given its keys and arguments; a script finds them in `KEYS` and `ARGV`.
    pub is_function: bool,
}

/// What came of it.
#[derive(Debug)]
pub enum Returned {
    /// The reply is written.
    Replied,
    /// A table with a text `err`.
    Error(Value),
    /// What it raised, as `describe` made it: a table. Anything else did not go through that, since there was no memory for
    /// it.
    Failure(Value),
}

/// Where scripts are entered, in one Lua.
pub struct Entry {
    state: *mut lua_State,
    describe: c_int,
    enter: c_int,
    /// What was returned in place of a reply is left here.
    left: c_int,
}

impl Entry {
    /// `describe` is given what is raised, `globals` are those of scripts, and in `callables` is what can be run. The Lua
    /// must not go before the entry.
    pub fn new(lua: &Lua, describe: &Function, globals: &Table, callables: &Table) -> Result<Entry> {
        let mut own = ptr::null_mut();
        // SAFETY: inside a protected call, with three values on the stack and room for twenty more. The state that Lua
        // works in is its main one, since nothing of it runs; it stays where it is as long as Lua is there.
        let (describe, enter, left) = unsafe {
            lua.exec_raw::<(c_int, c_int, c_int)>((describe, globals, callables), |state| {
                own = state;
                push_names(state);
                lua_pushvalue(state, 2);
                lua_pushvalue(state, 3);
                lua_pushcclosure(state, enter, CALLABLES);
                let enter = luaL_ref(state, LUA_REGISTRYINDEX);
                lua_settop(state, 1);
                let describe = luaL_ref(state, LUA_REGISTRYINDEX);
                lua_pushboolean(state, 0);
                let left = luaL_ref(state, LUA_REGISTRYINDEX);
                for reference in [describe, enter, left] {
                    lua_pushinteger(state, i64::from(reference));
                }
            })?
        };
        Ok(Entry { state: own, describe, enter, left })
    }

    pub fn run(&self, lua: &Lua, call: &Call<'_>) -> Result<Returned> {
        let state = self.state;
        // SAFETY: the state is valid (see `new`). Outside of the protected call nothing allocates or raises: there is room
        // for three values where no function runs, and the place in the registry is there already. `call` is there until
        // the call is over, and has no destructor.
        let is_good = unsafe {
            let top = lua_gettop(state);
            lua_checkstack(state, 3);
            lua_rawgeti_(state, LUA_REGISTRYINDEX, self.describe);
            lua_rawgeti_(state, LUA_REGISTRYINDEX, self.enter);
            lua_pushlightuserdata(state, ptr::from_ref(call).cast_mut().cast());
            let is_good = entered(state, || lua_pcall(state, 1, LUA_MULTRET, top + 1)) == LUA_OK;
            if is_good && lua_gettop(state) == top + 1 {
                lua_settop(state, top);
                return Ok(Returned::Replied);
            }
            lua_rawseti_(state, LUA_REGISTRYINDEX, self.left);
            lua_settop(state, top);
            is_good
        };
        let value = self.take_left(lua)?;
        Ok(if is_good { Returned::Error(value) } else { Returned::Failure(value) })
    }

    /// Does `work`, which runs Lua code by other ways.
    pub fn run_from_outside<R>(&self, work: impl FnOnce() -> R) -> R {
        entered(self.state, work)
    }

    fn take_left(&self, lua: &Lua) -> Result<Value> {
        // SAFETY: inside a protected call, with room for twenty values.
        unsafe {
            lua.exec_raw((), |state| {
                lua_rawgeti_(state, LUA_REGISTRYINDEX, self.left);
                lua_pushboolean(state, 0);
                lua_rawseti_(state, LUA_REGISTRYINDEX, self.left);
            })
        }
    }
}

unsafe extern "C-unwind" fn enter(state: *mut lua_State) -> c_int {
    // SAFETY: it is called by `Entry::run` with a pointer to a call that outlives it, and has the upvalues of
    // `Entry::new`. No value here has a destructor. The run's reply is used by nobody else meanwhile: the script is through.
    unsafe {
        let call = &*lua_touserdata(state, 1).cast_const().cast::<Call<'_>>();
        lua_settop(state, 0);
        lua_rawgeti_(state, lua_upvalueindex(CALLABLES), call.callable);
        if call.is_function {
            push_list(state, call.keys);
            push_list(state, call.arguments);
            lua_call(state, 2, 1);
        } else {
            for (name, list) in [(Name::Keys, call.keys), (Name::Argv, call.arguments)] {
                name.push(state);
                push_list(state, list);
                lua_rawset(state, lua_upvalueindex(GLOBALS));
            }
            lua_call(state, 0, 1);
        }
        if is_error(state) {
            return 1;
        }
        if let Some((reply, of_script)) = super::super::run::begin_answer() {
            Answer { state, reply: &mut *reply, of_script }.write(0);
        }
        0
    }
}

/// Whether on top of the stack is a table with a text `err`.
///
/// # Safety
/// As [`enter`].
unsafe fn is_error(state: *mut lua_State) -> bool {
    // SAFETY: as in `enter`.
    unsafe {
        if lua_type(state, -1) != LUA_TTABLE {
            return false;
        }
        Name::Err.push(state);
        lua_rawget_(state, -2);
        let is_error = lua_type(state, -1) == LUA_TSTRING;
        lua_pop(state, 1);
        is_error
    }
}

/// # Safety
/// As [`enter`].
unsafe fn push_list(state: *mut lua_State, words: Args<'_>) {
    // SAFETY: as in `enter`; Lua copies the bytes.
    unsafe {
        lua_createtable(state, c_int::try_from(words.len()).unwrap_or(0), 0);
        for (index, word) in words.iter().enumerate() {
            lua_pushlstring_(state, word.as_ptr().cast(), word.len());
            lua_rawseti_(state, -2, index as c_int + 1);
        }
    }
}
