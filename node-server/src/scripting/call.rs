//! redis.call: a command of a script.
//!
//! It goes through what Redis looks at inside scripts, in its order: known, its arity, allowed in scripts, on a replica
//! without its master, allowed to the user, allowed to write, memory, the cluster. What it logs is logged when the script is
//! through.
//!
//! A script in a cluster holds the shards of its declared keys. One that declared none locks the shard of the first key that
//! it touches; one that goes beyond what it holds is run again with all shards locked, if it has written nothing yet. One
//! that has written can only take what nobody else holds just then.

use std::sync::atomic::Ordering;

use rcl_proto::resp::{Args, Protocol};
use rcl_proto::{Slot, key_slot};

use super::debugger;
use super::glue::{Called, Words};
use super::run::{End, Run, with_current};
use crate::access::{self, log::Place};
use crate::command::spec::{Group, flag, key_flag};
use crate::command::{CommandError, CommandSpec, Known, Locks, Lookup, Outcome, Park, find_keys, replicated};
use crate::executor::{
    Held, OUT_OF_MEMORY, READ_ONLY, Request, SAVE_FAILED, TOO_FEW_REPLICAS, Wanted, node_state,
};
use crate::pause::PauseLevel;
use crate::routing::{self, Asker, Question};
use crate::shard::HeldLong;

pub const NOT_IN_A_SCRIPT: &str = "ERR redis.call/pcall can only be called inside a script invocation";
const NOT_ALLOWED: CommandError = CommandError::fixed("ERR This Redis command is not allowed from script");
const NOT_LOCAL: CommandError =
    CommandError::fixed("ERR Script attempted to access a non local key in a cluster node");
const TOO_LATE: CommandError = CommandError::fixed(
    "ERR Script attempted to access keys that it had not declared after it had written to others, while these were in use; \
     call it again",
);
const CROSSES_SLOTS: CommandError =
    CommandError::fixed("ERR Script attempted to access keys that do not hash to the same slot");

/// Runs the command that a script gives in these words. An error is a reply like others.
pub fn redis_call(words: &Words) -> Called {
    let args = match check_words(words) {
        Ok(args) => args,
        Err(text) => {
            debugger::error_made(text);
            return Called::Refused(text);
        }
    };
    let called = with_current(|run| match call(run, args) {
        Ok(called) => called,
        Err(error) => {
            run.rewind_reply();
            run.context.reply.error(error.text());
            run.replied()
        }
    });
    called.unwrap_or(Called::Refused(NOT_IN_A_SCRIPT))
}

/// The words of a command, if they are such.
pub fn check_words(words: &Words) -> Result<Args<'_>, &'static str> {
    if words.is_wrong {
        return Err("ERR Lua redis lib command arguments must be strings or integers");
    }
    let args = words.words.as_args();
    if args.is_empty() {
        return Err("ERR Please specify at least one argument for this redis lib call");
    }
    Ok(args)
}

fn call(run: &mut Run<'_, '_>, args: Args<'_>) -> Result<Called, CommandError> {
    if run.end.is_some() {
        return Ok(Called::Ends);
    }
    if run.is_debugged {
        debugger::command_called(args);
    }
    let Lookup::Found(known) = run.context.node.commands.find(args) else {
        let error = CommandError::fixed("ERR Unknown Redis command called from script");
        return Err(refused(run, None, error));
    };
    let spec = known.spec;
    check(run, known, args).map_err(|error| refused(run, Some(spec), error))?;
    if run.is_debugged {
        debugger::bring_data(run, spec, args);
    }
    if run.context.node.is_cluster() && !run.context.session.is_master_link {
        let end = enter_slot(run, spec, args).map_err(|error| refused(run, Some(spec), error))?;
        if end.is_some() {
            run.end = end;
            return Ok(Called::Ends);
        }
    }
    execute(run, spec, args)
}

