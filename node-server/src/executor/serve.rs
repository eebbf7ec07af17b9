//! Serving the clients that wait on keys: after the command (or the whole transaction) that brought the keys is through and
//! logged, and before its shards are let go.
//!
//! 1. Keys in the order in which they came; for each its waiters, who came first first, as long as the key has something
//!    of the type that they wait for. Who waits for a key to stay is looked at too when it has gone. Each is looked at once;
//!    who gets nothing waits on, behind all others.
//! 2. What is done for a waiter goes into the log as the command that does not wait (LPOP for BLPOP), behind what came
//!    before.
//! 3. Time has gone on meanwhile: a key whose time has come serves nobody.
//! 4. Serving BLMOVE may bring further keys: they are looked at when these are done.

use std::ops::Range;

use rcl_proto::key_slot;
use rcl_proto::resp::ReplyWriter;

use super::{Request, append_effects, slot_use};
use crate::client::LateReply;
use crate::clock::{self, BatchClock};
use crate::command::{self, Context, find_keys};
use crate::node::Node;
use crate::shard::{Arrival, KeyWaiter, Shard};

/// `laps` is given where it is counted what slots cost.
#[inline]
pub fn serve_waiters(context: &mut Context<'_>, laps: Option<&mut BatchClock>) {
    if !context.data.new_keys.is_empty() {
        serve_keys(context, laps);
    }
}

fn serve_keys(context: &mut Context<'_>, mut laps: Option<&mut BatchClock>) {
    context.data.now_ms = clock::now_ms();
    while !context.data.new_keys.is_empty() {
        for (database, key) in std::mem::take(context.data.new_keys) {
            let before = std::mem::replace(&mut context.data.database, database);
            // A script may have brought keys of several slots.
            if context.node.is_cluster() {
                context.data.slot = key_slot(&key);
            }
            serve_key(context, &key, &mut laps);
            context.data.database = before;
        }
    }
}

fn serve_key(context: &mut Context<'_>, key: &[u8], laps: &mut Option<&mut BatchClock>) {
    let Some(end) = context.data.shard().map(|shard| shard.waiters.next_arrival()) else { return };
    let mut next = 0;
    while let Some((arrival, waiter)) = take_first(context, key, next..end) {
        next = arrival + 1;
        if waiter.wait.is_killed() {
            // CLIENT KILL came before; its connection did not get to end yet.
        } else if touches_departing(context, &waiter) || may_no_more(&waiter) {
            waiter.wait.retry();
        } else {
            serve(context, key, waiter, laps);
        }
    }
}

/// The first of those who came in this time whom the key concerns now; it waits no more.
fn take_first(context: &mut Context<'_>, key: &[u8], came: Range<Arrival>) -> Option<(Arrival, KeyWaiter)> {
    let found = context.data.wanted_at(key);
    let database = context.data.database;
    let waiters = &mut context.data.shard()?.waiters;
    let (arrival, client) = waiters.first(database, key, came, found)?;
    Some((arrival, waiters.remove(client)?))
}

/// The user's rules have changed meanwhile, and do not allow the request now: run again, it is refused at the gate.
fn may_no_more(waiter: &KeyWaiter) -> bool {
    let is_denied = |known| waiter.user.may(&Request::new(known, waiter.args.as_args())).is_err();
    !waiter.user.is_unrestricted() && command::by_name(waiter.spec.name.as_bytes()).is_none_or(is_denied)
}

/// The target of a BLMOVE may be on its way to another node: then the request has to wait for that, like any that writes.
fn touches_departing(context: &mut Context<'_>, waiter: &KeyWaiter) -> bool {
    let Some(shard) = context.data.shard() else { return false };
    let args = waiter.args.as_args();
    let departs = |key: &[u8]| shard.departing.contains(waiter.database, key);
    !shard.departing.is_empty()
        && find_keys(waiter.spec, args).unwrap_or_default().iter().any(|key| departs(&args[key.index]))
}

fn serve(context: &mut Context<'_>, key: &[u8], waiter: KeyWaiter, laps: &mut Option<&mut BatchClock>) {
    let started = clock::monotonic();
    let mut bytes = Vec::new();
    let mut reply = ReplyWriter::new(&mut bytes, waiter.protocol);
    let args = waiter.args.as_args();
    let served = (waiter.serve)(&mut context.data, &mut reply, key, args);
    if let Err(error) = &served {
        reply.rewind(0);
        reply.error(error.text());
    }
    context.keep_effects(args);
    let logged = append_effects(context, laps.is_some());
    if served == Ok(false) {
        if let Some(shard) = context.data.shard() {
            shard.waiters.add(waiter);
        }
        return;
    }
    if let Some(laps) = laps
        && let Some(shard) = context.data.shard()
    {
        let logged_bytes = logged.map_or(0, |logged| logged.bytes);
        slot_use::count_waiter(context.node, shard, &waiter, bytes.len(), laps.lap_ns(), logged_bytes);
    }
    let (last_write, took) = (logged.map(|logged| logged.end), clock::monotonic() - started);
    waiter.wait.end(LateReply { bytes, last_write, closes: false, took });
}

/// Ends the wait of a client on keys of this shard with this error, or as if its time were up. False when it waits there no
/// more: somebody else ended it.
pub fn end_wait(node: &Node, shard: &mut Shard, client: u64, error: Option<&str>) -> bool {
    let Some(waiter) = shard.waiters.remove(client) else { return false };
    let mut bytes = Vec::new();
    let mut reply = ReplyWriter::new(&mut bytes, waiter.protocol);
    match error {
        Some(text) => reply.error(text),
        None => reply.null_array(),
    }
    if node.counts_slots() {
        slot_use::count_waiter(node, shard, &waiter, bytes.len(), 0, 0);
    }
    waiter.wait.reply(bytes);
    true
}

#[cfg(test)]
mod tests;
