//! SLOWLOG: the commands that took long.

use rcl_proto::resp::Args;

use crate::command::parse;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, Kind, flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};

pub const SLOWLOG: CommandSpec = CommandSpec {
    name: "slowlog",
    arity: -2,
    since: "2.2.12",
    group: Group::Server,
    complexity: "Depends on subcommand.",
    summary: "Tells which commands took long.",
    subcommands: &[
        CommandSpec {
            name: "get",
            arity: -2,
            flags: flag::ADMIN | flag::LOADING | flag::STALE,
            since: "2.2.12",
            group: Group::Server,
            complexity: "O(N) where N is the number of entries returned",
            summary: "Returns the slowest commands of late, the newest first.",
            arguments: &[Argument { name: "count", kind: Kind::Integer, optional: true, ..ARGUMENT }],
            tips: &["request_policy:all_nodes", "nondeterministic_output"],
            handler: Handler::Run(get),
            ..COMMAND
        },
        CommandSpec {
            name: "help",
            arity: 2,
            flags: flag::LOADING | flag::STALE,
            since: "6.2.0",
            group: Group::Server,
            complexity: "O(1)",
            summary: "Explains SLOWLOG.",
            handler: Handler::Run(help),
            ..COMMAND
        },
        CommandSpec {
            name: "len",
            arity: 2,
            flags: flag::ADMIN | flag::LOADING | flag::STALE,
            since: "2.2.12",
            group: Group::Server,
            complexity: "O(1)",
            summary: "Returns how many entries the log has.",
            tips: &["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
            handler: Handler::Run(len),
            ..COMMAND
        },
        CommandSpec {
            name: "reset",
            arity: 2,
            flags: flag::ADMIN | flag::LOADING | flag::STALE,
            since: "2.2.12",
            group: Group::Server,
            complexity: "O(N) where N is the number of entries in the slowlog",
            summary: "Empties the log.",
            tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
            handler: Handler::Run(reset),
            ..COMMAND
        },
    ],
    ..COMMAND
};

fn get(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let most = match args.get(2).map(parse::integer).transpose()? {
        None => 10,
        Some(-1) => usize::MAX,
        Some(most) => usize::try_from(most)
            .map_err(|_| CommandError::fixed("ERR count should be greater than or equal to -1"))?,
    };
    if args.len() > 3 {
        return Err(CommandError::wrong_arity("slowlog|get"));
    }
    let log = context.node.lock_slowlog();
    let count = log.len().min(most);
    let reply = &mut context.reply;
    reply.array(count);
    for entry in log.entries().take(count) {
        reply.array(6);
        reply.integer(entry.id as i64);
        reply.integer(entry.time_s);
        reply.integer(entry.duration_us as i64);
        reply.array(entry.arguments.len());
        entry.arguments.iter().for_each(|argument| reply.bulk(argument));
        reply.bulk(entry.client_address.as_bytes());
        reply.bulk(entry.client_name.as_bytes());
    }
    Ok(Outcome::Done)
}

fn len(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let count = context.node.lock_slowlog().len();
    context.reply.integer(count as i64);
    Ok(Outcome::Done)
}

fn reset(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    context.node.lock_slowlog().reset();
    context.reply.ok();
    Ok(Outcome::Done)
}

fn help(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    super::super::help(
        context,
        "SLOWLOG",
        &[
            (
                "GET [<count>]",
                "Return the <count> newest entries (10 unless given, all with -1): id, time, duration in microseconds, arguments, client's address and name.",
            ),
            ("LEN", "Return how many entries there are."),
            ("RESET", "Empty the log."),
        ],
    );
    Ok(Outcome::Done)
}
