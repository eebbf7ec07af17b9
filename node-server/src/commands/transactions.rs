//! MULTI, EXEC, DISCARD, WATCH, UNWATCH.
//!
//! What comes between MULTI and EXEC is queued by the executor; EXEC runs it in one go, with all shards locked
//! that it needs, and logs it as one piece.

use std::sync::atomic::Ordering;

use rcl_proto::resp::Args;
use rcl_proto::{Slot, key_slot};
use rcl_store::entry::Entry;

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
        if let Some(slot) = queued.slot {
            context.data.slot = slot;
        }
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
    if !context.session.kills.is_empty() {
        executor::log_what_was_done(context);
        context.session.kills.drain(..).for_each(|replica| replica.mailbox.kill());
    }
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
        let flag = &context.session.watch_broken;
        context.data.with_shard(shard, |shard| {
            let key = shard.keyspace.hasher().key_in_slot(&watched.key, watched.slot);
            let is_expired = |entry: &Entry| entry.is_expired(now_ms);
            shard.keyspace.find(watched.database, &key).is_some_and(is_expired)
                && !shard.watchers.is_stale(watched.database, &watched.key, flag)
        })
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
        context.data.with_shard(shard, |shard| {
            let place = shard.keyspace.hasher().key_in_slot(key, slot);
            let entry = shard.keyspace.find(database, &place);
            let is_stale = entry.is_some_and(|entry| entry.is_expired(now_ms));
            shard.watchers.add(database, key, flag, is_stale);
        });
        // Here and in its shard.
        let bytes = 2 * (size_of::<WatchedKey>() + key.len());
        context.session.handle.watched_bytes.fetch_add(bytes, Ordering::Relaxed);
        context.session.watched.push(WatchedKey { database, key: key.into(), slot });
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

#[cfg(test)]
mod tests {
    use crate::executor::in_memory::clients;
    use crate::executor::node_state;

    /// What EXEC says after these: of one client, in whose databases 0 and 1 they run.
    fn exec_after(lines: &[&str]) -> String {
        clients!(node: one);
        lines.iter().chain(&["SELECT 0", "MULTI", "PING"]).for_each(|line| {
            one.ask(line);
        });
        let answer = one.ask("EXEC");
        assert!(node.shards.lock(0).watchers.is_empty());
        answer
    }

    const RUNS: &str = "*1 +PONG";
    const BROKEN: &str = "*-1";

    #[test]
    fn a_key_past_its_time_was_not_there_when_it_was_watched() {
        let stale = "SET k v PXAT 1";
        assert_eq!(exec_after(&[stale, "WATCH k"]), RUNS);
        assert_eq!(exec_after(&[stale, "WATCH k", "DEL k"]), RUNS);
        assert_eq!(exec_after(&[stale, "WATCH k", "GET k", "SET k v"]), BROKEN);
        assert_eq!(exec_after(&[stale, "WATCH k", "FLUSHALL"]), RUNS);
        assert_eq!(exec_after(&["SET k v", "WATCH k", "FLUSHALL"]), BROKEN);
        assert_eq!(exec_after(&["WATCH k", "FLUSHALL"]), RUNS);
        assert_eq!(exec_after(&["WATCH k", "SET k v"]), BROKEN);
        assert_eq!(exec_after(&["SET k v", "WATCH k", "PEXPIREAT k 1"]), BROKEN);
    }

    #[test]
    fn databases_that_change_places_break_what_is_something_else_then() {
        let stale = "SET k v PXAT 1";
        assert_eq!(exec_after(&[stale, "WATCH k", "SWAPDB 0 1"]), RUNS);
        assert_eq!(exec_after(&["SELECT 1", stale, "SELECT 0", "WATCH k", "SWAPDB 0 1"]), RUNS);
        assert_eq!(exec_after(&[stale, "SELECT 1", stale, "SELECT 0", "WATCH k", "SWAPDB 0 1"]), RUNS);
        assert_eq!(exec_after(&["WATCH k", "SWAPDB 0 1"]), RUNS);
        assert_eq!(exec_after(&["SET k v", "WATCH k", "SWAPDB 0 1"]), BROKEN);
        assert_eq!(exec_after(&["SELECT 1", "SET k v", "SELECT 0", "WATCH k", "SWAPDB 0 1"]), BROKEN);
        assert_eq!(exec_after(&[stale, "SELECT 1", "SET k v", "SELECT 0", "WATCH k", "SWAPDB 0 1"]), BROKEN);
    }

    #[test]
    fn an_exec_that_may_not_run_says_why() {
        clients!(node: one, operator);
        one.ask("MULTI");
        one.ask("SET k v");
        operator.ask("CONFIG SET min-replicas-to-write 1");
        let why = "NOREPLICAS Not enough good replicas to write.";
        assert_eq!(one.ask("EXEC"), format!("-EXECABORT Transaction discarded because of: {why}"));
        assert_eq!(one.ask("SET k v"), format!("-{why}"));
        assert!(!node.shards.lock(0).holds(0, rcl_proto::Slot::MIN, b"k", 0));
    }

    /// Each of its commands would be refused by itself, or else it runs.
    #[test]
    fn an_exec_is_refused_as_its_commands_are() {
        for (state, why) in [
            (
                node_state::STALE,
                "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
            ),
            (node_state::LOADING, "LOADING Redis is loading the dataset in memory"),
        ] {
            clients!(node: one);
            for (queued, runs) in [("GET k", false), ("PING", false), ("CONFIG RESETSTAT", true)] {
                one.ask("MULTI");
                one.ask(queued);
                node.set_state(state, true);
                let answer = one.ask("EXEC");
                node.set_state(state, false);
                let refused = format!("-EXECABORT Transaction discarded because of: {why}");
                assert_eq!(answer, if runs { "*1 +OK".to_owned() } else { refused }, "{queued}");
            }
        }
    }

    #[test]
    fn a_transaction_is_logged_with_the_databases_in_it() {
        clients!(node: one);
        let from = node.replication.offset();
        for line in ["SELECT 1", "MULTI", "SET a 1", "SELECT 2", "SET b 2", "SET c 3", "EXEC", "SET d 4"] {
            one.ask(line);
        }
        let bytes = node.replication.take_from_log(0, from, usize::MAX).unwrap().concat();
        let text = String::from_utf8(bytes).unwrap();
        let words: Vec<&str> = text.split("\r\n").filter(|word| !word.starts_with(['*', '$'])).collect();
        let expected = "MULTI SELECT 1 SET a 1 SELECT 2 SET b 2 SET c 3 EXEC SET d 4 ";
        assert_eq!(words.join(" "), expected);
    }
}
