//! Strings.

mod get;
mod lcs;
mod number;
mod range;
mod set;

use crate::command::CommandSpec;

/// In the order of Redis's documentation.
pub const COMMANDS: &[CommandSpec] = &[
    range::APPEND,
    number::DECR,
    number::DECRBY,
    get::GET,
    get::GETDEL,
    get::GETEX,
    range::GETRANGE,
    set::GETSET,
    number::INCR,
    number::INCRBY,
    number::INCRBYFLOAT,
    lcs::LCS,
    get::MGET,
    set::MSET,
    set::MSETNX,
    set::PSETEX,
    set::SET,
    set::SETEX,
    set::SETNX,
    range::SETRANGE,
    get::STRLEN,
    range::SUBSTR,
];

#[cfg(test)]
mod tests;
