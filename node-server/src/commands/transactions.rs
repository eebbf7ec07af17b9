//! MULTI, EXEC, DISCARD, WATCH, UNWATCH.
//!
//! What comes between MULTI and EXEC is queued by the executor; EXEC runs it in one go, with all shards locked
//! that it needs, and logs it as one piece.

use std::sync::atomic::Ordering;

use rcl_proto::resp::Args;
use rcl_proto::{Slot, key_slot};

use crate::access::{self, Reason, log::Place};
use crate::client::{Queued, Transaction, WatchedKey};
use crate::command::arguments::KEYS;
use crate::command::spec::{COMMAND, Group, KeySpec, Locks, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome, Park};

use crate::executor::{self, Request};

pub const COMMANDS: &[CommandSpec] = &[DISCARD, EXEC, MULTI, UNWATCH, WATCH];

const MULTI: CommandSpec = CommandSpec {
    name: "multi",
    arity: 1,
    flags: flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::FAST | flag::ALLOW_BUSY,
    categories: category::TRANSACTION,
    since: "1.2.0",
    group: Group::Transactions,
    complexity: "O(1)",
    summary: "Begins a transaction: what follows is queued until EXEC.",
    handler: Handler::Run(multi),
    ..COMMAND
};

fn multi(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    if context.session.in_transaction() {
        return Err(CommandError::fixed("ERR MULTI calls can not be nested"));
    }
    context.session.transaction = Some(Transaction::default());
    context.session.show_state();
    context.reply.ok();
    Ok(Outcome::Done)
}

const DISCARD: CommandSpec = CommandSpec {
    name: "discard",
    arity: 1,
    flags: flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::FAST | flag::ALLOW_BUSY,
    categories: category::TRANSACTION,
    since: "2.0.0",
    group: Group::Transactions,
    complexity: "O(N), when N is the number of queued commands",
    summary: "Drops the queued commands and ends the transaction.",
    handler: Handler::Run(discard),
    ..COMMAND
};

fn discard(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    if !context.session.in_transaction() {
        return Err(CommandError::fixed("ERR DISCARD without MULTI"));
    }
    executor::discard(context.node, context.session);
    context.reply.ok();
    Ok(Outcome::Done)
}

const EXEC: CommandSpec = CommandSpec {
    name: "exec",
    arity: 1,
    flags: flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::SKIP_SLOWLOG,
    categories: category::TRANSACTION,
    since: "1.2.0",
    group: Group::Transactions,
    complexity: "Depends on commands in the transaction",
    summary: "Runs the queued commands in one go, unless a watched key has changed.",
    locks: Locks::Transaction,
    handler: Handler::Run(exec),
    ..COMMAND
};

fn exec(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let Some(transaction) = context.session.transaction.take() else {
        return Err(CommandError::fixed("ERR EXEC without MULTI"));
    };
    let is_dirty = context.session.watch_broken.load(Ordering::Acquire) || watched_key_expired(context);
    context.unwatch_held();
    if transaction.broken {
        return Err(CommandError::fixed("EXECABORT Transaction discarded because of previous errors."));
    }
    if is_dirty {
        context.reply.null_array();
        return Ok(Outcome::Done);
    }
    context.may_park = false;
    let exec_start = context.reply.position();
    context.exec_start = Some(exec_start);
    context.reply.array(transaction.commands.len());
    for queued in &transaction.commands {
        let start = context.reply.position();
        let result = check_again(context, queued)
            .and_then(|()| context.call(queued.command.spec, queued.args.as_args()));
        match result {
            Ok(Outcome::Done) => {}
            Ok(Outcome::Park(_) | Outcome::HandOver(_)) => {
                context.reply.rewind(start);
                context.reply.error("ERR Command not allowed inside a transaction");
            }
            Err(error) => {
                context.reply.rewind(start);
                context.reply.error(error.text());
            }
        }
    }
    context.may_park = true;
    context.exec_start = None;
    let Some(later) = context.later.take() else { return Ok(Outcome::Done) };
    let known = context.reply.written_since(exec_start).to_vec();
    context.reply.rewind(exec_start);
    let wait = later.finish(known);
    Ok(Outcome::Park(Park::until(wait)))
}

