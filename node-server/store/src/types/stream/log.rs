//! The entries of a stream, and what is known of those that were.
//!
//! ```text
//! nodes:  [ 1-0 … 5-3 ] [ 6-0 … 9-0 ] …      a counted tree of nodes in the order of their first ids
//! tail:   [ 9-1 … ]                          the last node, where entries are appended, beside the tree
//! ```
//!
//! Where the tree has nodes there is a tail. A node whose last entry was deleted is gone; trimming may leave one with
//! tombstones alone.

use super::StreamId;
use super::entries::{Entries, EntriesBack, StreamEntry};
use super::node::{MAX_BYTES, Node};
use crate::encoding::Listpack;
use crate::types::Limits;
use crate::types::counted_tree::CountedTree;

#[derive(Clone, Default)]
pub struct Log {
    nodes: CountedTree<Node>,
    tail: Option<Node>,
    pub(super) length: u64,
    pub(super) first_id: StreamId,
    pub(super) last_id: StreamId,
    pub(super) max_deleted_id: StreamId,
    pub(super) entries_added: u64,
}

/// Why an entry is not appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendError {
    /// The id is not above the last one.
    IdTooSmall,
    /// Longer than a node can be.
    TooLarge,
}

/// Which ids XADD's id argument leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewId {
    /// `*`, at this time in milliseconds.
    At(u64),
    /// `ms-*`
    Within(u64),
    Exact(StreamId),
}

/// Why XSETID cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetIdError {
    BelowMaxDeleted,
    BelowTop,
    FewerThanEntries,
}

impl Log {
    pub fn len(&self) -> u64 {
        self.length
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Of the first entry; `0-0` when there is none.
    pub fn first_id(&self) -> StreamId {
        self.first_id
    }

    /// The last id that was given, whether its entry is there or not.
    pub fn last_id(&self) -> StreamId {
        self.last_id
    }

    /// The highest id that XDEL deleted.
    pub fn max_deleted_id(&self) -> StreamId {
        self.max_deleted_id
    }

    /// How many entries were ever added.
    pub fn entries_added(&self) -> u64 {
        self.entries_added
    }

    /// The id that a new entry gets.
    pub fn new_id(&self, wanted: NewId) -> Result<StreamId, AppendError> {
        let last = self.last_id;
        let id = match wanted {
            NewId::At(now_ms) if now_ms > last.ms => Some(StreamId::new(now_ms, 0)),
            NewId::At(_) => last.next(),
            NewId::Within(ms) if ms == last.ms => last.next().filter(|next| next.ms == ms),
            NewId::Within(ms) => Some(StreamId::new(ms, 0)),
            NewId::Exact(id) => Some(id),
        };
        id.filter(|&id| id > last).ok_or(AppendError::IdTooSmall)
    }

    /// Appends an entry, which must have an id above the last one.
    pub fn append<'p>(
        &mut self,
        id: StreamId,
        pairs: impl ExactSizeIterator<Item = (&'p [u8], &'p [u8])> + Clone,
        limits: &Limits,
    ) -> Result<(), AppendError> {
        if id <= self.last_id {
            return Err(AppendError::IdTooSmall);
        }
        let bytes = pairs.clone().fold(0, |sum: usize, (name, value)| sum + name.len() + value.len());
        if bytes > MAX_BYTES {
            return Err(AppendError::TooLarge);
        }
        if self.tail.as_ref().is_some_and(|tail| !tail.has_room_for(bytes, limits)) {
            self.seal_tail();
        }
        let tail = self.tail.get_or_insert_with(|| Node::new(id, pairs.clone().map(|(name, _)| name)));
        tail.append(id, pairs);
        self.length += 1;
        self.entries_added = self.entries_added.wrapping_add(1);
        self.last_id = id;
        if self.length == 1 {
            self.first_id = id;
        }
        Ok(())
    }

