//! The subcommands that change who owns which slot.

use rcl_cluster::Command;
use rcl_proto::resp::Args;

use super::changing::keyspace_is_empty;
use super::{CHANGES, ask, parse};
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
