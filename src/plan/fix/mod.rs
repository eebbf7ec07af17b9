//! Mending what can be mended without losing anything; and, where that depends, what there is to decide.
//!
//! | what                                             | what is done                                             | decided by |
//! |--------------------------------------------------|----------------------------------------------------------|------------|
//! | a move that stopped on its way                   | it is finished                                           | us         |
//! | a slot marked in any other way, its owner answers | the marks go, keys that lie elsewhere return to it       | us         |
//! | two take a slot for theirs                       | the keys of the one with the lower epoch go to the other | us         |
//! | a slot without an owner, of which a node has keys | the one with most gets it, and the keys of the others    | us         |
//! | likewise, without keys, all nodes answer         | the masters with the fewest slots get it                 | us         |
//! | likewise, a node is silent                       | it may hold them                                         | the user   |
//! | a master is silent, a replica of its answers     | it waits, or is promoted                                 | the user   |
//! | a shard is silent                                | its slots wait, or are given up                          | the user   |
//! | keys that a node does not own                    | stay, return or are deleted                              | the user   |
//! | two masters of one epoch                         | one takes the next                                       | us         |
//! | a dead node that some have forgotten             | all forget it                                            | us         |
//!
//! A key that both sides have is compared when it is moved (`apply/settle.rs`), and stops the move when it differs: a fix never
//! overwrites without a word.

mod choice;
mod work;

use std::collections::BTreeMap;

use rcl_proto::{NodeId, Slot, SlotSet};

use super::{Plan, PlanError};
use crate::health::Strays;
use crate::topology::{Node, Topology};

pub use choice::{Answer, Choice, Choices, LEAVE, Question, options};

/// How many keys of a slot lie on a node, for the slots in question.
pub type KeyCounts = BTreeMap<Slot, BTreeMap<NodeId, u64>>;

/// The slots whose keys have to be counted on all masters before [`plan`].
pub fn slots_in_question(topology: &Topology) -> SlotSet {
    let lost = lost_masters(topology).flat_map(|node| node.slots.iter());
    topology
        .open_slots()
        .iter()
        .map(|open| open.slot)
        .chain(topology.uncovered().iter())
        .chain(lost)
        .collect()
}

/// Masters with slots of which neither they nor a replica answers.
fn lost_masters(topology: &Topology) -> impl Iterator<Item = &Node> {
    let lost = |node: &&Node| {
        !node.answers()
            && node.is_master()
            && !node.slots.is_empty()
            && !topology.replicas_of(node.id).iter().any(|replica| replica.answers())
    };
    topology.nodes.values().filter(lost)
}

#[derive(Clone, Debug)]
pub struct Fix {
    pub plan: Plan,
    /// What nobody has decided yet: it is left as it is.
    pub questions: Vec<Question>,
}

pub fn plan(
    topology: &Topology,
    keys: &KeyCounts,
    strays: &Strays,
    choices: &Choices,
) -> Result<Fix, PlanError> {
    work::Work::new(topology, keys, strays, choices).done()
}

#[cfg(test)]
mod tests;