    /// Live entries from `start` to `end`, both included.
    pub fn range(&self, start: StreamId, end: StreamId) -> impl Iterator<Item = StreamEntry<'_>> {
        Entries::new(self, start, end)
    }

    /// The same, from `end` to `start`.
    pub fn range_back(&self, start: StreamId, end: StreamId) -> impl Iterator<Item = StreamEntry<'_>> {
        EntriesBack::new(self, start, end)
    }

    pub fn get(&self, id: StreamId) -> Option<StreamEntry<'_>> {
        self.range(id, id).next()
    }

    /// The id of the last entry that is there.
    pub fn top_id(&self) -> Option<StreamId> {
        self.range_back(StreamId::MIN, StreamId::MAX).next().map(|entry| entry.id)
    }

    /// The lowest id that is still stored, a tombstone's too.
    pub fn lowest_stored_id(&self) -> Option<StreamId> {
        (0..self.node_count()).find_map(|index| Some(self.node(index)?.entries().next()?.id))
    }

    /// XDEL: how many of these entries were there.
    pub fn delete(&mut self, ids: &[StreamId]) -> u64 {
        let mut deleted = 0;
        let mut first_is_gone = false;
        for &id in ids {
            if self.delete_one(id) {
                deleted += 1;
                first_is_gone |= id == self.first_id;
                self.max_deleted_id = self.max_deleted_id.max(id);
            }
        }
        if deleted > 0 && (first_is_gone || self.is_empty()) {
            self.find_first_id();
        }
        deleted
    }

    fn delete_one(&mut self, id: StreamId) -> bool {
        let index = self.node_index(id);
        let Some(node) = self.node(index) else { return false };
        let found = node.entries().find(|entry| entry.id == id && !entry.is_deleted);
        let Some(position) = found.map(|entry| entry.position) else { return false };
        if node.header().live <= 1 {
            self.remove_node(index);
        } else {
            self.change_node(index, |node| node.mark_deleted(&[position]));
        }
        self.length -= 1;
        true
    }

    /// XSETID.
    pub fn set_last_id(
        &mut self,
        id: StreamId,
        entries_added: Option<u64>,
        max_deleted: Option<StreamId>,
    ) -> Result<(), SetIdError> {
        if id < self.max_deleted_id {
            return Err(SetIdError::BelowMaxDeleted);
        }
        if self.top_id().is_some_and(|top| id < top) {
            return Err(SetIdError::BelowTop);
        }
        if entries_added.is_some_and(|added| self.length > 0 && self.length > added) {
            return Err(SetIdError::FewerThanEntries);
        }
        self.last_id = id;
        self.entries_added = entries_added.unwrap_or(self.entries_added);
        self.max_deleted_id = max_deleted.unwrap_or(self.max_deleted_id);
        Ok(())
    }

    /// The listpacks it is made of and the ids that each counts from, in order, as RDB writes them.
    pub fn nodes(&self) -> impl Iterator<Item = (StreamId, &Listpack)> {
        let sealed = self.nodes.items(0, self.nodes.weight());
        sealed.chain(&self.tail).map(|node| (node.first, &*node.listpack))
    }

    pub fn node_count(&self) -> usize {
        self.nodes.weight() + usize::from(self.tail.is_some())
    }

    /// Bytes allocated, about: from the first few nodes and the last.
    pub fn memory_usage(&self) -> usize {
        const SAMPLES: usize = 16;
        let tail = self.tail.as_ref().map_or(0, Node::memory_usage);
        let sealed = self.nodes.weight();
        let sampled: usize = self.nodes.items(0, sealed.min(SAMPLES)).map(Node::memory_usage).sum();
        let scaled = sampled as u128 * sealed as u128 / sealed.clamp(1, SAMPLES) as u128;
        usize::try_from(scaled).unwrap_or(usize::MAX).saturating_add(tail)
    }

    pub(super) fn node(&self, index: usize) -> Option<&Node> {
        match self.nodes.weight() {
            sealed if index < sealed => self.nodes.get(index).map(|(node, _)| node),
            sealed if index == sealed => self.tail.as_ref(),
            _ => None,
        }
    }

    /// The last node that begins at this id or below, else the first one.
    pub(super) fn node_index(&self, id: StreamId) -> usize {
        match &self.tail {
            Some(tail) if tail.first <= id => self.nodes.weight(),
            _ => self.nodes.weight_where(|first| *first <= id).saturating_sub(1),
        }
    }

    pub(super) fn change_node(&mut self, index: usize, change: impl FnOnce(&mut Node)) {
        if index < self.nodes.weight() {
            self.nodes.alter(index, |items, index, _| items.get_mut(index).map(change));
        } else if let Some(tail) = &mut self.tail {
            change(tail);
        }
    }

    pub(super) fn remove_node(&mut self, index: usize) {
        if index < self.nodes.weight() {
            self.nodes.remove(index);
        } else {
            self.tail = self.nodes.weight().checked_sub(1).and_then(|last| self.nodes.remove(last));
        }
    }

    /// Appends a node that is whole.
    pub(super) fn push_node(&mut self, node: Node) {
        self.seal_tail();
        self.tail = Some(node);
    }

    pub(super) fn find_first_id(&mut self) {
        let first = self.range(StreamId::MIN, StreamId::MAX).next().map(|entry| entry.id);
        self.first_id = first.unwrap_or_default();
    }

    fn seal_tail(&mut self) {
        if let Some(mut tail) = self.tail.take() {
            tail.shrink_to_fit();
            self.nodes.insert(self.nodes.weight(), tail);
        }
    }
}
