//! XINFO: what a stream, its groups and their consumers are.

use rcl_proto::resp::Args;
use rcl_store::types::{Stream, StreamEntry, StreamId};

use super::{GROUP, ids, info_full, no_group, write_entry, write_or_null, wrong_subcommand};
use crate::command::arguments::{COUNT, KEY, word};
use crate::command::spec::{self, ARGUMENT, Argument, COMMAND, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Data, Handler, Outcome, parse};

/// What the subcommands that have keys have in common.
const SUBCOMMAND: CommandSpec = CommandSpec {
    flags: flag::READONLY,
    categories: category::STREAM,
    keys: &[KeySpec::at(2, key_flag::RO | key_flag::ACCESS)],
    since: "5.0.0",
    group: spec::Group::Stream,
    complexity: "O(1)",
    ..COMMAND
};

pub const XINFO: CommandSpec = CommandSpec {
    name: "xinfo",
    arity: -2,
    since: "5.0.0",
    group: spec::Group::Stream,
    complexity: "Depends on subcommand.",
    summary: "Tells about streams and their groups.",
    subcommands: &[
        CommandSpec {
            name: "consumers",
            arity: 4,
            summary: "Returns the consumers of a group.",
            arguments: &[KEY, GROUP],
            tips: &["nondeterministic_output"],
            handler: Handler::Run(consumers),
            ..SUBCOMMAND
        },
        CommandSpec {
            name: "groups",
            arity: 3,
            summary: "Returns the groups of a stream.",
            arguments: &[KEY],
            handler: Handler::Run(groups),
            ..SUBCOMMAND
        },
        CommandSpec {
            name: "help",
            arity: 2,
            flags: flag::LOADING | flag::STALE,
            keys: &[],
            summary: "Explains XINFO.",
            handler: Handler::Run(help),
            ..SUBCOMMAND
        },
        CommandSpec {
            name: "stream",
            arity: -3,
            summary: "Returns what a stream is: its length, its ids, its ends; or everything.",
            arguments: &[
                KEY,
                Argument {
                    name: "full-block",
                    kind: Kind::Block,
                    optional: true,
                    arguments: &[word("full", "FULL"), COUNT],
                    ..ARGUMENT
                },
            ],
            handler: Handler::Run(stream),
            ..SUBCOMMAND
        },
    ],
    ..COMMAND
};

fn existing<'d>(data: &'d mut Data<'_>, key: &[u8]) -> Result<&'d Stream, CommandError> {
    data.stream(key)?.ok_or(CommandError::NO_SUCH_KEY)
}

fn stream(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let stream = existing(&mut context.data, &args[2])?;
    let full = match args.len() {
        3 => None,
        4 | 6 if parse::is(&args[3], "full") => Some(full_count(args)?),
        _ => return Err(wrong_subcommand("XINFO", args)),
    };
    let reply = &mut context.reply;
    let log = &stream.log;
    reply.map(if full.is_some() { 9 } else { 10 });
    for (name, number) in [
        ("length", log.len() as i64),
        ("radix-tree-keys", log.node_count() as i64),
        ("radix-tree-nodes", log.radix_node_count() as i64),
    ] {
        reply.bulk(name.as_bytes());
        reply.integer(number);
    }
    reply.bulk(b"last-generated-id");
    ids::write(reply, log.last_id());
    reply.bulk(b"max-deleted-entry-id");
    ids::write(reply, log.max_deleted_id());
    reply.bulk(b"entries-added");
    reply.integer(log.entries_added() as i64);
    reply.bulk(b"recorded-first-entry-id");
    ids::write(reply, log.first_id());
    if let Some(count) = full {
        info_full::write(reply, stream, count);
        return Ok(Outcome::Done);
    }
    reply.bulk(b"groups");
    reply.integer(stream.group_count() as i64);
    let first = log.range(StreamId::MIN, StreamId::MAX).next();
    let last = log.range_back(StreamId::MIN, StreamId::MAX).next();
    let mut end = |name: &str, entry: Option<StreamEntry<'_>>| {
        reply.bulk(name.as_bytes());
        match entry {
            Some(entry) => write_entry(reply, entry),
            None => reply.null(),
        }
    };
    end("first-entry", first);
    end("last-entry", last);
    Ok(Outcome::Done)
}

/// `FULL [COUNT n]`: how many of each are shown.
fn full_count(args: Args<'_>) -> Result<usize, CommandError> {
    const USUAL: usize = 10;
    match args.get(5) {
        None => Ok(USUAL),
        Some(_) if !parse::is(&args[4], "count") => Err(wrong_subcommand("XINFO", args)),
        Some(number) => match parse::integer(number)? {
            0 => Ok(usize::MAX),
            count => Ok(usize::try_from(count).unwrap_or(USUAL)),
        },
    }
}

fn groups(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let stream = existing(&mut context.data, &args[2])?;
    let reply = &mut context.reply;
    reply.array(stream.group_count());
    for (name, group) in stream.groups() {
        reply.map(6);
        reply.bulk(b"name");
        reply.bulk(name);
        reply.bulk(b"consumers");
        reply.integer(group.consumers().len() as i64);
        reply.bulk(b"pending");
        reply.integer(group.pending_count() as i64);
        reply.bulk(b"last-delivered-id");
        ids::write(reply, group.last_id);
        reply.bulk(b"entries-read");
        write_or_null(reply, group.entries_read);
        reply.bulk(b"lag");
        write_or_null(reply, stream.log.lag(group));
    }
    Ok(Outcome::Done)
}

fn consumers(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let now_ms = context.data.now_ms;
    let stream = existing(&mut context.data, &args[2])?;
    let group = stream.group(&args[3]).ok_or_else(|| no_group(&args[2], &args[3]))?;
    let reply = &mut context.reply;
    reply.array(group.consumers().len());
    for (name, consumer) in group.consumers() {
        reply.map(4);
        reply.bulk(b"name");
        reply.bulk(name);
        reply.bulk(b"pending");
        reply.integer(consumer.pending_count() as i64);
        reply.bulk(b"idle");
        reply.integer(now_ms.wrapping_sub(consumer.seen_time_ms).max(0));
        reply.bulk(b"inactive");
        reply.integer(consumer.active_time_ms.map_or(-1, |active| now_ms.wrapping_sub(active)));
    }
    Ok(Outcome::Done)
}

fn help(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    crate::commands::help(
        context,
        "XINFO",
        &[
            ("CONSUMERS <key> <groupname>", "Show consumers of <groupname>."),
            ("GROUPS <key>", "Show the stream consumer groups."),
            ("STREAM <key> [FULL [COUNT <count>]", "Show information about the stream."),
        ],
    );
    Ok(Outcome::Done)
}
