//! A stream from its saved parts, which come from outside: each is looked at, so that all other code may trust it.

use super::group::{Consumer, ConsumerName, Group, Pending};
use super::log::Log;
use super::node::Node;
use super::{Stream, StreamId};
use crate::encoding::{Listpack, Malformed};
use crate::types::Element;
use std::collections::BTreeMap;
use triomphe::Arc;

/// What is saved beside the entries.
#[derive(Clone, Copy, Debug, Default)]
pub struct SavedIds {
    pub length: u64,
    pub last_id: StreamId,
    /// Not saved before version 10: then it follows from the rest.
    pub since_version_10: Option<(StreamId, u64)>,
}

/// A group as it is saved: what is pending in it with the consumers left open, then each consumer with its ids.
#[derive(Debug, Default)]
pub struct SavedGroup {
    pub last_id: StreamId,
    /// The outer `None`: not saved.
    pub entries_read: Option<Option<i64>>,
    /// Id, time of delivery, count of deliveries.
    pub pending: Vec<(StreamId, i64, u64)>,
    pub consumers: Vec<SavedConsumer>,
}

#[derive(Debug, Default)]
pub struct SavedConsumer {
    pub name: Vec<u8>,
    pub seen_time_ms: i64,
    pub active_time_ms: Option<i64>,
    pub pending: Vec<StreamId>,
}

#[derive(Default)]
pub struct StreamLoader {
    log: Log,
    /// The id of the last live entry.
    top: Option<StreamId>,
}

const fn malformed<T>(expected: &'static str) -> Result<T, Malformed> {
    Err(Malformed { offset: 0, expected })
}

impl StreamLoader {
    /// The next node: entries that count their ids from `first`.
    pub fn push_node(&mut self, first: StreamId, mut listpack: Listpack) -> Result<(), Malformed> {
        let last = self.log.node_count().checked_sub(1).and_then(|last| self.log.node(last));
        if last.is_some_and(|last| last.first >= first) {
            return malformed("nodes of a stream in the order of their first ids");
        }
        check_structure(&listpack)?;
        listpack.shrink_to_fit();
        let node = Node { first, listpack: Arc::new(listpack) };
        for entry in node.entries().filter(|entry| !entry.is_deleted) {
            if self.top.is_some_and(|top| entry.id <= top) {
                return malformed("entries of a stream in the order of their ids");
            }
            self.top = Some(entry.id);
            self.log.length += 1;
        }
        self.log.push_node(node);
        Ok(())
    }

    /// All nodes are there.
    pub fn finish(mut self, ids: SavedIds) -> Result<Stream, Malformed> {
        let log = &mut self.log;
        if ids.length != log.length {
            return malformed("the stream's length");
        }
        if self.top.is_some_and(|top| top > ids.last_id) {
            return malformed("a last id that no entry of the stream is above");
        }
        log.last_id = ids.last_id;
        (log.max_deleted_id, log.entries_added) = ids.since_version_10.unwrap_or((StreamId::MIN, ids.length));
        log.find_first_id();
        Ok(Stream { log: self.log, groups: None })
    }
}

impl Stream {
    /// Adds a group as it was saved.
    pub fn load_group(&mut self, name: &[u8], saved: SavedGroup) -> Result<(), Malformed> {
        let entries_read = match saved.entries_read {
            Some(read) => read,
            None => self.log.count_up_to(saved.last_id),
        };
        let mut group = Group::new(saved.last_id, entries_read);
        let mut owners: BTreeMap<StreamId, ConsumerName> = BTreeMap::new();
        for consumer in saved.consumers {
            let name = ConsumerName::from(consumer.name);
            let mut loaded = Consumer::new(consumer.seen_time_ms, consumer.active_time_ms);
            for id in consumer.pending {
                loaded.add(id);
                if owners.insert(id, name.clone()).is_some() {
                    return malformed("ids that are pending for one consumer each");
                }
            }
            if !group.load_consumer(name, loaded) {
                return malformed("consumers with different names (Duplicate stream consumer detected)");
            }
        }
        for (id, delivery_time_ms, delivery_count) in saved.pending {
            let Some(consumer) = owners.remove(&id) else {
                return malformed("a consumer for each pending id");
            };
            if !group.load_pending(Pending { id, delivery_time_ms, delivery_count, consumer }) {
                return malformed("pending ids in their order");
            }
        }
        if !owners.is_empty() {
            return malformed("consumers whose ids are pending in the group");
        }
        if self.create_group(name, group) { Ok(()) } else { malformed("groups with different names") }
    }
}

/// Every element is where its header says, all counts are right.
fn check_structure(listpack: &Listpack) -> Result<(), Malformed> {
    const WHOLE: &str = "a whole entry of a stream";
    let mut elements = listpack.iter();
    // Offsets are of the listpack's bytes.
    let mut take = |expected| {
        let offset = elements.offset();
        elements.next().map(|element| (element, offset)).ok_or(Malformed { offset, expected })
    };
    let number = |(element, offset): (Element<'_>, usize)| match element {
        Element::Int(number) if number >= 0 => Ok(number as u64),
        _ => Err(Malformed { offset, expected: "a count or flags" }),
    };
    let live = number(take("a stream node's header")?)?;
    let deleted = number(take("a stream node's header")?)?;
    let fields = number(take("a stream node's header")?)?;
    for _ in 0..fields {
        take("the field names of a stream node")?;
    }
    let (end, offset) = take("the end of a stream node's header")?;
    if !matches!(end, Element::Int(0)) {
        return Err(Malformed { offset, expected: "0 at the end of a stream node's header" });
    }
    let (mut found_live, mut found_deleted) = (0, 0);
    while found_live + found_deleted < live.saturating_add(deleted) {
        let flags = number(take(WHOLE)?)?;
        for _ in 0..2 {
            let (difference, offset) = take(WHOLE)?;
            if !matches!(difference, Element::Int(_)) {
                return Err(Malformed { offset, expected: "the difference of two ids" });
            }
        }
        let (own, following) = match flags & 2 {
            0 => {
                let own = number(take(WHOLE)?)?;
                (own.saturating_mul(2).saturating_add(4), own.saturating_mul(2))
            }
            _ => (fields.saturating_add(3), fields),
        };
        for _ in 0..following {
            take(WHOLE)?;
        }
        let (count, offset) = take(WHOLE)?;
        if !matches!(count, Element::Int(count) if count as u64 == own) {
            return Err(Malformed { offset, expected: "the number of an entry's elements" });
        }
        *(if flags & 1 == 0 { &mut found_live } else { &mut found_deleted }) += 1;
    }
    if found_live != live {
        return malformed("the number of entries that are not deleted");
    }
    match take("") {
        Err(_) => Ok(()),
        Ok((_, offset)) => Err(Malformed { offset, expected: "the end of a stream node" }),
    }
}
