//! A cluster as it is made to what a description says, and what differs.
//!
//! ```text
//! settings    first: a new maxmemory holds before slots come
//! join        all new nodes, with the cluster's functions
//! promote     who is to be a master and replicates one that is not to be
//! follow      who is to replicate another, new ones too; each has its master's data before slots come to that
//! move        slots, by the exact word or by weights with the fewest moves
//! follow      who had slots to give before it could
//! leave       who is not described, when asked for
//! ```
//!
//! Whatever fails, nothing is worse than before: slots move only to masters that have their replicas, and nobody leaves with data.
//! Where no node belongs to a cluster yet, one is made.

use std::collections::{BTreeMap, BTreeSet};

use rcl_proto::{NodeId, SLOT_COUNT, SlotSet};
use serde::Serialize;

use super::create::{MIN_MASTERS, Placement};
use super::settings::{self, Known};
use super::{FailoverMode, Move, NodeRef, Plan, PlanError, Step, apportion, create, move_steps, scale_down};
use crate::topology::{Node, Topology};

/// The description, with the nodes that it names found.
#[derive(Clone, Debug)]
pub struct Wish {
    pub masters: Vec<Shard>,
    /// What each node is to have; a directive that a node does not know has been refused before.
    pub settings: BTreeMap<NodeId, BTreeMap<String, String>>,
    /// Nodes that are in no cluster yet.
    pub newcomers: BTreeSet<NodeId>,
    pub zones: BTreeMap<NodeId, String>,
    pub remove_unlisted: bool,
}

#[derive(Clone, Debug)]
pub struct Shard {
    pub master: NodeId,
    pub replicas: Vec<NodeId>,
    pub share: Share,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Share {
    Exactly(Box<SlotSet>),
    Weight(f64),
}

/// One thing that is other than described.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "difference", rename_all = "kebab-case")]
pub enum Difference {
    /// A node that is to come.
    Add { node: NodeRef, role: String },
    /// One that is to go.
    Remove { node: NodeRef },
    /// `what` is `role`, `slots`, or a directive's name.
    Change { node: NodeRef, what: String, from: String, to: String },
}

#[derive(Clone, Debug)]
pub struct Described {
    pub differences: Vec<Difference>,
    pub plan: Plan,
    /// Not described, and left as they are.
    pub unlisted: Vec<NodeRef>,
}

pub fn plan(topology: &Topology, known: &Known, wish: &Wish) -> Result<Described, PlanError> {
    let mut way = Way::new(topology, wish)?;
    way.set(known);
    if wish.masters.iter().flat_map(members).all(|id| wish.newcomers.contains(&id)) {
        way.found()?;
    } else {
        way.refuse_unrest()?;
        way.join();
        way.promote()?;
        way.follow();
        way.move_slots()?;
        way.follow();
        way.leave()?;
    }
    Ok(way.end())
}

fn members(shard: &Shard) -> impl Iterator<Item = NodeId> + '_ {
    std::iter::once(shard.master).chain(shard.replicas.iter().copied())
}

/// The way so far, and how the cluster is at its end.
struct Way<'a> {
    before: &'a Topology,
    wish: &'a Wish,
    now: BTreeMap<NodeId, Standing>,
    steps: Vec<Step>,
    differences: Vec<Difference>,
    warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
struct Standing {
    master: Option<NodeId>,
    slots: SlotSet,
}

