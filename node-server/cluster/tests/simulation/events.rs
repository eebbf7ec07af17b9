//! What is going to happen, and when: a heap of dates over a slab of events.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use rcl_cluster::{ClusterMap, Input, LinkEnd, LinkId};

use crate::data::Delivery;
use crate::network::{Handle, Side};

#[derive(Debug)]
pub enum Event {
    /// A member's deadline.
    Wake {
        machine: usize,
        life: u64,
    },
    /// Something that the driver reports a moment later.
    Input {
        machine: usize,
        life: u64,
        input: Box<Input>,
    },
    /// A connection's first packet arrives; `tries` before it got no answer.
    Connect {
        connection: Handle,
        tries: u8,
    },
    Refused {
        machine: usize,
        life: u64,
        link: LinkId,
    },
    Deliver {
        connection: Handle,
        to: Side,
        bytes: Arc<[u8]>,
    },
    Closed {
        connection: Handle,
        to: Side,
        end: LinkEnd,
    },
    /// What TCP holds back is sent again.
    Resend {
        connection: Handle,
        from: Side,
        tries: u8,
    },
    /// The disk has finished a write.
    Stored {
        machine: usize,
        life: u64,
        seq: u64,
    },
    /// A machine goes on after it stood still.
    Thaw {
        machine: usize,
        life: u64,
    },
    /// The data plane acts by this map, or a later one.
    Applied {
        machine: usize,
        life: u64,
        map: Arc<ClusterMap>,
    },
    Replicate,
    Replicated(Box<Delivery>),
    Clients,
}

#[derive(Default)]
pub struct Queue {
    dates: BinaryHeap<Reverse<(u64, u64, u32)>>,
    events: Vec<Option<Event>>,
    free: Vec<u32>,
    /// Of two events at one time the one that was planned first comes first.
    number: u64,
}

impl Queue {
    pub fn push(&mut self, at_ms: u64, event: Event) {
        let place = match self.free.pop() {
            Some(place) => place,
            None => {
                self.events.push(None);
                (self.events.len() - 1) as u32
            }
        };
        self.events[place as usize] = Some(event);
        self.dates.push(Reverse((at_ms, self.number, place)));
        self.number += 1;
    }

    /// The next event that happens at `until_ms` or before, and when.
    pub fn pop(&mut self, until_ms: u64) -> Option<(u64, Event)> {
        let &Reverse((at_ms, _, place)) = self.dates.peek().filter(|date| date.0.0 <= until_ms)?;
        self.dates.pop();
        self.free.push(place);
        self.events[place as usize].take().map(|event| (at_ms, event))
    }
}