/// The user's rules may have changed since the command was queued.
fn check_again(context: &Context<'_>, queued: &Queued) -> Result<(), CommandError> {
    if context.session.user.is_unrestricted() {
        return Ok(());
    }
    let request = Request::new(queued.command, queued.args.as_args());
    let denied = access::refusal(context.node, context.session, &request, Place::Multi);
    let why = match denied.map(|denied| denied.reason) {
        None => return Ok(()),
        Some(Reason::Command) => "no permission to execute the command or subcommand",
        Some(Reason::Key) => "no permission to touch the specified keys",
        Some(Reason::Channel) => {
            "no permission to access one of the channels used as arguments to the command"
        }
    };
    Err(CommandError::new(format!(
        "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: {why}"
    )))
}

/// A watched key whose time has come since WATCH counts as changed, although nobody has come upon it yet.
fn watched_key_expired(context: &mut Context<'_>) -> bool {
    let now_ms = context.data.now_ms;
    let watched = std::mem::take(&mut context.session.watched);
    let expired = watched.iter().any(|watched| {
        let shard = context.node.shards.index_of(watched.slot);
        let is_expired = context.data.with_shard(shard, |shard| {
            let key = shard.keyspace.hasher().key_in_slot(&watched.key, watched.slot);
            shard.keyspace.find(watched.database, &key).is_some_and(|entry| entry.is_expired(now_ms))
        });
        is_expired && !watched.was_expired
    });
    context.session.watched = watched;
    expired
}

const WATCH: CommandSpec = CommandSpec {
    name: "watch",
    arity: -2,
    flags: flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::FAST | flag::ALLOW_BUSY,
    categories: category::TRANSACTION,
    keys: &[KeySpec::range(1, -1, 1, key_flag::RO)],
    since: "2.2.0",
    group: Group::Transactions,
    complexity: "O(1) for every key.",
    summary: "Makes the next EXEC depend on keys staying as they are.",
    arguments: &[KEYS],
    handler: Handler::Run(watch),
    ..COMMAND
};

fn watch(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if context.session.in_transaction() {
        return Err(CommandError::fixed("ERR WATCH inside MULTI is not allowed"));
    }
    let (database, now_ms) = (context.data.database, context.data.now_ms);
    for key in args.from(1).iter() {
        if context.session.watched.iter().any(|watched| watched.database == database && *watched.key == *key)
        {
            continue;
        }
        let slot = if context.node.is_cluster() { key_slot(key) } else { Slot::MIN };
        let flag = context.session.watch_broken.clone();
        let shard = context.node.shards.index_of(slot);
        let was_expired = context.data.with_shard(shard, |shard| {
            shard.watchers.add(database, key, flag);
            let key = shard.keyspace.hasher().key_in_slot(key, slot);
            shard.keyspace.find(database, &key).is_some_and(|entry| entry.is_expired(now_ms))
        });
        // Here and in its shard.
        let bytes = 2 * (size_of::<WatchedKey>() + key.len());
        context.session.handle.watched_bytes.fetch_add(bytes, Ordering::Relaxed);
        context.session.watched.push(WatchedKey { database, key: key.into(), slot, was_expired });
    }
    context.session.show_state();
    context.reply.ok();
    Ok(Outcome::Done)
}

const UNWATCH: CommandSpec = CommandSpec {
    name: "unwatch",
    arity: 1,
    flags: flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::FAST | flag::ALLOW_BUSY,
    categories: category::TRANSACTION,
    since: "2.2.0",
    group: Group::Transactions,
    complexity: "O(1)",
    summary: "Forgets all watched keys.",
    handler: Handler::Run(unwatch),
    ..COMMAND
};

fn unwatch(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    if context.may_park {
        executor::unwatch_all(context.node, context.session);
    }
    context.reply.ok();
    Ok(Outcome::Done)
}
