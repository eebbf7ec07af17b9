//! What is wrong with a cluster, how bad it is, who says so, and what mends it.
//!
//! Pure: findings follow from a [`Topology`] and from what was asked besides ([`Strays`], [`Ground`]). Each group has its file:
//!
//! | file            | asks                                                               | verb   |
//! |-----------------|--------------------------------------------------------------------|--------|
//! | `coverage.rs`   | does each slot have one owner, and is it closed?                   | check  |
//! | `silence.rs`    | who does not answer, and who could stand in?                       | check  |
//! | `views.rs`      | do the nodes see the same, and each other?                         | check  |
//! | `replicas.rs`   | has each master a replica that follows, somewhere else?            | check  |
//! | `strays.rs`     | are there keys where nobody looks for them?                        | check  |
//! | `reach.rs`      | do announced addresses and bus ports answer, and soon?             | doctor |
//! | `access.rs`     | who gets in?                                                       | doctor |
//! | `memory.rs`     | memory, disks, backlogs                                            | doctor |
//! | `agreement.rs`  | are versions and settings the same?                                | doctor |

mod access;
mod agreement;
mod code;
mod coverage;
mod ground;
mod memory;
mod reach;
mod replicas;
mod silence;
mod strays;
mod views;

use rcl_proto::{NodeId, SlotSet};
use serde::Serialize;

use crate::output::number_of;
use crate::topology::Topology;

pub use code::Code;
pub use coverage::second_owners;
pub use ground::{Door, Ground, NodeGround, SETTINGS_OF_NOTE};
pub use silence::ghosts;
pub use strays::Strays;
pub use views::shared_epochs;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Data is out of reach, or soon may be.
    Error,
    /// It works, with less safety than it should have.
    Warning,
    /// Somebody should have decided it so.
    Notice,
}

/// The word of one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    pub node: String,
    pub says: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    pub code: Code,
    pub what: String,
    pub evidence: Vec<Evidence>,
    /// The command or the deed that mends it.
    pub mend: String,
}

impl Finding {
    fn new(severity: Severity, code: Code, what: impl Into<String>, mend: impl Into<String>) -> Finding {
        Finding { severity, code, what: what.into(), evidence: Vec::new(), mend: mend.into() }
    }

    #[must_use]
    fn said(mut self, node: impl Into<String>, says: impl Into<String>) -> Finding {
        self.evidence.push(Evidence { node: node.into(), says: says.into() });
        self
    }

    /// Who says what in the order of their addresses: so the same trouble reads the same each time, whatever ids the nodes have.
    #[must_use]
    fn by_address(mut self, topology: &Topology) -> Finding {
        let nodes = topology.by_address();
        let place = |evidence: &Evidence| nodes.iter().position(|node| node.name() == evidence.node);
        self.evidence.sort_by_cached_key(place);
        self
    }
}

/// Of the cluster's structure; the worst first. `entry` is put into the commands that mend.
pub fn structure(topology: &Topology, strays: &Strays, entry: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    silence::look(topology, entry, &mut found);
    coverage::look(topology, entry, &mut found);
    views::look(topology, entry, &mut found);
    replicas::look(topology, entry, &mut found);
    strays::look(topology, strays, entry, &mut found);
    sorted(found)
}

/// Of what it stands on.
pub fn foundation(topology: &Topology, ground: &Ground, entry: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    reach::look(topology, ground, &mut found);
    access::look(topology, ground, entry, &mut found);
    memory::look(topology, ground, entry, &mut found);
    agreement::look(topology, ground, entry, &mut found);
    sorted(found)
}

fn sorted(mut found: Vec<Finding>) -> Vec<Finding> {
    found.sort_by_key(|finding| finding.severity);
    found
}

/// `3 slots: 1-3`, of many ranges the first only.
fn slots_text(slots: &SlotSet) -> String {
    const SHOWN: usize = 8;
    let ranges = slots.ranges();
    let mut text: Vec<String> = ranges.iter().take(SHOWN).map(ToString::to_string).collect();
    if ranges.len() > SHOWN {
        text.push(format!("and {} ranges more", ranges.len() - SHOWN));
    }
    let noun = if slots.len() == 1 { "slot" } else { "slots" };
    format!("{} {noun}: {}", slots.len(), text.join(" "))
}

/// The names of nodes, of many the first only.
fn names(topology: &Topology, nodes: &[NodeId]) -> String {
    const SHOWN: usize = 4;
    let mut nodes = nodes.to_vec();
    nodes.sort_by_key(|id| topology.node(*id).map(|node| &node.address));
    let mut text: Vec<String> = nodes.iter().take(SHOWN).map(|id| topology.name(*id)).collect();
    if nodes.len() > SHOWN {
        text.push(number_of(nodes.len() - SHOWN, "other"));
    }
    match text.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => text.concat(),
    }
}

#[cfg(test)]
mod tests;
