//! Streams: entries in the order of their ids under one key, and the groups that consume them.

mod acknowledge;
mod add;
mod claim;
mod claim_options;
mod groups;
mod ids;
mod info;
mod info_full;
mod options;
mod pending;
mod range;
mod read;
mod read_groups;
mod remove;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod waiting_tests;

use rcl_proto::resp::{Args, OwnedArgs, ReplyWriter};
use rcl_store::types::{Group, Pending, StreamEntry};

use crate::command::reply::element;
use crate::command::spec::{ARGUMENT, Argument};
use crate::command::{CommandError, CommandSpec, Data};

pub const COMMANDS: &[CommandSpec] = &[
    add::XADD,
    remove::XTRIM,
    remove::XDEL,
    remove::XSETID,
    range::XLEN,
    range::XRANGE,
    range::XREVRANGE,
    read::XREAD,
    read::XREADGROUP,
    groups::XGROUP,
    acknowledge::XACK,
    pending::XPENDING,
    claim::XCLAIM,
    claim::XAUTOCLAIM,
    info::XINFO,
];

const GROUP: Argument = Argument { name: "group", ..ARGUMENT };
const CONSUMER: Argument = Argument { name: "consumer", ..ARGUMENT };
const IDS: Argument = Argument { name: "ID", multiple: true, ..ARGUMENT };
const START: Argument = Argument { name: "start", ..ARGUMENT };
const END: Argument = Argument { name: "end", ..ARGUMENT };

/// `[id, [field, value, …]]`
fn write_entry(reply: &mut ReplyWriter<'_>, entry: StreamEntry<'_>) {
    reply.array(2);
    ids::write(reply, entry.id);
    reply.array(entry.pairs.len() * 2);
    for (field, value) in entry.pairs {
        element(reply, field);
        element(reply, value);
    }
}

fn write_or_null(reply: &mut ReplyWriter<'_>, number: Option<i64>) {
    match number {
        Some(number) => reply.integer(number),
        None => reply.null(),
    }
}

/// Where neither the key nor the group has to be there.
fn no_key_or_group(key: &[u8], group: &[u8], rest: &str) -> CommandError {
    let (key, group) = (String::from_utf8_lossy(key), String::from_utf8_lossy(group));
    CommandError::new(format!("NOGROUP No such key '{key}' or consumer group '{group}'{rest}"))
}

/// Where the key is there.
fn no_group(key: &[u8], group: &[u8]) -> CommandError {
    let (key, group) = (String::from_utf8_lossy(key), String::from_utf8_lossy(group));
    CommandError::new(format!("NOGROUP No such consumer group '{group}' for key name '{key}'"))
}

/// For what comes of a subcommand's options only when they are looked at.
fn wrong_subcommand(container: &str, args: Args<'_>) -> CommandError {
    let given = args.get(1).unwrap_or_default();
    let given = String::from_utf8_lossy(&given[..given.len().min(128)]);
    CommandError::new(format!(
        "ERR unknown subcommand or wrong number of arguments for '{given}'. Try {container} HELP."
    ))
}

/// What a replica needs to have the same pending entry.
fn claim_to_propagate(key: &[u8], name: &[u8], group: &Group, pending: &Pending) -> OwnedArgs {
    let (id, last_id) = (pending.id.to_string(), group.last_id.to_string());
    OwnedArgs::new([
        &b"XCLAIM"[..],
        key,
        name,
        &pending.consumer,
        b"0",
        id.as_bytes(),
        b"TIME",
        itoa::Buffer::new().format(pending.delivery_time_ms).as_bytes(),
        b"RETRYCOUNT",
        itoa::Buffer::new().format(pending.delivery_count).as_bytes(),
        b"FORCE",
        b"JUSTID",
        b"LASTID",
        last_id.as_bytes(),
    ])
}

/// What a replica needs to know how far a group has come.
fn last_id_to_propagate(key: &[u8], name: &[u8], group: &Group) -> OwnedArgs {
    let last_id = group.last_id.to_string();
    let read = group.entries_read.unwrap_or(-1);
    OwnedArgs::new([
        &b"XGROUP"[..],
        b"SETID",
        key,
        name,
        last_id.as_bytes(),
        b"ENTRIESREAD",
        itoa::Buffer::new().format(read).as_bytes(),
    ])
}

/// Counts changes that break no transaction: who watches a stream does not watch what its groups do.
fn count_changes(data: &mut Data<'_>, changes: u64) {
    data.effects.changes += changes;
}
