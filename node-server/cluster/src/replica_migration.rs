//! Replica migration: a replica that its master can spare goes to a master that has none left.
//!
//! Only while the cluster is ok. An orphan is a working master with slots and without a working replica, that
//! had one once (or took over a master that had; or got its first slot when others had replicas). It must
//! have been so for 5 s, so that after a failover its own replicas have the time to come. We go if our master
//! keeps at least `cluster-migration-barrier` working replicas, no master has more of them than ours, and
//! ours is the smallest id among the replicas of the masters that have as many. Source: the specification,
//! "Replica migration".

use crate::io::LogLevel;
use crate::member::Member;
use crate::node::{Node, NodeRef};
use crate::packet::Flags;

const ORPHANED_FOR_MS: u64 = 5_000;

impl Member {
    pub(crate) fn consider_replica_migration(&mut self) {
        let orphans = self.note_orphans();
        let Some(mine) = self.myself().master else { return };
        let may_go = self.config.allow_replica_migration && !self.loading.is_going_on();
        if orphans.is_empty() || !may_go || !self.health.is_ok() {
            return;
        }
        let working = |at: NodeRef| self.working_replicas(&self.nodes[at]);
        let most = self.nodes.iter().filter(|(_, node)| node.is_master()).map(|(at, _)| working(at)).max();
        let unsuspected = |&at: &NodeRef| !self.nodes[at].flags.any(Flags::FAIL.or(Flags::PFAIL));
        let spare = self.nodes[mine].replicas.iter().copied().filter(|at| unsuspected(at)).count();
        if spare <= self.config.migration_barrier || most != Some(working(mine)) || working(mine) < 2 {
            return;
        }
        let candidates =
            self.nodes.iter().filter(|(at, node)| node.is_master() && Some(working(*at)) == most);
        let smallest =
            candidates.flat_map(|(_, node)| node.replicas.iter().map(|&at| self.nodes[at].id)).min();
        let due = |at: &NodeRef| self.now_ms.saturating_sub(self.nodes[*at].orphaned_ms) > ORPHANED_FOR_MS;
        if smallest == Some(self.id())
            && let Some(target) = orphans.into_iter().find(due)
        {
            let called = self.nodes[target].called();
            self.log(LogLevel::Warning, format!("Migrating to orphaned master {called}"));
            self.slots.close_all();
            self.follow(target);
        }
    }

    /// Notes since when masters have been orphans, and gives those that are.
    fn note_orphans(&mut self) -> Vec<NodeRef> {
        let now_ms = self.now_ms;
        let is_orphan = |node: &Node| {
            node.is_voter()
                && !node.is_failed()
                && node.flags.any(Flags::MIGRATE_TO)
                && self.working_replicas(node) == 0
        };
        let orphans: Vec<NodeRef> =
            self.nodes.iter().filter(|(_, node)| is_orphan(node)).map(|(at, _)| at).collect();
        for (at, node) in self.nodes.iter_mut() {
            match orphans.contains(&at) {
                true if node.orphaned_ms == 0 => node.orphaned_ms = now_ms,
                true => {}
                false => node.orphaned_ms = 0,
            }
        }
        orphans
    }

    fn working_replicas(&self, node: &Node) -> usize {
        node.replicas.iter().filter(|&&at| !self.nodes[at].is_failed()).count()
    }
}
