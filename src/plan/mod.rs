//! Plans: pure functions from a topology and a wish to steps, with their cost.
//!
//! A plan is shown before it is carried out, and printed by `--dry-run` in the format asked for. Steps are in
//! the order in which they are done; neighbours of the same kind may be done side by side.

mod assignment;
pub mod balance;
pub mod create;
pub mod described;
pub mod drain;
pub mod failover;
pub mod fix;
mod followers;
pub mod forget;
pub mod likeness;
pub mod marks;
pub mod past;
pub mod placement;
pub mod rebalance;
pub mod replace;
pub mod reset;
pub mod reshard;
pub mod resume;
pub mod rolling;
pub mod room;
pub mod scale_down;
pub mod settings;
mod text;
pub mod undo;

#[cfg(test)]
mod properties;

use rcl_proto::{Address, NodeId, SlotSet};
use serde::{Deserialize, Serialize};

pub use text::shown;

use crate::topology::{Measure, Node, Topology};
pub use balance::Balance;

/// A node as a step names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeRef {
    #[serde(with = "text_form")]
    pub id: NodeId,
    #[serde(with = "text_form")]
    pub address: Address,
}

impl NodeRef {
    pub fn of(node: &Node) -> NodeRef {
        NodeRef { id: node.id, address: node.address.clone() }
    }

    pub fn name(&self) -> String {
        format!("{} ({:.8})", self.address, self.id)
    }
}

/// Values that have a text of their own, in JSON as that text.
pub mod text_form {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailoverMode {
    /// The master stops writing, its replica catches up and takes over: nothing is lost.
    Graceful,
    /// The master is not asked; a majority of masters must vote.
    Force,
    /// Nobody is asked.
    Takeover,
}

/// Slots that go from one node to another, with the keys in them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    pub source: NodeRef,
    pub target: NodeRef,
    #[serde(with = "text_form")]
    pub slots: SlotSet,
}

/// A directive of one node, and what it was before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    pub node: NodeRef,
    pub name: String,
    pub before: String,
    pub value: String,
    /// The node's configuration file gets it, too.
    pub rewrite: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// Gives an empty, lone node its first configuration epoch, so that no two masters start with the same.
    SetEpoch {
        node: NodeRef,
        epoch: u64,
    },
    /// Gives a node slots that nobody owns.
    AddSlots {
        node: NodeRef,
        #[serde(with = "text_form")]
        slots: SlotSet,
    },
    /// Loads the functions of one node into another.
    CopyFunctions {
        source: NodeRef,
        target: NodeRef,
    },
    /// Makes `nodes` and `others` know each other, and waits until they do.
    Meet {
        nodes: Vec<NodeRef>,
        others: Vec<NodeRef>,
    },
    /// Makes a node a replica, and waits until it says so.
    Replicate {
        replica: NodeRef,
        master: NodeRef,
    },
    /// Waits until a replica has its master's data and follows what is written.
    AwaitInSync {
        replica: NodeRef,
        master: NodeRef,
    },
    /// Waits until all nodes but those in `except` agree and, where `state_ok`, say that the cluster is ok.
    AwaitAgreement {
        except: Vec<NodeRef>,
        state_ok: bool,
    },
    /// Waits until a node says that the cluster is ok: until then it refuses commands, also for slots it gets.
    AwaitReady {
        node: NodeRef,
    },
    MoveSlots(Move),
    /// Moves keys that lie where they should not back to the owner of their slot.
    ReturnKeys {
        source: NodeRef,
        target: NodeRef,
        #[serde(with = "text_form")]
        slots: SlotSet,
    },
    /// Takes the marks migrating and importing off slots.
    CloseSlots {
        node: NodeRef,
        #[serde(with = "text_form")]
        slots: SlotSet,
    },
    /// Deletes keys of slots that a node does not own, where they lie.
    DeleteKeys {
        node: NodeRef,
        #[serde(with = "text_form")]
        slots: SlotSet,
    },
    /// Gives a master a configuration epoch that no other has.
    BumpEpoch {
        node: NodeRef,
    },
    /// Sets directives of one node as they are on another; the values are read when it is done, and stand nowhere.
    CopySettings {
        source: NodeRef,
        target: NodeRef,
        names: Vec<String>,
    },
    /// Gives a node the ACL users of another, with their passwords' hashes.
    CopyUsers {
        source: NodeRef,
        target: NodeRef,
        names: Vec<String>,
    },
    /// Makes one node the owner of slots in the eyes of all masters.
    SetOwner {
        node: NodeRef,
        #[serde(with = "text_form")]
        slots: SlotSet,
    },
    /// Waits until clients have learnt that a node has no slots any more: while it redirects some, it is needed.
    AwaitQuiet {
        node: NodeRef,
    },
    /// Makes all other nodes forget a node.
    Forget {
        node: NodeRef,
    },
    /// Makes a replica a master without slots and without data, which stays in the cluster.
    Release {
        node: NodeRef,
    },
    /// Makes a node empty, alone, and new.
    Reset {
        node: NodeRef,
    },
    /// Makes a node alone; it keeps its id and its epochs.
    SoftReset {
        node: NodeRef,
    },
    /// Deletes all keys that a node holds.
    FlushAll {
        node: NodeRef,
    },
    /// Neighbours are set on all of their nodes, or on none.
    SetConfig(Setting),
    /// Has a command restart a node, and waits until it is back.
    Restart {
        node: NodeRef,
        /// The command's words, with the node's own in place.
        hook: Vec<String>,
        hook_limit_s: u64,
        back_limit_s: u64,
        /// Also when it owns slots.
        serving: bool,
    },
    Failover {
        replica: NodeRef,
        master: Option<NodeRef>,
        mode: FailoverMode,
    },
}

