//! What lies in each slot and what it costs its owner, as far as it was asked.

use std::collections::BTreeMap;

use rcl_proto::{SLOT_COUNT, Slot, SlotSet};
use serde::{Deserialize, Serialize};

/// What a master's load may be counted in.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// How many slots it owns
    #[default]
    Slots,
    /// How many keys are in them
    Keys,
    /// Bytes in memory: as the nodes count them, or from a sample of the keys
    Memory,
    /// Processor time that commands took, just now
    Cpu,
    /// Bytes that clients sent and got, just now
    Traffic,
}

/// One figure a slot, for each measure that was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlotUse {
    taken: BTreeMap<Measure, Vec<u64>>,
}

impl SlotUse {
    /// A figure for each slot, of which those not named are 0.
    pub fn set(&mut self, measure: Measure, figures: impl IntoIterator<Item = (Slot, u64)>) {
        let mut all = vec![0; SLOT_COUNT];
        for (slot, figure) in figures {
            all[slot.index()] = figure;
        }
        self.taken.insert(measure, all);
    }

    /// One figure for each slot, in their order; `None` when that was not asked.
    pub fn of(&self, measure: Measure) -> Option<&[u64]> {
        self.taken.get(&measure).map(Vec::as_slice)
    }

    /// Of these slots together.
    pub fn sum(&self, measure: Measure, slots: &SlotSet) -> Option<u64> {
        let figures = self.of(measure)?;
        Some(slots.iter().fold(0, |sum: u64, slot| sum.saturating_add(figures[slot.index()])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_asked_is_not_known_and_what_was_not_named_is_nothing() {
        let mut slot_use = SlotUse::default();
        let slots: SlotSet = "0-2".parse().unwrap();
        assert_eq!(slot_use.sum(Measure::Keys, &slots), None);
        slot_use.set(Measure::Keys, [(Slot::new(1).unwrap(), 5), (Slot::new(9).unwrap(), 7)]);
        assert_eq!(slot_use.sum(Measure::Keys, &slots), Some(5));
    }
}
