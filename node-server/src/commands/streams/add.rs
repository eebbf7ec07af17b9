//! XADD.

use rcl_proto::resp::Args;
use rcl_store::types::{AppendError, NewId, StreamId};

use super::ids;
use super::options::{TRIM, parse_add, request, words};
use crate::command::arguments::{KEY, word};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};
use crate::pubsub::EventClass;

pub const XADD: CommandSpec = CommandSpec {
    name: "xadd",
    arity: -5,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::STREAM,
    keys: &[KeySpec {
        notes: "UPDATE instead of INSERT because of the optional trimming feature",
        ..KeySpec::first(key_flag::RW | key_flag::UPDATE)
    }],
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(1) when adding a new entry, O(N) when trimming where N being the number of entries evicted.",
    summary: "Appends an entry to a stream, and tells its id; creates the stream.",
    arguments: &[
        KEY,
        Argument { since: "6.2.0", optional: true, ..word("nomkstream", "NOMKSTREAM") },
        Argument { optional: true, ..TRIM },
        Argument {
            name: "id-selector",
            kind: Kind::OneOf,
            arguments: &[word("auto-id", "*"), Argument { name: "id", ..ARGUMENT }],
            ..ARGUMENT
        },
        Argument {
            name: "data",
            kind: Kind::Block,
            multiple: true,
            arguments: &[Argument { name: "field", ..ARGUMENT }, Argument { name: "value", ..ARGUMENT }],
            ..ARGUMENT
        },
    ],
    tips: &["nondeterministic_output"],
    handler: Handler::Run(xadd),
    ..COMMAND
};
fn xadd(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let data = &mut context.data;
    let (limits, is_logging) = (data.limits(), data.is_logging());
    let options = parse_add(args, data.now_ms, context.session.is_master_link, &limits)?;
    let fields = args.from(options.id_at + 1);
    if fields.is_empty() || fields.len() % 2 == 1 {
        return Err(CommandError::wrong_arity("xadd"));
    }
    if options.id == NewId::Exact(StreamId::MIN) {
        return Err(CommandError::fixed("ERR The ID specified in XADD must be greater than 0-0"));
    }
    let key = &args[1];
    let stream = if options.only_existing { data.stream_mut(key)? } else { Some(data.stream_or_new(key)?) };
    let Some(stream) = stream else {
        context.reply.null();
        return Ok(Outcome::Done);
    };
    let log = &mut stream.log;
    if log.last_id() == StreamId::MAX {
        return Err(CommandError::fixed(
            "ERR The stream has exhausted the last possible ID, unable to add more items",
        ));
    }
    let pair = |index: usize| {
        let word = |index| fields.get(index).unwrap_or_default();
        (word(2 * index), word(2 * index + 1))
    };
    let pairs = (0..fields.len() / 2).map(pair);
    let added = log.new_id(options.id).and_then(|id| log.append(id, pairs, &limits).map(|()| id));
    let id = added.map_err(refusal)?;
    let trimmed = options.trim.as_ref().map_or(0, |trim| log.trim(&trim.trim));
    // What is logged must not hang on this node's clock, nor on how its nodes are cut.
    let is_open = !matches!(options.id, NewId::Exact(_));
    let changed = (is_logging && (is_open || options.trim.is_some())).then(|| {
        let mut words = words(args);
        words[options.id_at] = id.to_string().into_bytes();
        if let Some(trim) = &options.trim {
            trim.make_exact(log, &mut words);
        }
        request(&words)
    });
    if let Some(changed) = changed {
        data.effects.propagate_instead(changed);
    }
    data.changed(key);
    data.notify(EventClass::Stream, "xadd", key);
    if trimmed > 0 {
        data.notify(EventClass::Stream, "xtrim", key);
    }
    data.tell_waiters(key);
    ids::write(&mut context.reply, id);
    Ok(Outcome::Done)
}

fn refusal(error: AppendError) -> CommandError {
    CommandError::fixed(match error {
        AppendError::IdTooSmall => {
            "ERR The ID specified in XADD is equal or smaller than the target stream top item"
        }
        AppendError::TooLarge => "ERR Elements are too large to be stored",
    })
}
