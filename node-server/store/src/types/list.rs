//! A list: one listpack while it fits a node, then a sequence of such nodes (reported as quicklist).
//!
//! ```text
//! packed:  [ a b c ]
//! nodes:   [ a b c … ] [ d e … ] [ f … ]      a counted tree of listpacks, each up to list_max_listpack_size
//! ```
//!
//! A node holds at least one element, however long. Index, insert and removal anywhere are O(log n) plus the walk
//! within one node. It returns to one listpack when a single node of at most half the limit is left, as Redis 7.2
//! does (7.0 reports every list as quicklist).

use super::counted_tree::CountedTree;
use super::{Element, Encoding, Limits};
use crate::encoding::Listpack;

mod iter;
mod node;

use iter::Elements;
use node::{Node, fits, has_room};

/// Which end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Head,
    Tail,
}

#[derive(Clone)]
pub struct List(Form);

#[derive(Clone)]
enum Form {
    Packed(Listpack),
    Nodes(Box<CountedTree<Node>>),
}

impl Default for List {
    fn default() -> List {
        List::new()
    }
}

impl List {
    pub fn new() -> List {
        List(Form::Packed(Listpack::new()))
    }

    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Packed(elements) => elements.len(),
            Form::Nodes(nodes) => nodes.weight(),
        }
    }

    pub fn is_empty(&self) -> bool {
        match &self.0 {
            Form::Packed(elements) => elements.is_empty(),
            Form::Nodes(nodes) => nodes.weight() == 0,
        }
    }

    pub fn push(&mut self, end: End, value: &[u8], limits: &Limits) {
        let offset = match end {
            End::Head => 0,
            End::Tail => self.len(),
        };
        self.insert(offset, value, limits);
    }

    pub fn pop(&mut self, end: End, limits: &Limits) -> Option<Vec<u8>> {
        let offset = match end {
            End::Head => 0,
            End::Tail => self.len().checked_sub(1)?,
        };
        let value = self.at(offset)?.to_vec();
        self.remove_at(offset, 1);
        self.pack_when_small(limits);
        Some(value)
    }

    /// `index` as LINDEX takes it: negative counts from the tail.
    pub fn get(&self, index: i64) -> Option<Element<'_>> {
        self.at(self.offset_of(index)?)
    }

    /// False when there is no such index.
    pub fn set(&mut self, index: i64, value: &[u8], limits: &Limits) -> bool {
        let Some(offset) = self.offset_of(index) else { return false };
        // Whether one more would fit is what Redis asks here too.
        if let Form::Packed(elements) = &self.0
            && !has_room(elements, value, limits)
        {
            self.unpack();
        }
        self.replace_at(offset, value, limits);
        self.pack_when_small(limits);
        true
    }

    /// Inserts before (`End::Head`) or after (`End::Tail`) the first element equal to `pivot`. False when there is none.
    pub fn insert_beside(&mut self, side: End, pivot: &[u8], value: &[u8], limits: &Limits) -> bool {
        let Some(&offset) = self.positions(pivot, 1, 1, 0).first() else { return false };
        self.insert(offset + usize::from(side == End::Tail), value, limits);
        true
    }

    /// LREM: up to `|count|` from the head (from the tail when negative), all when zero. How many went.
    pub fn remove(&mut self, count: i64, value: &[u8], limits: &Limits) -> usize {
        let rank = if count < 0 { -1 } else { 1 };
        let most = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        let mut offsets = self.positions(value, rank, most, 0);
        offsets.sort_unstable();
        // From the tail, so that the offsets before stay true.
        offsets.iter().rev().for_each(|&offset| self.remove_at(offset, 1));
        self.pack_when_small(limits);
        offsets.len()
    }

    /// LRANGE's bounds (inclusive, negative from the tail), clamped.
    pub fn range(&self, start: i64, stop: i64) -> impl DoubleEndedIterator<Item = Element<'_>> {
        let range = super::clamp_range(start, stop, self.len());
        Elements::new(self, range.start, range.len())
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Element<'_>> {
        Elements::new(self, 0, self.len())
    }

    /// LTRIM: keeps what `range` would give.
    pub fn trim(&mut self, start: i64, stop: i64, limits: &Limits) {
        let length = self.len();
        let keep = super::clamp_range(start, stop, length);
        if keep.is_empty() {
            *self = List::new();
            return;
        }
        self.remove_at(keep.end, length - keep.end);
        self.remove_at(0, keep.start);
        self.pack_when_small(limits);
    }

    /// LPOS: indexes of `value`, at most `count` (0: all), the `rank`-th match first (negative: from the tail; never 0),
    /// comparing at most `max_len` elements (0: all).
    pub fn positions(&self, value: &[u8], rank: i64, count: usize, max_len: usize) -> Vec<usize> {
        let unlimited = |limit| if limit == 0 { usize::MAX } else { limit };
        let length = self.len();
        let (mut forward, mut backward);
        let elements: &mut dyn Iterator<Item = (usize, Element<'_>)> = if rank < 0 {
            backward = self.iter().rev().enumerate().map(|(index, element)| (length - 1 - index, element));
            &mut backward
        } else {
            forward = self.iter().enumerate();
            &mut forward
        };
        let skipped = usize::try_from(rank.unsigned_abs().saturating_sub(1)).unwrap_or(usize::MAX);
        elements
            .take(unlimited(max_len))
            .filter(|(_, element)| element.equals(value))
            .map(|(index, _)| index)
            .skip(skipped)
            .take(unlimited(count))
            .collect()
    }

    pub fn encoding(&self) -> Encoding {
        match self.0 {
            Form::Packed(_) => Encoding::Listpack,
            Form::Nodes(_) => Encoding::Quicklist,
        }
    }

    /// Bytes allocated: of nodes beyond the first few, about.
    pub fn memory_usage(&self) -> usize {
        const SAMPLES: usize = 16;
        match &self.0 {
            Form::Packed(elements) => elements.memory_usage(),
            Form::Nodes(_) => {
                let (mut bytes, mut elements) = (0, 0);
                for node in self.nodes().take(SAMPLES) {
                    bytes += node.memory_usage() + size_of::<Listpack>() + 2 * size_of::<usize>();
                    elements += node.len();
                }
                let scaled = bytes as u128 * self.len() as u128 / elements.max(1) as u128;
                usize::try_from(scaled).unwrap_or(usize::MAX)
            }
        }
    }

    /// About how many steps it takes to free it: one for each node, of which no more than `most` are counted.
    pub fn free_effort(&self, most: usize) -> usize {
        self.nodes().take(most).count()
    }

    /// The listpacks it is made of, in order, as RDB writes them.
    pub fn nodes(&self) -> impl Iterator<Item = &Listpack> {
        let mut offset = 0;
        std::iter::from_fn(move || {
            let node = self.node_at(offset)?.0;
            offset += node.len();
            Some(node)
        })
    }

    /// Appends a listpack from outside as it is, when a node may be so big; else element by element.
    pub fn push_listpack(&mut self, elements: Listpack, limits: &Limits) {
        if elements.is_empty() {
            return;
        }
        if !fits(elements.byte_len(), elements.len(), limits) && elements.len() > 1 {
            for element in elements.iter() {
                self.push(End::Tail, element.as_bytes(&mut itoa::Buffer::new()), limits);
            }
        } else if self.is_empty() && fits(elements.byte_len(), elements.len(), limits) {
            self.0 = Form::Packed(elements);
        } else {
            let nodes = self.unpack();
            nodes.insert(nodes.weight(), Node::new(elements));
        }
    }

    fn offset_of(&self, index: i64) -> Option<usize> {
        let length = self.len();
        let distance = usize::try_from(index.unsigned_abs()).ok()?;
        let offset = if index < 0 { length.checked_sub(distance)? } else { distance };
        (offset < length).then_some(offset)
    }

    fn at(&self, offset: usize) -> Option<Element<'_>> {
        let (node, within) = self.node_at(offset)?;
        Some(node.get(node.seek(within)?))
    }

    fn node_at(&self, offset: usize) -> Option<(&Listpack, usize)> {
        match &self.0 {
            Form::Packed(elements) => (offset < elements.len()).then_some((elements, offset)),
            Form::Nodes(nodes) => nodes.get(offset).map(|(node, within)| (node.elements(), within)),
        }
    }
}

impl std::fmt::Debug for List {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests;
