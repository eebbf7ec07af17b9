//! MULTI's queue, and what EXEC must hold.

use std::sync::atomic::Ordering;

use rcl_proto::Slot;

use super::Request;
use super::lock::Wanted;
use crate::client::{Queued, Session};
use crate::command::{CommandError, Locks};
use crate::monitor;
use crate::node::Node;

/// Commands that are not queued in a transaction but act on it.
pub fn acts_at_once(request: &Request<'_>) -> bool {
    let is_subcommand = request.container.is_some();
    !is_subcommand && matches!(request.spec.name, "exec" | "discard" | "multi" | "watch" | "quit" | "reset")
}

pub fn queue(session: &mut Session, request: &Request<'_>, slot: Option<Slot>) {
    let Some(transaction) = &mut session.transaction else { return };
    let args = request.args.to_owned();
    transaction.bytes += args.byte_count();
    transaction.commands.push(Queued { command: request.known(), flags: request.flags, slot, args });
    match (transaction.slot, slot) {
        (Some(before), Some(slot)) if before != slot => transaction.cross_slot = true,
        (None, Some(slot)) => transaction.slot = Some(slot),
        _ => {}
    }
    session.show_state();
}

/// What a client hears of a refusal. An EXEC that may not run says why; where its keys are is told as to any other.
pub fn refusal(request: &Request<'_>, error: CommandError) -> CommandError {
    let is_about_place = matches!(error.code(), "MOVED" | "ASK" | "TRYAGAIN" | "CLUSTERDOWN" | "CROSSSLOT");
    if request.spec.locks != Locks::Transaction || is_about_place {
        return error;
    }
    CommandError::new(format!("EXECABORT Transaction discarded because of: {}", error.text()))
}

/// The gate refused a request: inside MULTI that breaks the transaction; an EXEC that is refused ends it.
pub fn refused(node: &Node, session: &mut Session, request: &Request<'_>) {
    if request.spec.locks == Locks::Transaction {
        if !node.monitors.is_empty() {
            monitor::aborted(node, session, request.spec, request.args);
        }
        discard(node, session);
    } else if let Some(transaction) = &mut session.transaction {
        transaction.broken = true;
    }
}

/// Ends the transaction and the watches.
pub fn discard(node: &Node, session: &mut Session) {
    session.transaction = None;
    unwatch_all(node, session);
}

pub fn unwatch_all(node: &Node, session: &mut Session) {
    for watched in std::mem::take(&mut session.watched) {
        let mut shard = node.shards.lock_slot(watched.slot);
        shard.watchers.remove(watched.database, &watched.key, &session.watch_broken);
    }
    session.watch_broken.store(false, Ordering::Relaxed);
    session.show_state();
}

/// The shards of EXEC: of its keys, of the watched keys, or all when a queued command is about the whole node or the keys lie
/// in several slots.
pub fn wanted(node: &Node, session: &Session, slot: Option<Slot>) -> Wanted {
    let node_wide = session.transaction.as_ref().is_some_and(|transaction| {
        let is_wide = |queued: &Queued| {
            matches!(queued.command.spec.locks, Locks::EachShard | Locks::AllShards | Locks::Script)
        };
        transaction.cross_slot || transaction.commands.iter().any(is_wide)
    });
    let changes_role = |queued: &Queued| queued.command.spec.locks == Locks::Role;
    if !node.is_cluster()
        && session.transaction.as_ref().is_some_and(|it| it.commands.iter().any(changes_role))
    {
        return Wanted::AllAndRole;
    }
    if node_wide {
        return Wanted::All;
    }
    let slots = slot.into_iter().chain(session.watched.iter().map(|watched| watched.slot));
    Wanted::Several(slots.map(|slot| node.shards.index_of(slot)).collect())
}
