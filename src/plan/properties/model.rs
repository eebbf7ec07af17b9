//! A cluster as far as plans can change it, and the rules by which real nodes do.
//!
//! ```text
//! SETSLOT      from the master that owns it, to a master that knows it and is known
//!              a master that gives its last slot follows who took it, and so do its replicas (since Redis 7)
//! REPLICATE    a node without slots that nobody replicates; of a master that it knows
//! FAILOVER     by a replica, of its master: slots change hands, the other replicas follow
//! FORGET       by nobody who replicates it; never of an owner of slots
//! RESET        of a node that owns no slot; hard: it knows nobody, and nobody it; soft: it is known still
//! ADDSLOTS     that nobody owns; SET-CONFIG-EPOCH of a node that is alone and has none
//! ```

use std::collections::{BTreeMap, BTreeSet};

use rcl_proto::nodes_text::{Endpoint, NodeFlags, NodeLine};
use rcl_proto::{Address, NodeId, SLOT_COUNT, Slot, SlotSet};

use crate::plan::placement::Zones;
use crate::plan::{Move, NodeRef, Plan, Step};
use crate::topology::{Facts, Measure, SlotUse, Topology, View, merge};

#[derive(Clone, Debug)]
pub struct ModelNode {
    pub address: Address,
    pub zone: String,
    pub master: Option<NodeId>,
    pub slots: SlotSet,
    pub epoch: u64,
    pub knows: BTreeSet<NodeId>,
    /// 0: no limit.
    pub max_memory_bytes: u64,
}

#[derive(Clone, Debug)]
pub struct Model {
    pub nodes: BTreeMap<NodeId, ModelNode>,
    /// Moves that an earlier run left half done: the slot, from, to.
    pub open: Vec<(Slot, NodeId, NodeId)>,
    /// As servers do since Redis 7.
    pub follows_last_taker: bool,
    pub slot_use: SlotUse,
}

impl Model {
    /// Those in the cluster that the first node with slots is in; all where none has any.
    fn members(&self) -> Vec<NodeId> {
        match self.nodes.iter().find(|(_, node)| !node.slots.is_empty()) {
            Some((id, node)) => {
                let mut members: Vec<NodeId> = node.knows.iter().copied().chain([*id]).collect();
                members.sort();
                members
            }
            None => self.nodes.keys().copied().collect(),
        }
    }

    pub fn reference(&self, id: NodeId) -> NodeRef {
        NodeRef { id, address: self.nodes[&id].address.clone() }
    }

    pub fn lone_nodes(&self) -> Vec<NodeRef> {
        self.nodes.keys().map(|id| self.reference(*id)).collect()
    }

    pub fn zones(&self) -> Zones {
        Zones::of(&self.topology())
    }

    pub fn masters(&self) -> impl Iterator<Item = (&NodeId, &ModelNode)> + Clone {
        self.nodes.iter().filter(|(_, node)| node.master.is_none())
    }

    pub fn replicas_of(&self, master: NodeId) -> Vec<NodeId> {
        self.nodes.iter().filter(|(_, node)| node.master == Some(master)).map(|(id, _)| *id).collect()
    }

    /// What an `rcl` would see.
    pub fn topology(&self) -> Topology {
        let views: Vec<View> = self.members().into_iter().map(|id| self.view(id)).collect();
        let mut topology = merge(&views, &BTreeMap::new());
        topology.slot_use = self.slot_use.clone();
        topology
    }

    fn view(&self, viewer: NodeId) -> View {
        let me = &self.nodes[&viewer];
        let line = |id: &NodeId| {
            let node = &self.nodes[id];
            let role = if node.master.is_some() { NodeFlags::REPLICA } else { NodeFlags::MASTER };
            let own = *id == viewer;
            NodeLine {
                id: *id,
                endpoint: Endpoint {
                    ip: node.address.host.clone(),
                    port: node.address.port,
                    ..Endpoint::default()
                },
                flags: if own { role.with(NodeFlags::MYSELF) } else { role },
                master: node.master,
                ping_sent_ms: 0,
                pong_received_ms: 0,
                config_epoch: node.epoch,
                link_connected: true,
                slots: node.slots.clone(),
                migrating: self.marks(|from, to| (own && from == *id).then_some(to)),
                importing: self.marks(|from, to| (own && to == *id).then_some(from)),
            }
        };
        let load = |measure| self.slot_use.sum(measure, &me.slots).unwrap_or(0);
        let facts = Facts {
            keys: load(Measure::Keys),
            used_memory_bytes: load(Measure::Memory),
            max_memory_bytes: me.max_memory_bytes,
            state_ok: true,
            link_up: true,
            zone: (!me.zone.is_empty()).then(|| me.zone.clone()),
            ..Facts::default()
        };
        let lines = me.knows.iter().chain([&viewer]).map(line).collect();
        View { viewer, address: me.address.clone(), lines, facts }
    }

