//! Taking entries out of a stream, and setting what it knows of its ids.

use rcl_proto::resp::Args;
use rcl_store::types::{SetIdError, StreamId};

use super::options::{TRIM, parse_trim, request, words};
use super::{IDS, count_changes, ids};
use crate::command::arguments::KEY;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome, parse};
use crate::pubsub::EventClass;

pub const XTRIM: CommandSpec = CommandSpec {
    name: "xtrim",
    arity: -4,
    flags: flag::WRITE,
    categories: category::STREAM,
    keys: &[KeySpec::first(key_flag::RW | key_flag::DELETE)],
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(N), with N being the number of evicted entries. Constant times are very small however, since entries are organized in macro nodes containing multiple entries that can be released with a single deallocation.",
    summary: "Deletes the first entries of a stream, down to a length or up to an id.",
    arguments: &[KEY, TRIM],
    tips: &["nondeterministic_output"],
    handler: Handler::Run(xtrim),
    ..COMMAND
};
fn xtrim(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let data = &mut context.data;
    let options = parse_trim(args, context.session.is_master_link, &data.limits())?;
    let key = &args[1];
    let mut trimmed = 0;
    if let Some(stream) = data.stream_mut(key)? {
        trimmed = stream.log.trim(&options.trim);
        if trimmed > 0 {
            let mut words = words(args);
            options.make_exact(&stream.log, &mut words);
            data.effects.propagate_instead(request(&words));
            data.notify(EventClass::Stream, "xtrim", key);
            data.changed_times(key, trimmed);
        }
    }
    context.reply.integer(trimmed as i64);
    Ok(Outcome::Done)
}

pub const XDEL: CommandSpec = CommandSpec {
    name: "xdel",
    arity: -3,
    flags: flag::WRITE | flag::FAST,
    categories: category::STREAM,
    keys: &[KeySpec::first(key_flag::RW | key_flag::DELETE)],
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(1) for each single item to delete in the stream, regardless of the stream size.",
    summary: "Deletes entries of a stream, and tells how many were there.",
    arguments: &[KEY, IDS],
    handler: Handler::Run(xdel),
    ..COMMAND
};
fn xdel(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let data = &mut context.data;
    let key = &args[1];
    let mut deleted = 0;
    if let Some(stream) = data.stream_mut(key)? {
        let ids = args.from(2).iter().map(ids::exact).collect::<Result<Vec<_>, _>>()?;
        deleted = stream.log.delete(&ids);
        if deleted > 0 {
            data.changed_times(key, deleted);
            data.notify(EventClass::Stream, "xdel", key);
        }
    }
    context.reply.integer(deleted as i64);
    Ok(Outcome::Done)
}

pub const XSETID: CommandSpec = CommandSpec {
    name: "xsetid",
    arity: -3,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::STREAM,
    keys: &[KeySpec::first(key_flag::RW | key_flag::UPDATE)],
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(1)",
    summary: "Sets the last id of a stream, as one server tells it another.",
    arguments: &[
        KEY,
        Argument { name: "last-id", ..ARGUMENT },
        Argument {
            name: "entries-added",
            kind: Kind::Integer,
            token: "ENTRIESADDED",
            since: "7.0.0",
            optional: true,
            ..ARGUMENT
        },
        Argument {
            name: "max-deleted-id",
            token: "MAXDELETEDID",
            since: "7.0.0",
            optional: true,
            ..ARGUMENT
        },
    ],
    handler: Handler::Run(xsetid),
    ..COMMAND
};
fn xsetid(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let id = ids::exact(&args[2])?;
    let (mut entries_added, mut max_deleted) = (None, StreamId::MIN);
    let mut options = args.from(3).iter();
    while let Some(name) = options.next() {
        let value = options.next().ok_or(CommandError::SYNTAX)?;
        if parse::is(name, "entriesadded") {
            let added = u64::try_from(parse::integer(value)?);
            entries_added =
                Some(added.map_err(|_| CommandError::fixed("ERR entries_added must be positive"))?);
        } else if parse::is(name, "maxdeletedid") {
            max_deleted = ids::exact(value)?;
            if id < max_deleted {
                return Err(CommandError::fixed(
                    "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
                ));
            }
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    let data = &mut context.data;
    let stream = data.stream_mut(&args[1])?.ok_or(CommandError::NO_SUCH_KEY)?;
    let max_deleted = Some(max_deleted).filter(|id| *id != StreamId::MIN);
    stream.log.set_last_id(id, entries_added, max_deleted).map_err(refusal)?;
    count_changes(data, 1);
    data.notify(EventClass::Stream, "xsetid", &args[1]);
    context.reply.ok();
    Ok(Outcome::Done)
}

fn refusal(error: SetIdError) -> CommandError {
    CommandError::fixed(match error {
        SetIdError::BelowMaxDeleted => {
            "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id"
        }
        SetIdError::BelowTop => "ERR The ID specified in XSETID is smaller than the target stream top item",
        SetIdError::FewerThanEntries => {
            "ERR The entries_added specified in XSETID is smaller than the target stream length"
        }
    })
}
