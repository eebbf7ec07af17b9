//! What became of a job that a journal tells of: the plan it had, held against the cluster as it is.
//!
//! Nothing is taken from the journal alone. A slot of a move is where its owner is; a node that failed meanwhile is stood in
//! for by its replica that took over.

use std::collections::BTreeMap;

use rcl_proto::{NodeId, SlotSet};

use super::marks::is_of_shard;
use super::{Move, Plan, PlanError, Step};
use crate::topology::{Node, Topology};

/// Who replicated whom when the job began; `None`: a master.
pub type Roles = BTreeMap<NodeId, Option<NodeId>>;

#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    pub plan: &'a Plan,
    /// So many of its steps are done, by the journal's word.
    pub done: usize,
    pub roles: &'a Roles,
}

impl Past<'_> {
    /// The step gives a promotion back that an earlier one made.
    pub fn gives_back(&self, index: usize) -> bool {
        let steps = &self.plan.steps;
        steps[..index].iter().any(|earlier| is_reverse(earlier, &steps[index]))
    }

    /// It joined the cluster by this job.
    pub fn is_newcomer(&self, id: NodeId) -> bool {
        let meets =
            |step: &Step| matches!(step, Step::Meet { nodes, .. } if nodes.iter().any(|node| node.id == id));
        self.plan.steps.iter().any(meets)
    }

    /// The job gives its place to a replica of its.
    pub fn is_replaced(&self, id: NodeId) -> bool {
        let gives =
            |step: &Step| matches!(step, Step::Failover { master: Some(master), .. } if master.id == id);
        self.plan.steps.iter().any(gives)
    }

    /// A later step gives back the promotion that this one makes.
    pub fn is_given_back(&self, index: usize) -> bool {
        let steps = &self.plan.steps;
        steps[index + 1..].iter().any(|later| is_reverse(&steps[index], later))
    }
}

fn is_reverse(one: &Step, other: &Step) -> bool {
    match (one, other) {
        (
            Step::Failover { replica, master: Some(master), .. },
            Step::Failover { replica: back, master: Some(from), .. },
        ) => replica.id == from.id && master.id == back.id,
        _ => false,
    }
}

/// The master that is now what `id` was: itself, or who took its slots over when it failed.
pub fn stands_for<'a>(topology: &'a Topology, roles: &Roles, id: NodeId) -> Option<&'a Node> {
    let serving = |node: &&Node| node.answers() && node.is_master();
    let took_over = |node: &&Node| roles.get(&node.id) == Some(&Some(id)) && !node.slots.is_empty();
    let successor = || topology.masters().into_iter().find(|node| took_over(node) && serving(node));
    let heir = match topology.node(id) {
        // One that was just replaced may be a master for a moment yet, of nothing.
        Some(node) if serving(&node) => {
            return successor().filter(|_| node.slots.is_empty()).or(Some(node));
        }
        Some(node) => node.master(),
        None => None,
    };
    if let Some(heir) = heir.and_then(|heir| topology.node(heir)) {
        return Some(heir).filter(serving);
    }
    successor()
}

/// Where the slots of a move are now.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    pub source: Option<&'a Node>,
    pub target: Option<&'a Node>,
    /// With the source.
    pub left: SlotSet,
    /// With the target.
    pub there: SlotSet,
    /// Of both: marked migrating or importing by source or target.
    pub open: SlotSet,
    /// Of those that are left: on their way to another master of the target's shard, to which the source sends its clients.
    pub diverted: Vec<(&'a Node, SlotSet)>,
    /// With somebody else, or nobody.
    pub elsewhere: SlotSet,
}

