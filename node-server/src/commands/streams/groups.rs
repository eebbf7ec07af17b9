//! XGROUP: making and changing the groups of a stream and their consumers.

use rcl_proto::resp::Args;
use rcl_store::types::Group;

use super::{CONSUMER, GROUP, count_changes, ids, no_group};
use crate::command::arguments::{KEY, word};
use crate::command::spec::{self, ARGUMENT, Argument, COMMAND, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Data, Handler, Outcome, parse};
use crate::pubsub::EventClass;

const ID_SELECTOR: Argument = Argument {
    name: "id-selector",
    kind: Kind::OneOf,
    arguments: &[Argument { name: "id", ..ARGUMENT }, word("new-id", "$")],
    ..ARGUMENT
};
const ENTRIES_READ: Argument =
    Argument { name: "entries-read", kind: Kind::Integer, token: "ENTRIESREAD", optional: true, ..ARGUMENT };

/// What the subcommands that have keys have in common.
const SUBCOMMAND: CommandSpec = CommandSpec {
    arity: 5,
    flags: flag::WRITE,
    categories: category::STREAM,
    since: "5.0.0",
    group: spec::Group::Stream,
    complexity: "O(1)",
    arguments: &[KEY, GROUP, CONSUMER],
    ..COMMAND
};

pub const XGROUP: CommandSpec = CommandSpec {
    name: "xgroup",
    arity: -2,
    since: "5.0.0",
    group: spec::Group::Stream,
    complexity: "Depends on subcommand.",
    summary: "Makes and changes groups of consumers.",
    subcommands: &[
        CommandSpec {
            name: "create",
            arity: -5,
            flags: flag::WRITE | flag::DENYOOM,
            keys: &[KeySpec::at(2, key_flag::RW | key_flag::INSERT)],
            summary: "Makes a group that reads a stream from an id on.",
            arguments: &[
                KEY,
                GROUP,
                ID_SELECTOR,
                Argument { optional: true, ..word("mkstream", "MKSTREAM") },
                ENTRIES_READ,
            ],
            handler: Handler::Run(create),
            ..SUBCOMMAND
        },
        CommandSpec {
            name: "createconsumer",
            flags: flag::WRITE | flag::DENYOOM,
            keys: &[KeySpec::at(2, key_flag::RW | key_flag::INSERT)],
            since: "6.2.0",
            summary: "Makes a consumer of a group.",
            handler: Handler::Run(create_consumer),
            ..SUBCOMMAND
        },
        CommandSpec {
            name: "delconsumer",
            keys: &[KeySpec::at(2, key_flag::RW | key_flag::DELETE)],
            summary: "Deletes a consumer with what is pending for it, and tells how much that was.",
            handler: Handler::Run(delete_consumer),
            ..SUBCOMMAND
        },
        CommandSpec {
            name: "destroy",
            arity: 4,
            keys: &[KeySpec::at(2, key_flag::RW | key_flag::DELETE)],
            complexity: "O(N) where N is the number of entries in the group's pending entries list (PEL).",
            summary: "Deletes a group.",
            arguments: &[KEY, GROUP],
            handler: Handler::Run(destroy),
            ..SUBCOMMAND
        },
        CommandSpec {
            name: "help",
            arity: 2,
            flags: flag::LOADING | flag::STALE,
            summary: "Explains XGROUP.",
            arguments: &[],
            handler: Handler::Run(help),
            ..SUBCOMMAND
        },
        CommandSpec {
            name: "setid",
            arity: -5,
            keys: &[KeySpec::at(2, key_flag::RW | key_flag::UPDATE)],
            summary: "Sets from which id on a group reads.",
            arguments: &[
                KEY,
                GROUP,
                ID_SELECTOR,
                Argument { name: "entriesread", display: "entries-read", ..ENTRIES_READ },
            ],
            handler: Handler::Run(set_id),
            ..SUBCOMMAND
        },
    ],
    ..COMMAND
};

const KEY_IS_REQUIRED: CommandError = CommandError::fixed(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option \
     to create an empty stream automatically.",
);

