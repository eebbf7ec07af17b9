//! Hashes: fields and their values under one key.

mod increment;
mod read;
mod sample;
mod write;

use crate::command::CommandSpec;

pub const COMMANDS: &[CommandSpec] = &[
    write::HSET,
    write::HSETNX,
    write::HMSET,
    write::HDEL,
    increment::HINCRBY,
    increment::HINCRBYFLOAT,
    read::HGET,
    read::HMGET,
    read::HGETALL,
    read::HKEYS,
    read::HVALS,
    read::HEXISTS,
    read::HLEN,
    read::HSTRLEN,
    sample::HRANDFIELD,
    sample::HSCAN,
];

#[cfg(test)]
mod tests;
