//! SCRIPT: the cache of scripts, and the end of one that runs too long.

use rcl_proto::resp::Args;

use super::{CATEGORY, FLUSH_TYPE, check_flush_type};
use crate::command::arguments::word;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, Kind, flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};
use crate::commands::help;
use crate::scripting::debugger::Mode;
use crate::scripting::digest;
use crate::scripting::engines::{Of, flush_scripts, with_engine};
use crate::scripting::run::RunKind;

/// What its subcommands have in common.
const OF_SCRIPT: CommandSpec = CommandSpec {
    arity: 2,
    flags: flag::NOSCRIPT,
    categories: CATEGORY,
    since: "2.6.0",
    group: Group::Scripting,
    complexity: "O(1)",
    ..COMMAND
};

pub const SCRIPT: CommandSpec = CommandSpec {
    name: "script",
    arity: -2,
    since: "2.6.0",
    group: Group::Scripting,
    complexity: "Depends on subcommand.",
    summary: "Manages the cache of scripts.",
    subcommands: &[
        CommandSpec {
            name: "debug",
            arity: 3,
            since: "3.2.0",
            summary: "Sets how scripts are debugged.",
            arguments: &[Argument {
                name: "mode",
                kind: Kind::OneOf,
                arguments: &[word("yes", "YES"), word("sync", "SYNC"), word("no", "NO")],
                ..ARGUMENT
            }],
            handler: Handler::Run(debug),
            ..OF_SCRIPT
        },
        CommandSpec {
            name: "exists",
            arity: -3,
            complexity: "O(N) with N being the number of scripts to check (so checking a single script is an O(1) operation).",
            summary: "Tells which scripts are in the cache.",
            arguments: &[Argument { name: "sha1", multiple: true, ..ARGUMENT }],
            tips: &["request_policy:all_shards", "response_policy:agg_logical_and"],
            handler: Handler::Run(exists),
            ..OF_SCRIPT
        },
        CommandSpec {
            name: "flush",
            arity: -2,
            complexity: "O(N) with N being the number of scripts in cache",
            summary: "Forgets all scripts.",
            arguments: &[Argument { since: "6.2.0", ..FLUSH_TYPE }],
            tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
            handler: Handler::Run(flush),
            ..OF_SCRIPT
        },
        CommandSpec {
            name: "help",
            flags: flag::LOADING | flag::STALE,
            since: "5.0.0",
            summary: "Explains SCRIPT.",
            handler: Handler::Run(show_help),
            ..OF_SCRIPT
        },
        CommandSpec {
            name: "kill",
            flags: flag::NOSCRIPT | flag::ALLOW_BUSY,
            summary: "Ends a script that runs too long, if it has written nothing.",
            tips: &["request_policy:all_shards", "response_policy:one_succeeded"],
            handler: Handler::Run(kill),
            ..OF_SCRIPT
        },
        CommandSpec {
            name: "load",
            arity: 3,
            flags: flag::NOSCRIPT | flag::STALE,
            complexity: "O(N) with N being the length in bytes of the script body.",
            summary: "Puts a script into the cache.",
            arguments: &[Argument { name: "script", ..ARGUMENT }],
            tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
            handler: Handler::Run(load),
            ..OF_SCRIPT
        },
    ],
    ..COMMAND
};

fn debug(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if context.reply.position() > 0 {
        return Err(CommandError::fixed("ERR SCRIPT DEBUG must be called outside a pipeline"));
    }
    context.session.debugger = match &*args[2].to_ascii_lowercase() {
        b"no" => Mode::Off,
        b"yes" => Mode::Copy,
        b"sync" => Mode::Sync,
        _ => return Err(CommandError::fixed("ERR Use SCRIPT DEBUG YES/SYNC/NO")),
    };
    context.reply.ok();
    Ok(Outcome::Done)
}

fn exists(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let digests = args.from(2);
    context.reply.array(digests.len());
    for digest in digests.iter() {
        let is_there =
            digest::parse(digest).is_some_and(|digest| context.node.scripting.cache.get(&digest).is_some());
        context.reply.integer(i64::from(is_there));
    }
    Ok(Outcome::Done)
}

fn flush(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    check_flush_type(args, "ERR SCRIPT FLUSH only support SYNC|ASYNC option")?;
    flush_scripts(context.node);
    context.reply.ok();
    Ok(Outcome::Done)
}

fn kill(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    context.node.scripting.slow.kill(RunKind::Script)?;
    context.reply.ok();
    Ok(Outcome::Done)
}

fn load(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let body = &args[2];
    let node = context.node;
    let digest = digest::of(body);
    with_engine(node, Of::Scripts, |engine| engine.prepare_script(node, &digest, Some(body)).map(drop))?;
    context.reply.bulk(digest::hex(&digest).as_bytes());
    Ok(Outcome::Done)
}

fn show_help(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let subcommands = [
        (
            "DEBUG (YES|SYNC|NO)",
            "Have this client's next EVAL debugged: on a copy of the data, or on the data.",
        ),
        ("EXISTS <sha1> [<sha1> ...]", "Tell for each digest whether its script is in the cache."),
        ("FLUSH [ASYNC|SYNC]", "Forget all scripts. Very dangerous on replicas."),
        ("KILL", "End the script that runs too long, if it has written nothing."),
        ("LOAD <script>", "Put a script into the cache without running it."),
    ];
    help(context, "SCRIPT", &subcommands);
    Ok(Outcome::Done)
}
