//! What each master carries before and after a plan, for people and machines to see.

use rcl_proto::SlotSet;
use serde::{Deserialize, Serialize};

use super::{Move, NodeRef};
use crate::output::{bytes, count, table};
use crate::topology::{Measure, Node, SlotUse};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    pub by: Measure,
    pub masters: Vec<Share>,
}

/// Of one master.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub node: NodeRef,
    /// In the measure: what it has, what it will have, and what its weight gives it.
    pub before: u64,
    pub after: u64,
    pub aim: u64,
    pub slots_before: u64,
    pub slots_after: u64,
}

impl Balance {
    /// `masters` with what they own and what they are to have.
    pub fn of(
        by: Measure,
        masters: &[(&Node, SlotSet)],
        aims: &[f64],
        moves: &[Move],
        slot_use: &SlotUse,
    ) -> Balance {
        let load = |slots: &SlotSet| match slot_use.sum(by, slots) {
            Some(load) if by != Measure::Slots => load,
            _ => slots.len() as u64,
        };
        let share = |((node, slots), aim): (&(&Node, SlotSet), &f64)| {
            let mut after = slots.clone();
            for part in moves {
                if part.source.id == node.id {
                    after = after.difference(&part.slots);
                } else if part.target.id == node.id {
                    after = after.union(&part.slots);
                }
            }
            Share {
                node: NodeRef::of(node),
                before: load(slots),
                after: load(&after),
                aim: aim.round() as u64,
                slots_before: slots.len() as u64,
                slots_after: after.len() as u64,
            }
        };
        Balance { by, masters: masters.iter().zip(aims).map(share).collect() }
    }

    pub fn text(&self) -> String {
        let by_slots = self.by == Measure::Slots;
        let figure = |number: u64| match self.by {
            Measure::Memory | Measure::Traffic => bytes(number),
            Measure::Slots | Measure::Keys | Measure::Cpu => count(number),
        };
        let name = match self.by {
            Measure::Slots => ">slots",
            Measure::Keys => ">keys",
            Measure::Memory => ">memory",
            Measure::Cpu => ">cpu us/s",
            Measure::Traffic => ">bytes/s",
        };
        let rows = self.masters.iter().map(|share| {
            let mut row = vec![share.node.name()];
            row.extend([share.before, share.after, share.aim].map(figure));
            if !by_slots {
                row.extend([share.slots_before, share.slots_after].map(count));
            }
            row
        });
        let headings = ["master", name, ">after", ">share", ">slots", ">after"];
        table(if by_slots { &headings[..4] } else { &headings }, rows)
    }
}
