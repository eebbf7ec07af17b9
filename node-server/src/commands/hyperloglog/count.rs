//! PFADD, PFCOUNT, PFMERGE.

use rcl_proto::resp::Args;
use rcl_store::types::hyperloglog::{self, Corrupt, Union};

use super::{corrupt, of_entry};
use crate::command::arguments::{KEY, KEYS};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};
use crate::pubsub::EventClass;

pub const PFADD: CommandSpec = CommandSpec {
    name: "pfadd",
    arity: -2,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::HYPERLOGLOG,
    keys: &[KeySpec::first(key_flag::RW | key_flag::INSERT)],
    since: "2.8.9",
    group: Group::HyperLogLog,
    complexity: "O(1) to add every element.",
    summary: "Adds elements to the HyperLogLog at a key, and tells whether its estimate may have changed.",
    arguments: &[KEY, Argument { name: "element", optional: true, multiple: true, ..ARGUMENT }],
    handler: Handler::Run(pfadd),
    ..COMMAND
};

fn pfadd(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, elements) = (&args[1], args.from(2));
    let max_sparse_bytes = context.node.settings().hll_sparse_max_bytes;
    let add_all = |bytes: &mut Vec<u8>, mut updates: u64| -> (u64, Result<(), Corrupt>) {
        let mut outcome = Ok(());
        for element in elements.iter() {
            match hyperloglog::add(bytes, element, max_sparse_bytes) {
                Ok(updated) => updates += u64::from(updated),
                Err(corrupt) => {
                    outcome = Err(corrupt);
                    break;
                }
            }
        }
        if updates > 0 {
            hyperloglog::invalidate(bytes);
        }
        (updates, outcome)
    };
    let (updates, outcome) = match context.data.find_mut(key) {
        Some(entry) => {
            of_entry(entry)?;
            entry.edit_string(|bytes| add_all(bytes, 0)).unwrap_or((0, Err(Corrupt)))
        }
        None => {
            let mut bytes = hyperloglog::new();
            let added = add_all(&mut bytes, 1);
            context.data.put_raw(key, bytes);
            added
        }
    };
    if updates > 0 {
        context.data.changed_times(key, updates);
        context.data.notify(EventClass::String, "pfadd", key);
    }
    outcome.map_err(corrupt)?;
    context.reply.integer(i64::from(updates > 0));
    Ok(Outcome::Done)
}

pub const PFCOUNT: CommandSpec = CommandSpec {
    name: "pfcount",
    arity: -2,
    flags: flag::READONLY | flag::MAY_REPLICATE,
    categories: category::HYPERLOGLOG,
    keys: &[KeySpec::range(1, -1, 1, key_flag::RW | key_flag::ACCESS)],
    since: "2.8.9",
    group: Group::HyperLogLog,
    complexity: "O(1) with a very small average constant time when called with a single key. O(N) with N being the number of keys, and much bigger constant times, when called with multiple keys.",
    summary: "Estimates how many different elements the HyperLogLogs at these keys have seen together.",
    arguments: &[KEYS],
    handler: Handler::Run(pfcount),
    ..COMMAND
};

fn pfcount(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let count =
        if args.len() == 2 { count_one(context, &args[1])? } else { count_union(context, args.from(1))? };
    context.reply.integer(count as i64);
    Ok(Outcome::Done)
}

/// What was counted is kept in the value; replicas are told to count too, so that their bytes stay the same.
fn count_one(context: &mut Context<'_>, key: &[u8]) -> Result<u64, CommandError> {
    let Some(entry) = context.data.find(key) else { return Ok(0) };
    let (bytes, _) = of_entry(entry)?;
    if let Some(count) = hyperloglog::cached_count(bytes) {
        return Ok(count);
    }
    let count = hyperloglog::count(bytes).map_err(corrupt)?;
    if let Some(entry) = context.data.find_mut(key) {
        entry.edit_string(|bytes| hyperloglog::cache_count(bytes, count));
    }
    context.data.changed(key);
    Ok(count)
}

fn count_union(context: &mut Context<'_>, keys: Args<'_>) -> Result<u64, CommandError> {
    Ok(union(context, keys)?.count())
}

fn union(context: &mut Context<'_>, keys: Args<'_>) -> Result<Union, CommandError> {
    let mut union = Union::default();
    for key in keys.iter() {
        if let Some(entry) = context.data.find(key) {
            union.add(of_entry(entry)?.0).map_err(corrupt)?;
        }
    }
    Ok(union)
}

pub const PFMERGE: CommandSpec = CommandSpec {
    name: "pfmerge",
    arity: -2,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::HYPERLOGLOG,
    keys: &[
        KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::INSERT),
        KeySpec::range(2, -1, 1, key_flag::RO | key_flag::ACCESS),
    ],
    since: "2.8.9",
    group: Group::HyperLogLog,
    complexity: "O(N) to merge N HyperLogLogs, but with high constant times.",
    summary: "Merges HyperLogLogs into one.",
    arguments: &[
        Argument { name: "destkey", kind: Kind::Key, key_spec: Some(0), ..ARGUMENT },
        Argument {
            name: "sourcekey",
            kind: Kind::Key,
            key_spec: Some(1),
            optional: true,
            multiple: true,
            ..ARGUMENT
        },
    ],
    handler: Handler::Run(pfmerge),
    ..COMMAND
};

fn pfmerge(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key = &args[1];
    let max_sparse_bytes = context.node.settings().hll_sparse_max_bytes;
    let union = union(context, args.from(1))?;
    match context.data.find_mut(key) {
        Some(entry) => {
            let stored = entry.edit_string(|bytes| union.store(bytes, max_sparse_bytes));
            stored.unwrap_or(Err(Corrupt)).map_err(corrupt)?;
        }
        None => {
            let mut bytes = hyperloglog::new();
            union.store(&mut bytes, max_sparse_bytes).map_err(corrupt)?;
            context.data.put_raw(key, bytes);
        }
    }
    context.data.changed(key);
    context.data.notify(EventClass::String, "pfadd", key);
    context.reply.ok();
    Ok(Outcome::Done)
}
