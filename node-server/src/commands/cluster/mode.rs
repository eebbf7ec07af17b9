//! What a client says of itself on a cluster: READONLY, READWRITE, ASKING.

use rcl_proto::resp::Args;

use super::ask::must_be_cluster;
use crate::command::spec::{COMMAND, Group, category, flag};
use crate::command::{CommandResult, CommandSpec, Context, Handler, Outcome};

pub const READONLY: CommandSpec = CommandSpec {
    name: "readonly",
    arity: 1,
    flags: flag::FAST | flag::LOADING | flag::STALE,
    categories: category::CONNECTION,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "O(1)",
    summary: "Lets a replica answer this connection's reads of its master's slots.",
    handler: Handler::Run(readonly),
    ..COMMAND
};

fn readonly(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    must_be_cluster(context)?;
    set_readonly(context, true)
}

pub const READWRITE: CommandSpec = CommandSpec {
    name: "readwrite",
    arity: 1,
    flags: flag::FAST | flag::LOADING | flag::STALE,
    categories: category::CONNECTION,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "O(1)",
    summary: "Ends what READONLY began.",
    handler: Handler::Run(readwrite),
    ..COMMAND
};

fn readwrite(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    must_be_cluster(context)?;
    set_readonly(context, false)
}

fn set_readonly(context: &mut Context<'_>, readonly: bool) -> CommandResult {
    context.session.readonly = readonly;
    context.session.show_state();
    context.reply.ok();
    Ok(Outcome::Done)
}

pub const ASKING: CommandSpec = CommandSpec {
    name: "asking",
    arity: 1,
    flags: flag::FAST,
    categories: category::CONNECTION,
    since: "3.0.0",
    group: Group::Cluster,
    complexity: "O(1)",
    summary: "Lets the next command act on a slot that is being imported.",
    handler: Handler::Run(asking),
    ..COMMAND
};

fn asking(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    must_be_cluster(context)?;
    context.session.asking = true;
    context.reply.ok();
    Ok(Outcome::Done)
}
