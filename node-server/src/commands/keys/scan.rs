//! Walking the keyspace: SCAN, KEYS, RANDOMKEY. They go shard by shard and lock one at a time.

use rcl_proto::resp::Args;
use rcl_proto::{Slot, key_slot};
use rcl_store::entry::Entry;
use rcl_store::keyspace::ScanCursor;

use crate::command::arguments::{COUNT, MATCH};
use crate::command::parse::{self, is};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, Kind, Locks, category, flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};
use crate::config::glob;

pub const SCAN: CommandSpec = CommandSpec {
    name: "scan",
    arity: -2,
    flags: flag::READONLY,
    categories: category::KEYSPACE,
    since: "2.8.0",
    group: Group::Generic,
    complexity: "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection.",
    summary: "Walks the keys of the database, some at each call.",
    arguments: &[
        Argument { name: "cursor", kind: Kind::Integer, ..ARGUMENT },
        MATCH,
        COUNT,
        Argument { name: "type", token: "TYPE", since: "6.0.0", optional: true, ..ARGUMENT },
    ],
    tips: &["nondeterministic_output", "request_policy:special", "response_policy:special"],
    locks: Locks::EachShard,
    handler: Handler::Run(scan),
    ..COMMAND
};

/// What SCAN and its relatives take after the cursor.
#[derive(Clone, Copy, Debug)]
pub struct ScanOptions<'a> {
    pub pattern: Option<&'a [u8]>,
    pub count: usize,
    pub type_name: Option<&'a [u8]>,
}

impl ScanOptions<'_> {
    pub fn fits(&self, name: &[u8]) -> bool {
        self.pattern.is_none_or(|pattern| pattern == b"*" || glob::matches(pattern, name))
    }
}

/// A cursor as C's strtoul reads it: the whole range of 64 bits; nothing at all is 0, and a minus goes around.
pub fn scan_cursor(text: &[u8]) -> Result<u64, CommandError> {
    const INVALID: CommandError = CommandError::fixed("ERR invalid cursor");
    let (negative, digits) = match text {
        [] => return Ok(0),
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(INVALID);
    }
    let digit = |number: u64, digit: &u8| number.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
    let number = digits.iter().try_fold(0, digit).ok_or(INVALID)?;
    Ok(if negative { number.wrapping_neg() } else { number })
}

