//! Keys and their slots: CLUSTER KEYSLOT, COUNTKEYSINSLOT, GETKEYSINSLOT.

use rcl_proto::key_slot;
use rcl_proto::resp::Args;

use super::ask::must_be_cluster;
use super::parse;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, Kind, flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Locks, Outcome};

/// A cluster has this database alone.
const DATABASE: usize = 0;

pub const KEYSLOT: CommandSpec = CommandSpec {
    name: "keyslot",
    arity: 3,
    flags: flag::STALE,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "O(N) where N is the number of bytes in the key",
    summary: "Answers the slot that a key belongs to.",
    arguments: &[Argument { name: "key", ..ARGUMENT }],
    handler: Handler::Run(keyslot),
    ..COMMAND
};

fn keyslot(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    must_be_cluster(context)?;
    let slot = key_slot(args.get(2).unwrap_or_default());
    context.reply.integer(i64::from(slot.number()));
    Ok(Outcome::Done)
}

pub const COUNTKEYSINSLOT: CommandSpec = CommandSpec {
    name: "countkeysinslot",
    arity: 3,
    flags: flag::STALE,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "O(1)",
    summary: "Answers how many keys this node has in a slot.",
    arguments: &[Argument { name: "slot", kind: Kind::Integer, ..ARGUMENT }],
    locks: Locks::EachShard,
    handler: Handler::Run(countkeysinslot),
    ..COMMAND
};

fn countkeysinslot(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    must_be_cluster(context)?;
    let number = parse::integer(args.get(2).unwrap_or_default())?;
    let slot = parse::slot_number(number).ok_or(CommandError::fixed("ERR Invalid slot"))?;
    let index = context.node.shards.index_of(slot);
    let count = context.data.with_shard(index, |shard| shard.keyspace.key_count_in_slot(DATABASE, slot));
    context.reply.integer(count as i64);
    Ok(Outcome::Done)
}

pub const GETKEYSINSLOT: CommandSpec = CommandSpec {
    name: "getkeysinslot",
    arity: 4,
    flags: flag::STALE,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "O(N) where N is the number of requested keys",
    summary: "Answers up to so many keys that this node has in a slot.",
    arguments: &[
        Argument { name: "slot", kind: Kind::Integer, ..ARGUMENT },
        Argument { name: "count", kind: Kind::Integer, ..ARGUMENT },
    ],
    tips: &["nondeterministic_output"],
    locks: Locks::EachShard,
    handler: Handler::Run(getkeysinslot),
    ..COMMAND
};

fn getkeysinslot(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    must_be_cluster(context)?;
    let number = parse::integer(args.get(2).unwrap_or_default())?;
    let count = parse::integer(args.get(3).unwrap_or_default())?;
    let (Some(slot), Ok(count)) = (parse::slot_number(number), usize::try_from(count)) else {
        return Err(CommandError::fixed("ERR Invalid slot or number of keys"));
    };
    let index = context.node.shards.index_of(slot);
    let reply = &mut context.reply;
    context.data.with_shard(index, |shard| {
        let count = count.min(shard.keyspace.key_count_in_slot(DATABASE, slot));
        reply.array(count);
        shard.keyspace.entries_in_slot(DATABASE, slot, count).for_each(|entry| reply.bulk(entry.key()));
    });
    Ok(Outcome::Done)
}
