//! The directory of a table that has outgrown one segment: which segment holds which hash prefix.
//!
//! A segment of depth d answers for all hashes that share its first d bits; the directory has `bits` ≥ every d, and
//! names that segment 2^(bits−d) times in a row.

use super::Holder;
use super::segment::{SPLIT_CAPACITY, Segment};

/// Two neighbours merge when together they fill at most this.
const MERGE_LEN: usize = SPLIT_CAPACITY / 4;

#[derive(Clone, Debug)]
pub(super) struct Directory<H> {
    /// Indexed by the first `bits` bits of a hash; at least one bit once there are two segments.
    numbers: Vec<u32>,
    bits: u8,
    parts: Vec<Part<H>>,
    /// No segment has, or ever had, more places than this.
    widest: usize,
}

#[derive(Clone, Debug)]
struct Part<H> {
    /// The lowest hash that belongs here.
    first: u64,
    segment: H,
}

impl<H> Directory<H> {
    pub(super) fn of_one(segment: H) -> Directory<H> {
        Directory {
            numbers: vec![0],
            bits: 0,
            parts: vec![Part { first: 0, segment }],
            widest: SPLIT_CAPACITY,
        }
    }

    /// The only segment that is left.
    pub(super) fn into_one(mut self) -> Option<H> {
        self.parts.pop().map(|part| part.segment)
    }

    pub(super) fn count(&self) -> usize {
        self.parts.len()
    }

    pub(super) fn widest(&self) -> usize {
        self.widest
    }

    pub(super) fn note_capacity(&mut self, capacity: usize) {
        self.widest = self.widest.max(capacity);
    }

    fn prefix(&self, hash: u64) -> usize {
        hash.checked_shr(64 - u32::from(self.bits)).unwrap_or(0) as usize
    }

    #[inline]
    pub(super) fn number(&self, hash: u64) -> usize {
        self.numbers.get(self.prefix(hash)).copied().unwrap_or(0) as usize
    }

    pub(super) fn segment(&self, number: usize) -> Option<&H> {
        self.parts.get(number).map(|part| &part.segment)
    }

    pub(super) fn segment_mut(&mut self, number: usize) -> Option<&mut H> {
        self.parts.get_mut(number).map(|part| &mut part.segment)
    }

    pub(super) fn first_hash(&self, number: usize) -> u64 {
        self.parts.get(number).map_or(0, |part| part.first)
    }

    pub(super) fn segments_mut<'a, E: 'a>(&'a mut self) -> impl Iterator<Item = &'a mut Segment<E>>
    where
        H: Holder<E>,
    {
        self.parts.iter_mut().map(|part| part.segment.segment_mut())
    }

    pub(super) fn into_segments<E>(self) -> impl Iterator<Item = Segment<E>>
    where
        H: Holder<E>,
    {
        self.parts.into_iter().map(|part| part.segment.into_segment())
    }

    pub(super) fn allocated_bytes(&self) -> usize {
        size_of::<Self>() + self.numbers.capacity() * 4 + self.parts.capacity() * size_of::<Part<H>>()
    }

    /// Splits the segment that answers for this hash.
    pub(super) fn split<E>(&mut self, hash: u64, hash_of: &mut impl FnMut(&E) -> u64)
    where
        H: Holder<E>,
    {
        let number = self.number(hash);
        let new_number = self.parts.len() as u32;
        let Some(part) = self.parts.get_mut(number) else { return };
        let depth = part.segment.segment().depth();
        let high = part.segment.segment_mut().split(hash_of);
        let first = part.first | 1u64 << (63 - u32::from(depth));
        self.parts.push(Part { first, segment: H::hold(high) });
        if depth == self.bits {
            self.numbers = self.numbers.iter().flat_map(|&number| [number, number]).collect();
            self.bits += 1;
        }
        self.point(first, depth + 1, new_number);
    }

    /// Merges the segment that answers for this hash with its neighbour if both are small. True if it did.
    pub(super) fn merge<E>(&mut self, hash: u64, hash_of: &mut impl FnMut(&E) -> u64) -> bool
    where
        H: Holder<E>,
    {
        let Some((low, high)) = self.mergeable(hash) else { return false };
        let first = self.first_hash(low);
        // Moves the last part to where the high one was; the directory has to learn that.
        let removed = self.parts.swap_remove(high);
        if let Some(moved) = self.parts.get(high) {
            let (first, depth) = (moved.first, moved.segment.segment().depth());
            self.point(first, depth, high as u32);
        }
        // The low one may have been the last.
        let low = if low == self.parts.len() { high } else { low };
        if let Some(part) = self.parts.get_mut(low) {
            let segment = part.segment.segment_mut();
            segment.merge(removed.segment.into_segment(), hash_of);
            let depth = segment.depth();
            self.point(first, depth, low as u32);
        }
        self.narrow();
        true
    }

    /// The numbers of the segment of this hash and its neighbour, low one first, if they can merge.
    fn mergeable<E>(&self, hash: u64) -> Option<(usize, usize)>
    where
        H: Holder<E>,
    {
        let number = self.number(hash);
        let segment = self.segment(number)?.segment();
        let neighbour_bit = 1u64 << 64u32.checked_sub(u32::from(segment.depth())).filter(|&bit| bit < 64)?;
        let first = self.first_hash(number);
        let neighbour = self.number(first ^ neighbour_bit);
        let other = self.segment(neighbour)?.segment();
        let fits = other.depth() == segment.depth() && segment.len() + other.len() <= MERGE_LEN;
        fits.then_some(if first & neighbour_bit == 0 { (number, neighbour) } else { (neighbour, number) })
    }

    /// Lets all prefixes of a segment name it.
    fn point(&mut self, first: u64, depth: u8, number: u32) {
        let start = self.prefix(first);
        let count = 1usize << self.bits.saturating_sub(depth);
        for place in self.numbers.iter_mut().skip(start).take(count) {
            *place = number;
        }
    }

    /// Halves a directory that is far larger than its segments need.
    fn narrow<E>(&mut self)
    where
        H: Holder<E>,
    {
        let is_large = self.numbers.len() > self.parts.len() * 8;
        if is_large && self.parts.iter().all(|part| part.segment.segment().depth() < self.bits) {
            self.numbers = self.numbers.iter().step_by(2).copied().collect();
            self.bits -= 1;
        }
    }
}
