//! Role changes: to follow a master, to follow another one, to lead.
//!
//! 1. Whatever followed a master before is stopped, and what it was applying is done.
//! 2. Under all shard locks the role changes: from one instant to the next writes are logged here, or are not.
//! 3. The history goes on: a node that begins to lead gives it a new id, and keeps the old one as the second.
//!    One that begins to follow asks the master by its own history; only if that fails it takes a full copy.

use std::sync::atomic::Ordering;
use std::sync::{Arc, TryLockError};
use std::thread;
use std::time::Duration;

use super::{MutexGuard, PoisonError, Replication, cron, new_id, wait};
use crate::clock;
use crate::command::Data;
use crate::executor::{Held, node_state};
use crate::node::Node;
use crate::oom_score;
use crate::persistence::aof;
use crate::shard::Shard;

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

const MOMENT: Duration = Duration::from_micros(100);

/// What a command holds that changes the role in its turn, REPLICAOF, before it takes all shards: so it may be one of a
/// transaction.
#[derive(Debug)]
pub struct RoleHeld<'a> {
    // Let go in this order.
    _applying: MutexGuard<'a, ()>,
    _role: MutexGuard<'a, ()>,
}

impl<'a> RoleHeld<'a> {
    /// The caller holds no shard. `None` while a copy of the master's data is loaded, which is not waited for.
    pub fn take(node: &'a Node) -> Option<RoleHeld<'a>> {
        let role = lock_role(&node.replication);
        loop {
            match node.replication.applying.try_lock() {
                Ok(applying) => return Some(RoleHeld { _applying: applying, _role: role }),
                Err(TryLockError::Poisoned(poisoned)) => {
                    return Some(RoleHeld { _applying: poisoned.into_inner(), _role: role });
                }
                Err(TryLockError::WouldBlock) if node.state() & node_state::LOADING != 0 => return None,
                Err(TryLockError::WouldBlock) => thread::sleep(MOMENT),
            }
        }
    }
}

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
        stop_leading(node, |visit| held.each(visit));
    }
    drop(applied);
    go_after(node, host, port, generation);
    Followed::Begun
}

/// The same for a command that holds the role and all shards ([`RoleHeld`]).
pub fn follow_in_command(node: &Arc<Node>, data: &mut Data<'_>, host: &str, port: u16) -> Followed {
    let replication = &node.replication;
    if replication.is_replica() && replication.upstream.follows(host, port) {
        return Followed::Already;
    }
    let generation = replication.upstream.stop();
    if !replication.is_replica() {
        stop_leading(node, |visit| data.each_shard(visit));
    }
    go_after(node, host, port, generation);
    Followed::Begun
}

/// All shards are held, and `each_shard` shows them.
fn stop_leading(node: &Node, each_shard: impl FnOnce(fn(&mut Shard))) {
    let replication = &node.replication;
    replication.replica.store(true, Ordering::Release);
    replication.refresh_logging();
    refresh_state(node);
    each_shard(|shard| shard.waiters.disconnect_all(NO_LONGER_MASTER));
    let knows_its_place = replication.lock_log().is_active();
    replication.upstream.set_in_sync(knows_its_place);
    wait::disconnect_all(node);
}

fn go_after(node: &Arc<Node>, host: &str, port: u16, generation: u64) {
    // For CONFIG REWRITE.
    node.lock_config().record_replica_of(Some((host, port)));
    tracing::info!(host, port, "following a master");
    node.replication.upstream.begin(node, host, port, generation);
    refresh_state(node);
    adjust_oom_score(node);
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
    begin_to_lead(node);
    drop(held);
    drop(applied);
    settle_as_master(node);
}

/// The same for a command that holds the role and all shards ([`RoleHeld`]).
pub fn lead_in_command(node: &Arc<Node>) {
    if node.replication.is_replica() {
        node.replication.upstream.stop();
        begin_to_lead(node);
        settle_as_master(node);
    }
}

/// All shards are held.
fn begin_to_lead(node: &Node) {
    let replication = &node.replication;
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
}

fn settle_as_master(node: &Arc<Node>) {
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
    use crate::executor::in_memory::{self, clients, logged};

    /// And what was done before it was done as what the node was then.
    #[test]
    fn in_a_transaction_the_role_changes_in_its_turn() {
        clients!(node: one);
        let from = node.replication.offset();
        for line in
            ["MULTI", "SET a 1", "REPLICAOF 127.0.0.1 1", "ROLE", "REPLICAOF NO ONE", "ROLE", "SET b 2"]
        {
            one.ask(line);
        }
        let answer = one.ask("EXEC");
        let roles: Vec<_> = answer.split(' ').filter(|word| ["slave", "master"].contains(word)).collect();
        assert_eq!(roles, ["slave", "master"], "{answer}");
        assert!(answer.starts_with("*6 +OK +OK *5 $5 slave $9 127.0.0.1 :1 "), "{answer}");
        assert!(answer.ends_with(" +OK"), "{answer}");
        assert_eq!(logged(&node, from), ["SET a 1", "SET b 2"]);
        assert_eq!(one.ask("REPLICAOF 127.0.0.1 1"), "+OK");
        assert_eq!(one.ask("REPLICAOF 127.0.0.1 1"), "+OK Already connected to specified master");
        assert!(node.replication.is_replica());
        assert_eq!(one.ask("REPLICAOF NO ONE"), "+OK");
    }

    #[test]
    fn a_load_is_not_waited_for() {
        let node = in_memory::node();
        let applying = node.replication.lock_applying();
        node.set_state(node_state::LOADING, true);
        assert!(RoleHeld::take(&node).is_none());
        drop(applying);
        assert!(RoleHeld::take(&node).is_some());
    }

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
