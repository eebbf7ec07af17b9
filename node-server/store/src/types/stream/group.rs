//! A consumer group: how far it has read, what it has delivered and nobody has acknowledged, and to whom.
//!
//! ```text
//! pending:    id → when, how often and to which consumer it was delivered      one for the group
//! consumers:  name → when it was seen and got something, ids delivered to it
//! ```
//!
//! Each pending id is in the group's list and in its consumer's.

use super::StreamId;
use crate::types::counted_tree::{CountedTree, Item};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A consumer's name, shared by all that was delivered to it.
pub type ConsumerName = Arc<[u8]>;

/// Delivered and not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    pub id: StreamId,
    /// Unix time in milliseconds.
    pub delivery_time_ms: i64,
    pub delivery_count: u64,
    pub consumer: ConsumerName,
}

impl Item for Pending {
    type Key = StreamId;
    fn key(&self) -> &StreamId {
        &self.id
    }
    fn weight(&self) -> usize {
        1
    }
}

impl Item for StreamId {
    type Key = StreamId;
    fn key(&self) -> &StreamId {
        self
    }
    fn weight(&self) -> usize {
        1
    }
}

#[derive(Clone)]
pub struct Consumer {
    /// When it last asked for something, Unix time in milliseconds.
    pub seen_time_ms: i64,
    /// When it last got something; `None` if never.
    pub active_time_ms: Option<i64>,
    pending: CountedTree<StreamId>,
}

impl Consumer {
    pub(super) fn new(seen_time_ms: i64, active_time_ms: Option<i64>) -> Consumer {
        Consumer { seen_time_ms, active_time_ms, pending: CountedTree::default() }
    }

    pub fn pending_count(&self) -> usize {
        self.pending.weight()
    }

    /// The ids delivered to it from `start` on, in order.
    pub fn pending_from(&self, start: StreamId) -> impl Iterator<Item = StreamId> {
        let offset = self.pending.weight_where(|id| *id < start);
        self.pending.items(offset, self.pending.weight() - offset).copied()
    }

    /// False when it is there already.
    pub(super) fn add(&mut self, id: StreamId) -> bool {
        let offset = self.pending.weight_where(|other| *other < id);
        let is_new = self.pending.get(offset).is_none_or(|(found, _)| *found != id);
        if is_new {
            self.pending.insert(offset, id);
        }
        is_new
    }

    fn remove(&mut self, id: StreamId) {
        let offset = self.pending.weight_where(|other| *other < id);
        if self.pending.get(offset).is_some_and(|(found, _)| *found == id) {
            self.pending.remove(offset);
        }
    }
}

#[derive(Clone)]
pub struct Group {
    /// The last id that was delivered to any consumer.
    pub last_id: StreamId,
    /// How many of all entries ever added it has read; `None` when that is not known.
    pub entries_read: Option<i64>,
    pending: CountedTree<Pending>,
    consumers: BTreeMap<ConsumerName, Consumer>,
}

impl Group {
    pub fn new(last_id: StreamId, entries_read: Option<i64>) -> Group {
        Group { last_id, entries_read, pending: CountedTree::default(), consumers: BTreeMap::new() }
    }

    pub fn pending_count(&self) -> usize {
        self.pending.weight()
    }

    pub fn pending(&self, id: StreamId) -> Option<&Pending> {
        self.pending.get(self.offset(id)).map(|(found, _)| found).filter(|found| found.id == id)
    }

    /// What is pending from `start` on, in order.
    pub fn pending_from(&self, start: StreamId) -> impl DoubleEndedIterator<Item = &Pending> {
        let offset = self.offset(start);
        self.pending.items(offset, self.pending.weight() - offset)
    }

    /// All consumers by name.
    pub fn consumers(&self) -> impl ExactSizeIterator<Item = (&ConsumerName, &Consumer)> {
        self.consumers.iter()
    }

    pub fn consumer(&self, name: &[u8]) -> Option<&Consumer> {
        self.consumers.get(name)
    }

    /// False when there is one of this name.
    pub fn create_consumer(&mut self, name: &[u8], now_ms: i64) -> bool {
        let is_new = !self.consumers.contains_key(name);
        if is_new {
            self.consumers.insert(name.into(), Consumer::new(now_ms, None));
        }
        is_new
    }

