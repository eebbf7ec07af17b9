//! Sorted sets: distinct members, each with a score, in the order of scores (and of bytes where they are equal).

mod add;
mod algebra;
mod algebra_commands;
mod blocking;
mod pop;
mod range;
mod range_commands;
mod read;
mod remove;
mod sample;

pub(super) use add::add;
use rcl_store::types::{LexRange, ScoreRange};

use crate::command::{CommandError, CommandSpec};

pub const COMMANDS: &[CommandSpec] = &[
    add::ZADD,
    add::ZINCRBY,
    remove::ZREM,
    remove::ZREMRANGEBYRANK,
    remove::ZREMRANGEBYSCORE,
    remove::ZREMRANGEBYLEX,
    read::ZSCORE,
    read::ZMSCORE,
    read::ZCARD,
    read::ZCOUNT,
    read::ZLEXCOUNT,
    read::ZRANK,
    read::ZREVRANK,
    range_commands::ZRANGE,
    range_commands::ZRANGESTORE,
    range_commands::ZREVRANGE,
    range_commands::ZRANGEBYSCORE,
    range_commands::ZREVRANGEBYSCORE,
    range_commands::ZRANGEBYLEX,
    range_commands::ZREVRANGEBYLEX,
    pop::ZPOPMIN,
    pop::ZPOPMAX,
    pop::ZMPOP,
    blocking::BZPOPMIN,
    blocking::BZPOPMAX,
    blocking::BZMPOP,
    sample::ZRANDMEMBER,
    sample::ZSCAN,
    algebra_commands::ZUNION,
    algebra_commands::ZUNIONSTORE,
    algebra_commands::ZINTER,
    algebra_commands::ZINTERSTORE,
    algebra_commands::ZINTERCARD,
    algebra_commands::ZDIFF,
    algebra_commands::ZDIFFSTORE,
];

fn score_range(min: &[u8], max: &[u8]) -> Result<ScoreRange, CommandError> {
    ScoreRange::parse(min, max).ok_or(CommandError::fixed("ERR min or max is not a float"))
}

fn lex_range<'a>(min: &'a [u8], max: &'a [u8]) -> Result<LexRange<'a>, CommandError> {
    LexRange::parse(min, max).ok_or(CommandError::fixed("ERR min or max not valid string range item"))
}

#[cfg(test)]
mod tests;
