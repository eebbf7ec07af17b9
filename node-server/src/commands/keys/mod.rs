//! Keys of any type.

mod expire;
mod move_keys;
mod object;
mod scan;
mod simple;
mod sort;

use crate::command::CommandSpec;

pub const COMMANDS: &[CommandSpec] = &[
    move_keys::COPY,
    simple::DEL,
    simple::EXISTS,
    expire::EXPIRE,
    expire::EXPIREAT,
    expire::EXPIRETIME,
    scan::KEYS,
    move_keys::MOVE,
    object::OBJECT,
    expire::PERSIST,
    expire::PEXPIRE,
    expire::PEXPIREAT,
    expire::PEXPIRETIME,
    expire::PTTL,
    scan::RANDOMKEY,
    move_keys::RENAME,
    move_keys::RENAMENX,
    scan::SCAN,
    sort::SORT,
    sort::SORT_RO,
    simple::TOUCH,
    expire::TTL,
    simple::TYPE,
    simple::UNLINK,
];

pub use object::reference_count;
pub use scan::{scan_cursor, scan_options};

#[cfg(test)]
mod tests;
