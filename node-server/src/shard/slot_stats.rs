//! What each slot of a shard has cost since it came here, for CLUSTER SLOT-STATS: beside the slot's data, under the
//! lock that its commands hold anyway. Nothing is allocated before `cluster-slot-stats-enabled` is on.
//!
//! The rules are Valkey 8's:
//!
//! - `cpu_ns`: the time of commands that have keys; of a transaction as a whole, on EXEC. Of a command that waited,
//!   what answered it, not the wait.
//! - `bytes_in`: requests as they came, also those that were queued or refused here (not redirected ones). EXEC
//!   counts its MULTI too. A request that waits is counted when it has been answered.
//! - `bytes_out`: replies; effects in the replication log, once for each replica; messages on sharded channels, once
//!   for each subscriber. What goes to other nodes over the bus is no slot's. The reply of a transaction counts once.
//! - A slot that changes hands begins at zero. Switching the statistics off keeps the counts and stops the counting.

use rcl_proto::Slot;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotUse {
    pub cpu_ns: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
}

/// Of the slots `slot % shard_count == shard_index` of a shard.
#[derive(Debug)]
pub struct SlotStats {
    shard_index: usize,
    /// The count of shards is a power of two, and this its exponent.
    shard_bits: u32,
    /// Empty until something is counted.
    slots: Vec<SlotUse>,
}

impl SlotStats {
    pub fn new(shard_index: usize, shard_count: usize) -> SlotStats {
        SlotStats { shard_index, shard_bits: shard_count.ilog2(), slots: Vec::new() }
    }

    pub fn of(&self, slot: Slot) -> SlotUse {
        self.slots.get(slot.index() >> self.shard_bits).copied().unwrap_or_default()
    }

    /// Adds to what is counted for a slot.
    pub fn add(&mut self, slot: Slot, used: SlotUse) {
        if self.slots.is_empty() {
            self.slots.resize(rcl_proto::SLOT_COUNT >> self.shard_bits, SlotUse::default());
        }
        if let Some(sum) = self.slots.get_mut(slot.index() >> self.shard_bits) {
            sum.cpu_ns += used.cpu_ns;
            sum.bytes_in += used.bytes_in;
            sum.bytes_out += used.bytes_out;
        }
    }

    /// CONFIG RESETSTAT.
    pub fn reset(&mut self) {
        self.slots = Vec::new();
    }

    /// The slots for which `is_gone` holds begin at zero.
    pub fn reset_where(&mut self, is_gone: impl Fn(Slot) -> bool) {
        for (place, sum) in self.slots.iter_mut().enumerate() {
            let number = (place << self.shard_bits) + self.shard_index;
            let slot = u16::try_from(number).ok().and_then(Slot::new);
            if *sum != SlotUse::default() && slot.is_some_and(&is_gone) {
                *sum = SlotUse::default();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(number: u16) -> Slot {
        Slot::new(number).unwrap()
    }

    #[test]
    fn slots_of_a_shard_are_counted_apart() {
        let mut stats = SlotStats::new(3, 16);
        assert_eq!(stats.of(slot(3)), SlotUse::default());
        let used = SlotUse { cpu_ns: 5, bytes_in: 7, bytes_out: 9 };
        stats.add(slot(3), used);
        stats.add(slot(16371), used);
        stats.add(slot(16371), used);
        assert_eq!(stats.of(slot(3)), used);
        assert_eq!(stats.of(slot(19)), SlotUse::default());
        assert_eq!(stats.of(slot(16371)), SlotUse { cpu_ns: 10, bytes_in: 14, bytes_out: 18 });
        stats.reset_where(|gone| gone == slot(16371));
        assert_eq!((stats.of(slot(3)), stats.of(slot(16371))), (used, SlotUse::default()));
        stats.reset();
        assert_eq!(stats.of(slot(3)), SlotUse::default());
    }
}
