//! Reading entries by their ids.

use rcl_proto::resp::Args;
use rcl_store::types::{Stream, StreamEntry};

use super::{END, START, ids, write_entry};
use crate::command::arguments::{COUNT, KEY};
use crate::command::spec::{COMMAND, Group, KeySpec, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome, parse};

pub const XLEN: CommandSpec = CommandSpec {
    name: "xlen",
    arity: 2,
    flags: flag::READONLY | flag::FAST,
    categories: category::STREAM,
    keys: &[KeySpec::first(key_flag::RO)],
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(1)",
    summary: "Tells how many entries a stream has.",
    arguments: &[KEY],
    handler: Handler::Run(xlen),
    ..COMMAND
};
fn xlen(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let length = context.data.stream(&args[1])?.map_or(0, |stream| stream.log.len());
    context.reply.integer(length as i64);
    Ok(Outcome::Done)
}

pub const XRANGE: CommandSpec = CommandSpec {
    name: "xrange",
    arity: -4,
    flags: flag::READONLY,
    categories: category::STREAM,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(N) with N being the number of elements being returned. If N is constant (e.g. always asking for the first 10 elements with COUNT), you can consider it O(1).",
    summary: "Returns the entries of a stream between two ids.",
    arguments: &[KEY, START, END, COUNT],
    handler: Handler::Run(xrange),
    ..COMMAND
};
fn xrange(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (start, end) = (ids::range_start(&args[2])?, ids::range_end(&args[3])?);
    reply_range(context, args, |stream| stream.log.range(start, end))
}

pub const XREVRANGE: CommandSpec = CommandSpec {
    name: "xrevrange",
    complexity: "O(N) with N being the number of elements returned. If N is constant (e.g. always asking for the first 10 elements with COUNT), you can consider it O(1).",
    summary: "Returns the entries of a stream between two ids, the last first.",
    arguments: &[KEY, END, START, COUNT],
    handler: Handler::Run(xrevrange),
    ..XRANGE
};
fn xrevrange(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (start, end) = (ids::range_start(&args[3])?, ids::range_end(&args[2])?);
    reply_range(context, args, |stream| stream.log.range_back(start, end))
}

fn reply_range<'c, I: Iterator<Item = StreamEntry<'c>>>(
    context: &'c mut Context<'_>,
    args: Args<'_>,
    range: impl FnOnce(&'c Stream) -> I,
) -> CommandResult {
    let count = count(args.from(4))?;
    let reply = &mut context.reply;
    let Some(stream) = context.data.stream(&args[1])? else {
        reply.array(0);
        return Ok(Outcome::Done);
    };
    if count == Some(0) {
        reply.null_array();
        return Ok(Outcome::Done);
    }
    let place = reply.deferred_array();
    let mut written = 0;
    for entry in range(stream).take(count.unwrap_or(usize::MAX)) {
        write_entry(reply, entry);
        written += 1;
    }
    reply.set_length(place, written);
    Ok(Outcome::Done)
}

/// `COUNT n`, the last one given; a negative one counts as 0.
fn count(options: Args<'_>) -> Result<Option<usize>, CommandError> {
    let mut count = None;
    let mut words = options.iter();
    while let Some(word) = words.next() {
        match words.next() {
            Some(number) if parse::is(word, "count") => {
                count = Some(usize::try_from(parse::integer(number)?.max(0)).unwrap_or(usize::MAX));
            }
            _ => return Err(CommandError::SYNTAX),
        }
    }
    // Redis keeps "no count" as -1, which no client can ask for: a negative one is 0 by then.
    Ok(count)
}
