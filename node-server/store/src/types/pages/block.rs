//! A page: entries of any length in one reference-counted allocation.
//!
//! ```text
//! column    capacity × tag or score      in the order of the entries
//! offsets   capacity × u16 LE            where in the arena an entry begins; u32 in a page beyond 64 KB
//! arena     entries and gaps, in the order they came, then room
//! ```
//!
//! An entry that goes or grows leaves a gap. When there is no room for the next one, or the gaps are most of the arena, the page is
//! written anew, with a little room.

use super::entry::{Format, Text, ValueSize, entry_len, outside_number, read_text, stored_len, text_is};
use super::entry::{text_len, texts_outside, write_number, write_text};
use super::outside::Outside;
use super::shared::SharedBytes;
use crate::prefetch::prefetch;
use crate::table::tags::bytes_equal;
use std::marker::PhantomData;
use std::sync::Arc;

#[derive(Clone)]
pub(in crate::types) struct Block<F> {
    bytes: SharedBytes,
    outside: Option<Arc<Outside>>,
    len: u32,
    /// How many entries the column and the offsets have place for.
    capacity: u32,
    /// Of the arena: how much is entries and gaps, and how much of that is gaps.
    used: u32,
    gaps: u32,
    format: PhantomData<F>,
}

/// A page is written anew with room for an eighth more.
const SPARE: usize = 8;

/// In a page up to this size offsets are two bytes.
const NARROW_MAX: usize = 1 << 16;

impl<F: Format> Default for Block<F> {
    fn default() -> Self {
        Block {
            bytes: SharedBytes::default(),
            outside: None,
            len: 0,
            capacity: 0,
            used: 0,
            gaps: 0,
            format: PhantomData,
        }
    }
}

impl<F: Format> Block<F> {
    #[inline]
    pub(in crate::types) fn len(&self) -> usize {
        self.len as usize
    }

    /// Bytes of all entries.
    fn live(&self) -> usize {
        (self.used - self.gaps) as usize
    }

    pub(in crate::types) fn key(&self, index: usize) -> &[u8] {
        read_text(self.entry_onwards(index), self.outside.as_deref())
    }