fn check(run: &Run<'_, '_>, known: Known, args: Args<'_>) -> Result<(), CommandError> {
    let spec = known.spec;
    if !spec.accepts(args.len()) {
        return Err(CommandError::fixed("ERR Wrong number of args calling Redis command from script"));
    }
    let may_not_park = spec.has(flag::ADMIN) && spec.group == Group::Cluster;
    let allows_all = || run.context.node.scripting.allows_all_commands.load(Ordering::Relaxed);
    if spec.has(flag::NOSCRIPT) && !allows_all() || may_not_park {
        return Err(NOT_ALLOWED);
    }
    let session = &run.context.session;
    let state = if session.is_master_link { 0 } else { run.context.node.state() };
    let is = |bit| state & bit != 0;
    if is(node_state::STALE) && !spec.has(flag::STALE) {
        return Err(CommandError::fixed("ERR Can not execute the command on a stale replica"));
    }
    if !session.user.is_unrestricted() {
        let request = Request::new(known, args);
        if let Some(denied) = access::refusal(run.context.node, session, &request, Place::Lua) {
            let text = denied.text(&session.user, &request);
            return Err(CommandError::new(format!("ERR ACL failure in script: {text}")));
        }
    }
    if !run.may_write && spec.has(flag::WRITE | flag::MAY_REPLICATE) {
        return Err(CommandError::fixed("ERR Write commands are not allowed from read-only scripts."));
    }
    if spec.is_write() && !run.wrote {
        if is(node_state::READ_ONLY_REPLICA) {
            return Err(READ_ONLY);
        }
        if is(node_state::SAVE_FAILED) {
            return Err(SAVE_FAILED);
        }
        if is(node_state::TOO_FEW_REPLICAS) {
            return Err(TOO_FEW_REPLICAS);
        }
    }
    let may_fail = !run.allows_oom && !run.wrote && !session.is_master_link;
    if spec.has(flag::DENYOOM) && run.was_out_of_memory && may_fail {
        return Err(OUT_OF_MEMORY);
    }
    Ok(())
}

/// The command's shard is held and its slot is ours, or the script ends or the command fails.
fn enter_slot(
    run: &mut Run<'_, '_>,
    spec: &'static CommandSpec,
    args: Args<'_>,
) -> Result<Option<End>, CommandError> {
    if matches!(spec.locks, Locks::EachShard | Locks::AllShards | Locks::Role) {
        return if run.context.data.holds_all_shards() { Ok(None) } else { widen(run).map(Some) };
    }
    let keys = find_keys(spec, args).unwrap_or_default();
    let mut slots = keys.iter().map(|key| key_slot(&args[key.index]));
    let Some(slot) = slots.next() else { return Ok(None) };
    if slots.any(|other| other != slot) {
        return Err(NOT_LOCAL);
    }
    let node = run.context.node;
    let shard = node.shards.index_of(slot);
    let crosses = !run.may_cross_slots && run.slot.is_some_and(|bound| bound != slot);
    if !run.context.data.holds(shard) {
        if crosses {
            return Err(CROSSES_SLOTS);
        }
        if run.context.data.holds_nothing() {
            let held = Held::for_request(&node.shards, Wanted::One(shard));
            run.context.data.hold(held.map_err(|HeldLong| node.scripting.slow.busy())?);
        } else if !run.hold_one_more(shard) {
            return widen(run).map(Some);
        }
    }
    check_route(run, spec, args, slot)?;
    if crosses {
        return Err(CROSSES_SLOTS);
    }
    run.slot.get_or_insert(slot);
    run.context.data.slot = slot;
    wait_for_its_turn(run, spec, args)
}

/// The script is to be run with all shards locked; from now on at once when it is too late for this time, since it has
/// changed something.
fn widen(run: &mut Run<'_, '_>) -> Result<End, CommandError> {
    run.needs_all_shards = true;
    if run.wrote || !run.context.may_park { Err(TOO_LATE) } else { Ok(End::NeedsAllShards) }
}

