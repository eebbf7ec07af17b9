//! XCLAIM and XAUTOCLAIM: entries that are pending for one consumer become another's.
//!
//! An entry that is not in the stream any more is pending no more either. What is logged is the claim of each entry as it came
//! out; for one that is gone too, since it is that which makes a replica drop it.

use rcl_proto::resp::{Args, OwnedArgs, ReplyWriter};
use rcl_store::types::{Group, Log, Pending, StreamId};

use super::claim_options::ClaimOptions;
use super::{
    CONSUMER, GROUP, IDS, START, claim_to_propagate, count_changes, ids, last_id_to_propagate,
    no_key_or_group, write_entry,
};
use crate::command::arguments::{COUNT, KEY, word};
use crate::command::spec::{self, ARGUMENT, Argument, COMMAND, KeySpec, Kind, category, flag, key_flag};
use crate::command::{
    CommandError, CommandResult, CommandSpec, Context, Data, Handler, Outcome, counts, parse,
};
use crate::pubsub::EventClass;

const MIN_IDLE_TIME: Argument = Argument { name: "min-idle-time", ..ARGUMENT };
const JUSTID: Argument = Argument { optional: true, ..word("justid", "JUSTID") };

pub const XCLAIM: CommandSpec = CommandSpec {
    name: "xclaim",
    arity: -6,
    flags: flag::WRITE | flag::FAST,
    categories: category::STREAM,
    keys: &[KeySpec::first(key_flag::RW | key_flag::UPDATE)],
    since: "5.0.0",
    group: spec::Group::Stream,
    complexity: "O(log N) with N being the number of messages in the PEL of the consumer group.",
    summary: "Gives entries that are pending in a group to one of its consumers.",
    arguments: &[
        KEY,
        GROUP,
        CONSUMER,
        MIN_IDLE_TIME,
        IDS,
        Argument { name: "ms", kind: Kind::Integer, token: "IDLE", optional: true, ..ARGUMENT },
        Argument {
            name: "unix-time-milliseconds",
            kind: Kind::UnixTime,
            token: "TIME",
            optional: true,
            ..ARGUMENT
        },
        Argument { name: "count", kind: Kind::Integer, token: "RETRYCOUNT", optional: true, ..ARGUMENT },
        Argument { optional: true, ..word("force", "FORCE") },
        JUSTID,
        Argument { name: "lastid", token: "LASTID", optional: true, ..ARGUMENT },
    ],
    tips: &["nondeterministic_output"],
    handler: Handler::Run(xclaim),
    ..COMMAND
};
fn xclaim(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let data = &mut context.data;
    let (key, name) = (&args[1], &args[2]);
    let now_ms = data.now_ms;
    check_group(data, key, name)?;
    let min_idle_ms = min_idle(&args[4], "XCLAIM")?;
    let options = ClaimOptions::parse(args.from(5), now_ms)?;
    let mut claiming = Claiming::new(data, args, min_idle_ms);
    claiming.delivery_time_ms = options.delivery_time_ms(now_ms);
    claiming.delivery_count = options.delivery_count;
    claiming.counts_delivery = !options.just_ids;
    let Some((log, group)) = data.stream_mut(key)?.and_then(|stream| stream.log_and_group(name)) else {
        return Err(no_key_or_group(key, name, ""));
    };
    let is_ahead = options.last_id > group.last_id;
    group.last_id = group.last_id.max(options.last_id);
    let is_new = group.note_seen(claiming.consumer, now_ms);
    let reply = &mut context.reply;
    let place = reply.deferred_array();
    let mut written = 0;
    for id in options.ids {
        if claiming.claim(log, group, id, options.force) == Claimed::Yes {
            write_claimed(reply, log, id, options.just_ids);
            written += 1;
        }
    }
    reply.set_length(place, written);
    if is_ahead && claiming.changes == 0 {
        claiming.effects.push(last_id_to_propagate(key, name, group));
        claiming.changes += 1;
    }
    let (changes, effects) = (claiming.changes, claiming.effects);
    finish(data, key, is_new, changes, effects);
    Ok(Outcome::Done)
}