fn create(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let options = Options::parse(args, true)?;
    let (key, name) = (&args[2], &args[3]);
    let data = &mut context.data;
    let last_id = data.stream_mut(key)?.map(|stream| stream.log.last_id());
    if last_id.is_none() && !options.make_stream {
        return Err(KEY_IS_REQUIRED);
    }
    if args.len() > 8 {
        return Err(wrong_subcommand(args));
    }
    let id = match &args[4] {
        b"$" => last_id.unwrap_or_default(),
        text => ids::exact(text)?,
    };
    if !data.stream_or_new(key)?.create_group(name, Group::new(id, options.entries_read)) {
        return Err(CommandError::fixed("BUSYGROUP Consumer Group name already exists"));
    }
    match last_id {
        // Only a new stream is a change to who watches the key.
        None => data.changed(key),
        Some(_) => count_changes(data, 1),
    }
    data.notify(EventClass::Stream, "xgroup-create", key);
    context.reply.ok();
    Ok(Outcome::Done)
}

fn set_id(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let options = Options::parse(args, false)?;
    let (key, name) = (&args[2], &args[3]);
    let data = &mut context.data;
    let last_id = data.stream_mut(key)?.map(|stream| stream.log.last_id()).unwrap_or_default();
    let group = group_mut(data, key, name)?;
    if !matches!(args.len(), 5 | 7) {
        return Err(wrong_subcommand(args));
    }
    group.last_id = match &args[4] {
        b"$" => last_id,
        text => ids::exact_or_end(text)?,
    };
    group.entries_read = options.entries_read;
    count_changes(data, 1);
    data.notify(EventClass::Stream, "xgroup-setid", key);
    context.reply.ok();
    Ok(Outcome::Done)
}

fn destroy(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, data) = (&args[2], &mut context.data);
    let destroyed = data.stream_mut(key)?.ok_or(KEY_IS_REQUIRED)?.destroy_group(&args[3]);
    if destroyed {
        count_changes(data, 1);
        data.notify(EventClass::Stream, "xgroup-destroy", key);
        data.tell_waiters(key);
    }
    context.reply.integer(i64::from(destroyed));
    Ok(Outcome::Done)
}

fn create_consumer(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, data) = (&args[2], &mut context.data);
    let now_ms = data.now_ms;
    let created = group_mut(data, key, &args[3])?.create_consumer(&args[4], now_ms);
    if created {
        count_changes(data, 1);
        data.notify(EventClass::Stream, "xgroup-createconsumer", key);
    }
    context.reply.integer(i64::from(created));
    Ok(Outcome::Done)
}

fn delete_consumer(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, data) = (&args[2], &mut context.data);
    let pending = group_mut(data, key, &args[3])?.remove_consumer(&args[4]);
    if pending.is_some() {
        count_changes(data, 1);
        data.notify(EventClass::Stream, "xgroup-delconsumer", key);
    }
    context.reply.integer(pending.unwrap_or(0) as i64);
    Ok(Outcome::Done)
}

fn group_mut<'d>(data: &'d mut Data<'_>, key: &[u8], name: &[u8]) -> Result<&'d mut Group, CommandError> {
    let stream = data.stream_mut(key)?.ok_or(KEY_IS_REQUIRED)?;
    stream.group_mut(name).ok_or_else(|| no_group(key, name))
}

/// What follows the id.
#[derive(Default)]
struct Options {
    make_stream: bool,
    entries_read: Option<i64>,
}

impl Options {
    fn parse(args: Args<'_>, may_make_stream: bool) -> Result<Options, CommandError> {
        let mut options = Options::default();
        let mut words = args.from(5).iter();
        while let Some(word) = words.next() {
            if may_make_stream && parse::is(word, "mkstream") {
                options.make_stream = true;
            } else if parse::is(word, "entriesread")
                && let Some(number) = words.next()
            {
                options.entries_read = match parse::integer(number)? {
                    -1 => None,
                    read @ 0.. => Some(read),
                    _ => {
                        return Err(CommandError::fixed("ERR value for ENTRIESREAD must be positive or -1"));
                    }
                };
            } else {
                return Err(wrong_subcommand(args));
            }
        }
        Ok(options)
    }
}

fn wrong_subcommand(args: Args<'_>) -> CommandError {
    super::wrong_subcommand("XGROUP", args)
}

fn help(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    crate::commands::help(
        context,
        "XGROUP",
        &[
            (
                "CREATE <key> <groupname> <id|$> [MKSTREAM] [ENTRIESREAD entries_read]",
                "Create a new consumer group; MKSTREAM makes the stream too, if there is none.",
            ),
            ("CREATECONSUMER <key> <groupname> <consumer>", "Create a new consumer in the specified group."),
            ("DELCONSUMER <key> <groupname> <consumer>", "Remove the specified consumer."),
            ("DESTROY <key> <groupname>", "Remove the specified group."),
            (
                "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
                "Set the current group ID and entries_read counter.",
            ),
        ],
    );
    Ok(Outcome::Done)
}
