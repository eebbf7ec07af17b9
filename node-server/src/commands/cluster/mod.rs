//! CLUSTER and its subcommands, and READONLY, READWRITE, ASKING.
//!
//! What needs the cluster's state is asked of the control thread: the handler parses, parks the client, and the
//! control thread writes the answer. A subcommand that changes something is answered once the change is on the
//! disk and in every shard.
//!
//! Inside MULTI nothing can park. Reading subcommands wait there for the control thread, which is never busy for
//! long. Changing ones are asked for and not waited for, since their answer waits for shards that the transaction
//! itself may hold: EXEC answers when they are through.

mod ask;
mod changing;
mod mode;
mod parse;
mod reading;
mod render;
mod setslot;
mod slot_keys;
mod slot_stats;
mod slots;

pub use setslot::setslot_from_master;

use rcl_proto::resp::Args;

use crate::command::spec::{Argument, COMMAND, Group, Kind, flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};

pub const COMMANDS: &[CommandSpec] = &[CLUSTER, mode::READONLY, mode::READWRITE, mode::ASKING];

/// What all changing subcommands have.
const CHANGES: u32 = flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING;

const CLUSTER: CommandSpec = CommandSpec {
    name: "cluster",
    arity: -2,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "Depends on subcommand.",
    summary: "A container for the commands of Redis Cluster.",
    subcommands: &[
        slots::ADDSLOTS,
        slots::ADDSLOTSRANGE,
        changing::BUMPEPOCH,
        reading::COUNT_FAILURE_REPORTS,
        slot_keys::COUNTKEYSINSLOT,
        slots::DELSLOTS,
        slots::DELSLOTSRANGE,
        changing::FAILOVER,
        slots::FLUSHSLOTS,
        changing::FORGET,
        slot_keys::GETKEYSINSLOT,
        HELP,
        reading::INFO,
        slot_keys::KEYSLOT,
        reading::LINKS,
        changing::MEET,
        reading::MYID,
        reading::MYSHARDID,
        reading::NODES,
        reading::REPLICAS,
        changing::REPLICATE,
        changing::RESET,
        changing::SAVECONFIG,
        changing::SET_CONFIG_EPOCH,
        setslot::SETSLOT,
        reading::SHARDS,
        reading::SLAVES,
        slot_stats::SLOT_STATS,
        reading::SLOTS,
    ],
    ..COMMAND
};

pub use ask::read as ask_core;

const NO_CLUSTER: CommandError = CommandError::fixed("ERR This instance has cluster support disabled");

const HELP: CommandSpec = CommandSpec {
    name: "help",
    arity: 2,
    flags: flag::LOADING | flag::STALE,
    since: "5.0.0",
    group: Group::Cluster,
    complexity: "O(1)",
    summary: "Answers what the subcommands are for.",
    handler: Handler::Run(help),
    ..COMMAND
};

fn help(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    if !context.node.is_cluster() {
        return Err(NO_CLUSTER);
    }
    context.reply.array(1 + CLUSTER.subcommands.len() * 2);
    context.reply.simple("CLUSTER <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    for spec in CLUSTER.subcommands {
        context.reply.simple(&usage(spec));
        context.reply.simple(&format!("    {}", spec.summary));
    }
    Ok(Outcome::Done)
}

/// `ADDSLOTS slot [slot ...]`
fn usage(spec: &CommandSpec) -> String {
    let mut text = spec.name.to_ascii_uppercase();
    for argument in spec.arguments {
        text.push(' ');
        text.push_str(&argument_usage(argument));
    }
    text
}

fn argument_usage(argument: &Argument) -> String {
    let parts = |separator: &str| {
        let parts: Vec<String> = argument.arguments.iter().map(argument_usage).collect();
        parts.join(separator)
    };
    let shown = if argument.display.is_empty() { argument.name } else { argument.display };
    let mut text = match argument.kind {
        Kind::PureToken => argument.token.to_owned(),
        Kind::OneOf => parts("|"),
        Kind::Block => parts(" "),
        _ if argument.token.is_empty() => format!("<{shown}>"),
        _ => format!("{} <{shown}>", argument.token),
    };
    if argument.multiple {
        text = format!("{text} [{text} ...]");
    }
    if argument.optional { format!("[{text}]") } else { text }
}

#[cfg(test)]
mod tests;
