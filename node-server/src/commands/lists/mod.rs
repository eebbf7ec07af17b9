//! Lists: elements in order under one key.

mod between;
mod blocking;
mod ends;
mod inside;

use rcl_store::types::End;

use crate::command::{CommandError, CommandSpec, parse};

pub const COMMANDS: &[CommandSpec] = &[
    ends::LPUSH,
    ends::RPUSH,
    ends::LPUSHX,
    ends::RPUSHX,
    ends::LPOP,
    ends::RPOP,
    inside::LRANGE,
    inside::LLEN,
    inside::LINDEX,
    inside::LPOS,
    inside::LSET,
    inside::LINSERT,
    inside::LREM,
    inside::LTRIM,
    between::LMOVE,
    between::RPOPLPUSH,
    between::LMPOP,
    blocking::BLPOP,
    blocking::BRPOP,
    blocking::BLMPOP,
    blocking::BLMOVE,
    blocking::BRPOPLPUSH,
];

/// `LEFT` or `RIGHT`.
fn end(word: &[u8]) -> Result<End, CommandError> {
    if parse::is(word, "left") {
        Ok(End::Head)
    } else if parse::is(word, "right") {
        Ok(End::Tail)
    } else {
        Err(CommandError::SYNTAX)
    }
}

#[cfg(test)]
mod tests;
