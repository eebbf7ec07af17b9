//! Clients that write all the time, and the ledger of what they were told.
//!
//! One kind follows redirections, as a cluster client does; the other stays with a random machine for a random slot and
//! writes as long as it is let: so a master that was replaced is found at work for as long as it is.

use rand::RngExt;
use rcl_cluster::SlotOwner;

use crate::data::{Answer, HOT_SLOTS, NOTHING, hot_slot};
use crate::events::Event;
use crate::world::World;

const MOST_HOPS: usize = 5;

/// An acknowledged write.
#[derive(Clone, Copy, Debug)]
pub struct Write {
    pub machine: usize,
    pub hot: usize,
    pub at_ms: u64,
    /// The write that it came on top of, or [`NOTHING`].
    pub on: u32,
}

/// Every acknowledged write, in order.
#[derive(Default)]
pub struct Ledger {
    pub writes: Vec<Write>,
}

impl Ledger {
    pub fn write(&mut self, machine: usize, hot: usize, on: u32, at_ms: u64) -> u32 {
        self.writes.push(Write { machine, hot, at_ms, on });
        (self.writes.len() - 1) as u32
    }

    /// A write and what it came on top of, newest first; nothing of nothing.
    pub fn history(&self, last: u32) -> impl Iterator<Item = u32> + '_ {
        let some = |write: u32| (write != NOTHING).then_some(write);
        std::iter::successors(some(last), move |&write| some(self.writes[write as usize].on))
    }
}

impl World {
    pub(crate) fn clients_write(&mut self) {
        if self.client_period_ms == 0 || self.machines.is_empty() {
            return self.at(1_000, Event::Clients);
        }
        self.at(self.client_period_ms, Event::Clients);
        let hot = self.rng.random_range(0..HOT_SLOTS);
        self.write_somewhere(hot);
        let (index, hot) =
            (self.rng.random_range(0..self.machines.len()), self.rng.random_range(0..HOT_SLOTS));
        self.write(index, hot, false);
    }

    /// What the owner of each hot slot holds of it.
    pub fn held_by_owners(&self) -> [u32; HOT_SLOTS] {
        std::array::from_fn(|hot| {
            let owns = |index: &usize| {
                let map = self.machines[*index].serving.as_ref();
                map.is_some_and(|map| map.owner(hot_slot(hot)) == SlotOwner::Myself)
            };
            self.up().find(owns).map_or(NOTHING, |index| self.machines[index].data.last[hot])
        })
    }

    /// Follows redirections, and the next time starts where it ended.
    fn write_somewhere(&mut self, hot: usize) {
        let mut asking = false;
        for _ in 0..MOST_HOPS {
            let index = self.routes[hot];
            let answer = self.write(index, hot, asking);
            let next = match answer {
                Answer::Done(_) | Answer::Parked => return,
                Answer::Moved(node) | Answer::Ask(node) => self.by_id(node),
                Answer::Refused | Answer::Silence => None,
            };
            asking = matches!(answer, Answer::Ask(_));
            let Some(next) = next else {
                self.routes[hot] = self.rng.random_range(0..self.machines.len());
                return;
            };
            self.routes[hot] = next;
        }
    }
}