pub const XAUTOCLAIM: CommandSpec = CommandSpec {
    name: "xautoclaim",
    arity: -6,
    flags: flag::WRITE | flag::FAST,
    categories: category::STREAM,
    keys: &[KeySpec::first(key_flag::RW | key_flag::DELETE)],
    since: "6.2.0",
    group: spec::Group::Stream,
    complexity: "O(1) if COUNT is small.",
    summary: "Gives entries that have been pending for long to a consumer, some at a time.",
    arguments: &[KEY, GROUP, CONSUMER, MIN_IDLE_TIME, START, COUNT, JUSTID],
    tips: &["nondeterministic_output"],
    handler: Handler::Run(xautoclaim),
    ..COMMAND
};
fn xautoclaim(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let data = &mut context.data;
    let (key, name) = (&args[1], &args[2]);
    let group = check_group(data, key, name);
    let min_idle_ms = min_idle(&args[4], "XAUTOCLAIM")?;
    let start = ids::range_start(&args[5])?;
    let (count, just_ids) = autoclaim_options(args.from(6))?;
    group?;
    let mut claiming = Claiming::new(data, args, min_idle_ms);
    claiming.counts_delivery = !just_ids;
    let Some((log, group)) = data.stream_mut(key)?.and_then(|stream| stream.log_and_group(name)) else {
        return Err(no_key_or_group(key, name, ""));
    };
    let is_new = group.note_seen(claiming.consumer, claiming.now_ms);
    let found = claiming.claim_from(log, group, start, count);
    let reply = &mut context.reply;
    reply.array(3);
    ids::write(reply, found.next);
    reply.array(found.claimed.len());
    for id in found.claimed {
        write_claimed(reply, log, id, just_ids);
    }
    reply.array(found.gone.len());
    for id in found.gone {
        ids::write(reply, id);
    }
    let (changes, effects) = (claiming.changes, claiming.effects);
    finish(data, key, is_new, changes, effects);
    Ok(Outcome::Done)
}

