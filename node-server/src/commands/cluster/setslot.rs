//! CLUSTER SETSLOT: opens a slot for a move, closes it, or says who owns it.
//!
//! A master with replicas that know how has them run it first: it is checked, sent down the replication stream, and run
//! once all of them acknowledged it. After TIMEOUT (2 s when not said, 0: never) it is given up with NOREPLICAS; the
//! replicas may have run it then. See `replication/setslot.rs`.

use std::sync::Arc;

use rcl_cluster::{Command, SetSlot, SetSlotStage, SlotFacts};
use rcl_proto::Slot;
use rcl_proto::resp::Args;
use rcl_store::types::parse_integer;

use super::{CHANGES, ask, parse};
use crate::command::arguments::word;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, Kind};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Locks};
use crate::control::ControlMessage;
use crate::node::Node;

const DEFAULT_TIMEOUT_MS: u64 = 2_000;
/// A cluster has this database alone.
const DATABASE: usize = 0;

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
        Argument {
            name: "timeout",
            kind: Kind::Integer,
            token: "TIMEOUT",
            since: "8.0.0",
            optional: true,
            ..ARGUMENT
        },
    ],
    locks: Locks::EachShard,
    handler: Handler::Run(setslot),
    ..COMMAND
};

#[derive(Debug, PartialEq, Eq)]
struct Request {
    slot: Slot,
    what: SetSlot,
    timeout_ms: u64,
}

impl Request {
    fn command(&self, holds_keys: bool, stage: SetSlotStage) -> Command {
        Command::SetSlot { slot: self.slot, what: self.what.clone(), facts: SlotFacts { holds_keys }, stage }
    }
}

fn setslot(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    ask::must_be_cluster(context)?;
    let request = parse_request(args)?;
    let slot = request.slot;
    let index = context.node.shards.index_of(slot);
    let holds_keys =
        context.data.with_shard(index, |shard| shard.keyspace.key_count_in_slot(DATABASE, slot) > 0);
    let run = request.command(holds_keys, SetSlotStage::Run);
    // Inside a transaction nothing waits: there it is not sent.
    if !context.may_park || context.node.replication.setslot_audience() == 0 {
        return ask::change(context, run);
    }
    let check = request.command(holds_keys, SetSlotStage::Check);
    ask::change_after_replicas(context, check, run, args.to_owned(), request.timeout_ms)
}

/// This node's master sent it down the stream. It is left to the control thread, which looks at it before anything that
/// comes later: so it is known here before the master's death can be.
pub fn setslot_from_master(node: &Arc<Node>, args: Args<'_>) {
    let request = match parse_request(args) {
        Ok(request) => request,
        Err(error) => return tracing::error!(%error, "the master sent a SETSLOT that is none"),
    };
    let Some(control) = node.control.get() else {
        return tracing::error!("the master sent SETSLOT, but this node is in no cluster");
    };
    let slot = request.slot;
    let holds_keys = node.shards.lock_slot(slot).keyspace.key_count_in_slot(DATABASE, slot) > 0;
    let command = request.command(holds_keys, SetSlotStage::FromMaster);
    let answer = Box::new(move |reply: &rcl_cluster::Reply, _: &crate::control::LinkTable| {
        if let rcl_cluster::Reply::Error(error) = reply {
            tracing::warn!(%slot, error, "the master's SETSLOT was not run here");
        }
    });
    control.send(ControlMessage::Command { command, answer });
}

fn parse_request(args: Args<'_>) -> Result<Request, CommandError> {
    const BAD_ACTION: CommandError =
        CommandError::fixed("ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP");
    let slot = parse::slot(args.get(2).unwrap_or_default())?;
    let action = args.get(3).unwrap_or_default();
    let is = |word: &[u8]| action.eq_ignore_ascii_case(word);
    let node = args.get(4).map(<[u8]>::to_vec);
    let (what, options) = match node {
        _ if is(b"stable") => (SetSlot::Stable, args.from(4)),
        Some(node) if is(b"migrating") => (SetSlot::Migrating(node), args.from(5)),
        Some(node) if is(b"importing") => (SetSlot::Importing(node), args.from(5)),
        Some(node) if is(b"node") => (SetSlot::Node(node), args.from(5)),
        _ => return Err(BAD_ACTION),
    };
    let timeout_ms = match (options.get(0), options.get(1)) {
        (None, _) => DEFAULT_TIMEOUT_MS,
        (Some(word), value) if word.eq_ignore_ascii_case(b"timeout") && options.len() <= 2 => {
            parse_timeout(value.ok_or(CommandError::fixed("ERR Missing timeout value"))?)?
        }
        _ => return Err(BAD_ACTION),
    };
    Ok(Request { slot, what, timeout_ms })
}

fn parse_timeout(text: &[u8]) -> Result<u64, CommandError> {
    let timeout_ms =
        parse_integer(text).ok_or(CommandError::fixed("ERR timeout is not an integer or out of range"))?;
    u64::try_from(timeout_ms).map_err(|_| CommandError::fixed("ERR timeout is negative"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcl_proto::resp::OwnedArgs;

    fn parse(line: &str) -> Result<Request, String> {
        let args = OwnedArgs::new(line.split(' ').map(str::as_bytes));
        parse_request(args.as_args()).map_err(|error| error.text().to_owned())
    }

    #[test]
    fn the_timeout_comes_last() {
        let request = |what, timeout_ms| Ok(Request { slot: Slot::new(7).unwrap(), what, timeout_ms });
        assert_eq!(parse("c s 7 STABLE"), request(SetSlot::Stable, 2000));
        assert_eq!(parse("c s 7 stable timeout 5"), request(SetSlot::Stable, 5));
        assert_eq!(parse("c s 7 NODE x TIMEOUT 0"), request(SetSlot::Node(b"x".to_vec()), 0));
        let bad = "ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP";
        for (line, error) in [
            ("c s 7 MIGRATING x TIMEOUT", "ERR Missing timeout value"),
            ("c s 7 MIGRATING x TIMEOUT -1", "ERR timeout is negative"),
            (
                "c s 7 MIGRATING x TIMEOUT 99999999999999999999",
                "ERR timeout is not an integer or out of range",
            ),
            ("c s 7 MIGRATING x TIMEOUT abc", "ERR timeout is not an integer or out of range"),
            ("c s 7 TIMEOUT 100 MIGRATING x", bad),
            ("c s 7 NODE x TIMEOUT 1 TIMEOUT 1", bad),
            ("c s 7 STABLE x", bad),
            ("c s 7 NODE", bad),
        ] {
            assert_eq!(parse(line), Err(error.to_owned()), "{line}");
        }
    }
}