    fn marks(&self, other: impl Fn(NodeId, NodeId) -> Option<NodeId>) -> Vec<(Slot, NodeId)> {
        self.open.iter().filter_map(|(slot, from, to)| Some((*slot, other(*from, *to)?))).collect()
    }

    /// The topology with a node of no cluster in it, and how that one joins.
    pub fn with_newcomer(&self, topology: &Topology, new: NodeId) -> (Topology, NodeRef, Step) {
        let mut topology = topology.clone();
        topology.nodes.extend(merge(&[self.view(new)], &BTreeMap::new()).nodes);
        let others = self.members().into_iter().map(|id| self.reference(id)).collect();
        let new = self.reference(new);
        let meeting = Step::Meet { nodes: vec![new.clone()], others };
        (topology, new, meeting)
    }

    /// Steps that are done side by side are done here in an order that follows from `seed`.
    pub fn carry_out(&mut self, plan: &Plan, seed: u64) -> Result<(), String> {
        let mut rest = plan.steps.as_slice();
        while let Some(first) = rest.first() {
            let kind = std::mem::discriminant(first);
            let together = rest.iter().take_while(|step| std::mem::discriminant(*step) == kind).count();
            let (group, left) = rest.split_at(together);
            let mut order: Vec<usize> = (0..together).collect();
            // What was interrupted is finished before its slots go on.
            let is_begun = |index: usize| match &group[index] {
                Step::MoveSlots(part) => self
                    .open
                    .iter()
                    .any(|(slot, from, _)| part.slots.contains(*slot) && part.source.id == *from),
                _ => false,
            };
            order.sort_by_key(|&index| {
                (!is_begun(index), (index as u64 + 1).wrapping_mul(seed | 1).rotate_left(17))
            });
            // What the plan says first of a slot is done first.
            let slots = |index: usize| match &group[index] {
                Step::MoveSlots(part) => part.slots.clone(),
                _ => SlotSet::EMPTY,
            };
            let waits = |index: usize, left: &[usize]| {
                left.iter()
                    .any(|&other| other < index && !slots(other).intersection(&slots(index)).is_empty())
            };
            while let Some(place) = (0..order.len()).find(|&place| !waits(order[place], &order)) {
                let index = order.remove(place);
                self.step(&group[index]).map_err(|why| format!("{why}: {:?}", group[index]))?;
                self.is_sane().map_err(|why| format!("{why} after {:?}", group[index]))?;
            }
            rest = left;
        }
        Ok(())
    }

    fn is_sane(&self) -> Result<(), String> {
        let mut owned = SlotSet::EMPTY;
        for (id, node) in &self.nodes {
            ensure(owned.intersection(&node.slots).is_empty(), "a slot has two owners")?;
            owned = owned.union(&node.slots);
            let Some(master) = node.master else { continue };
            ensure(node.slots.is_empty(), "a replica owns slots")?;
            let its = self.nodes.get(&master).ok_or("a master is not there")?;
            ensure(its.master.is_none(), &format!("{id:.2} replicates a replica"))?;
            ensure(node.knows.contains(&master), "a replica does not know its master")?;
        }
        Ok(())
    }

    fn node(&mut self, node: &NodeRef) -> Result<&mut ModelNode, String> {
        self.nodes.get_mut(&node.id).ok_or_else(|| "no such node".to_owned())
    }

