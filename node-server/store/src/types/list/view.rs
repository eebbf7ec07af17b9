//! Reading a list, wherever it lies: in a [`List`](super::List), or packed in an entry's own allocation.

use super::iter::Elements;
use super::{Form, Node};
use crate::encoding::ListpackRef;
use crate::types::counted_tree::CountedTree;
use crate::types::{Element, Encoding};

/// A borrowed list.
#[derive(Clone, Copy)]
pub struct ListRef<'a>(FormRef<'a>);

#[derive(Clone, Copy)]
enum FormRef<'a> {
    Packed(ListpackRef<'a>),
    Nodes(&'a CountedTree<Node>),
}

impl<'a> ListRef<'a> {
    #[inline]
    pub(super) fn of(form: &'a Form) -> ListRef<'a> {
        ListRef(match form {
            Form::Packed(elements) => FormRef::Packed(elements.view()),
            Form::Nodes(nodes) => FormRef::Nodes(nodes),
        })
    }

    /// Of what [`as_listpack`](Self::as_listpack) gave.
    pub(crate) fn packed(elements: ListpackRef<'a>) -> ListRef<'a> {
        ListRef(FormRef::Packed(elements))
    }

    /// The packed form.
    pub(crate) fn as_listpack(self) -> Option<ListpackRef<'a>> {
        match self.0 {
            FormRef::Packed(elements) => Some(elements),
            FormRef::Nodes(_) => None,
        }
    }

    pub fn len(self) -> usize {
        match self.0 {
            FormRef::Packed(elements) => elements.len(),
            FormRef::Nodes(nodes) => nodes.weight(),
        }
    }

    pub fn is_empty(self) -> bool {
        match self.0 {
            FormRef::Packed(elements) => elements.is_empty(),
            FormRef::Nodes(nodes) => nodes.weight() == 0,
        }
    }

    /// `index` as LINDEX takes it: negative counts from the tail.
    pub fn get(self, index: i64) -> Option<Element<'a>> {
        self.at(self.offset_of(index)?)
    }

    /// LRANGE's bounds (inclusive, negative from the tail), clamped.
    pub fn range(self, start: i64, stop: i64) -> impl DoubleEndedIterator<Item = Element<'a>> {
        let range = crate::types::clamp_range(start, stop, self.len());
        Elements::new(self, range.start, range.len())
    }

    pub fn iter(self) -> impl DoubleEndedIterator<Item = Element<'a>> {
        Elements::new(self, 0, self.len())
    }

    /// LPOS: indexes of `value`, at most `count` (0: all), the `rank`-th match first (negative: from the tail; never 0),
    /// comparing at most `max_len` elements (0: all).
    pub fn positions(self, value: &[u8], rank: i64, count: usize, max_len: usize) -> Vec<usize> {
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

    pub fn encoding(self) -> Encoding {
        match self.0 {
            FormRef::Packed(_) => Encoding::Listpack,
            FormRef::Nodes(_) => Encoding::Quicklist,
        }
    }

    /// About how many steps it takes to free it: one for each node, of which no more than `most` are counted.
    pub fn free_effort(self, most: usize) -> usize {
        self.nodes().take(most).count()
    }

    /// The listpacks it is made of, in order, as RDB writes them.
    pub fn nodes(self) -> impl Iterator<Item = ListpackRef<'a>> {
        let mut offset = 0;
        std::iter::from_fn(move || {
            let node = self.node_at(offset)?.0;
            offset += node.len();
            Some(node)
        })
    }

    pub(super) fn offset_of(self, index: i64) -> Option<usize> {
        let length = self.len();
        let distance = usize::try_from(index.unsigned_abs()).ok()?;
        let offset = if index < 0 { length.checked_sub(distance)? } else { distance };
        (offset < length).then_some(offset)
    }

    pub(super) fn at(self, offset: usize) -> Option<Element<'a>> {
        let (node, within) = self.node_at(offset)?;
        Some(node.get(node.seek(within)?))
    }

    pub(super) fn node_at(self, offset: usize) -> Option<(ListpackRef<'a>, usize)> {
        match self.0 {
            FormRef::Packed(elements) => (offset < elements.len()).then_some((elements, offset)),
            FormRef::Nodes(nodes) => nodes.get(offset).map(|(node, within)| (node.elements(), within)),
        }
    }
}

impl std::fmt::Debug for ListRef<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}