impl Step {
    /// All nodes that it is about.
    pub fn nodes(&self) -> Vec<&NodeRef> {
        match self {
            Step::SetEpoch { node, .. }
            | Step::AddSlots { node, .. }
            | Step::AwaitReady { node }
            | Step::CloseSlots { node, .. }
            | Step::SetOwner { node, .. }
            | Step::DeleteKeys { node, .. }
            | Step::BumpEpoch { node }
            | Step::AwaitQuiet { node }
            | Step::Forget { node }
            | Step::Release { node }
            | Step::Reset { node }
            | Step::SoftReset { node }
            | Step::FlushAll { node }
            | Step::Restart { node, .. }
            | Step::SetConfig(Setting { node, .. }) => vec![node],
            Step::CopyFunctions { source, target }
            | Step::CopySettings { source, target, .. }
            | Step::CopyUsers { source, target, .. }
            | Step::MoveSlots(Move { source, target, .. })
            | Step::ReturnKeys { source, target, .. } => vec![source, target],
            Step::Meet { nodes, others } => nodes.iter().chain(others).collect(),
            Step::Replicate { replica, master } | Step::AwaitInSync { replica, master } => {
                vec![replica, master]
            }
            Step::AwaitAgreement { except, .. } => except.iter().collect(),
            Step::Failover { replica, master, .. } => std::iter::once(replica).chain(master).collect(),
        }
    }
}

/// What a plan moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    pub slots: u64,
    /// As they were counted by slot, else from how many keys a slot of the source holds on average.
    pub keys: u64,
    /// By the share of the source's keys, or of what its slots were measured to take, in the source's memory.
    pub bytes: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub title: String,
    pub steps: Vec<Step>,
    pub cost: Cost,
    /// What each master carries before and after, where that is what the plan is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<Balance>,
    /// What the user should know before saying yes.
    pub warnings: Vec<String>,
}

impl Plan {
    pub fn new(title: impl Into<String>, steps: Vec<Step>, topology: &Topology) -> Plan {
        let cost = cost(&steps, topology);
        Plan { title: title.into(), steps, cost, ..Plan::default() }
    }