    /// The consumer of this name was seen; true when it is new.
    pub fn note_seen(&mut self, name: &[u8], now_ms: i64) -> bool {
        match self.consumers.get_mut(name) {
            Some(consumer) => {
                consumer.seen_time_ms = now_ms;
                false
            }
            None => self.create_consumer(name, now_ms),
        }
    }

    /// It got something.
    pub fn note_active(&mut self, name: &[u8], now_ms: i64) {
        if let Some(consumer) = self.consumers.get_mut(name) {
            consumer.active_time_ms = Some(now_ms);
        }
    }

    /// With all that is pending for it; how much that was. `None` when there is no such consumer.
    pub fn remove_consumer(&mut self, name: &[u8]) -> Option<usize> {
        let consumer = self.consumers.remove(name)?;
        let ids = consumer.pending_from(StreamId::MIN);
        ids.for_each(|id| {
            let offset = self.offset(id);
            self.pending.remove(offset);
        });
        Some(consumer.pending_count())
    }

    /// It is pending for `consumer` from now on, whoever had it. The consumer must be there.
    pub fn assign(&mut self, id: StreamId, consumer: &[u8], delivery_time_ms: i64, delivery_count: u64) {
        let offset = self.offset(id);
        let before = self.pending.get(offset).filter(|(found, _)| found.id == id).map(|(found, _)| found);
        let stays = before.is_some_and(|before| *before.consumer == *consumer);
        let before = before.map(|before| before.consumer.clone());
        if let Some(owner) = before.as_ref().filter(|_| !stays).and_then(|name| self.consumers.get_mut(name))
        {
            owner.remove(id);
        }
        let Some((name, _)) = self.consumers.get_key_value(consumer) else { return };
        let pending = Pending { id, delivery_time_ms, delivery_count, consumer: name.clone() };
        match before {
            None => self.pending.insert(offset, pending),
            Some(_) => self.pending.alter(offset, |items, index, _| {
                if let Some(place) = items.get_mut(index) {
                    *place = pending;
                }
            }),
        }
        if !stays && let Some(consumer) = self.consumers.get_mut(consumer) {
            consumer.add(id);
        }
    }

    /// It was delivered once more to the consumer that has it.
    pub fn deliver_again(&mut self, id: StreamId, now_ms: i64) {
        let offset = self.offset(id);
        if self.pending(id).is_some() {
            self.pending.alter(offset, |items, index, _| {
                if let Some(pending) = items.get_mut(index) {
                    pending.delivery_time_ms = now_ms;
                    pending.delivery_count = pending.delivery_count.wrapping_add(1);
                }
            });
        }
    }

    /// It is pending no more. False when it was not.
    pub fn acknowledge(&mut self, id: StreamId) -> bool {
        let offset = self.offset(id);
        let Some(consumer) = self.pending(id).map(|pending| pending.consumer.clone()) else { return false };
        self.pending.remove(offset);
        if let Some(consumer) = self.consumers.get_mut(&consumer) {
            consumer.remove(id);
        }
        true
    }

    /// Bytes allocated, about.
    pub(super) fn memory_usage(&self) -> usize {
        let of_consumers = self.consumers.iter().map(|(name, consumer)| {
            name.len() + size_of::<Consumer>() + consumer.pending_count() * size_of::<StreamId>()
        });
        size_of::<Group>() + self.pending.weight() * size_of::<Pending>() + of_consumers.sum::<usize>()
    }

    /// Puts a consumer with what is pending for it there, as it was saved. `false` when its name is taken.
    pub(super) fn load_consumer(&mut self, name: ConsumerName, consumer: Consumer) -> bool {
        self.consumers.insert(name, consumer).is_none()
    }

    /// Puts something pending behind all that is there; `false` when it does not belong behind.
    pub(super) fn load_pending(&mut self, pending: Pending) -> bool {
        let end = self.pending.weight();
        let last = end.checked_sub(1).and_then(|last| self.pending.get(last));
        let is_behind = last.is_none_or(|(last, _)| last.id < pending.id);
        if is_behind {
            self.pending.insert(end, pending);
        }
        is_behind
    }

    fn offset(&self, id: StreamId) -> usize {
        self.pending.weight_where(|other| *other < id)
    }
}