/// `[COUNT n] [JUSTID]`
fn autoclaim_options(options: Args<'_>) -> Result<(usize, bool), CommandError> {
    // So that ten times as many attempts, and room for as many ids, can be counted.
    const MOST: i64 = i64::MAX / 16;
    const OUT_OF_RANGE: &str = "ERR COUNT must be > 0";
    let (mut count, mut just_ids) = (100, false);
    let mut words = options.iter();
    while let Some(word) = words.next() {
        if parse::is(word, "justid") {
            just_ids = true;
        } else if parse::is(word, "count") {
            let number = words.next().ok_or(CommandError::SYNTAX)?;
            count = counts::at_least(number, 1, OUT_OF_RANGE)?;
            if count > MOST {
                return Err(CommandError::fixed(OUT_OF_RANGE));
            }
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    Ok((count as usize, just_ids))
}

fn check_group(data: &mut Data<'_>, key: &[u8], name: &[u8]) -> Result<(), CommandError> {
    let stream = data.stream(key)?;
    let group = stream.and_then(|stream| stream.group(name));
    group.map(|_| ()).ok_or_else(|| no_key_or_group(key, name, ""))
}

fn min_idle(text: &[u8], command: &str) -> Result<i64, CommandError> {
    let invalid = || CommandError::new(format!("ERR Invalid min-idle-time argument for {command}"));
    parse::integer(text).map(|idle| idle.max(0)).map_err(|_| invalid())
}

fn write_claimed(reply: &mut ReplyWriter<'_>, log: &Log, id: StreamId, just_ids: bool) {
    match log.get(id).filter(|_| !just_ids) {
        Some(entry) => write_entry(reply, entry),
        None => ids::write(reply, id),
    }
}

fn finish(data: &mut Data<'_>, key: &[u8], is_new: bool, changes: u64, effects: Vec<OwnedArgs>) {
    data.effects.propagate_nothing();
    effects.into_iter().for_each(|effect| data.effects.propagate_instead(effect));
    count_changes(data, changes + u64::from(is_new));
    if is_new {
        data.notify(EventClass::Stream, "xgroup-createconsumer", key);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claimed {
    Yes,
    No,
    /// The entry is not in the stream any more.
    Gone,
}

/// What XAUTOCLAIM came upon.
struct Found {
    claimed: Vec<StreamId>,
    gone: Vec<StreamId>,
    /// Where the next call goes on; `0-0` at the end.
    next: StreamId,
}

struct Claiming<'a> {
    key: &'a [u8],
    name: &'a [u8],
    consumer: &'a [u8],
    min_idle_ms: i64,
    now_ms: i64,
    delivery_time_ms: i64,
    delivery_count: Option<u64>,
    counts_delivery: bool,
    is_logging: bool,
    changes: u64,
    effects: Vec<OwnedArgs>,
}

impl<'a> Claiming<'a> {
    /// `key group consumer …`, at once and once more delivered.
    fn new(data: &Data<'_>, args: Args<'a>, min_idle_ms: i64) -> Claiming<'a> {
        let word = |index| args.get(index).unwrap_or_default();
        Claiming {
            key: word(1),
            name: word(2),
            consumer: word(3),
            min_idle_ms,
            now_ms: data.now_ms,
            delivery_time_ms: data.now_ms,
            delivery_count: None,
            counts_delivery: true,
            is_logging: data.is_logging(),
            changes: 0,
            effects: Vec::new(),
        }
    }

    fn claim(&mut self, log: &Log, group: &mut Group, id: StreamId, force: bool) -> Claimed {
        let before = group.pending(id).cloned();
        if log.get(id).is_none() {
            if let Some(pending) = &before {
                self.note(group, pending);
                group.acknowledge(id);
            }
            return Claimed::Gone;
        }
        let delivered = match &before {
            Some(pending) if self.is_too_young(pending) => return Claimed::No,
            Some(pending) => pending.delivery_count,
            // It is delivered by being pending.
            None if force => 1,
            None => return Claimed::No,
        };
        let again = delivered.wrapping_add(u64::from(self.counts_delivery));
        group.assign(id, self.consumer, self.delivery_time_ms, self.delivery_count.unwrap_or(again));
        group.note_active(self.consumer, self.now_ms);
        if let Some(pending) = group.pending(id) {
            self.note(group, pending);
        }
        Claimed::Yes
    }

    fn is_too_young(&self, pending: &Pending) -> bool {
        self.min_idle_ms > 0 && self.now_ms.wrapping_sub(pending.delivery_time_ms) < self.min_idle_ms
    }

    /// Claims up to `count` entries from `start` on, and looks at ten times as many at most.
    fn claim_from(&mut self, log: &Log, group: &mut Group, start: StreamId, count: usize) -> Found {
        let mut found = Found { claimed: Vec::new(), gone: Vec::new(), next: StreamId::MIN };
        let mut attempts = count.saturating_mul(10);
        let mut start = Some(start);
        while let Some(from) = start {
            let Some(id) = group.pending_from(from).next().map(|pending| pending.id) else { break };
            if attempts == 0 || found.claimed.len() + found.gone.len() == count {
                found.next = id;
                break;
            }
            attempts -= 1;
            match self.claim(log, group, id, false) {
                Claimed::Yes => found.claimed.push(id),
                Claimed::Gone => found.gone.push(id),
                Claimed::No => {}
            }
            start = id.next();
        }
        found
    }

    fn note(&mut self, group: &Group, pending: &Pending) {
        self.changes += 1;
        if self.is_logging {
            self.effects.push(claim_to_propagate(self.key, self.name, group, pending));
        }
    }
}