    /// Moves, with a wait before them for each target that would refuse commands for what it gets, and new masters for the replicas of
    /// those who give their last slot.
    pub fn of_moves(
        title: impl Into<String>,
        moves: Vec<Move>,
        topology: &Topology,
    ) -> Result<Plan, PlanError> {
        let emptied = emptied(&moves, topology);
        let (rehomed, mut warnings) = placement::rehome(topology, &emptied, &moves)?;
        for node in emptied {
            warnings.push(format!(
                "{} gives its last slot: since Redis 7 it then follows who took it, as a replica (rcl drain leaves it a \
                 master without slots)",
                node.name()
            ));
        }
        let mut steps = move_steps(moves, topology);
        steps.extend(rehomed);
        let mut plan = Plan::new(title, steps, topology);
        plan.warnings = warnings;
        Ok(plan)
    }

    pub fn moves(&self) -> impl Iterator<Item = &Move> {
        self.steps.iter().filter_map(|step| if let Step::MoveSlots(part) = step { Some(part) } else { None })
    }
}

pub fn move_steps(moves: Vec<Move>, topology: &Topology) -> Vec<Step> {
    let unready = |node: &NodeRef| {
        topology.node(node.id).and_then(|node| node.facts.as_ref()).is_some_and(|facts| !facts.state_ok)
    };
    // Where slots have no owner nobody is ready, and waiting would not help.
    let mut targets: Vec<NodeRef> = moves.iter().map(|part| part.target.clone()).collect();
    targets.retain(|node| unready(node) && topology.uncovered().is_empty());
    targets.sort();
    targets.dedup();
    let waits = targets.into_iter().map(|node| Step::AwaitReady { node });
    waits.chain(moves.into_iter().map(Step::MoveSlots)).collect()
}

/// The masters that own slots, and none when these moves are done.
fn emptied<'a>(moves: &[Move], topology: &'a Topology) -> Vec<&'a Node> {
    let is_emptied = |node: &&Node| {
        let got = moves.iter().filter(|part| part.target.id == node.id);
        let had = got.fold(node.slots.clone(), |had, part| had.union(&part.slots));
        let given = moves.iter().filter(|part| part.source.id == node.id);
        let left = given.fold(had.clone(), |left, part| left.difference(&part.slots));
        !had.is_empty() && left.is_empty()
    };
    topology.masters().into_iter().filter(is_emptied).collect()
}

fn cost(steps: &[Step], topology: &Topology) -> Cost {
    let mut cost = Cost::default();
    for step in steps {
        let Step::MoveSlots(part) = step else { continue };
        let share = share(part, topology);
        cost.slots += share.slots;
        cost.keys = cost.keys.saturating_add(share.keys);
        cost.bytes = cost.bytes.saturating_add(share.bytes);
    }
    cost
}

/// What one move takes of its source: by what is known of its slots, else by their number.
fn share(part: &Move, topology: &Topology) -> Cost {
    let slots = part.slots.len() as u64;
    let known = |measure| topology.slot_use.sum(measure, &part.slots);
    let Some((node, facts)) =
        topology.node(part.source.id).and_then(|node| Some((node, node.facts.as_ref()?)))
    else {
        return Cost {
            slots,
            keys: known(Measure::Keys).unwrap_or(0),
            bytes: known(Measure::Memory).unwrap_or(0),
        };
    };
    let of = |whole: u64, part: u64, all: u64| {
        u64::try_from(u128::from(whole) * u128::from(part) / u128::from(all.max(1))).unwrap_or(u64::MAX)
    };
    // A replica that takes over first gives of what its master has.
    let owner = node.master().and_then(|master| topology.node(master)).unwrap_or(node);
    let owned = owner.slots.len() as u64;
    let keys = known(Measure::Keys).unwrap_or_else(|| of(facts.keys, slots, owned));
    // A node's memory is more than its keys'; that goes with them in proportion.
    let bytes = match (known(Measure::Memory), topology.slot_use.sum(Measure::Memory, &owner.slots)) {
        (Some(moved), Some(all)) => moved.max(of(facts.used_memory_bytes, moved, all)),
        _ if facts.keys == 0 => 0,
        _ => of(facts.used_memory_bytes, keys, facts.keys),
    };
    Cost { slots, keys, bytes }
}

/// Why a wish cannot be turned into a plan: what, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    pub what: String,
    pub next: String,
}

impl PlanError {
    pub fn new(what: impl Into<String>, next: impl Into<String>) -> PlanError {
        PlanError { what: what.into(), next: next.into() }
    }
}

