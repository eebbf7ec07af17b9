//! Role changes: to follow a master, to follow another one, to lead.
//!
//! 1. Whatever followed a master before is stopped, and what it was applying is done.
//! 2. Under all shard locks the role changes: from one instant to the next writes are logged here, or are not.
//! 3. The history goes on: a node that begins to lead gives it a new id, and keeps the old one as the second.
//!    One that begins to follow asks the master by its own history; only if that fails it takes a full copy.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{MutexGuard, PoisonError, Replication, cron, new_id, wait};
use crate::clock;
use crate::executor::{Held, node_state};
use crate::node::Node;
use crate::oom_score;
use crate::persistence::aof;

/// What [`follow`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed {
    Begun,
    /// It follows this very address already.
    Already,
}

/// What clients get that wait for something a master does, when it is one no longer; their connections end.
pub const NO_LONGER_MASTER: &str =
    "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)";

/// Follows `host:port` from now on. Waits for shard locks: not for the control thread.
pub fn follow(node: &Arc<Node>, host: &str, port: u16) -> Followed {
    let _role = lock_role(&node.replication);
    follow_locked(node, host, port)
}

/// The same for who has the role locked.
pub fn follow_locked(node: &Arc<Node>, host: &str, port: u16) -> Followed {
    let replication = &node.replication;
    if replication.is_replica() && replication.upstream.follows(host, port) {
        return Followed::Already;
    }
    let generation = replication.upstream.stop();
    let applied = replication.lock_applying();
    if !replication.is_replica() {
        let mut held = Held::all(&node.shards);
        replication.replica.store(true, Ordering::Release);
        replication.refresh_logging();
        refresh_state(node);
        held.each(|shard| shard.waiters.disconnect_all(NO_LONGER_MASTER));
        drop(held);
        let knows_its_place = replication.lock_log().is_active();
        replication.upstream.set_in_sync(knows_its_place);
        wait::disconnect_all(node);
    }
    drop(applied);
    // For CONFIG REWRITE.
    node.lock_config().record_replica_of(Some((host, port)));
    tracing::info!(host, port, "following a master");
    replication.upstream.begin(node, host, port, generation);
    refresh_state(node);
    adjust_oom_score(node);
    Followed::Begun
}

/// Follows nobody from now on; the data and the history stay. Waits for shard locks: not for the control thread.
pub fn lead(node: &Arc<Node>) {
    let _role = lock_role(&node.replication);
    lead_locked(node);
}

/// The same for who has the role locked.
pub fn lead_locked(node: &Arc<Node>) {
    let replication = &node.replication;
    if !replication.is_replica() {
        return;
    }
    replication.upstream.stop();
    // What was received is applied, or is not; nothing comes after this.
    let applied = replication.lock_applying();
    let held = Held::all(&node.shards);
    replication.with_log(|log| {
        let history = log.history();
        let next = if replication.upstream.is_in_sync() {
            history.continued_as(new_id(), log.end())
        } else {
            // A copy that was not complete continues nothing.
            super::History::new(new_id())
        };
        tracing::info!(id = %next.id, offset = log.end(), "leading: the history goes on under a new id");
        log.continue_as(next);
        log.forget_database();
    });
    replication.disconnect_replicas();
    replication.upstream.forget();
    node.replica_keys.forget();
    replication.replica.store(false, Ordering::Release);
    replication.refresh_logging();
    replication.no_replicas_since_ms.store(clock::now_ms(), Ordering::Release);
    drop(held);
    drop(applied);
    node.lock_config().record_replica_of(None);
    // A copy that was not complete may have ended it.
    aof::restart_after_copy(node);
    refresh_state(node);
    adjust_oom_score(node);
}

/// A replica's may be another than a master's. Its failure is in the log.
fn adjust_oom_score(node: &Node) {
    let _ = oom_score::adjust(node, &node.settings());
}

impl Replication {
    /// The data became others without a word in the log: they are of no history yet. Whoever followed them, or is
    /// followed next, gives or takes a full copy. The caller holds all shards.
    pub fn begin_anew(&self) {
        self.with_log(|log| {
            log.continue_as(super::History::new(new_id()));
            log.forget_database();
        });
        self.upstream.set_in_sync(false);
        self.disconnect_replicas();
    }
}

/// Brings the states that refuse commands up to date.
pub fn refresh_state(node: &Node) {
    let settings = node.settings();
    let is_replica = node.replication.is_replica();
    node.set_state(node_state::READ_ONLY_REPLICA, is_replica && settings.replica_read_only);
    let stale = is_replica && !settings.replica_serve_stale_data && !node.replication.standing().link_up;
    node.set_state(node_state::STALE, stale);
    drop(settings);
    cron::count_good_replicas(node);
}

pub fn lock_role(replication: &Replication) -> MutexGuard<'_, ()> {
    replication.role.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::{History, new_id};
    use super::*;
    use crate::executor::in_memory;

    /// The cluster hears of the offset, which says how good a replica's data are.
    #[test]
    fn a_replica_whose_data_are_of_no_history_has_no_offset() {
        let node = in_memory::node();
        let offset = || node.replication.standing().offset;
        node.replication.with_log(|log| log.restart_at(History::new(new_id()), 7, Some(0)));
        assert_eq!(offset(), 7);
        follow(&node, "127.0.0.1", 1);
        assert_eq!(offset(), 7, "it may go on from there");
        node.replication.begin_anew();
        assert_eq!(offset(), 0);
        lead(&node);
        assert_eq!(offset(), node.replication.offset());
    }
}