impl<'a> Way<'a> {
    fn new(before: &'a Topology, wish: &'a Wish) -> Result<Way<'a>, PlanError> {
        for id in wish.masters.iter().flat_map(members) {
            let node = before.node(id);
            if !node.is_some_and(Node::answers) {
                return Err(PlanError::new(
                    format!("{} is described and does not answer", before.name(id)),
                    "start it again, or take it out of the description",
                ));
            }
        }
        let standing = |node: &Node| Standing { master: node.master(), slots: node.slots.clone() };
        let now = before.nodes.values().map(|node| (node.id, standing(node))).collect();
        let (steps, differences, warnings) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Way { before, wish, now, steps, differences, warnings })
    }

    fn node(&self, id: NodeId) -> NodeRef {
        // All that are described are there; `new` has looked.
        self.before
            .node(id)
            .map_or_else(|| NodeRef { id, address: rcl_proto::Address::new("", 0) }, NodeRef::of)
    }

    fn set(&mut self, known: &Known) {
        for (id, wanted) in &self.wish.settings {
            for (name, value) in wanted {
                let before =
                    known.get(id).and_then(|settings| settings.get(name)).cloned().unwrap_or_default();
                if !settings::same(name, &before, value) {
                    let (node, name, value) = (self.node(*id), name.clone(), value.clone());
                    self.differ(*id, &name, &before, &value);
                    self.steps.push(Step::SetConfig(super::Setting {
                        node,
                        name,
                        before,
                        value,
                        rewrite: true,
                    }));
                }
            }
        }
    }

    fn differ(&mut self, id: NodeId, what: &str, from: &str, to: &str) {
        let (what, from, to) = (what.to_owned(), from.to_owned(), to.to_owned());
        self.differences.push(Difference::Change { node: self.node(id), what, from, to });
    }

    /// A cluster of nodes that belong to none.
    fn found(&mut self) -> Result<(), PlanError> {
        if self.wish.masters.len() < MIN_MASTERS {
            return Err(PlanError::new(
                format!(
                    "a new cluster needs at least {MIN_MASTERS} masters, and {} are described",
                    self.wish.masters.len()
                ),
                "describe more masters",
            ));
        }
        let weights: Vec<f64> = self.wish.masters.iter().map(|shard| weight(&shard.share)).collect();
        let shares = if weights.iter().all(|weight| *weight == weights[0]) {
            create::even_shares(weights.len())
        } else {
            apportion(SLOT_COUNT, &weights, &[])
        };
        let mut rest = rcl_proto::Slot::all();
        let mut slots = Vec::new();
        for (shard, share) in self.wish.masters.iter().zip(shares) {
            let by_weight: SlotSet = rest.by_ref().take(share).collect();
            slots.push(match &shard.share {
                Share::Exactly(slots) => (**slots).clone(),
                Share::Weight(_) => by_weight,
            });
        }
        let masters: Vec<NodeRef> = self.wish.masters.iter().map(|shard| self.node(shard.master)).collect();
        let replicas = self.wish.masters.iter().enumerate();
        let replicas: Vec<(NodeRef, usize)> = replicas
            .flat_map(|(index, shard)| shard.replicas.iter().map(move |id| (*id, index)))
            .map(|(id, index)| (self.node(id), index))
            .collect();
        for (node, slots) in masters.iter().zip(&slots) {
            let role = format!("a master with {} slots", slots.len());
            self.differences.push(Difference::Add { node: node.clone(), role });
        }
        for (node, index) in &replicas {
            let role = format!("a replica of {}", masters[*index].address);
            self.differences.push(Difference::Add { node: node.clone(), role });
        }
        self.steps.extend(create::steps_of(&Placement { masters, replicas }, slots));
        Ok(())
    }

    fn refuse_unrest(&self) -> Result<(), PlanError> {
        if !self.before.uncovered().is_empty() {
            return Err(PlanError::new("some slots have no owner", "rcl fix gives them one; then ask again"));
        }
        if !self.before.open_slots().is_empty() {
            return Err(PlanError::new(
                "slots are on their way",
                "rcl resume goes on with the job that moves them, or rcl fix finishes them; then ask again",
            ));
        }
        Ok(())
    }

    fn join(&mut self) {
        let wish = self.wish;
        for shard in &wish.masters {
            for id in members(shard).filter(|id| wish.newcomers.contains(id)) {
                let role = if id == shard.master {
                    "a master".to_owned()
                } else {
                    format!("a replica of {}", self.node(shard.master).address)
                };
                self.differences.push(Difference::Add { node: self.node(id), role });
            }
        }
        let nodes: Vec<NodeRef> = self.wish.newcomers.iter().map(|id| self.node(*id)).collect();
        if nodes.is_empty() {
            return;
        }
        let members = self.before.nodes.values();
        let members: Vec<&Node> =
            members.filter(|node| node.answers() && !self.wish.newcomers.contains(&node.id)).collect();
        let holder = members.iter().filter(|node| node.is_master()).max_by_key(|node| node.slots.len());
        if let Some(holder) = holder {
            let copy = |target: &NodeRef| Step::CopyFunctions {
                source: NodeRef::of(holder),
                target: target.clone(),
            };
            // A replica gets them with its copy.
            let masters =
                nodes.iter().filter(|node| self.wish.masters.iter().any(|shard| shard.master == node.id));
            self.steps.extend(masters.map(copy));
        }
        self.steps.push(Step::Meet { nodes, others: members.into_iter().map(NodeRef::of).collect() });
        self.agree();
    }

    /// All nodes that say ok are to say it afterwards, too.
    fn agree(&mut self) {
        let members = self.before.nodes.values().filter(|node| !self.wish.newcomers.contains(&node.id));
        let state_ok = members.filter_map(|node| node.facts.as_ref()).all(|facts| facts.state_ok);
        self.steps.push(Step::AwaitAgreement { except: Vec::new(), state_ok });
    }

    fn promote(&mut self) -> Result<(), PlanError> {
        let wish = self.wish;
        let mut promotions = Vec::new();
        for shard in &wish.masters {
            let Some(old) = self.now[&shard.master].master else { continue };
            if wish.masters.iter().any(|other| other.master == old) {
                return Err(PlanError::new(
                    format!(
                        "{} replicates {}, and both are described as masters",
                        self.before.name(shard.master),
                        self.before.name(old)
                    ),
                    format!(
                        "take it out (rcl scale-down {}), then it comes back as a new node",
                        self.node(shard.master).address
                    ),
                ));
            }
            if self.now[&old].slots.is_empty() {
                // Nodes hold no election about a master that owns nothing.
                return Err(PlanError::new(
                    format!(
                        "{} replicates {}, which owns no slots: nothing can be handed over",
                        self.before.name(shard.master),
                        self.before.name(old)
                    ),
                    format!(
                        "take it out (rcl scale-down {}), then it comes back as a new node",
                        self.node(shard.master).address
                    ),
                ));
            }
            if !self.before.node(old).is_some_and(Node::answers) {
                return Err(PlanError::new(
                    format!(
                        "the master of {} does not answer, and cannot hand over",
                        self.before.name(shard.master)
                    ),
                    format!("rcl failover {} --force", self.node(shard.master).address),
                ));
            }
            let (replica, master) = (self.node(shard.master), self.node(old));
            self.differ(shard.master, "role", &format!("replica of {}", master.address), "master");
            self.steps.push(Step::AwaitInSync { replica: replica.clone(), master: master.clone() });
            let mode = FailoverMode::Graceful;
            promotions.push(Step::Failover { replica, master: Some(master), mode });
            self.take_over(shard.master, old);
        }
        if !promotions.is_empty() {
            self.steps.extend(promotions);
            self.agree();
        }
        Ok(())
    }

    fn take_over(&mut self, new: NodeId, old: NodeId) {
        let slots = self.now.get_mut(&old).map(|old| std::mem::take(&mut old.slots)).unwrap_or_default();
        for standing in self.now.values_mut().filter(|standing| standing.master == Some(old)) {
            standing.master = Some(new);
        }
        self.now.insert(old, Standing { master: Some(new), slots: SlotSet::EMPTY });
        self.now.insert(new, Standing { master: None, slots });
    }

    /// Those who own nothing (any more) become replicas of whom they are to be.
    fn follow(&mut self) {
        let wish = self.wish;
        let (mut follow, mut waits) = (Vec::new(), Vec::new());
        for shard in &wish.masters {
            for &id in &shard.replicas {
                let standing = &self.now[&id];
                if standing.master == Some(shard.master) || !standing.slots.is_empty() {
                    continue;
                }
                let (replica, master) = (self.node(id), self.node(shard.master));
                if !wish.newcomers.contains(&id) {
                    let from = match standing.master {
                        Some(old) => format!("replica of {}", self.node(old).address),
                        None => "master".to_owned(),
                    };
                    self.differ(id, "role", &from, &format!("replica of {}", master.address));
                }
                follow.push(Step::Replicate { replica: replica.clone(), master: master.clone() });
                waits.push(Step::AwaitInSync { replica, master });
                for standing in self.now.values_mut().filter(|standing| standing.master == Some(id)) {
                    standing.master = Some(shard.master);
                }
                self.now.insert(id, Standing { master: Some(shard.master), slots: SlotSet::EMPTY });
            }
        }
        if !follow.is_empty() {
            self.steps.extend(follow);
            self.agree();
            self.steps.extend(waits);
        }
    }

    fn move_slots(&mut self) -> Result<(), PlanError> {
        let aims = self.aims();
        let mut by_pair: BTreeMap<(NodeId, NodeId), SlotSet> = BTreeMap::new();
        for (target, wanted) in &aims {
            for (source, standing) in self.now.iter().filter(|(source, _)| *source != target) {
                let slots = standing.slots.intersection(wanted);
                if !slots.is_empty() {
                    by_pair.insert((*source, *target), slots);
                }
            }
        }
        for (target, wanted) in &aims {
            let has = self.now[target].slots.clone();
            if has != *wanted {
                let text = |slots: &SlotSet| match slots.len() {
                    0 => "none".to_owned(),
                    count => format!("{count} ({slots})"),
                };
                self.differ(*target, "slots", &text(&has), &text(wanted));
            }
        }
        let mut moves = Vec::new();
        for ((source, target), slots) in by_pair {
            if !self.before.node(source).is_some_and(Node::answers) {
                return Err(PlanError::new(
                    format!("{} owns slots that are to move, and does not answer", self.before.name(source)),
                    "start it again, or let a replica take over (rcl failover --force)",
                ));
            }
            let given = self.now[&source].slots.difference(&slots);
            let got = self.now[&target].slots.union(&slots);
            self.now.get_mut(&source).into_iter().for_each(|standing| standing.slots = given.clone());
            self.now.get_mut(&target).into_iter().for_each(|standing| standing.slots = got.clone());
            moves.push(Move { source: self.node(source), target: self.node(target), slots });
        }
        if !moves.is_empty() {
            self.steps.extend(move_steps(moves, self.before));
            self.agree();
        }
        Ok(())
    }

    /// The slots that each described master is to own.
    fn aims(&self) -> BTreeMap<NodeId, SlotSet> {
        let exact = self.wish.masters.iter().filter_map(|shard| match &shard.share {
            Share::Exactly(slots) => Some((shard.master, (**slots).clone())),
            Share::Weight(_) => None,
        });
        let exact: BTreeMap<NodeId, SlotSet> = exact.collect();
        if !exact.is_empty() {
            return exact;
        }
        // What those have who take part: the masters, and who is not to be one. Others keep what they have.
        let masters: Vec<NodeId> = self.wish.masters.iter().map(|shard| shard.master).collect();
        let stays = |id: &NodeId| !self.is_described(*id) && !self.wish.remove_unlisted;
        let giving = self.now.iter().filter(|(id, _)| !masters.contains(id) && !stays(id));
        let mut free: SlotSet =
            giving.flat_map(|(_, standing)| standing.slots.iter().collect::<Vec<_>>()).collect();
        let owned: Vec<usize> = masters.iter().map(|id| self.now[id].slots.len()).collect();
        let weights: Vec<f64> = self.wish.masters.iter().map(|shard| weight(&shard.share)).collect();
        let aims = apportion(owned.iter().sum::<usize>() + free.len(), &weights, &owned);
        let mut slots: BTreeMap<NodeId, SlotSet> =
            masters.iter().map(|id| (*id, self.now[id].slots.clone())).collect();
        if free.is_empty() && !is_worth_it(&owned, &aims) {
            return slots;
        }
        for (id, aim) in masters.iter().zip(&aims) {
            let Some(own) = slots.get_mut(id) else { continue };
            let surplus: SlotSet = own.iter().take(own.len().saturating_sub(*aim)).collect();
            *own = own.difference(&surplus);
            free = free.union(&surplus);
        }
        for (id, aim) in masters.iter().zip(&aims) {
            let Some(own) = slots.get_mut(id) else { continue };
            let lacking: SlotSet = free.iter().take(aim.saturating_sub(own.len())).collect();
            *own = own.union(&lacking);
            free = free.difference(&lacking);
        }
        slots
    }

    fn is_described(&self, id: NodeId) -> bool {
        self.wish.masters.iter().flat_map(members).any(|member| member == id)
    }

    fn leave(&mut self) -> Result<(), PlanError> {
        if !self.wish.remove_unlisted {
            return Ok(());
        }
        let mut leaving: Vec<&Node> =
            self.before.nodes.values().filter(|node| !self.is_described(node.id)).collect();
        if leaving.is_empty() {
            return Ok(());
        }
        let had = self.before.masters().iter().filter(|node| !node.slots.is_empty()).count();
        let have = self.now.values().filter(|standing| !standing.slots.is_empty()).count();
        if have < MIN_MASTERS.min(had) {
            return Err(PlanError::new(
                format!("only {have} masters with slots would stay: no majority could fail a dead one over"),
                "describe more masters",
            ));
        }
        // Replicas before their masters, which they would not forget.
        leaving.sort_by_key(|node| (self.now[&node.id].master.is_none(), node.address.clone()));
        for node in leaving {
            if !self.now[&node.id].slots.is_empty() {
                return Err(PlanError::new(
                    format!("{} owns slots and does not answer: they cannot be moved off", node.name()),
                    "start it again, or let a replica take over (rcl failover --force)",
                ));
            }
            let (steps, warning) = scale_down::leave(self.before, node);
            self.steps.extend(steps);
            self.warnings.extend(warning);
            self.differences.push(Difference::Remove { node: NodeRef::of(node) });
        }
        Ok(())
    }

    fn end(mut self) -> Described {
        let unlisted = self.before.nodes.values().filter(|node| !self.is_described(node.id));
        let unlisted = unlisted.filter(|_| !self.wish.remove_unlisted).map(NodeRef::of).collect();
        self.warn_of_neighbours();
        let title = "make the cluster what is described";
        let mut plan = Plan::new(title, self.steps, self.before);
        plan.warnings = self.warnings;
        Described { differences: self.differences, plan, unlisted }
    }

    /// A replica is of little use where its master is.
    fn warn_of_neighbours(&mut self) {
        let hosts: BTreeSet<&str> =
            self.before.nodes.values().map(|node| node.address.host.as_str()).collect();
        let zones: BTreeSet<&String> = self.wish.zones.values().collect();
        for shard in &self.wish.masters {
            for id in &shard.replicas {
                let zone = |id: &NodeId| self.wish.zones.get(id);
                let host = |id: &NodeId| self.before.node(*id).map(|node| node.address.host.as_str());
                let place = if zones.len() > 1 && zone(id).is_some() && zone(id) == zone(&shard.master) {
                    "zone"
                } else if hosts.len() > 1 && host(id) == host(&shard.master) {
                    "host"
                } else {
                    continue;
                };
                self.warnings.push(format!(
                    "{} is described in the {place} of its master {}",
                    self.before.name(*id),
                    self.before.name(shard.master)
                ));
            }
        }
    }
}

fn weight(share: &Share) -> f64 {
    match share {
        Share::Weight(weight) => *weight,
        Share::Exactly(_) => 1.0,
    }
}

/// As for rebalance: what is nearer than two per cent is left as it is.
fn is_worth_it(owned: &[usize], aims: &[usize]) -> bool {
    const THRESHOLD_PERCENT: f64 = 2.0;
    owned.iter().zip(aims).any(|(&owned, &aim)| {
        let off = owned.abs_diff(aim) as f64;
        if aim == 0 { off > 0.0 } else { off > 1.0 && off * 100.0 / aim as f64 > THRESHOLD_PERCENT }
    })
}

#[cfg(test)]
#[path = "described_tests.rs"]
mod tests;
