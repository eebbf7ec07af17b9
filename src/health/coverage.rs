//! Has each slot one owner, and is it closed?

use std::collections::BTreeMap;

use rcl_proto::{NodeId, SlotSet};

use super::{Code, Finding, Severity, slots_text};
use crate::topology::{Disagreement, OpenSlot, Topology};

pub fn look(topology: &Topology, entry: &str, found: &mut Vec<Finding>) {
    let fix = format!("rcl fix {entry}");
    let uncovered = topology.uncovered();
    if !uncovered.is_empty() {
        let what = format!("nobody owns {}", slots_text(&uncovered));
        found.push(Finding::new(Severity::Error, Code::UncoveredSlots, what, fix.as_str()));
    }
    two_owners(topology, &fix, found);
    open_slots(topology, &fix, found);
}

/// Who takes slots for its own that belong to another by its higher epoch.
pub fn second_owners(topology: &Topology) -> BTreeMap<(NodeId, NodeId), SlotSet> {
    let mut claims: BTreeMap<(NodeId, NodeId), SlotSet> = BTreeMap::new();
    for disagreement in &topology.disagreements {
        if let Disagreement::Owner { viewer, says: Some(says), owner: Some(owner), slots } = disagreement
            && viewer == says
        {
            let claimed = claims.entry((*says, *owner)).or_default();
            *claimed = claimed.union(slots);
        }
    }
    claims
}

fn two_owners(topology: &Topology, fix: &str, found: &mut Vec<Finding>) {
    for ((second, owner), slots) in by_slot(second_owners(topology)) {
        let epoch = |id| topology.node(id).map_or(0, |node| node.config_epoch);
        let what = format!(
            "{} and {} both take themselves for the owner of {}",
            topology.name(owner),
            topology.name(second),
            slots_text(&slots)
        );
        let finding = Finding::new(Severity::Error, Code::TwoOwners, what, fix);
        found.push(
            finding
                .said(topology.name(owner), format!("mine, by epoch {}", epoch(owner)))
                .said(topology.name(second), format!("mine, by epoch {}", epoch(second))),
        );
    }
}

/// All that is said of an open slot, apart from its number.
type Cause = (Option<NodeId>, Vec<(NodeId, NodeId)>, Vec<(NodeId, NodeId)>);

/// One finding for all slots that are open in the same way.
fn open_slots(topology: &Topology, fix: &str, found: &mut Vec<Finding>) {
    let mut moves: BTreeMap<(NodeId, NodeId), SlotSet> = BTreeMap::new();
    let mut others: BTreeMap<Cause, SlotSet> = BTreeMap::new();
    for open in topology.open_slots() {
        let slots = match open.half_done_move() {
            Some(pair) => moves.entry(pair).or_default(),
            None => others.entry(cause(&open)).or_default(),
        };
        slots.insert(open.slot);
    }
    for ((owner, migrating, importing), slots) in by_slot(others) {
        let owner =
            owner.map_or_else(|| "no owner".to_owned(), |owner| format!("owner {}", topology.name(owner)));
        let what = format!("{} open, {owner}, in a way that no single move explains", slots_text(&slots));
        let mut finding = Finding::new(Severity::Error, Code::OpenSlot, what, fix);
        for (node, to) in migrating {
            finding = finding.said(topology.name(node), format!("migrating to {}", topology.name(to)));
        }
        for (node, from) in importing {
            finding = finding.said(topology.name(node), format!("importing from {}", topology.name(from)));
        }
        found.push(finding.by_address(topology));
    }
    for ((source, target), slots) in by_slot(moves) {
        let what = format!(
            "the move from {} to {} is not finished, {}",
            topology.name(source),
            topology.name(target),
            slots_text(&slots)
        );
        let finding = Finding::new(Severity::Error, Code::UnfinishedMove, what, fix);
        let marked = |marks: &[(rcl_proto::Slot, NodeId)]| {
            marks.iter().filter(|(slot, _)| slots.contains(*slot)).count()
        };
        let said = |id, marks: fn(&crate::topology::Node) -> &[(rcl_proto::Slot, NodeId)]| {
            topology.node(id).map_or(0, |node| marked(marks(node)))
        };
        found.push(
            finding
                .said(topology.name(source), format!("migrating {}", said(source, |node| &node.migrating)))
                .said(topology.name(target), format!("importing {}", said(target, |node| &node.importing))),
        );
    }
}

fn by_slot<T>(groups: BTreeMap<T, SlotSet>) -> Vec<(T, SlotSet)> {
    let mut groups: Vec<(T, SlotSet)> = groups.into_iter().collect();
    groups.sort_by_key(|(_, slots)| slots.iter().next());
    groups
}

fn cause(open: &OpenSlot) -> Cause {
    (open.owner, open.migrating.clone(), open.importing.clone())
}
