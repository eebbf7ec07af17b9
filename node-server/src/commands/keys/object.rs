//! OBJECT: how a value is kept.

use std::ops::Range;

use rcl_proto::resp::Args;
use rcl_store::entry::{Entry, access};
use rcl_store::types::ValueRef;

use crate::command::arguments::KEY;
use crate::command::spec::{COMMAND, Group, KeySpec, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};
use crate::config::Settings;

pub const OBJECT: CommandSpec = CommandSpec {
    name: "object",
    arity: -2,
    since: "2.2.3",
    group: Group::Generic,
    complexity: "Depends on subcommand.",
    summary: "Tells how values are kept.",
    subcommands: &[
        CommandSpec {
            name: "encoding",
            arity: 3,
            flags: flag::READONLY,
            categories: category::KEYSPACE,
            keys: &[KeySpec::at(2, key_flag::RO)],
            since: "2.2.3",
            group: Group::Generic,
            complexity: "O(1)",
            summary: "Returns how the value at a key is encoded.",
            arguments: &[KEY],
            tips: &["nondeterministic_output"],
            handler: Handler::Run(encoding),
            ..COMMAND
        },
        CommandSpec {
            name: "freq",
            arity: 3,
            flags: flag::READONLY,
            categories: category::KEYSPACE,
            keys: &[KeySpec::at(2, key_flag::RO)],
            since: "4.0.0",
            group: Group::Generic,
            complexity: "O(1)",
            summary: "Returns how often a key is used, as the LFU policies count it.",
            arguments: &[KEY],
            tips: &["nondeterministic_output"],
            handler: Handler::Run(freq),
            ..COMMAND
        },
        CommandSpec {
            name: "help",
            arity: 2,
            flags: flag::LOADING | flag::STALE,
            categories: category::KEYSPACE,
            since: "6.2.0",
            group: Group::Generic,
            complexity: "O(1)",
            summary: "Explains OBJECT.",
            handler: Handler::Run(help),
            ..COMMAND
        },
        CommandSpec {
            name: "idletime",
            arity: 3,
            flags: flag::READONLY,
            categories: category::KEYSPACE,
            keys: &[KeySpec::at(2, key_flag::RO)],
            since: "2.2.3",
            group: Group::Generic,
            complexity: "O(1)",
            summary: "Returns for how many seconds a key has not been used.",
            arguments: &[KEY],
            tips: &["nondeterministic_output"],
            handler: Handler::Run(idletime),
            ..COMMAND
        },
        CommandSpec {
            name: "refcount",
            arity: 3,
            flags: flag::READONLY,
            categories: category::KEYSPACE,
            keys: &[KeySpec::at(2, key_flag::RO)],
            since: "2.2.3",
            group: Group::Generic,
            complexity: "O(1)",
            summary: "Returns how many references there are to a value.",
            arguments: &[KEY],
            tips: &["nondeterministic_output"],
            handler: Handler::Run(refcount),
            ..COMMAND
        },
    ],
    ..COMMAND
};

fn encoding(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    match context.data.peek(&args[2]) {
        Some(entry) => context.reply.bulk(entry.encoding().name().as_bytes()),
        None => context.reply.null(),
    }
    Ok(Outcome::Done)
}

fn refcount(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    match context.data.peek(&args[2]) {
        Some(entry) => {
            let count = reference_count(entry, &context.node.settings());
            context.reply.integer(count);
        }
        None => context.reply.null(),
    }
    Ok(Outcome::Done)
}

/// The integers that are one object for all keys that have them.
const SHARED_INTEGERS: Range<i64> = 0..10_000;
/// How Redis says that nobody counts.
const UNCOUNTED: i64 = i32::MAX as i64;

/// One, but for a small integer: it is in the key's own entry and takes nothing beside, so it is told as what Redis makes of
/// it, an object that all have in common; unless `maxmemory` asks when or how often each key is used.
pub fn reference_count(entry: &Entry, settings: &Settings) -> i64 {
    let policy = settings.maxmemory_policy;
    let is_used_alone = settings.maxmemory > 0 && (policy.is_lru() || policy.counts_uses());
    match entry.value() {
        ValueRef::Int(number) if SHARED_INTEGERS.contains(&number) && !is_used_alone => UNCOUNTED,
        _ => 1,
    }
}

fn idletime(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (now_ms, counts_uses) = (context.data.now_ms, context.node.eviction.counts_uses());
    match context.data.peek(&args[2]) {
        Some(_) if counts_uses => {
            return Err(CommandError::fixed(
                "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
            ));
        }
        Some(entry) => context.reply.integer(access::lru_idle_ms(entry.access_clock(), now_ms) / 1000),
        None => context.reply.null(),
    }
    Ok(Outcome::Done)
}

fn freq(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (now_ms, decay_minutes) = (context.data.now_ms, context.node.settings().lfu_decay_time);
    let counts_uses = context.node.eviction.counts_uses();
    match context.data.peek(&args[2]) {
        Some(_) if !counts_uses => {
            return Err(CommandError::fixed(
                "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
            ));
        }
        Some(entry) => {
            let counter = access::lfu_counter(entry.access_clock(), now_ms, decay_minutes);
            context.reply.integer(i64::from(counter));
        }
        None => context.reply.null(),
    }
    Ok(Outcome::Done)
}

fn help(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    super::super::help(
        context,
        "OBJECT",
        &[
            ("ENCODING <key>", "Return how the value at <key> is encoded."),
            ("FREQ <key>", "Return how often <key> is used. Needs an LFU maxmemory policy."),
            ("IDLETIME <key>", "Return for how many seconds <key> has not been used."),
            ("REFCOUNT <key>", "Return how many references there are to the value at <key>."),
        ],
    );
    Ok(Outcome::Done)
}
