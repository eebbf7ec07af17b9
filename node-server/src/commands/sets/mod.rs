//! Sets: distinct members in no order under one key.

mod algebra;
mod members;
mod sample;

use crate::command::CommandSpec;

pub const COMMANDS: &[CommandSpec] = &[
    members::SADD,
    members::SREM,
    members::SMOVE,
    members::SISMEMBER,
    members::SMISMEMBER,
    members::SMEMBERS,
    members::SCARD,
    sample::SPOP,
    sample::SRANDMEMBER,
    sample::SSCAN,
    algebra::SINTER,
    algebra::SINTERSTORE,
    algebra::SINTERCARD,
    algebra::SUNION,
    algebra::SUNIONSTORE,
    algebra::SDIFF,
    algebra::SDIFFSTORE,
];

#[cfg(test)]
mod tests;
