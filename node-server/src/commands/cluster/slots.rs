//! The subcommands that change who owns which slot.

use rcl_cluster::{Command, SetSlot, SlotFacts};
use rcl_proto::resp::Args;

use super::changing::keyspace_is_empty;
use super::{CHANGES, ask, parse};
use crate::command::arguments::word;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, Kind};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Locks};

const SLOTS: &[Argument] = &[Argument { name: "slot", kind: Kind::Integer, multiple: true, ..ARGUMENT }];
const RANGES: &[Argument] = &[Argument {
    name: "range",
    kind: Kind::Block,
    multiple: true,
    arguments: &[
        Argument { name: "start-slot", kind: Kind::Integer, ..ARGUMENT },
        Argument { name: "end-slot", kind: Kind::Integer, ..ARGUMENT },
    ],
    ..ARGUMENT
}];

pub const ADDSLOTS: CommandSpec = CommandSpec {
    name: "addslots",
    arity: -3,
    flags: CHANGES,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "O(N) where N is the total number of hash slot arguments",
    summary: "Gives slots without an owner to this node.",
    arguments: SLOTS,
    handler: Handler::Run(addslots),
    ..COMMAND
};

fn addslots(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    ask::must_be_cluster(context)?;
    let slots = parse::slots(args)?;
    ask::change(context, Command::AddSlots(slots))
}

pub const ADDSLOTSRANGE: CommandSpec = CommandSpec {
    name: "addslotsrange",
    arity: -4,
    flags: CHANGES,
    since: "7.0.0",
    group: Group::Cluster,
    complexity: "O(N) where N is the total number of the slots between the start slot and end slot arguments.",
    summary: "Gives ranges of slots without an owner to this node.",
    arguments: RANGES,
    handler: Handler::Run(addslotsrange),
    ..COMMAND
};

fn addslotsrange(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    ask::must_be_cluster(context)?;
    if args.len() % 2 == 1 {
        return Err(CommandError::wrong_arity("cluster|addslotsrange"));
    }
    let slots = parse::slot_ranges(args)?;
    ask::change(context, Command::AddSlots(slots))
}

pub const DELSLOTS: CommandSpec = CommandSpec {
    name: "delslots",
    arity: -3,
    flags: CHANGES,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "O(N) where N is the total number of hash slot arguments",
    summary: "Takes slots from their owner, in this node's view.",
    arguments: SLOTS,
    handler: Handler::Run(delslots),
    ..COMMAND
};

fn delslots(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    ask::must_be_cluster(context)?;
    let slots = parse::slots(args)?;
    ask::change(context, Command::DelSlots(slots))
}

pub const DELSLOTSRANGE: CommandSpec = CommandSpec {
    name: "delslotsrange",
    arity: -4,
    flags: CHANGES,
    since: "7.0.0",
    group: Group::Cluster,
    complexity: "O(N) where N is the total number of the slots between the start slot and end slot arguments.",
    summary: "Takes ranges of slots from their owner, in this node's view.",
    arguments: RANGES,
    handler: Handler::Run(delslotsrange),
    ..COMMAND
};

fn delslotsrange(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    ask::must_be_cluster(context)?;
    if args.len() % 2 == 1 {
        return Err(CommandError::wrong_arity("cluster|delslotsrange"));
    }
    let slots = parse::slot_ranges(args)?;
    ask::change(context, Command::DelSlots(slots))
}

pub const FLUSHSLOTS: CommandSpec = CommandSpec {
    name: "flushslots",
    arity: 2,
    flags: CHANGES,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "O(1)",
    summary: "Takes all slots from this node, which must hold no key.",
    locks: Locks::EachShard,
    handler: Handler::Run(flushslots),
    ..COMMAND
};

fn flushslots(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    ask::must_be_cluster(context)?;
    let keyspace_empty = keyspace_is_empty(context);
    ask::change(context, Command::FlushSlots { keyspace_empty })
}

pub const SETSLOT: CommandSpec = CommandSpec {
    name: "setslot",
    arity: -4,
    flags: CHANGES,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "O(1)",
    summary: "Opens a slot for a move, closes it, or says who owns it.",
    arguments: &[
        Argument { name: "slot", kind: Kind::Integer, ..ARGUMENT },
        Argument {
            name: "subcommand",
            kind: Kind::OneOf,
            arguments: &[
                Argument { name: "importing", display: "node-id", token: "IMPORTING", ..ARGUMENT },
                Argument { name: "migrating", display: "node-id", token: "MIGRATING", ..ARGUMENT },
                Argument { name: "node", display: "node-id", token: "NODE", ..ARGUMENT },
                word("stable", "STABLE"),
            ],
            ..ARGUMENT
        },
    ],
    locks: Locks::EachShard,
    handler: Handler::Run(setslot),
    ..COMMAND
};

fn setslot(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    ask::must_be_cluster(context)?;
    let slot = parse::slot(&args[2])?;
    let is = |word: &[u8]| args[3].eq_ignore_ascii_case(word);
    let what = match args.get(4).map(<[u8]>::to_vec) {
        Some(node) if args.len() == 5 && is(b"migrating") => SetSlot::Migrating(node),
        Some(node) if args.len() == 5 && is(b"importing") => SetSlot::Importing(node),
        Some(node) if args.len() == 5 && is(b"node") => SetSlot::Node(node),
        None if is(b"stable") => SetSlot::Stable,
        _ => {
            return Err(CommandError::fixed(
                "ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP",
            ));
        }
    };
    let index = context.node.shards.index_of(slot);
    let holds_keys = context.data.with_shard(index, |shard| shard.keyspace.key_count_in_slot(0, slot) > 0);
    ask::change(context, Command::SetSlot { slot, what, facts: SlotFacts { holds_keys } })
}
