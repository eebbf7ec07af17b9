//! Hashes: fields and their values under one key.

mod field_expiry;
mod field_ttl;
mod fields;
mod increment;
mod read;
mod sample;
mod with_expiry;
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
    field_expiry::HEXPIRE,
    field_expiry::HEXPIREAT,
    field_expiry::HPEXPIRE,
    field_expiry::HPEXPIREAT,
    field_ttl::HEXPIRETIME,
    field_ttl::HPERSIST,
    field_ttl::HPEXPIRETIME,
    field_ttl::HPTTL,
    field_ttl::HTTL,
    with_expiry::HGETDEL,
    with_expiry::HGETEX,
    with_expiry::HSETEX,
];

#[cfg(test)]
mod field_expiry_tests;
#[cfg(test)]
mod tests;
