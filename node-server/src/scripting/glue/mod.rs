//! What works on Lua's own stack, as C functions do. Two reasons are good enough for that: it has to be done so (errors
//! that are raised as they are; functions that stand before others unseen), or it is on the way of every script (what
//! brings a script in, its commands' words and replies, its answer) and `mlua`'s protection at each step would cost more
//! than the script.
//!
//! - **Jumps.** An error leaves a C function by a jump that runs no destructors, and all that allocates in Lua may raise
//!   one. So no value with a destructor is alive where such a function of Lua's is called; what needs one is done by a
//!   function that has returned by then.
//! - **Protection.** What may raise an error runs inside a protected call: [`entry`] begins one. Outside of it only what
//!   neither allocates nor raises is called.
//! - **Room.** Beyond its arguments a C function has room for twenty values on the stack. What pushes more, or calls itself,
//!   asks for it.
//! - **Strings** stay where they are as long as they are on the stack. Numbers are never converted in place.

mod answer;
mod commands;
mod debugging;
mod entry;
mod errors;
mod guards;
mod reply;

use std::ffi::{CStr, c_int};

use mlua::ffi::{lua_State, lua_pushstring_, lua_pushvalue, lua_upvalueindex};

pub use commands::{Called, Words, command, put_back_words, take_words, with_words};
pub use debugging::{debug, stop_at_lines_in};
pub use entry::{Call, Entry, Returned};
pub use errors::{entered, look_around_in, pcall, raising, stop_ending, xpcall};
pub use guards::{pairs, refusing, seeing_through, unpack};

/// The names of fields, the first upvalues of functions that work with such: pushing one then needs no search.
#[derive(Clone, Copy)]
#[repr(i32)]
enum Name {
    Err = 1,
    Ok,
    IgnoreErrorStatsUpdate,
    Double,
    BigNumber,
    VerbatimString,
    Format,
    String,
    Map,
    Set,
    Keys,
    Argv,
}

const NAMES: [&CStr; 12] = [
    c"err",
    c"ok",
    c"ignore_error_stats_update",
    c"double",
    c"big_number",
    c"verbatim_string",
    c"format",
    c"string",
    c"map",
    c"set",
    c"KEYS",
    c"ARGV",
];

const NAME_COUNT: c_int = NAMES.len() as c_int;

/// Pushes them all, so that they become upvalues.
///
/// # Safety
/// The state is valid, runs inside a protected call, and has room for them.
unsafe fn push_names(state: *mut lua_State) {
    for name in NAMES {
        // SAFETY: as above; the text ends with a NUL.
        unsafe { lua_pushstring_(state, name.as_ptr()) }
    }
}

impl Name {
    /// # Safety
    /// The function that runs has the names as its first upvalues, and room for a value.
    unsafe fn push(self, state: *mut lua_State) {
        // SAFETY: as above.
        unsafe { lua_pushvalue(state, lua_upvalueindex(self as c_int)) }
    }
}