    /// The key, as it would go into another page: what lies outside is shared.
    pub(in crate::types) fn text(&self, index: usize) -> Text<'_> {
        let outside = |outside: &Arc<Outside>| {
            let number = outside_number(self.entry_onwards(index))?;
            outside.shared(number).cloned()
        };
        match self.outside.as_ref().and_then(outside) {
            Some(shared) => Text::Outside(shared),
            None => Text::Inline(self.key(index)),
        }
    }

    pub(in crate::types) fn get(&self, index: usize) -> (&[u8], &[u8]) {
        let entry = self.entry_onwards(index);
        let value = entry.get(text_len(entry)..).unwrap_or(&[]);
        let value = match F::VALUE {
            ValueSize::None => &[],
            ValueSize::Bytes(count) => value.get(..count).unwrap_or(value),
            ValueSize::Text => read_text(value, self.outside.as_deref()),
        };
        (read_text(entry, self.outside.as_deref()), value)
    }

    pub(in crate::types) fn iter(&self) -> impl DoubleEndedIterator<Item = (&[u8], &[u8])> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// The entry with this tag and key, where the column has tags.
    #[inline]
    pub(super) fn find(&self, tag: u8, key: &[u8]) -> Option<usize> {
        let outside = self.outside.as_deref();
        let mut start = 0;
        while start < self.len() {
            for offset in bytes_equal(self.word(start), tag) {
                let index = start + offset;
                // Behind the last tag anything may stand.
                if index < self.len() && text_is(self.entry_onwards(index), outside, key) {
                    return Some(index);
                }
            }
            start += 8;
        }
        None
    }

    /// Asks the cache for the beginning of the page: the counts of who shares it, and the tags.
    #[inline]
    pub(super) fn prefetch(&self) {
        prefetch(self.bytes.as_ptr());
        prefetch(self.bytes.as_ptr().wrapping_add(64));
    }

    /// Asks the cache for the entries with this tag.
    #[inline]
    pub(super) fn prefetch_entries(&self, tag: u8) {
        for start in (0..self.len()).step_by(8) {
            for offset in bytes_equal(self.word(start), tag) {
                if start + offset < self.len() {
                    prefetch(self.entry_onwards(start + offset).as_ptr());
                }
            }
        }
    }

    #[inline]
    fn word(&self, start: usize) -> u64 {
        match self.bytes.get(start..).and_then(<[u8]>::first_chunk::<8>) {
            Some(bytes) => u64::from_le_bytes(*bytes),
            None => 0,
        }
    }

    /// What the column says of an entry.
    #[inline]
    pub(in crate::types) fn column(&self, index: usize) -> &[u8] {
        self.bytes.get(index * F::COLUMN..(index + 1) * F::COLUMN).unwrap_or(&[])
    }

    /// The column of all entries.
    #[inline]
    pub(in crate::types) fn columns(&self) -> &[u8] {
        self.bytes.get(..self.len() * F::COLUMN).unwrap_or(&[])
    }

    #[inline]
    fn offset_size(&self) -> usize {
        if self.bytes.len() > NARROW_MAX { 4 } else { 2 }
    }

    #[inline]
    fn arena_start(&self) -> usize {
        self.capacity as usize * (F::COLUMN + self.offset_size())
    }

    /// Where an entry begins in `bytes`.
    #[inline]
    fn position(&self, index: usize) -> usize {
        let offsets = self.bytes.get(self.capacity as usize * F::COLUMN..).unwrap_or(&[]);
        let offset = match self.offset_size() {
            2 => offsets
                .get(2 * index..)
                .and_then(<[u8]>::first_chunk)
                .map_or(0, |bytes| usize::from(u16::from_le_bytes(*bytes))),
            _ => offsets
                .get(4 * index..)
                .and_then(<[u8]>::first_chunk)
                .map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize),
        };
        self.arena_start() + offset
    }

    /// An entry and what is behind it.
    #[inline]
    fn entry_onwards(&self, index: usize) -> &[u8] {
        self.bytes.get(self.position(index)..).unwrap_or(&[])
    }

    /// An entry's bytes.
    fn entry(&self, index: usize) -> &[u8] {
        let entry = self.entry_onwards(index);
        entry.get(..entry_len::<F>(entry)).unwrap_or(entry)
    }

    fn write_offset(&mut self, index: usize, offset: u32) {
        let (size, column) = (self.offset_size(), self.capacity as usize * F::COLUMN);
        let at = column + index * size;
        self.bytes.own()[at..at + size].copy_from_slice(&offset.to_le_bytes()[..size]);
    }

    /// Inserts an entry before the one at `index`.
    pub(in crate::types) fn insert(&mut self, index: usize, column: &[u8], key: Text<'_>, value: Text<'_>) {
        let needed = stored_len::<F>(&key, &value);
        self.reserve(needed);
        let (len, used, offset_size) = (self.len(), self.used, self.offset_size());
        let (offsets, arena) = (self.capacity as usize * F::COLUMN, self.arena_start());
        let bytes = self.bytes.own();
        if index < len {
            bytes.copy_within(index * F::COLUMN..len * F::COLUMN, (index + 1) * F::COLUMN);
            let (from, to) = (offsets + index * offset_size, offsets + len * offset_size);
            bytes.copy_within(from..to, from + offset_size);
        }
        bytes[index * F::COLUMN..][..F::COLUMN].copy_from_slice(column);
        bytes[offsets + index * offset_size..][..offset_size]
            .copy_from_slice(&used.to_le_bytes()[..offset_size]);
        let entry = &mut bytes[arena + used as usize..];
        let key_len = write_text(entry, key, &mut self.outside);
        write_value::<F>(&mut entry[key_len..], value, &mut self.outside);
        self.len += 1;
        self.used += needed as u32;
    }

    pub(super) fn set_value(&mut self, index: usize, value: Text<'_>) {
        let entry = self.entry(index);
        let (key_len, old_len) = (text_len(entry), entry.len());
        let new_len = match F::VALUE {
            ValueSize::None => return,
            ValueSize::Bytes(count) => key_len + count,
            ValueSize::Text => key_len + value.stored_len(),
        };
        if new_len > old_len {
            self.reserve(new_len);
        }
        self.release(index, key_len);
        let (at, end) = (self.position(index), self.arena_start() + self.used as usize);
        let bytes = self.bytes.own();
        if new_len <= old_len {
            self.gaps += (old_len - new_len) as u32;
            write_value::<F>(&mut bytes[at + key_len..], value, &mut self.outside);
            return;
        }
        bytes.copy_within(at..at + key_len, end);
        write_value::<F>(&mut bytes[end + key_len..], value, &mut self.outside);
        self.write_offset(index, self.used);
        self.used += new_len as u32;
        self.gaps += old_len as u32;
    }

    /// The entries behind it move up.
    pub(in crate::types) fn remove(&mut self, index: usize) {
        let gap = self.entry(index).len();
        self.release(index, 0);
        let (len, offset_size) = (self.len(), self.offset_size());
        if len <= 1 {
            *self = Block::default();
            return;
        }
        let offsets = self.capacity as usize * F::COLUMN;
        let bytes = self.bytes.own();
        bytes.copy_within((index + 1) * F::COLUMN..len * F::COLUMN, index * F::COLUMN);
        let (from, to) = (offsets + index * offset_size, offsets + len * offset_size);
        bytes.copy_within(from + offset_size..to, from);
        self.len -= 1;
        self.gaps += gap as u32;
        if self.gaps > self.used / 2 {
            self.rebuild(0);
        }
    }

    /// Gives up what the entry has outside, from this byte of it on.
    fn release(&mut self, index: usize, from: usize) {
        if self.outside.is_none() {
            return;
        }
        let entry = self.entry(index);
        let numbers: [Option<u32>; 2] = {
            let mut numbers = texts_outside::<F>(entry)
                .filter(|&at| at >= from)
                .map(|at| entry.get(at..).and_then(outside_number));
            [numbers.next().flatten(), numbers.next().flatten()]
        };
        numbers.into_iter().flatten().for_each(|number| Outside::take(&mut self.outside, number));
    }

    /// Makes room for one more entry of so many bytes.
    #[inline]
    fn reserve(&mut self, bytes: usize) {
        let room = self.bytes.len() - self.arena_start() - self.used as usize;
        if self.len == self.capacity || room < bytes {
            self.rebuild(bytes);
        }
    }

    /// Without gaps, and with room for this and a little more.
    fn rebuild(&mut self, needed: usize) {
        let mut rebuilt = Block::with_room(self.len() + 1, self.live() + needed);
        if self.gaps == 0 && rebuilt.offset_size() == self.offset_size() {
            rebuilt.take_over(self);
        } else {
            rebuilt.extend((0..self.len()).map(|index| (&*self, index)));
        }
        *self = rebuilt;
    }

    /// Takes over all that another page without gaps has.
    fn take_over(&mut self, other: &mut Block<F>) {
        let (len, offset_size, used) = (other.len(), other.offset_size(), other.used as usize);
        let (offsets, arena) = (self.capacity as usize * F::COLUMN, self.arena_start());
        let bytes = self.bytes.own();
        bytes[..len * F::COLUMN].copy_from_slice(&other.bytes[..len * F::COLUMN]);
        let from = other.capacity as usize * F::COLUMN;
        bytes[offsets..][..len * offset_size].copy_from_slice(&other.bytes[from..][..len * offset_size]);
        bytes[arena..][..used].copy_from_slice(&other.bytes[other.arena_start()..][..used]);
        (self.len, self.used) = (other.len, other.used);
        self.outside = other.outside.take();
    }

    /// With the chosen entries of other pages, and a little room.
    pub(in crate::types) fn gather<'a>(
        entries: impl Iterator<Item = (&'a Block<F>, usize)> + Clone,
    ) -> Block<F>
    where
        F: 'a,
    {
        let (mut len, mut live) = (0, 0);
        for (block, index) in entries.clone() {
            len += 1;
            live += block.entry(index).len();
        }
        if len == 0 {
            return Block::default();
        }
        let mut block = Block::with_room(len, live);
        block.extend(entries);
        block
    }

    /// Without entries yet, and with room for so many of so many bytes.
    pub(in crate::types) fn with_room_for(len: usize, bytes: usize) -> Block<F> {
        if len == 0 { Block::default() } else { Block::with_room(len, bytes) }
    }

    /// Without entries yet, and with room for so many of so many bytes, and a little more.
    fn with_room(len: usize, bytes: usize) -> Block<F> {
        let spare = (len / SPARE).max(2);
        let (capacity, arena) = (len + spare, bytes + spare * bytes / len.max(1));
        let narrow = capacity * (F::COLUMN + 2) + arena;
        let size = if narrow <= NARROW_MAX { narrow } else { capacity * (F::COLUMN + 4) + arena };
        Block { bytes: SharedBytes::zeroed(size), capacity: capacity as u32, ..Block::default() }
    }

    /// Appends entries, for which there is room.
    fn extend<'a>(&mut self, entries: impl Iterator<Item = (&'a Block<F>, usize)>)
    where
        F: 'a,
    {
        let (offset_size, arena) = (self.offset_size(), self.arena_start());
        let offsets = self.capacity as usize * F::COLUMN;
        let bytes = self.bytes.own();
        for (block, index) in entries {
            let (entry, len, used) = (block.entry(index), self.len as usize, self.used as usize);
            bytes[len * F::COLUMN..][..F::COLUMN].copy_from_slice(block.column(index));
            bytes[offsets + len * offset_size..][..offset_size]
                .copy_from_slice(&self.used.to_le_bytes()[..offset_size]);
            let copy = &mut bytes[arena + used..][..entry.len()];
            copy.copy_from_slice(entry);
            if let Some(outside) = &block.outside {
                for at in texts_outside::<F>(entry) {
                    let number = entry.get(at..).and_then(outside_number);
                    if let Some(text) = number.and_then(|number| outside.shared(number)) {
                        write_number(&mut copy[at..], Outside::put(&mut self.outside, Arc::clone(text)));
                    }
                }
            }
            self.len += 1;
            self.used += entry.len() as u32;
        }
    }

    /// Bytes that are allocated for it, without what lies outside.
    #[inline]
    pub(in crate::types) fn page_bytes(&self) -> usize {
        self.bytes.allocated_bytes()
    }

    #[inline]
    pub(super) fn allocated_bytes(&self) -> usize {
        self.page_bytes() + self.outside.as_ref().map_or(0, |outside| outside.allocated_bytes())
    }
}

fn write_value<F: Format>(bytes: &mut [u8], value: Text<'_>, outside: &mut Option<Arc<Outside>>) {
    match (F::VALUE, value) {
        (ValueSize::None, _) => {}
        (ValueSize::Bytes(count), Text::Inline(value)) => bytes[..count].copy_from_slice(value),
        (ValueSize::Bytes(_), Text::Outside(_)) => unreachable!("a value of a fixed size is short"),
        (ValueSize::Text, value) => _ = write_text(bytes, value, outside),
    }
}
