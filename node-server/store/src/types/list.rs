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

use super::counted_tree::{CountedTree, Item};
use super::{Encoding, Limits};
use crate::encoding::{Listpack, ListpackRef};

mod iter;
mod node;
mod view;

pub use view::ListRef;

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

    /// From what [`into_packed`](Self::into_packed) gave.
    pub(crate) fn packed(elements: Listpack) -> List {
        List(Form::Packed(elements))
    }

    pub(crate) fn into_packed(self) -> Option<Listpack> {
        match self.0 {
            Form::Packed(elements) => Some(elements),
            _ => None,
        }
    }

    /// To read it.
    #[inline]
    pub fn view(&self) -> ListRef<'_> {
        ListRef::of(&self.0)
    }

    pub fn len(&self) -> usize {
        self.view().len()
    }

    pub fn is_empty(&self) -> bool {
        self.view().is_empty()
    }

    pub fn encoding(&self) -> Encoding {
        self.view().encoding()
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
        let value = self.take_at(offset)?;
        self.pack_when_small(limits);
        Some(value)
    }

    /// False when there is no such index.
    pub fn set(&mut self, index: i64, value: &[u8], limits: &Limits) -> bool {
        let Some(offset) = self.view().offset_of(index) else { return false };
        // Whether one more would fit is what Redis asks here too.
        if let Form::Packed(elements) = &self.0
            && !has_room(elements.view(), value, limits)
        {
            self.unpack();
        }
        self.replace_at(offset, value, limits);
        self.pack_when_small(limits);
        true
    }

    /// Inserts before (`End::Head`) or after (`End::Tail`) the first element equal to `pivot`. False when there is none.
    pub fn insert_beside(&mut self, side: End, pivot: &[u8], value: &[u8], limits: &Limits) -> bool {
        let Some(&offset) = self.view().positions(pivot, 1, 1, 0).first() else { return false };
        self.insert(offset + usize::from(side == End::Tail), value, limits);
        true
    }

    /// LREM: up to `|count|` from the head (from the tail when negative), all when zero. How many went.
    pub fn remove(&mut self, count: i64, value: &[u8], limits: &Limits) -> usize {
        let rank = if count < 0 { -1 } else { 1 };
        let most = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        let mut offsets = self.view().positions(value, rank, most, 0);
        offsets.sort_unstable();
        // From the tail, so that the offsets before stay true.
        offsets.iter().rev().for_each(|&offset| self.remove_at(offset, 1));
        self.pack_when_small(limits);
        offsets.len()
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

    /// Bytes allocated: of nodes beyond the first few, about.
    pub fn memory_usage(&self) -> usize {
        const SAMPLES: usize = 16;
        match &self.0 {
            Form::Packed(elements) => elements.memory_usage(),
            Form::Nodes(nodes) => {
                let (mut bytes, mut elements) = (0, 0);
                for node in nodes.items(0, SAMPLES) {
                    bytes += node.memory_usage();
                    elements += node.weight();
                }
                let scaled = bytes as u128 * self.len() as u128 / elements.max(1) as u128;
                usize::try_from(scaled).unwrap_or(usize::MAX)
            }
        }
    }

    /// Whether a listpack that came from outside may be a list as it is.
    pub(crate) fn stays_packed(elements: ListpackRef<'_>, limits: &Limits) -> bool {
        fits(elements.byte_len(), elements.len(), limits)
    }

    /// Appends a listpack from outside as it is, when a node may be so big; else element by element.
    pub fn push_listpack(&mut self, elements: Listpack, limits: &Limits) {
        if elements.is_empty() {
            return;
        }
        let fits = List::stays_packed(elements.view(), limits);
        if !fits && elements.len() > 1 {
            for element in elements.iter() {
                self.push(End::Tail, element.as_bytes(&mut itoa::Buffer::new()), limits);
            }
        } else if fits && self.is_empty() {
            self.0 = Form::Packed(elements);
        } else {
            let nodes = self.unpack();
            nodes.insert(nodes.weight(), Node::new(elements));
        }
    }
}

impl std::fmt::Debug for List {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.view().fmt(formatter)
    }
}

#[cfg(test)]
mod tests;