impl<'a> Standing<'a> {
    pub fn of(part: &Move, topology: &'a Topology, roles: &Roles) -> Standing<'a> {
        let source = stands_for(topology, roles, part.source.id);
        let target = stands_for(topology, roles, part.target.id);
        let marked = |node: &Node| {
            let marks = node.migrating.iter().chain(&node.importing);
            marks.map(|(slot, _)| *slot).collect::<SlotSet>()
        };
        let ends = [source, target];
        let ends = ends.iter().flatten().filter(|node| node.is_master());
        let marked = ends.fold(SlotSet::EMPTY, |all, node| all.union(&marked(node)));
        let [mut left, mut there, mut elsewhere] = [const { SlotSet::EMPTY }; 3];
        for slot in part.slots.iter() {
            let owner = topology.owner(slot);
            let has_it = |node: Option<&Node>, once: NodeId| {
                owner.is_some_and(|owner| owner == once || node.is_some_and(|node| node.id == owner))
            };
            let set = if has_it(target, part.target.id) {
                &mut there
            } else if has_it(source, part.source.id) {
                &mut left
            } else {
                &mut elsewhere
            };
            set.insert(slot);
        }
        let open = left.union(&there).intersection(&marked);
        let diverted = diverted(part, topology, roles, source, target, &left);
        Standing { source, target, left, there, open, elsewhere, diverted }
    }

    /// Both ends, when keys are still to go from one to the other.
    pub fn ends(&self, part: &Move) -> Result<(&'a Node, &'a Node), PlanError> {
        let gone = |name: String| {
            PlanError::new(
                format!("{name} does not answer, and no replica of its has taken over"),
                "start it again, or let a replica take over (rcl failover REPLICA --force), then ask again",
            )
        };
        let source = self.source.ok_or_else(|| gone(part.source.name()))?;
        let target = self.target.ok_or_else(|| gone(part.target.name()))?;
        if source.id == target.id {
            return Err(PlanError::new(
                format!(
                    "{} is no master of its own any more: it follows {}",
                    part.source.name(),
                    target.name()
                ),
                "it gave its last slot away: take it out (rcl scale-down) and add it again, then rebalance",
            ));
        }
        Ok((source, target))
    }
}

/// Slots that are half moved from one shard to another, whoever moves them there.
pub fn on_their_way(from: NodeId, to: NodeId, topology: &Topology, roles: &Roles) -> SlotSet {
    let is_it = |(source, target): (NodeId, NodeId)| {
        // A source that gave its last slot is of its target's shard.
        let is_reverse = source == to && target == from;
        let of_shards =
            is_of_shard(source, from, topology, roles) && is_of_shard(target, to, topology, roles);
        of_shards && !is_reverse
    };
    let open = topology.open_slots().into_iter().filter(|open| {
        let exports = open.migrating.iter().copied();
        exports.chain(open.importing.iter().map(|(target, source)| (*source, *target))).any(is_it)
    });
    open.map(|open| open.slot).collect()
}

/// The target was replaced in mid-move, and came back: the source may have heard of its heir, and clients write new keys of these slots there. So there
/// they go, too.
fn diverted<'a>(
    part: &Move,
    topology: &'a Topology,
    roles: &Roles,
    source: Option<&Node>,
    target: Option<&Node>,
    left: &SlotSet,
) -> Vec<(&'a Node, SlotSet)> {
    let (Some(source), Some(target)) = (source, target) else { return Vec::new() };
    let mut diverted: BTreeMap<NodeId, SlotSet> = BTreeMap::new();
    for (slot, to) in source.migrating.iter().filter(|(slot, _)| left.contains(*slot)) {
        if *to != target.id && is_of_shard(*to, part.target.id, topology, roles) {
            diverted.entry(*to).or_default().insert(*slot);
        }
    }
    let imports = |node: &Node, slots: &SlotSet| {
        let from_it = node.importing.iter().filter(|(_, from)| *from == source.id).map(|(slot, _)| *slot);
        slots.intersection(&from_it.collect())
    };
    let heirs = diverted.into_iter().filter_map(|(id, slots)| {
        let heir = topology.node(id).filter(|node| node.answers() && node.is_master())?;
        Some((heir, imports(heir, &slots)))
    });
    heirs.filter(|(_, slots)| !slots.is_empty()).collect()
}

pub fn left_alone(elsewhere: &SlotSet) -> Option<String> {
    (!elsewhere.is_empty()).then(|| {
        format!("{} slots belong to others meanwhile and are left as they are: {elsewhere}", elsewhere.len())
    })
}
