//! Reading a listpack, wherever its bytes lie: in a [`Listpack`](super::Listpack) or in an entry's own allocation.

use super::entry::{backlen_size, decode, read_backlen};
use super::validate::validate;
use super::{COUNT_UNKNOWN, HEADER, MAX_BYTES};
use crate::encoding::Malformed;
use crate::types::{Element, INTEGER_TEXT_MAX, parse_integer};

/// A borrowed listpack.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ListpackRef<'a> {
    bytes: &'a [u8],
}

impl<'a> ListpackRef<'a> {
    /// Only for the bytes of a [`Listpack`](super::Listpack): they are trusted to be well-formed.
    pub(crate) fn of_trusted(bytes: &'a [u8]) -> ListpackRef<'a> {
        debug_assert!(validate(bytes).is_ok());
        ListpackRef { bytes }
    }

    /// Takes bytes from outside, after looking at every one of them.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<ListpackRef<'a>, Malformed> {
        validate(bytes)?;
        Ok(ListpackRef { bytes })
    }

    pub(super) fn new(bytes: &'a [u8]) -> ListpackRef<'a> {
        ListpackRef { bytes }
    }

    pub fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    pub fn byte_len(self) -> usize {
        self.bytes.len()
    }

    pub fn len(self) -> usize {
        match u16::from_le_bytes([self.bytes[4], self.bytes[5]]) {
            COUNT_UNKNOWN => self.positions().count(),
            count => usize::from(count),
        }
    }

    pub fn is_empty(self) -> bool {
        self.bytes.len() == HEADER + 1
    }

    /// Whether an element of `length` bytes may still be added.
    pub fn has_room_for(self, length: usize) -> bool {
        self.bytes.len().saturating_add(length) < MAX_BYTES
    }

    pub fn first(self) -> Option<usize> {
        self.if_entry(HEADER)
    }

    pub fn last(self) -> Option<usize> {
        self.previous(self.end())
    }

    pub fn next(self, position: usize) -> Option<usize> {
        self.if_entry(self.after(position))
    }

    /// `position` may be the end.
    pub fn previous(self, position: usize) -> Option<usize> {
        if position <= HEADER {
            return None;
        }
        let length = read_backlen(&self.bytes[..position]);
        Some(position - backlen_size(length) - length)
    }

    /// Where an entry appended would begin.
    pub fn end(self) -> usize {
        self.bytes.len() - 1
    }

    /// The position of element `index`, walking from the nearer end.
    pub fn seek(self, index: usize) -> Option<usize> {
        let length = self.len();
        if index >= length {
            return None;
        }
        if index <= length / 2 {
            self.skip(self.first()?, index)
        } else {
            let mut position = self.end();
            for _ in index..length {
                position = self.previous(position)?;
            }
            Some(position)
        }
    }

    /// The position `count` elements after `position`.
    pub fn skip(self, position: usize, count: usize) -> Option<usize> {
        (0..count).try_fold(position, |position, _| self.next(position))
    }

    pub fn get(self, position: usize) -> Element<'a> {
        decode(&self.bytes[position..]).0
    }

    /// The first element equal to `value` at or after `position`, looking at every `stride`-th element.
    pub fn find(self, position: Option<usize>, value: &[u8], stride: usize) -> Option<usize> {
        let number = parse_integer(value);
        let mut current = position?;
        loop {
            let (element, length) = decode(&self.bytes[current..]);
            let equal = match element {
                Element::Int(found) => number == Some(found),
                Element::Bytes(found) => found == value,
            };
            if equal {
                return Some(current);
            }
            let next = self.if_entry(current + length + backlen_size(length))?;
            current = self.skip(next, stride - 1)?;
        }
    }

    /// Whether any of every `stride`-th element, from the first on, has more bytes than `limit`.
    pub(crate) fn has_longer_than(self, limit: usize, stride: usize) -> bool {
        let may_have = self.bytes.len().max(INTEGER_TEXT_MAX) > limit;
        may_have && self.iter().step_by(stride).any(|element| element.is_longer_than(limit))
    }

    pub fn iter(self) -> Iter<'a> {
        Iter { listpack: self, front: HEADER, back: self.end() }
    }

    /// The elements from `front` (a position) to before `back` (a position or the end).
    pub fn iter_between(self, front: usize, back: usize) -> Iter<'a> {
        Iter { listpack: self, front, back: back.max(front) }
    }

    pub(super) fn positions(self) -> impl Iterator<Item = usize> {
        std::iter::successors(self.first(), move |&position| self.next(position))
    }

    pub(super) fn after(self, position: usize) -> usize {
        let length = decode(&self.bytes[position..]).1;
        position + length + backlen_size(length)
    }

    fn if_entry(self, position: usize) -> Option<usize> {
        (position < self.end()).then_some(position)
    }
}

impl std::fmt::Debug for ListpackRef<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

/// Elements from both ends.
#[derive(Clone)]
pub struct Iter<'a> {
    listpack: ListpackRef<'a>,
    front: usize,
    back: usize,
}

impl Iter<'_> {
    /// Where the next element from the front is.
    pub fn offset(&self) -> usize {
        self.front
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        if self.front >= self.back {
            return None;
        }
        let (element, length) = decode(&self.listpack.bytes[self.front..]);
        self.front += length + backlen_size(length);
        Some(element)
    }
}

impl<'a> DoubleEndedIterator for Iter<'a> {
    fn next_back(&mut self) -> Option<Element<'a>> {
        if self.front >= self.back {
            return None;
        }
        self.back = self.listpack.previous(self.back)?;
        Some(self.listpack.get(self.back))
    }
}
