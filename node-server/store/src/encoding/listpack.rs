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

pub struct Listpack {
    bytes: Vec<u8>,
    /// Where it begins in them. What lies before is room, as is what was reserved behind them: at neither end is the whole moved
    /// for each element that comes or goes.
    start: usize,
}

/// How much more room than is needed is made where there is none.
#[derive(Clone, Copy)]
struct Growth {
    /// What part of its length.
    share: usize,
    /// To no more than so many bytes.
    most: usize,
}

/// An eighth, not double: most listpacks are small and many.
const GROWTH: Growth = Growth { share: 8, most: MAX_BYTES };

impl Clone for Listpack {
    fn clone(&self) -> Listpack {
        Listpack::of_trusted(self.as_bytes().to_vec())
    }
}

impl PartialEq for Listpack {
    fn eq(&self, other: &Listpack) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Listpack {}

impl Default for Listpack {
    fn default() -> Listpack {
        Listpack::new()
    }
}

impl Listpack {
    pub fn new() -> Listpack {
        Listpack::of_trusted(vec![HEADER as u8 + 1, 0, 0, 0, 0, 0, END])
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
        let mut listpack = Listpack::of_trusted(bytes);
        listpack.change_count(count);
        listpack.write_total();
        Some(listpack)
    }

    /// Takes bytes from outside, after looking at every one of them.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Listpack, Malformed> {
        validate::validate(&bytes)?;
        Ok(Listpack::of_trusted(bytes))
    }

    /// Only for bytes that [`into_bytes`](Self::into_bytes) gave: they are trusted to be well-formed.
    pub(crate) fn of_trusted(bytes: Vec<u8>) -> Listpack {
        Listpack { bytes, start: 0 }
    }

    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        self.close_up();
        self.bytes
    }

    /// To read it. What follows up to the edits is the view's.
    #[inline]
    pub fn view(&self) -> ListpackRef<'_> {
        ListpackRef::new(self.as_bytes())
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub fn byte_len(&self) -> usize {
        self.bytes.len() - self.start
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

    /// The same where many more will come, up to so many bytes of them all: more room is made at once, but none beyond that.
    pub fn insert_of_many(&mut self, position: usize, value: &[u8], most: usize) {
        self.splice_growing(position, 0, 1, &Encoded::of(value), Growth { share: 4, most });
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
        self.cut_out(position, end);
        self.change_count(-(removed as i64));
        self.write_total();
    }

    /// Cuts off the elements from `position` on, and gives them as a listpack of their own.
    pub fn split_off(&mut self, position: usize) -> Listpack {
        let mut tail = Listpack::new();
        let end = self.end();
        tail.bytes.truncate(HEADER);
        tail.bytes.extend_from_slice(&self.as_bytes()[position..]);
        let moved = tail.view().positions().count();
        tail.change_count(moved as i64);
        tail.write_total();
        self.cut_out(position, end);
        self.change_count(-(moved as i64));
        self.write_total();
        tail
    }

    /// Appends all elements of `other`.
    pub fn append(&mut self, other: &Listpack) {
        let added = other.len();
        self.bytes.pop();
        self.bytes.extend_from_slice(&other.as_bytes()[HEADER..]);
        self.change_count(added as i64);
        self.write_total();
    }

    pub fn shrink_to_fit(&mut self) {
        self.close_up();
        self.bytes.shrink_to_fit();
    }

    /// Puts `value` in place of the `old_length` bytes at `position`.
    fn splice(&mut self, position: usize, old_length: usize, added: i64, value: &Encoded<'_>) {
        self.splice_growing(position, old_length, added, value, GROWTH);
    }

    fn splice_growing(
        &mut self,
        position: usize,
        old_length: usize,
        added: i64,
        value: &Encoded<'_>,
        growth: Growth,
    ) {
        let new_length = value.len();
        if new_length < old_length {
            self.cut_out(position + new_length, position + old_length);
        } else if new_length > old_length {
            self.open(position, new_length - old_length, growth);
        }
        let place = self.start + position;
        value.write(&mut self.bytes[place..place + new_length]);
        self.change_count(added);
        self.write_total();
    }

    /// Takes bytes out; the shorter part moves, so at either end it costs nothing but them.
    fn cut_out(&mut self, from: usize, to: usize) {
        let length = self.byte_len();
        let (from_there, to_there) = (self.start + from, self.start + to);
        if from < length - to {
            self.bytes.copy_within(self.start..from_there, self.start + to - from);
            self.start += to - from;
        } else {
            self.bytes.copy_within(to_there.., from_there);
            self.bytes.truncate(self.bytes.len() - (to - from));
        }
    }

    /// Makes room for so many bytes at `position`; what they hold is not said.
    fn open(&mut self, position: usize, additional: usize, growth: Growth) {
        let length = self.byte_len();
        if position < length - position {
            if self.start < additional {
                self.make_room_before(additional, growth);
            }
            let start = self.start - additional;
            self.bytes.copy_within(self.start..self.start + position, start);
            self.start = start;
        } else {
            if self.bytes.capacity() - self.bytes.len() < additional {
                self.make_room_behind(additional, growth);
            }
            let (place, end) = (self.start + position, self.bytes.len());
            self.bytes.resize(end + additional, END);
            self.bytes.copy_within(place..end, place + additional);
        }
    }

    #[cold]
    fn make_room_before(&mut self, additional: usize, growth: Growth) {
        let length = self.byte_len();
        let free = self.bytes.capacity() - length;
        if free >= additional {
            return self.move_to(additional + (free - additional) / 2);
        }
        let room = additional + growth.beyond(length + additional);
        let mut bytes = Vec::with_capacity(room + length);
        bytes.resize(room, 0);
        bytes.extend_from_slice(self.as_bytes());
        (self.bytes, self.start) = (bytes, room);
    }

    #[cold]
    fn make_room_behind(&mut self, additional: usize, growth: Growth) {
        let length = self.byte_len();
        let free = self.bytes.capacity() - length;
        if free >= additional {
            return self.move_to((free - additional) / 2);
        }
        self.close_up();
        self.bytes.reserve_exact(additional + growth.beyond(length + additional));
    }

    /// Within the room that there is.
    fn move_to(&mut self, start: usize) {
        let (end, moved_end) = (self.bytes.len(), start + self.byte_len());
        self.bytes.resize(end.max(moved_end), END);
        self.bytes.copy_within(self.start..end, start);
        self.bytes.truncate(moved_end);
        self.start = start;
    }

    fn close_up(&mut self) {
        if self.start > 0 {
            self.move_to(0);
        }
    }

    fn change_count(&mut self, change: i64) {
        let head = &mut self.bytes[self.start..];
        let count = u16::from_le_bytes([head[4], head[5]]);
        if count == COUNT_UNKNOWN {
            return;
        }
        let changed = (i64::from(count) + change).clamp(0, i64::from(COUNT_UNKNOWN)) as u16;
        head[4..6].copy_from_slice(&changed.to_le_bytes());
    }

    fn write_total(&mut self) {
        let total = self.byte_len() as u32;
        self.bytes[self.start..][..4].copy_from_slice(&total.to_le_bytes());
    }
}

impl Growth {
    /// How much room is made besides, where so much is needed.
    fn beyond(self, needed: usize) -> usize {
        (needed / self.share).min(4096).min(self.most.saturating_sub(needed))
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
