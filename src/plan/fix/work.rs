//! What is to be done, gathered by kind and put in an order in which nothing is lost.

use std::collections::BTreeMap;

use rcl_proto::{NodeId, Slot, SlotSet};

use super::choice::{Choices, Question};
use super::{Fix, KeyCounts, lost_masters};
use crate::health::{Code, Strays, ghosts, second_owners, shared_epochs};
use crate::plan::{FailoverMode, Move, NodeRef, Plan, PlanError, Step};
use crate::topology::{Node, OpenSlot, Topology};

pub struct Work<'a> {
    topology: &'a Topology,
    keys: &'a KeyCounts,
    strays: &'a Strays,
    choices: &'a Choices,
    promote: Vec<Step>,
    close: BTreeMap<NodeId, SlotSet>,
    assign: BTreeMap<NodeId, SlotSet>,
    give_back: BTreeMap<(NodeId, NodeId), SlotSet>,
    finish: BTreeMap<(NodeId, NodeId), SlotSet>,
    delete: BTreeMap<NodeId, SlotSet>,
    bump: Vec<NodeId>,
    forget: Vec<NodeId>,
    questions: BTreeMap<Code, Vec<String>>,
    warnings: Vec<String>,
}

impl<'a> Work<'a> {
    pub fn new(
        topology: &'a Topology,
        keys: &'a KeyCounts,
        strays: &'a Strays,
        choices: &'a Choices,
    ) -> Work<'a> {
        Work {
            topology,
            keys,
            strays,
            choices,
            promote: Vec::new(),
            close: BTreeMap::new(),
            assign: BTreeMap::new(),
            give_back: BTreeMap::new(),
            finish: BTreeMap::new(),
            delete: BTreeMap::new(),
            bump: Vec::new(),
            forget: Vec::new(),
            questions: BTreeMap::new(),
            warnings: Vec::new(),
        }
    }

    pub fn done(mut self) -> Result<Fix, PlanError> {
        self.silent_masters();
        let given_up = self.lost_shards();
        self.open_slots(&given_up);
        self.second_owners();
        self.cover(&given_up)?;
        self.stray_keys();
        self.epochs();
        self.forget.extend(ghosts(self.topology).map(|node| node.id));
        let questions = std::mem::take(&mut self.questions);
        let questions = questions.into_iter().map(|(code, about)| Question { code, about }).collect();
        Ok(Fix { plan: self.into_plan(), questions })
    }

    /// What was chosen; `None`, and a question, where nothing was.
    fn chosen(&mut self, code: Code, about: String) -> Option<&'static str> {
        let chosen = self.choices.of(code);
        if chosen.is_none() {
            self.questions.entry(code).or_default().push(about);
        }
        chosen
    }

    fn silent_masters(&mut self) {
        let topology = self.topology;
        let voters = topology.masters().into_iter().filter(|node| !node.slots.is_empty());
        let (answer, silent): (Vec<&Node>, Vec<&Node>) = voters.partition(|node| node.answers());
        let majority = answer.len() > silent.len();
        for master in silent {
            let replicas = topology.replicas_of(master.id);
            let offset = |node: &&&Node| node.facts.as_ref().map_or(0, |facts| facts.replication_offset);
            let Some(heir) = replicas.iter().filter(|node| node.answers()).max_by_key(offset) else {
                continue;
            };
            let about = format!("{} does not answer, and its replica {} does", master.name(), heir.name());
            if self.chosen(Code::MasterSilent, about) == Some("promote") {
                let mode = if majority { FailoverMode::Force } else { FailoverMode::Takeover };
                self.promote.push(Step::Failover {
                    replica: NodeRef::of(heir),
                    master: Some(NodeRef::of(master)),
                    mode,
                });
            }
        }
    }

    /// Their slots, where they are given up.
    fn lost_shards(&mut self) -> SlotSet {
        let topology = self.topology;
        let mut given_up = SlotSet::EMPTY;
        for master in lost_masters(topology) {
            let about =
                format!("{} slots of {}, no replica of which answers", master.slots.len(), master.name());
            if self.chosen(Code::LostShard, about) == Some("give-up") {
                given_up = given_up.union(&master.slots);
                self.forget.push(master.id);
                self.forget.extend(topology.replicas_of(master.id).iter().map(|replica| replica.id));
                self.warnings.push(format!(
                    "the keys in {} slots of {} are lost, but for what other nodes hold of them; should it come back, it is \
                     no part of the cluster, and what it has can be brought in (rcl import)",
                    master.slots.len(),
                    master.name()
                ));
            }
        }
        given_up
    }

    fn open_slots(&mut self, given_up: &SlotSet) {
        let topology = self.topology;
        for open in topology.open_slots() {
            match open.owner.and_then(|owner| topology.node(owner)) {
                Some(_) if given_up.contains(open.slot) => self.unmark(&open),
                Some(owner) if owner.answers() => self.close(&open, owner),
                Some(owner) => self.warnings.push(format!(
                    "slot {} stays open: its owner {} does not answer; start it again or let a replica take over",
                    open.slot,
                    owner.name()
                )),
                None => self.unmark(&open),
            }
        }
    }

    fn close(&mut self, open: &OpenSlot, owner: &Node) {
        if let Some((source, target)) = open.half_done_move()
            && self.topology.node(target).is_some_and(|node| node.answers() && node.is_master())
        {
            self.finish.entry((source, target)).or_default().insert(open.slot);
            return;
        }
        self.unmark(open);
        self.collect_keys(open.slot, owner.id);
    }

    fn unmark(&mut self, open: &OpenSlot) {
        let marked = open.migrating.iter().map(|(node, _)| *node);
        for node in marked.chain(open.importing.iter().map(|(node, _)| *node)) {
            if self.topology.node(node).is_some_and(Node::answers) {
                self.close.entry(node).or_default().insert(open.slot);
            }
        }
    }

    /// Keys of `slot` that lie on masters other than `owner` go to it.
    fn collect_keys(&mut self, slot: Slot, owner: NodeId) {
        for (&node, &count) in self.keys.get(&slot).into_iter().flatten() {
            if node != owner && count > 0 {
                self.give_back.entry((node, owner)).or_default().insert(slot);
            }
        }
    }

    /// As any other move: should the owner's claim reach it first, a node of Redis deletes what it holds of the slot.
    fn second_owners(&mut self) {
        for ((second, owner), slots) in second_owners(self.topology) {
            let marked: SlotSet = self.topology.open_slots().iter().map(|open| open.slot).collect();
            let answer = |id| self.topology.node(id).is_some_and(|node| node.answers() && node.is_master());
            if answer(second) && answer(owner) {
                let moved = self.finish.entry((second, owner)).or_default();
                *moved = moved.union(&slots.difference(&marked));
            }
        }
        self.finish.retain(|_, slots| !slots.is_empty());
    }

    /// Slots with keys go where most of these are, the others to those who have the fewest slots.
    fn cover(&mut self, given_up: &SlotSet) -> Result<(), PlanError> {
        let topology = self.topology;
        let uncovered = topology.uncovered();
        let mut empty = SlotSet::EMPTY;
        for slot in uncovered.union(given_up).iter() {
            let holders = self.keys.get(&slot).into_iter().flatten().filter(|(_, count)| **count > 0);
            match holders.max_by_key(|(node, count)| (**count, std::cmp::Reverse(**node))) {
                Some((holder, _)) => {
                    let holder = *holder;
                    self.assign.entry(holder).or_default().insert(slot);
                    self.collect_keys(slot, holder);
                }
                None => {
                    empty.insert(slot);
                }
            }
        }
        let silent: Vec<String> =
            topology.nodes.values().filter(|node| !node.answers()).map(Node::name).collect();
        let doubtful = empty.intersection(&uncovered);
        if !doubtful.is_empty() && !silent.is_empty() {
            let about = format!(
                "{} slots without an owner, and {} may hold their keys",
                doubtful.len(),
                silent.join(", ")
            );
            if self.chosen(Code::UncoveredSlots, about) != Some("assign") {
                empty = empty.difference(&doubtful);
            }
        }
        self.spread(&empty)
    }

    /// In as few ranges as it goes.
    fn spread(&mut self, slots: &SlotSet) -> Result<(), PlanError> {
        if slots.is_empty() {
            return Ok(());
        }
        let masters: Vec<&Node> = self.topology.masters().into_iter().filter(|node| node.answers()).collect();
        let mut counts: Vec<(usize, NodeId, usize)> = masters
            .iter()
            .map(|node| (node.slots.len() + self.assign.get(&node.id).map_or(0, SlotSet::len), node.id, 0))
            .collect();
        for _ in 0..slots.len() {
            let poorest = counts.iter_mut().min_by_key(|(count, id, _)| (*count, *id));
            let (count, _, more) =
                poorest.ok_or_else(|| PlanError::new("no master answers", "start the nodes again"))?;
            *count += 1;
            *more += 1;
        }
        let mut left = slots.iter();
        for (_, id, more) in counts.into_iter().filter(|(_, _, more)| *more > 0) {
            let entry = self.assign.entry(id).or_default();
            *entry = entry.union(&left.by_ref().take(more).collect());
        }
        Ok(())
    }

    fn stray_keys(&mut self) {
        for ((holder, owner), (slots, keys)) in self.strays.of_masters(self.topology) {
            let (from, to) = (self.topology.name(holder), self.topology.name(owner));
            match self.chosen(Code::OrphanKeys, format!("{keys} keys on {from} of slots that {to} owns")) {
                Some("return") if self.topology.node(owner).is_some_and(Node::answers) => {
                    let back = self.give_back.entry((holder, owner)).or_default();
                    *back = back.union(&slots);
                }
                Some("return") => {
                    self.warnings
                        .push(format!("{keys} keys stay on {from}: their owner {to} does not answer"));
                }
                Some("delete") => {
                    let gone = self.delete.entry(holder).or_default();
                    *gone = gone.union(&slots);
                    self.warnings
                        .push(format!("{keys} keys on {from}, which no client can see, are deleted"));
                }
                _ => {}
            }
        }
    }

    /// A node takes a new epoch only where it has not the highest already; two that share that settle it between them.
    fn epochs(&mut self) {
        let highest = self.topology.nodes.values().map(|node| node.config_epoch).max().unwrap_or(0);
        for (epoch, nodes) in shared_epochs(self.topology) {
            let living = nodes.iter().filter(|id| self.topology.node(**id).is_some_and(Node::answers));
            if epoch < highest {
                self.bump.extend(living.skip(1));
            } else {
                let names: Vec<String> = nodes.iter().map(|id| self.topology.name(*id)).collect();
                self.warnings.push(format!(
                    "{} share the highest epoch: they settle that themselves once they reach each other",
                    names.join(" and ")
                ));
            }
        }
    }

    /// Who serves first; then marks (a migrating owner would send a returning key away), owners, keys, moves; who is forgotten goes last.
    fn into_plan(self) -> Plan {
        let node = |id: NodeId| self.topology.node(id).map(NodeRef::of);
        let of = |sets: &BTreeMap<NodeId, SlotSet>, step: fn(NodeRef, SlotSet) -> Step| -> Vec<Step> {
            sets.iter().filter_map(|(id, slots)| Some(step(node(*id)?, slots.clone()))).collect()
        };
        let mut steps = self.promote;
        if !steps.is_empty() {
            let silent = self.topology.nodes.values().filter(|node| !node.answers()).map(NodeRef::of);
            steps.push(Step::AwaitAgreement { except: silent.collect(), state_ok: false });
        }
        steps.extend(self.bump.iter().filter_map(|id| Some(Step::BumpEpoch { node: node(*id)? })));
        steps.extend(of(&self.close, |node, slots| Step::CloseSlots { node, slots }));
        steps.extend(of(&self.assign, |node, slots| Step::SetOwner { node, slots }));
        steps.extend(self.give_back.iter().filter_map(|((source, target), slots)| {
            Some(Step::ReturnKeys { source: node(*source)?, target: node(*target)?, slots: slots.clone() })
        }));
        steps.extend(self.finish.iter().filter_map(|((source, target), slots)| {
            Some(Step::MoveSlots(Move {
                source: node(*source)?,
                target: node(*target)?,
                slots: slots.clone(),
            }))
        }));
        steps.extend(of(&self.delete, |node, slots| Step::DeleteKeys { node, slots }));
        steps.extend(self.forget.iter().filter_map(|id| Some(Step::Forget { node: node(*id)? })));
        let mut plan = Plan::new("mend what was found", steps, self.topology);
        plan.warnings = self.warnings;
        plan
    }
}
