//! What became of a job that a journal tells of: the plan it had, held against the cluster as it is.
//!
//! Nothing is taken from the journal alone. A slot of a move is where its owner is; a node that failed meanwhile is stood in
//! for by its replica that took over.

use std::collections::BTreeMap;

use rcl_proto::{NodeId, SlotSet};

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
    /// Of both: marked migrating or importing by somebody.
    pub open: SlotSet,
    /// With somebody else, or nobody.
    pub elsewhere: SlotSet,
}

impl<'a> Standing<'a> {
    pub fn of(part: &Move, topology: &'a Topology, roles: &Roles) -> Standing<'a> {
        let source = stands_for(topology, roles, part.source.id);
        let target = stands_for(topology, roles, part.target.id);
        let marked: SlotSet = topology.open_slots().iter().map(|open| open.slot).collect();
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
        Standing { source, target, left, there, open, elsewhere }
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

/// Slots of the move that the target imports from a node that is not the source any more. As long as it does, it does not
/// hear who owns them now (a node of Redis leaves slots that it imports out when it learns of owners), and may call the
/// cluster down for it. So its marks have to go first; the keys that it has got stay.
fn deaf_imports(part: &Move, topology: &Topology) -> SlotSet {
    let Some(target) = topology.node(part.target.id) else { return SlotSet::EMPTY };
    let deaf =
        target.importing.iter().filter(|(slot, from)| part.slots.contains(*slot) && *from != part.source.id);
    deaf.map(|(slot, _)| *slot).collect()
}

/// What has to be done before moves whose targets do not hear: marks off, and wait until all agree.
pub fn open_ears(moves: &[Move], topology: &Topology) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for part in moves {
        let slots = deaf_imports(part, topology);
        if !slots.is_empty() {
            steps.push(Step::CloseSlots { node: part.target.clone(), slots });
        }
    }
    if !steps.is_empty() {
        steps.push(Step::AwaitAgreement { except: Vec::new(), state_ok: false });
    }
    steps
}

pub fn left_alone(elsewhere: &SlotSet) -> Option<String> {
    (!elsewhere.is_empty()).then(|| {
        format!("{} slots belong to others meanwhile and are left as they are: {elsewhere}", elsewhere.len())
    })
}
