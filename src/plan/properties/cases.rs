//! Clusters and wishes, drawn.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rcl_proto::{Address, NodeId, SLOT_COUNT, Slot, SlotRange, SlotSet};

use super::model::{Model, ModelNode};
use crate::plan::rebalance;
use crate::topology::{Measure, SlotUse};

#[derive(Clone, Debug)]
pub enum Wish {
    Create { replicas: usize },
    Reshard { from: Vec<NodeId>, to: NodeId, count: usize },
    MoveSlots { slots: Box<SlotSet>, to: NodeId },
    MoveAll { from: NodeId, to: NodeId },
    Rebalance(rebalance::Wish),
    ScaleDown(NodeId),
    Drain(NodeId),
    Replace { old: NodeId, new: NodeId },
}

impl Wish {
    pub fn name(&self) -> String {
        match self {
            Wish::Create { .. } => "create".to_owned(),
            Wish::Reshard { .. } => "reshard".to_owned(),
            Wish::MoveSlots { .. } => "move-slots".to_owned(),
            Wish::MoveAll { .. } => "move-slots --from".to_owned(),
            Wish::Rebalance(wish) => format!("rebalance by {:?}", wish.by).to_lowercase(),
            Wish::ScaleDown(_) => "scale-down".to_owned(),
            Wish::Drain(_) => "drain".to_owned(),
            Wish::Replace { .. } => "replace-node".to_owned(),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Case {
    /// Where each node is: of few hosts, in few zones, of which 0 is not known.
    places: Vec<(u8, u8)>,
    masters: usize,
    /// Where a master's slots end and the next one's begin; two alike leave one without any.
    cuts: Vec<usize>,
    /// Whom each replica follows: some number.
    follows: Vec<usize>,
    weighing: Weighing,
    /// For a node a limit of its memory, in per cent of what all take on average.
    limit: Option<(usize, u64)>,
    /// Slots of which the move from its owner was interrupted, and a number for whereto.
    interrupted: Vec<(u16, usize)>,
    old_servers: bool,
    pub wish: Wish,
    /// For what happens in no order.
    pub seed: u64,
}

/// How what slots weigh is spread.
#[derive(Clone, Debug)]
enum Weighing {
    Nothing,
    /// All nearly alike.
    Even {
        each: u64,
    },
    /// These have something, and the others nothing.
    Some(Vec<(u16, u64)>),
    /// As hash tags do: many have a little, few have most.
    Steep {
        count: usize,
        most: u64,
    },
}

pub fn id(number: usize) -> NodeId {
    NodeId::from_bits([number as u8 + 1; 20])
}

/// What a wish is made of, before it is known how many nodes there are.
#[derive(Clone, Debug)]
struct Numbers {
    kind: u8,
    nodes: (usize, usize),
    count: usize,
    some: u8,
    ranges: Vec<(u16, u16)>,
    weights: Vec<u8>,
    threshold: u8,
    yes: bool,
}

pub fn case() -> impl Strategy<Value = Case> {
    let numbers = (
        0u8..16,
        (0usize..64, 0usize..64),
        0usize..SLOT_COUNT,
        any::<u8>(),
        proptest::collection::vec((0u16..16384, 0u16..16384), 1..4),
        proptest::collection::vec(0u8..8, 8),
        0u8..6,
        any::<bool>(),
    );
    let numbers = numbers.prop_map(|(kind, nodes, count, some, ranges, weights, threshold, yes)| Numbers {
        kind,
        nodes,
        count,
        some,
        ranges,
        weights,
        threshold,
        yes,
    });
    let weighing = prop_oneof![
        1 => Just(Weighing::Nothing),
        3 => (1u64..5000).prop_map(|each| Weighing::Even { each }),
        3 => proptest::collection::vec((0u16..16384, 1u64..1000), 1..40).prop_map(Weighing::Some),
        2 => (10usize..3000, 10u64..1_000_000).prop_map(|(count, most)| Weighing::Steep { count, most }),
    ];
    let shape = (
        proptest::collection::vec((0u8..5, 0u8..4), 3..11),
        1usize..8,
        proptest::collection::vec(0usize..=SLOT_COUNT, 7),
        proptest::collection::vec(0usize..64, 11),
    );
    let oddities = (
        proptest::option::weighted(0.3, (0usize..64, 0u64..300)),
        proptest::collection::vec((0u16..16384, 0usize..64), 0..3),
        any::<bool>(),
        any::<u64>(),
    );
    (shape, weighing, oddities, numbers).prop_map(
        |((places, masters, cuts, follows), weighing, (limit, interrupted, old_servers, seed), numbers)| {
            let masters = masters.min(places.len());
            let wish = numbers.wish(places.len(), masters);
            let mut cuts = cuts[..masters - 1].to_vec();
            cuts.sort_unstable();
            Case { places, masters, cuts, follows, weighing, limit, interrupted, old_servers, wish, seed }
        },
    )
}

impl Numbers {
    fn wish(self, nodes: usize, masters: usize) -> Wish {
        let (one, other) = self.nodes;
        let (master, target) = (id(one % masters), id(other % masters));
        match self.kind {
            0 => Wish::Create { replicas: usize::from(self.some % 4) },
            1 => {
                let from = (0..masters).filter(|number| self.some >> number & 1 == 1).map(id);
                Wish::Reshard {
                    from: from.filter(|from| *from != target).collect(),
                    to: target,
                    count: self.count,
                }
            }
            2 => Wish::MoveSlots { slots: Box::new(self.slots()), to: target },
            3 => Wish::MoveAll { from: master, to: target },
            4..6 => Wish::ScaleDown(id(one % nodes)),
            6..8 => Wish::Drain(id(one % nodes)),
            8 => Wish::Replace { old: id(one % nodes), new: id(nodes) },
            kind => Wish::Rebalance(self.balance(kind, masters)),
        }
    }

    fn slots(&self) -> SlotSet {
        let mut slots = SlotSet::EMPTY;
        for (one, other) in &self.ranges {
            let ends = Slot::new(*one.min(other)).zip(Slot::new(*one.max(other)));
            if let Some(range) = ends.and_then(|(start, end)| SlotRange::new(start, end)) {
                slots.insert_range(range);
            }
        }
        slots
    }

    fn balance(self, kind: u8, masters: usize) -> rebalance::Wish {
        let by = match kind {
            9..11 => Measure::Slots,
            11..13 => Measure::Keys,
            13 => Measure::Memory,
            14 => Measure::Cpu,
            _ => Measure::Traffic,
        };
        // Most have the usual weight, some none.
        let weight = |number: usize| match self.weights[number] {
            0 => Some(0.0),
            1 => Some(0.5),
            2 => Some(1.7),
            3 => Some(3.0),
            _ => None,
        };
        let weights: BTreeMap<NodeId, f64> =
            (0..masters).filter_map(|number| Some((id(number), weight(number)?))).collect();
        let threshold_percent = [0.0, 1.0, 2.0, 2.0, 10.0, 50.0][usize::from(self.threshold)];
        rebalance::Wish { by, weights, use_empty_masters: self.yes, threshold_percent }
    }
}

impl Case {
    pub fn model(&self) -> Model {
        let mut model = Model {
            nodes: BTreeMap::new(),
            open: Vec::new(),
            follows_last_taker: !self.old_servers,
            slot_use: self.slot_use(),
        };
        for (number, place) in self.places.iter().enumerate() {
            model.nodes.insert(id(number), node(number, *place));
        }
        if matches!(self.wish, Wish::Create { .. }) {
            return model;
        }
        let all: BTreeSet<NodeId> = model.nodes.keys().copied().collect();
        let mut start = 0;
        for number in 0..self.places.len() {
            let Some(node) = model.nodes.get_mut(&id(number)) else { continue };
            node.knows = all.iter().copied().filter(|other| *other != id(number)).collect();
            node.epoch = number as u64 + 1;
            if number < self.masters {
                let end = self.cuts.get(number).copied().unwrap_or(SLOT_COUNT);
                node.slots = Slot::all().skip(start).take(end - start).collect();
                start = end;
            } else {
                node.master = Some(id(self.follows[number - self.masters] % self.masters));
            }
        }
        if let Wish::Replace { new, .. } = &self.wish {
            model.nodes.insert(*new, node(self.places.len(), (9, 0)));
        }
        self.interrupt(&mut model);
        if let Some((number, percent)) = self.limit {
            let total: u64 = model.slot_use.of(Measure::Memory).map_or(0, |bytes| bytes.iter().sum());
            if let Some(node) = model.nodes.get_mut(&id(number % self.masters)) {
                node.max_memory_bytes = 1 + total / self.masters as u64 * percent / 100;
            }
        }
        model
    }

    fn interrupt(&self, model: &mut Model) {
        for (number, to) in &self.interrupted {
            let (to, Some(slot)) = (id(to % self.masters), Slot::new(*number)) else { continue };
            let owner = model.masters().find(|(_, node)| node.slots.contains(slot)).map(|(id, _)| *id);
            let is_open = model.open.iter().any(|(other, ..)| *other == slot);
            if let Some(owner) = owner.filter(|owner| *owner != to && !is_open) {
                model.open.push((slot, owner, to));
            }
        }
    }

    fn slot_use(&self) -> SlotUse {
        let load = self.weighing.loads();
        let mut slot_use = SlotUse::default();
        slot_use.set(Measure::Keys, load.iter().copied());
        slot_use.set(Measure::Memory, load.iter().map(|(slot, keys)| (*slot, keys * 70)));
        slot_use.set(Measure::Cpu, load.iter().map(|(slot, keys)| (*slot, keys / 3)));
        slot_use.set(Measure::Traffic, load.iter().map(|(slot, keys)| (*slot, keys * 13)));
        slot_use
    }
}

fn node(number: usize, (host, zone): (u8, u8)) -> ModelNode {
    ModelNode {
        address: Address::new(format!("host-{host}"), 7000 + number as u16),
        zone: if zone == 0 { String::new() } else { format!("zone-{zone}") },
        master: None,
        slots: SlotSet::EMPTY,
        epoch: 0,
        knows: BTreeSet::new(),
        max_memory_bytes: 0,
    }
}

impl Weighing {
    fn loads(&self) -> Vec<(Slot, u64)> {
        let spread = |number: usize| (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        match self {
            Weighing::Nothing => Vec::new(),
            Weighing::Even { each } => {
                Slot::all().map(|slot| (slot, each + spread(slot.index()) % (each / 4 + 1))).collect()
            }
            Weighing::Some(some) => {
                some.iter().filter_map(|(slot, load)| Some((Slot::new(*slot)?, *load))).collect()
            }
            Weighing::Steep { count, most } => (1..=*count)
                .filter_map(|rank| {
                    Some((Slot::new((spread(rank) % SLOT_COUNT as u64) as u16)?, most / rank as u64))
                })
                .collect(),
        }
    }
}