    fn know_each_other(&self, one: &NodeRef, other: &NodeRef) -> Result<(), String> {
        let knows =
            |a: &NodeRef, b: &NodeRef| self.nodes.get(&a.id).is_some_and(|node| node.knows.contains(&b.id));
        ensure(knows(one, other) && knows(other, one), "they do not know each other")
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::MoveSlots(part) => self.move_slots(part),
            Step::Replicate { replica, master } => self.replicate(replica, master),
            Step::Failover { replica, master: Some(master), .. } => self.fail_over(replica, master),
            Step::Meet { nodes, others } => self.meet(nodes, others),
            Step::Forget { node } => self.forget(node),
            Step::Release { node } => {
                // One that is a master without slots just meets the others, as on old servers.
                if self.node(node)?.master.is_some() {
                    self.may_be_reset(node)?;
                }
                ensure(self.node(node)?.slots.is_empty(), "it owns slots")?;
                self.node(node)?.master = None;
                Ok(())
            }
            Step::CloseSlots { node, slots } => {
                let is_its = |(slot, from, to): &(Slot, NodeId, NodeId)| {
                    slots.contains(*slot) && (*from == node.id || *to == node.id)
                };
                self.open.retain(|open| !is_its(open));
                Ok(())
            }
            Step::Reset { node } => {
                self.may_be_reset(node)?;
                ensure(
                    self.nodes.values().all(|other| !other.knows.contains(&node.id)),
                    "it is reset before all forgot it",
                )?;
                let node = self.node(node)?;
                node.master = None;
                node.knows.clear();
                Ok(())
            }
            Step::SetEpoch { node, epoch } => {
                let node = self.node(node)?;
                ensure(node.knows.is_empty() && node.epoch == 0, "it is not alone, or has an epoch")?;
                node.epoch = *epoch;
                Ok(())
            }
            Step::AddSlots { node, slots } => {
                let node = self.node(node)?;
                node.slots = node.slots.union(slots);
                Ok(())
            }
            Step::AwaitInSync { replica, master } => {
                ensure(self.node(replica)?.master == Some(master.id), "it does not follow that master")
            }
            Step::AwaitReady { node } => ensure(self.node(node)?.master.is_none(), "it is no master"),
            Step::AwaitQuiet { node } => self.node(node).map(|_| ()),
            Step::AwaitAgreement { except, state_ok } => self.agree(except, *state_ok),
            Step::CopyFunctions { source, target } => {
                self.node(source)?;
                self.node(target).map(|_| ())
            }
            _ => Err("no such step belongs into these plans".to_owned()),
        }
    }

    fn move_slots(&mut self, part: &Move) -> Result<(), String> {
        self.know_each_other(&part.source, &part.target)?;
        ensure(self.node(&part.target)?.master.is_none(), "the target is no master")?;
        let source = self.node(&part.source)?;
        ensure(!part.slots.is_empty() && part.slots.is_subset(&source.slots), "it does not own them")?;
        source.slots = source.slots.difference(&part.slots);
        let is_empty = source.slots.is_empty();
        let target = self.node(&part.target)?;
        target.slots = target.slots.union(&part.slots);
        self.open.retain(|(slot, ..)| !part.slots.contains(*slot));
        if is_empty && self.follows_last_taker {
            for (id, node) in &mut self.nodes {
                if *id == part.source.id || node.master == Some(part.source.id) {
                    node.master = Some(part.target.id);
                }
            }
        }
        Ok(())
    }

    fn replicate(&mut self, replica: &NodeRef, master: &NodeRef) -> Result<(), String> {
        self.know_each_other(replica, master)?;
        ensure(self.node(master)?.master.is_none(), "only a master can be replicated")?;
        ensure(self.replicas_of(replica.id).is_empty(), "it is replicated itself")?;
        let node = self.node(replica)?;
        ensure(node.slots.is_empty(), "it owns slots")?;
        node.master = Some(master.id);
        Ok(())
    }

    fn fail_over(&mut self, replica: &NodeRef, master: &NodeRef) -> Result<(), String> {
        ensure(self.node(replica)?.master == Some(master.id), "it does not replicate that master")?;
        let slots = std::mem::take(&mut self.node(master)?.slots);
        for node in self.nodes.values_mut().filter(|node| node.master == Some(master.id)) {
            node.master = Some(replica.id);
        }
        self.node(master)?.master = Some(replica.id);
        let node = self.node(replica)?;
        (node.master, node.slots) = (None, slots);
        Ok(())
    }

    fn meet(&mut self, nodes: &[NodeRef], others: &[NodeRef]) -> Result<(), String> {
        // Who meets one meets all whom that one knows.
        let named: BTreeSet<NodeId> = nodes.iter().chain(others).map(|node| node.id).collect();
        let known = named.iter().filter_map(|id| self.nodes.get(id)).flat_map(|node| node.knows.clone());
        let all: BTreeSet<NodeId> = known.chain(named.clone()).collect();
        ensure(all.iter().all(|id| self.nodes.contains_key(id)), "no such node")?;
        for id in &all {
            if let Some(node) = self.nodes.get_mut(id) {
                node.knows = all.iter().copied().filter(|other| other != id).collect();
            }
        }
        Ok(())
    }

    fn forget(&mut self, gone: &NodeRef) -> Result<(), String> {
        ensure(self.node(gone)?.slots.is_empty(), "it owns slots")?;
        ensure(self.replicas_of(gone.id).is_empty(), "nobody forgets its master")?;
        for (id, node) in &mut self.nodes {
            if *id != gone.id {
                node.knows.remove(&gone.id);
            }
        }
        Ok(())
    }

    fn may_be_reset(&mut self, node: &NodeRef) -> Result<(), String> {
        ensure(self.node(node)?.slots.is_empty(), "it owns slots")?;
        ensure(self.replicas_of(node.id).is_empty(), "it is replicated")
    }

    fn agree(&self, except: &[NodeRef], state_ok: bool) -> Result<(), String> {
        let among: Vec<NodeId> =
            self.members().into_iter().filter(|id| !except.iter().any(|node| node.id == *id)).collect();
        for id in &among {
            let knows = &self.nodes[id].knows;
            ensure(among.iter().all(|other| other == id || knows.contains(other)), "they never agree")?;
        }
        let owned: usize = self.nodes.values().map(|node| node.slots.len()).sum();
        ensure(!state_ok || owned == SLOT_COUNT, "it is never ok: slots have no owner")
    }
}

fn ensure(holds: bool, why: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why.to_owned()) }
}
