//! All keys at once: DBSIZE, FLUSHDB, FLUSHALL, SWAPDB.
//!
//! What is flushed is taken out of the shards in an instant and freed elsewhere.

use rcl_proto::resp::Args;
use rcl_store::keyspace::Flushed;

use super::super::connection::database_index;
use crate::command::parse::is;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, Kind, Locks, category, flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome, Park};

use crate::persistence::save;
use crate::shard::Shard;
use crate::tracking;

pub const DBSIZE: CommandSpec = CommandSpec {
    name: "dbsize",
    arity: 1,
    flags: flag::READONLY | flag::FAST,
    categories: category::KEYSPACE,
    since: "1.0.0",
    group: Group::Server,
    complexity: "O(1)",
    summary: "Returns how many keys the database has.",
    tips: &["request_policy:all_shards", "response_policy:agg_sum"],
    locks: Locks::EachShard,
    handler: Handler::Run(dbsize),
    ..COMMAND
};

fn dbsize(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let database = context.data.database;
    let mut count = 0;
    context.data.each_shard(|shard| count += shard.keyspace.key_count(database));
    context.reply.integer(count as i64);
    Ok(Outcome::Done)
}

pub const FLUSHALL: CommandSpec = CommandSpec {
    name: "flushall",
    arity: -1,
    flags: flag::WRITE,
    categories: category::KEYSPACE | category::DANGEROUS,
    since: "1.0.0",
    group: Group::Server,
    complexity: "O(N) where N is the total number of keys in all databases",
    summary: "Deletes all keys of all databases.",
    arguments: &[Argument {
        name: "flush-type",
        kind: Kind::OneOf,
        optional: true,
        arguments: &[
            Argument { name: "async", kind: Kind::PureToken, token: "ASYNC", since: "4.0.0", ..ARGUMENT },
            Argument { name: "sync", kind: Kind::PureToken, token: "SYNC", since: "6.2.0", ..ARGUMENT },
        ],
        ..ARGUMENT
    }],
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    locks: Locks::AllShards,
    handler: Handler::Run(flushall),
    ..COMMAND
};

fn flushall(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let is_async = is_async(context, args)?;
    flush(context, is_async, |_| true, |shard| shard.keyspace.flush_all());
    context.node.persistence.call_off_snapshots();
    if context.node.settings().save.is_empty() {
        context.reply.ok();
        return Ok(Outcome::Done);
    }
    save_emptiness(context)
}

/// Where save points say that the data matter, what was flushed does not come back with the old file: it is replaced before the
/// answer. A save that runs would bring it back, too, so it was called off.
fn save_emptiness(context: &mut Context<'_>) -> CommandResult {
    if context.in_script || context.session.is_master_link {
        // Neither can wait.
        save::save_soon(context.node, || ());
        context.reply.ok();
        return Ok(Outcome::Done);
    }
    if let Some(later) = context.reply_later() {
        save::save_soon(context.node, move || later.give(b"+OK\r\n".to_vec()));
        return Ok(Outcome::Done);
    }
    let wait = context.session.begin_wait();
    let waiting = wait.clone();
    save::save_soon(context.node, move || waiting.reply(b"+OK\r\n".to_vec()));
    Ok(Outcome::Park(Park::until(wait)))
}

pub const FLUSHDB: CommandSpec = CommandSpec {
    name: "flushdb",
    arity: -1,
    flags: flag::WRITE,
    categories: category::KEYSPACE | category::DANGEROUS,
    since: "1.0.0",
    group: Group::Server,
    complexity: "O(N) where N is the number of keys in the selected database",
    summary: "Deletes all keys of the database.",
    arguments: &[Argument {
        name: "flush-type",
        kind: Kind::OneOf,
        optional: true,
        arguments: &[
            Argument { name: "async", kind: Kind::PureToken, token: "ASYNC", since: "4.0.0", ..ARGUMENT },
            Argument { name: "sync", kind: Kind::PureToken, token: "SYNC", since: "6.2.0", ..ARGUMENT },
        ],
        ..ARGUMENT
    }],
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    locks: Locks::AllShards,
    handler: Handler::Run(flushdb),
    ..COMMAND
};

fn flushdb(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let is_async = is_async(context, args)?;
    let database = context.data.database;
    flush(context, is_async, |other| other == database, |shard| shard.keyspace.flush_database(database));
    context.reply.ok();
    Ok(Outcome::Done)
}

fn is_async(context: &Context<'_>, args: Args<'_>) -> Result<bool, CommandError> {
    match (args.len(), args.get(1)) {
        (1, _) => Ok(context.node.settings().lazyfree_lazy_user_flush),
        (2, Some(word)) if is(word, "ASYNC") => Ok(true),
        (2, Some(word)) if is(word, "SYNC") => Ok(false),
        _ => Err(CommandError::SYNTAX),
    }
}

fn flush(
    context: &mut Context<'_>,
    is_async: bool,
    is_affected: impl Fn(usize) -> bool,
    take: impl Fn(&mut Shard) -> Flushed,
) {
    let mut all: Vec<Flushed> = Vec::new();
    let (node, now_ms) = (context.node, context.data.now_ms);
    context.data.each_shard(|shard| {
        shard.databases_change(node, now_ms, |database| is_affected(database).then_some(None));
        let flushed = take(shard);
        shard.tracked.clear(&node.tracking.counts);
        if flushed.keys > 0 {
            shard.waiters.keys_are_gone(|database, _| is_affected(database));
            all.push(flushed);
        }
    });
    tracking::all_changed(node);
    let keys: usize = all.iter().map(|flushed| flushed.keys).sum();
    if is_async && keys > 0 {
        context.node.lazy_free.elsewhere(keys, Box::new(all));
    }
    context.data.effects.changes += keys.max(1) as u64;
}

pub const SWAPDB: CommandSpec = CommandSpec {
    name: "swapdb",
    arity: 3,
    flags: flag::WRITE | flag::FAST,
    categories: category::KEYSPACE | category::DANGEROUS,
    since: "4.0.0",
    group: Group::Server,
    complexity: "O(N) where N is the count of clients watching or blocking on keys from both databases.",
    summary: "Swaps two databases.",
    arguments: &[
        Argument { name: "index1", kind: Kind::Integer, ..ARGUMENT },
        Argument { name: "index2", kind: Kind::Integer, ..ARGUMENT },
    ],
    locks: Locks::AllShards,
    handler: Handler::Run(swapdb),
    ..COMMAND
};

fn swapdb(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if context.node.is_cluster() {
        return Err(CommandError::fixed("ERR SWAPDB is not allowed in cluster mode"));
    }
    let invalid = |which: &str| CommandError::new(format!("ERR invalid {which} DB index"));
    let one = database_index(&args[1]).map_err(|_| invalid("first"))?;
    let other = database_index(&args[2]).map_err(|_| invalid("second"))?;
    if one.max(other) >= context.node.settings().databases as usize {
        return Err(CommandError::fixed("ERR DB index is out of range"));
    }
    let (node, now_ms) = (context.node, context.data.now_ms);
    let mut new_keys = std::mem::take(context.data.new_keys);
    context.data.each_shard(|shard| {
        shard.databases_change(node, now_ms, |database| match database {
            _ if database == one => Some(Some(other)),
            _ if database == other => Some(Some(one)),
            _ => None,
        });
        shard.keyspace.swap_databases(one, other);
        for database in [one, other] {
            new_keys.extend(shard.waiters.keys_in(database).map(|key| (database, key.into())));
        }
    });
    *context.data.new_keys = new_keys;
    context.data.effects.changes += 1;
    context.reply.ok();
    Ok(Outcome::Done)
}
