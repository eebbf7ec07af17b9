//! INFO and TIME.

use rcl_proto::resp::Args;

use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, Locks, category, flag};
use crate::command::{CommandResult, CommandSpec, Context, Handler, Outcome};

use crate::{clock, info};

pub const INFO: CommandSpec = CommandSpec {
    name: "info",
    arity: -1,
    flags: flag::LOADING | flag::STALE,
    categories: category::DANGEROUS,
    since: "1.0.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Returns what is known of the node, in sections.",
    arguments: &[Argument { name: "section", optional: true, multiple: true, ..ARGUMENT }],
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    locks: Locks::EachShard,
    handler: Handler::Run(info_command),
    ..COMMAND
};

fn info_command(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let wanted = args
        .from(1)
        .iter()
        .map(|name| String::from_utf8_lossy(name).to_ascii_lowercase())
        .collect::<Vec<_>>();
    let mut keyspace = info::KeyspaceCounts::default();
    if info::wants_counts(&wanted) {
        context.data.each_shard(|shard| keyspace.add(shard));
    }
    let text = info::text(context.node, &wanted, &keyspace);
    context.reply.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

pub const TIME: CommandSpec = CommandSpec {
    name: "time",
    arity: 1,
    flags: flag::LOADING | flag::STALE | flag::FAST,
    since: "2.6.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Returns the node's time: seconds and microseconds.",
    tips: &["nondeterministic_output"],
    handler: Handler::Run(time),
    ..COMMAND
};

fn time(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    // In a transaction or a script time stands still.
    let now_us = if context.may_park { clock::now_us() } else { context.data.now_ms * 1000 };
    context.reply.array(2);
    context.reply.bulk_integer(now_us / 1_000_000);
    context.reply.bulk_integer(now_us % 1_000_000);
    Ok(Outcome::Done)
}