/// `MATCH pattern`, `COUNT n` and, where it is `typed`, `TYPE name`.
pub fn scan_options(words: Args<'_>, typed: bool) -> Result<ScanOptions<'_>, CommandError> {
    let mut options = ScanOptions { pattern: None, count: 10, type_name: None };
    let mut index = 0;
    while let Some(word) = words.get(index) {
        let value = words.get(index + 1).ok_or(CommandError::SYNTAX)?;
        if is(word, "MATCH") {
            options.pattern = Some(value);
        } else if is(word, "COUNT") {
            let count = parse::integer(value)?;
            options.count =
                usize::try_from(count).ok().filter(|&count| count > 0).ok_or(CommandError::SYNTAX)?;
        } else if typed && is(word, "TYPE") {
            options.type_name = Some(value);
        } else {
            return Err(CommandError::SYNTAX);
        }
        index += 2;
    }
    Ok(options)
}

fn scan(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let cursor = scan_cursor(&args[1])?;
    let options = scan_options(args.from(2), true)?;
    let mut found: Vec<Box<[u8]>> = Vec::new();
    let fits = |key: &[u8]| options.fits(key);
    let next = scan_shards(context, ScanCursor::from_number(cursor), options.count, fits, |entry| {
        if options.type_name.is_none_or(|name| name.eq_ignore_ascii_case(entry.type_name().as_bytes())) {
            found.push(entry.key().into());
        }
    });
    context.reply.array(2);
    context.reply.bulk(next.map_or(0, ScanCursor::to_number).to_string().as_bytes());
    context.reply.array(found.len());
    found.iter().for_each(|key| context.reply.bulk(key));
    Ok(Outcome::Done)
}

/// Looks at about `budget` keys, in the order of the slots, and visits those that fit; of these, the expired ones are deleted
/// instead. `None` at the end.
fn scan_shards(
    context: &mut Context<'_>,
    mut cursor: ScanCursor,
    budget: usize,
    fits: impl Fn(&[u8]) -> bool,
    mut visit: impl FnMut(&Entry),
) -> Option<ScanCursor> {
    let (database, now_ms) = (context.data.database, context.data.now_ms);
    let mut visited = 0;
    let mut expired: Vec<Box<[u8]>> = Vec::new();
    loop {
        let slot = cursor.slot;
        let shard = context.node.shards.index_of(slot);
        let step = context.data.with_shard(shard, |shard| {
            shard.keyspace.scan_slot(database, cursor, budget - visited, |entry| {
                if !fits(entry.key()) {
                    return;
                }
                if entry.is_expired(now_ms) {
                    expired.push(entry.key().into());
                } else {
                    visit(entry);
                }
            })
        });
        context.data.delete_expired(slot, &expired);
        expired.clear();
        visited += step.visited;
        cursor = match step.next {
            Some(next) => next,
            None => ScanCursor::at_slot(next_slot(context, database, cursor.slot)?),
        };
        if visited >= budget {
            return Some(cursor);
        }
    }
}

/// The first slot behind `slot` that has keys.
fn next_slot(context: &mut Context<'_>, database: usize, slot: Slot) -> Option<Slot> {
    let from = Slot::new(slot.number() + 1)?;
    let mut next: Option<Slot> = None;
    context.data.each_shard(|shard| {
        let found = shard.keyspace.next_slot_with_keys(database, from);
        next = [next, found].into_iter().flatten().min();
    });
    next
}

pub const KEYS: CommandSpec = CommandSpec {
    name: "keys",
    arity: 2,
    flags: flag::READONLY,
    categories: category::KEYSPACE | category::DANGEROUS,
    since: "1.0.0",
    group: Group::Generic,
    complexity: "O(N) with N being the number of keys in the database, under the assumption that the key names in the database and the given pattern have limited length.",
    summary: "Returns all keys that fit a pattern.",
    arguments: &[Argument { name: "pattern", kind: Kind::Pattern, ..ARGUMENT }],
    tips: &["request_policy:all_shards", "nondeterministic_output_order"],
    locks: Locks::EachShard,
    handler: Handler::Run(keys),
    ..COMMAND
};

fn keys(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let pattern = &args[1];
    let (database, now_ms) = (context.data.database, context.data.now_ms);
    let place = context.reply.deferred_array();
    let mut count = 0;
    let Context { data, reply, .. } = context;
    data.each_shard(|shard| {
        let fits = |entry: &&Entry| {
            !entry.is_expired(now_ms) && (pattern == b"*" || glob::matches(pattern, entry.key()))
        };
        for entry in shard.keyspace.entries(database).filter(fits) {
            reply.bulk(entry.key());
            count += 1;
            if reply.is_over_limit() {
                // The client is closed for it.
                break;
            }
        }
    });
    context.reply.set_length(place, count);
    Ok(Outcome::Done)
}

pub const RANDOMKEY: CommandSpec = CommandSpec {
    name: "randomkey",
    arity: 1,
    flags: flag::READONLY,
    categories: category::KEYSPACE,
    since: "1.0.0",
    group: Group::Generic,
    complexity: "O(1)",
    summary: "Returns a key, each as likely as another.",
    tips: &["request_policy:all_shards", "response_policy:special", "nondeterministic_output"],
    locks: Locks::EachShard,
    handler: Handler::Run(randomkey),
    ..COMMAND
};

/// So many keys past their time that may not be deleted are passed over; when all that come up are, the last one is the answer.
const TRIES: usize = 100;

fn randomkey(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let (node, database, now_ms) = (context.node, context.data.database, context.data.now_ms);
    let mut counts = Vec::new();
    context.data.each_shard(|shard| counts.push(shard.keyspace.key_count(database)));
    let mut rng = rand::rng();
    let mut answer: Option<Box<[u8]>> = None;
    let mut tries = 0;
    while let all @ 1.. = counts.iter().sum::<usize>()
        && tries < TRIES
    {
        let mut rank = rand::RngExt::random_range(&mut rng, 0..all);
        let index = counts.iter().position(|&count| {
            let is_here = rank < count;
            rank = rank.saturating_sub(count);
            is_here
        });
        let Some(index) = index else { break };
        let drawn = context.data.with_shard(index, |shard| {
            let entry = shard.keyspace.random_entry(database, &mut rng)?;
            Some((Box::<[u8]>::from(entry.key()), entry.is_expired(now_ms)))
        });
        match drawn {
            Some((key, false)) => {
                answer = Some(key);
                break;
            }
            Some((key, true)) => {
                let slot = if node.is_cluster() { key_slot(&key) } else { Slot::MIN };
                context.data.delete_expired(slot, std::slice::from_ref(&key));
                // A replica shows a key that only its master may delete, if it finds no other.
                answer = node.replication.is_replica().then_some(key);
            }
            None => {}
        }
        let left = context.data.with_shard(index, |shard| shard.keyspace.key_count(database));
        tries += usize::from(left == counts[index]);
        counts[index] = left;
    }
    match answer {
        Some(key) => context.reply.bulk(&key),
        None => context.reply.null(),
    }
    Ok(Outcome::Done)
}
