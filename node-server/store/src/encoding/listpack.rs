//! Listpack: a sequence of strings and integers in one run of bytes, readable from both ends.
//!
//! ```text
//! total bytes  u32 LE | elements u16 LE (65535: count them) | entry … | 0xFF
//! entry:    encoding and data | backlen
//! encoding: 0xxxxxxx                        integer 0 … 127
//!           10llllll data                   string up to 63 bytes
//!           110xxxxx xxxxxxxx               integer of 13 bits, signed
//!           1110llll llllllll data          string up to 4095 bytes
//!           11110000 length u32 LE, data    longer string
//!           11110001 … 11110100             integer of 2, 3, 4, 8 bytes, LE
//! backlen:  length of encoding and data, 7 bits a byte, highest first; all but the first byte have bit 7 set, so
//!           that it reads backwards
//! ```
//!
//! Positions are byte offsets of entries, and valid until the next change. Source of the format: antirez's listpack
//! specification and what Redis 7.0.15 writes (tests hold our bytes against its DUMP).

use super::Malformed;
use crate::types::Element;

mod entry;
mod validate;
mod view;

use entry::Encoded;
pub use view::{Iter, ListpackRef};

const HEADER: usize = 6;
const END: u8 = 0xFF;
const COUNT_UNKNOWN: u16 = u16::MAX;
/// Redis refuses to let a listpack grow past this.
const MAX_BYTES: usize = 1 << 30;

#[derive(Clone, PartialEq, Eq)]
pub struct Listpack {
    bytes: Vec<u8>,
}

impl Default for Listpack {
    fn default() -> Listpack {
        Listpack::new()
    }
}

impl Listpack {
    pub fn new() -> Listpack {
        Listpack { bytes: vec![HEADER as u8 + 1, 0, 0, 0, 0, 0, END] }
    }

