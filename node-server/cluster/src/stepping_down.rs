//! Stepping down: a master whose last slot went to another becomes a replica of that one, and so do its replicas.
//!
//! - A master that was failed over steps down at once, and before it says so it tells everybody, on every link, who has
//!   its slots now (an UPDATE, by the winner's new epoch).
//! - A master whose slots were moved away steps down a moment after the last one: by then everybody has heard the new
//!   owner, who tells all nodes when it gets a slot. (An UPDATE would not do: the new owner may have had its epoch
//!   before, and nobody believes an UPDATE with an epoch that it knows.) Its replicas wait as long: whoever moved the
//!   slots may have another master for them, and a replica too many at the winner would make others move.
//!
//! Why: a Redis that hears first that the old owner is a replica now leaves the slots without an owner, and refuses
//! its clients for the whole cluster until it hears the new one, which comes by another way. Source: the
//! specification lets a master follow the winner; the order of the news is ours.

use rcl_proto::NodeId;

use crate::io::LogLevel;
use crate::member::Member;
use crate::node::NodeRef;
use crate::packet::Kind;

/// How long the new owner's news have to be everywhere, and an operator's tool has to say who replicates whom.
const MOMENT_MS: u64 = 1_000;

/// Whom we are going to follow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Successor {
    node: NodeId,
    due_ms: u64,
}

impl Member {
    /// We, or the master that we replicate, have no slot left: `winner` has them.
    pub(crate) fn step_down(&mut self, winner: NodeRef) {
        let called = self.nodes[winner].called();
        let line = format!("Configuration change detected. Reconfiguring myself as a replica of {called}");
        self.log(LogLevel::Warning, line);
        if self.is_master() {
            self.name_winner(winner);
        }
        self.follow(winner);
    }

    pub(crate) fn step_down_in_a_moment(&mut self, winner: NodeRef) {
        let node = self.nodes[winner].id;
        self.successor = Some(Successor { node, due_ms: self.now_ms + MOMENT_MS });
    }

    pub(crate) fn step_down_if_due(&mut self) {
        let Some(successor) = self.successor.filter(|successor| self.now_ms >= successor.due_ms) else {
            return;
        };
        self.successor = None;
        let winner = self.nodes.find(successor.node).filter(|&at| self.nodes[at].is_master());
        let ours = self.myself().master.unwrap_or(self.me);
        if let Some(winner) = winner.filter(|&at| at != ours && self.nodes[ours].slots.is_empty()) {
            // The winner is another shard: our moves are over.
            self.slots.close_all();
            self.step_down(winner);
        }
    }

    /// When we step down without further news.
    pub(crate) fn steps_down_at_ms(&self) -> Option<u64> {
        self.successor.map(|successor| successor.due_ms)
    }

    fn name_winner(&mut self, winner: NodeRef) {
        let bytes = self.update_about(winner);
        for (link, _) in self.links_of_members() {
            self.send(link, Kind::Update, bytes.clone());
        }
    }
}