impl From<PlanError> for crate::cli::Failure {
    fn from(error: PlanError) -> crate::cli::Failure {
        crate::cli::Failure::refused(error.what).next(error.next)
    }
}

/// The moves that an earlier run left half done, one for each pair; an error when an open slot is more than that.
pub fn unfinished_moves(topology: &Topology) -> Result<Vec<Move>, PlanError> {
    let mut moves: Vec<Move> = Vec::new();
    for open in topology.open_slots() {
        let refused = || {
            PlanError::new(
                format!("slot {} is open in a way that is more than a half-done move", open.slot),
                "rcl check shows how; rcl fix closes it",
            )
        };
        let (source, target) = open.half_done_move().ok_or_else(refused)?;
        let (source, target) = topology.node(source).zip(topology.node(target)).ok_or_else(refused)?;
        if !source.answers() || !target.answers() || !target.is_master() {
            return Err(refused());
        }
        let (source, target) = (NodeRef::of(source), NodeRef::of(target));
        match moves.iter_mut().find(|part| part.source == source && part.target == target) {
            Some(part) => {
                part.slots.insert(open.slot);
            }
            None => moves.push(Move { source, target, slots: [open.slot].into_iter().collect() }),
        }
    }
    Ok(moves)
}

/// Splits `total` over `weights` in proportion, in whole numbers that add up to `total`. What is left after
/// rounding down goes first to those whose `preference` is above their share then, and among equals to the largest remainders.
pub fn apportion(total: usize, weights: &[f64], preference: &[usize]) -> Vec<usize> {
    let sum: f64 = weights.iter().sum();
    if sum <= 0.0 {
        return vec![0; weights.len()];
    }
    let exact: Vec<f64> = weights.iter().map(|weight| total as f64 * weight / sum).collect();
    // Weights are divided in floating point: a whole number may come out as a little less, and what differs by no more is a tie.
    const NOTHING: f64 = 1e-9;
    let shares: Vec<usize> = exact.iter().map(|share| (share + NOTHING).floor() as usize).collect();
    let mut order: Vec<usize> = (0..weights.len()).filter(|&index| weights[index] > 0.0).collect();
    let remainder = |index: usize| exact[index] - shares[index] as f64;
    let wants = |index: usize| {
        remainder(index) > NOTHING && preference.get(index).is_some_and(|&wish| wish > shares[index])
    };
    order.sort_by(|&a, &b| {
        let (left, right) = (remainder(a), remainder(b));
        let by_remainder =
            if (left - right).abs() < NOTHING { std::cmp::Ordering::Equal } else { right.total_cmp(&left) };
        wants(b).cmp(&wants(a)).then(by_remainder).then(a.cmp(&b))
    });
    let assigned: usize = shares.iter().sum();
    let mut shares = shares;
    for index in order.iter().cycle().take(total.saturating_sub(assigned).min(total)) {
        shares[*index] += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn shares_add_up_and_are_near_what_is_exact(
            total in 0usize..20000, weights in proptest::collection::vec(0.1f64..10.0, 1..20),
        ) {
            let shares = apportion(total, &weights, &[]);
            assert_eq!(shares.iter().sum::<usize>(), total);
            let sum: f64 = weights.iter().sum();
            for (share, weight) in shares.iter().zip(&weights) {
                assert!((*share as f64 - total as f64 * weight / sum).abs() < 1.0 + 1e-6);
            }
        }
    }

    #[test]
    fn on_a_tie_who_has_more_keeps_more() {
        assert_eq!(apportion(16384, &[1.0; 3], &[5461, 5462, 5461]), [5461, 5462, 5461]);
        assert_eq!(apportion(10, &[0.0, 0.0], &[]), [0, 0]);
    }

    #[test]
    fn a_share_that_is_a_whole_number_is_that_number() {
        // In floating point these sum to a little more than 9.6, of which 3 have a little less than 5120 slots.
        let weights = [1.7, 0.5, 1.7, 1.0, 1.7, 3.0];
        assert!(weights.iter().sum::<f64>() > 9.6);
        assert_eq!(apportion(16384, &weights, &[4000, 2000, 4000, 2000, 4000, 384])[5], 5120);
    }
}
