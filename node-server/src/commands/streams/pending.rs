//! XPENDING: what a group has delivered and nobody has acknowledged.

use rcl_proto::resp::{Args, ReplyWriter};
use rcl_store::types::{Group, Pending, StreamId};

use super::{CONSUMER, END, GROUP, START, ids, no_key_or_group};
use crate::command::arguments::KEY;
use crate::command::spec::{self, ARGUMENT, Argument, COMMAND, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome, parse};

pub const XPENDING: CommandSpec = CommandSpec {
    name: "xpending",
    arity: -3,
    flags: flag::READONLY,
    categories: category::STREAM,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "5.0.0",
    group: spec::Group::Stream,
    complexity: "O(N) with N being the number of elements returned, so asking for a small fixed number of entries per call is O(1). O(M), where M is the total number of entries scanned when used with the IDLE filter. When the command returns just the summary and the list of consumers is small, it runs in O(1) time; otherwise, an additional O(N) time for iterating every consumer.",
    summary: "Returns what is pending in a group: how much for whom, or each entry.",
    arguments: &[
        KEY,
        GROUP,
        Argument {
            name: "filters",
            kind: Kind::Block,
            optional: true,
            arguments: &[
                Argument {
                    name: "min-idle-time",
                    kind: Kind::Integer,
                    token: "IDLE",
                    since: "6.2.0",
                    optional: true,
                    ..ARGUMENT
                },
                START,
                END,
                Argument { name: "count", kind: Kind::Integer, ..ARGUMENT },
                Argument { optional: true, ..CONSUMER },
            ],
            ..ARGUMENT
        },
    ],
    tips: &["nondeterministic_output"],
    handler: Handler::Run(xpending),
    ..COMMAND
};
fn xpending(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let filter = Filter::parse(args)?;
    let now_ms = context.data.now_ms;
    let stream = context.data.stream(&args[1])?;
    let group = stream.and_then(|stream| stream.group(&args[2]));
    let group = group.ok_or_else(|| no_key_or_group(&args[1], &args[2], ""))?;
    match filter {
        None => write_summary(&mut context.reply, group),
        Some(filter) => filter.write(&mut context.reply, group, now_ms),
    }
    Ok(Outcome::Done)
}

/// `[how many, first id, last id, [[consumer, how many], …]]`
fn write_summary(reply: &mut ReplyWriter<'_>, group: &Group) {
    reply.array(4);
    reply.integer(group.pending_count() as i64);
    let mut all = group.pending_from(StreamId::MIN);
    let Some(first) = all.next() else {
        reply.null();
        reply.null();
        reply.null_array();
        return;
    };
    ids::write(reply, first.id);
    ids::write(reply, all.next_back().unwrap_or(first).id);
    let place = reply.deferred_array();
    let mut written = 0;
    for (name, consumer) in group.consumers().filter(|(_, consumer)| consumer.pending_count() > 0) {
        reply.array(2);
        reply.bulk(name);
        reply.bulk_integer(consumer.pending_count() as i64);
        written += 1;
    }
    reply.set_length(place, written);
}

fn idle_ms(pending: &Pending, now_ms: i64) -> i64 {
    now_ms.wrapping_sub(pending.delivery_time_ms)
}

struct Filter<'a> {
    min_idle_ms: i64,
    start: StreamId,
    end: StreamId,
    count: usize,
    consumer: Option<&'a [u8]>,
}

impl<'a> Filter<'a> {
    /// `[IDLE ms] start end count [consumer]`, or nothing at all.
    fn parse(args: Args<'a>) -> Result<Option<Filter<'a>>, CommandError> {
        if args.len() == 3 {
            return Ok(None);
        }
        if !(6..=9).contains(&args.len()) {
            return Err(CommandError::SYNTAX);
        }
        let (mut rest, mut min_idle_ms) = (args.from(3), 0);
        if parse::is(&args[3], "idle") {
            min_idle_ms = parse::integer(&args[4])?;
            rest = args.from(5);
        }
        let [Some(start), Some(end), Some(count)] = [rest.get(0), rest.get(1), rest.get(2)] else {
            return Err(CommandError::SYNTAX);
        };
        let count = usize::try_from(parse::integer(count)?).unwrap_or(0);
        let (start, end) = (ids::range_start(start)?, ids::range_end(end)?);
        Ok(Some(Filter { min_idle_ms, start, end, count, consumer: rest.get(3) }))
    }

    fn write(&self, reply: &mut ReplyWriter<'_>, group: &Group, now_ms: i64) {
        let matches =
            |pending: &&Pending| self.min_idle_ms == 0 || idle_ms(pending, now_ms) >= self.min_idle_ms;
        let place = reply.deferred_array();
        let mut written = 0;
        let mut write = |pending: &Pending| {
            reply.array(4);
            ids::write(reply, pending.id);
            reply.bulk(&pending.consumer);
            reply.integer(idle_ms(pending, now_ms).max(0));
            reply.integer(pending.delivery_count as i64);
            written += 1;
        };
        match self.consumer {
            None => {
                let range = group.pending_from(self.start).take_while(|pending| pending.id <= self.end);
                range.filter(matches).take(self.count).for_each(&mut write);
            }
            Some(name) => {
                let ids = group.consumer(name).map(|consumer| consumer.pending_from(self.start));
                let range = ids.into_iter().flatten().take_while(|id| *id <= self.end);
                let range = range.filter_map(|id| group.pending(id));
                range.filter(matches).take(self.count).for_each(&mut write);
            }
        }
        reply.set_length(place, written);
    }
}