fn check_route(
    run: &mut Run<'_, '_>,
    spec: &'static CommandSpec,
    args: Args<'_>,
    slot: Slot,
) -> Result<(), CommandError> {
    let (database, now_ms) = (run.context.session.database, run.context.data.now_ms);
    let asker = Asker { asking: run.context.asking, readonly: run.context.session.readonly };
    let endpoint = run.context.node.settings().cluster_preferred_endpoint_type;
    run.context.data.slot = slot;
    let Some(shard) = run.context.data.shard() else { return Err(NOT_LOCAL) };
    let Some(map) = shard.map.clone() else { return Err(NOT_LOCAL) };
    let is_channel = spec.keys.iter().any(|key| key.flags & key_flag::NOT_KEY != 0);
    let question = Question { spec, is_write: spec.is_write(), slot, is_channel, asker, endpoint };
    let shard = &*shard;
    let routed = routing::route(&map, &question, || {
        let keys = find_keys(spec, args).unwrap_or_default();
        let missing = keys.iter().filter(|key| !shard.holds(database, slot, &args[key.index], now_ms));
        (keys.len(), missing.count())
    });
    routed.map_err(|error| match () {
        () if error == routing::DOWN_FOR_WRITES => CommandError::fixed(
            "ERR Script attempted to execute a write command while the cluster is down and readonly",
        ),
        () if error == routing::DOWN => {
            CommandError::fixed("ERR Script attempted to execute a command while the cluster is down")
        }
        () => NOT_LOCAL,
    })
}

/// What the gate looks at for declared keys: writes may be held back in this shard, and a key may be on its way to another
/// node. Then the script waits and is run again, if it can be.
fn wait_for_its_turn(
    run: &mut Run<'_, '_>,
    spec: &'static CommandSpec,
    args: Args<'_>,
) -> Result<Option<End>, CommandError> {
    if !spec.has(flag::WRITE | flag::MAY_REPLICATE) {
        return Ok(None);
    }
    let database = run.context.session.database;
    let Some(shard) = run.context.data.shard() else { return Ok(None) };
    let is_paused = shard.pause >= PauseLevel::Writes;
    if !is_paused && shard.departing.is_empty() {
        return Ok(None);
    }
    let keys = find_keys(spec, args).unwrap_or_default();
    let departing =
        keys.iter().map(|key| &args[key.index]).find(|key| shard.departing.contains(database, key));
    let departing: Option<Box<[u8]>> = departing.map(Box::from);
    let can_wait = !run.wrote && run.context.may_park;
    if (is_paused || departing.is_some()) && !can_wait {
        return Err(TOO_LATE);
    }
    if is_paused {
        let wait = run.context.session.begin_wait();
        if run.context.node.pause.wait_for_end(&wait, PauseLevel::Writes) {
            return Ok(Some(End::Waits(Park::until(wait))));
        }
    }
    let Some(key) = departing else { return Ok(None) };
    let wait = run.context.session.begin_wait();
    if let Some(shard) = run.context.data.shard() {
        shard.departing.wait_for(database, &key, wait.clone());
    }
    Ok(Some(End::Waits(Park::until(wait))))
}

fn execute(
    run: &mut Run<'_, '_>,
    spec: &'static CommandSpec,
    args: Args<'_>,
) -> Result<Called, CommandError> {
    if spec.is_write() && !run.begin_write() {
        run.end = Some(End::Killed);
        return Ok(Called::Ends);
    }
    run.rewind_reply();
    let replicated = run.replicated;
    let context = &mut *run.context;
    let of_client = context.reply.protocol();
    context.reply.set_protocol(run.protocol);
    context.replicated = replicated;
    let may_park = std::mem::replace(&mut context.may_park, false);
    let result = context.call(spec, args);
    context.may_park = may_park;
    context.replicated = replicated::ALL;
    context.reply.set_protocol(of_client);
    if run.is_debugged {
        match &result {
            Ok(_) => debugger::command_replied(run.context.reply.written_since(run.reply_start)),
            Err(error) => debugger::command_failed(error),
        }
    }
    match result? {
        Outcome::Done => Ok(run.replied()),
        Outcome::Park(_) | Outcome::HandOver(_) => Err(NOT_ALLOWED),
    }
}

/// Errors of a script's commands are counted when they come, whatever the script makes of them.
fn refused(run: &Run<'_, '_>, spec: Option<&'static CommandSpec>, error: CommandError) -> CommandError {
    let node = run.context.node;
    if run.is_debugged {
        debugger::error_made(error.text());
    }
    if let Some(spec) = spec {
        node.command_stats.rejected(spec);
    }
    node.errors.note(error.code());
    node.stats.note_error();
    error
}

/// The protocol version that a number names.
pub fn protocol(number: f64) -> Option<Protocol> {
    match number as i64 {
        2 => Some(Protocol::Resp2),
        3 => Some(Protocol::Resp3),
        _ => None,
    }
}