    /// Of elements that are all at hand; `None` where that would be longer than a listpack may be.
    pub(crate) fn of_all<'a>(elements: impl Iterator<Item = Element<'a>> + Clone) -> Option<Listpack> {
        let lengths = elements.clone().map(|element| Encoded::of_element(element).len());
        let (count, length) = lengths.fold((0, HEADER + 1), |(count, sum), length| (count + 1, sum + length));
        if length >= MAX_BYTES {
            return None;
        }
        let mut bytes = vec![0; length];
        let mut rest = &mut bytes[HEADER..];
        for encoded in elements.map(Encoded::of_element) {
            let (place, behind) = rest.split_at_mut(encoded.len());
            encoded.write(place);
            rest = behind;
        }
        rest.fill(END);
        let mut listpack = Listpack { bytes };
        listpack.change_count(count);
        listpack.write_total();
        Some(listpack)
    }

    /// Takes bytes from outside, after looking at every one of them.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Listpack, Malformed> {
        validate::validate(&bytes)?;
        Ok(Listpack { bytes })
    }

    /// Only for bytes that [`into_bytes`](Self::into_bytes) gave: they are trusted to be well-formed.
    pub(crate) fn of_trusted(bytes: Vec<u8>) -> Listpack {
        Listpack { bytes }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// To read it. What follows up to the edits is the view's.
    #[inline]
    pub fn view(&self) -> ListpackRef<'_> {
        ListpackRef::new(&self.bytes)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    pub fn memory_usage(&self) -> usize {
        self.bytes.capacity()
    }

    pub fn len(&self) -> usize {
        self.view().len()
    }

    pub fn is_empty(&self) -> bool {
        self.view().is_empty()
    }

    pub fn has_room_for(&self, length: usize) -> bool {
        self.view().has_room_for(length)
    }

    pub fn first(&self) -> Option<usize> {
        self.view().first()
    }

    pub fn last(&self) -> Option<usize> {
        self.view().last()
    }

    pub fn next(&self, position: usize) -> Option<usize> {
        self.view().next(position)
    }

    pub fn previous(&self, position: usize) -> Option<usize> {
        self.view().previous(position)
    }

    pub fn end(&self) -> usize {
        self.view().end()
    }

    pub fn seek(&self, index: usize) -> Option<usize> {
        self.view().seek(index)
    }

    pub fn skip(&self, position: usize, count: usize) -> Option<usize> {
        self.view().skip(position, count)
    }

    pub fn get(&self, position: usize) -> Element<'_> {
        self.view().get(position)
    }

    pub fn find(&self, position: Option<usize>, value: &[u8], stride: usize) -> Option<usize> {
        self.view().find(position, value, stride)
    }

    pub fn iter(&self) -> Iter<'_> {
        self.view().iter()
    }

    pub fn iter_between(&self, front: usize, back: usize) -> Iter<'_> {
        self.view().iter_between(front, back)
    }

    pub fn push_back(&mut self, value: &[u8]) {
        self.insert(self.end(), value);
    }

    pub fn push_front(&mut self, value: &[u8]) {
        self.insert(HEADER, value);
    }

    pub fn push_back_element(&mut self, value: Element<'_>) {
        self.splice(self.end(), 0, 1, &Encoded::of_element(value));
    }

    /// Inserts before `position`, which may be the end. The new element is then at `position`.
    pub fn insert(&mut self, position: usize, value: &[u8]) {
        self.splice(position, 0, 1, &Encoded::of(value));
    }

    pub fn insert_element(&mut self, position: usize, value: Element<'_>) {
        self.splice(position, 0, 1, &Encoded::of_element(value));
    }

    pub fn replace(&mut self, position: usize, value: &[u8]) {
        self.replace_encoded(position, &Encoded::of(value));
    }

    pub fn replace_element(&mut self, position: usize, value: Element<'_>) {
        self.replace_encoded(position, &Encoded::of_element(value));
    }

    /// Puts `value` in the place of the element at `position` of a listpack's bytes, if it takes as many. False, and nothing
    /// changed, if not.
    pub(crate) fn overwrite(bytes: &mut [u8], position: usize, value: &[u8]) -> bool {
        let encoded = Encoded::of(value);
        let end = ListpackRef::new(bytes).after(position);
        let fits = end - position == encoded.len();
        if fits {
            encoded.write(&mut bytes[position..end]);
        }
        fits
    }

    fn replace_encoded(&mut self, position: usize, value: &Encoded<'_>) {
        let old_length = self.view().after(position) - position;
        self.splice(position, old_length, 0, value);
    }

    /// Removes up to `count` elements from `position` on. What followed them is then at `position`.
    pub fn remove(&mut self, position: usize, count: usize) {
        let mut end = position;
        let mut removed = 0;
        while removed < count && end < self.end() {
            end = self.view().after(end);
            removed += 1;
        }
        self.bytes.drain(position..end);
        self.change_count(-(removed as i64));
        self.write_total();
    }

    /// Cuts off the elements from `position` on, and gives them as a listpack of their own.
    pub fn split_off(&mut self, position: usize) -> Listpack {
        let mut tail = Listpack::new();
        let end = self.end();
        tail.bytes.truncate(HEADER);
        tail.bytes.extend_from_slice(&self.bytes[position..]);
        let moved = tail.view().positions().count();
        tail.change_count(moved as i64);
        tail.write_total();
        self.bytes.drain(position..end);
        self.change_count(-(moved as i64));
        self.write_total();
        tail
    }

    /// Appends all elements of `other`.
    pub fn append(&mut self, other: &Listpack) {
        let added = other.len();
        self.bytes.pop();
        self.bytes.extend_from_slice(&other.bytes[HEADER..]);
        self.change_count(added as i64);
        self.write_total();
    }

    pub fn shrink_to_fit(&mut self) {
        self.bytes.shrink_to_fit();
    }

    /// Puts `value` in place of the `old_length` bytes at `position`.
    fn splice(&mut self, position: usize, old_length: usize, added: i64, value: &Encoded<'_>) {
        let new_length = value.len();
        let old_end = self.bytes.len();
        if new_length > old_length {
            self.grow(new_length - old_length);
            self.bytes.resize(old_end + new_length - old_length, 0);
        }
        if new_length != old_length {
            self.bytes.copy_within(position + old_length..old_end, position + new_length);
            self.bytes.truncate(old_end - old_length + new_length);
        }
        value.write(&mut self.bytes[position..position + new_length]);
        self.change_count(added);
        self.write_total();
    }

    /// Makes room with an eighth to spare, not double: most listpacks are small and many.
    fn grow(&mut self, additional: usize) {
        if self.bytes.capacity() - self.bytes.len() < additional {
            let spare = (self.bytes.len() / 8).min(4096);
            self.bytes.reserve_exact(additional + spare);
        }
    }

    fn change_count(&mut self, change: i64) {
        let count = u16::from_le_bytes([self.bytes[4], self.bytes[5]]);
        if count == COUNT_UNKNOWN {
            return;
        }
        let changed = (i64::from(count) + change).clamp(0, i64::from(COUNT_UNKNOWN)) as u16;
        self.bytes[4..6].copy_from_slice(&changed.to_le_bytes());
    }

    fn write_total(&mut self) {
        let total = self.bytes.len() as u32;
        self.bytes[..4].copy_from_slice(&total.to_le_bytes());
    }
}

impl<'a> FromIterator<&'a [u8]> for Listpack {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(values: I) -> Listpack {
        let mut listpack = Listpack::new();
        values.into_iter().for_each(|value| listpack.push_back(value));
        listpack
    }
}

impl std::fmt::Debug for Listpack {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.view().fmt(formatter)
    }
}

#[cfg(test)]
mod tests;
