//! The directory of a table that has outgrown one part: which part holds which hash prefix.
//!
//! A part of depth d answers for all hashes that share its first d bits; the directory has `bits` ≥ every d, and
//! names that part 2^(bits−d) times in a row. The keyspace's parts are segments, those of big collections groups of pages.

/// What a directory divides the hashes among.
pub(crate) trait Part {
    /// Two neighbours merge when together they hold at most this.
    const MERGE_LEN: usize;
    /// How many leading hash bits are the same for all that is in it.
    fn depth(&self) -> u8;
    fn len(&self) -> usize;
}

#[derive(Clone, Debug)]
pub(crate) struct Directory<P> {
    /// Indexed by the first `bits` bits of a hash; at least one bit once there are two parts.
    numbers: Vec<u32>,
    bits: u8,
    places: Vec<Place<P>>,
    /// No part is, or ever was, wider than this: the caller's measure, for fair draws.
    widest: usize,
}

#[derive(Clone, Debug)]
struct Place<P> {
    /// The lowest hash that belongs here.
    first: u64,
    part: P,
}

impl<P> Directory<P> {
    pub(crate) fn of_one(part: P, widest: usize) -> Directory<P> {
        Directory { numbers: vec![0], bits: 0, places: vec![Place { first: 0, part }], widest }
    }

    /// 2^bits parts, each for as many hashes as any other.
    pub(crate) fn even(bits: u8, widest: usize, mut part: impl FnMut() -> P) -> Directory<P> {
        let count = 1usize << bits;
        let first = |number: usize| (number as u64).checked_shl(64 - u32::from(bits)).unwrap_or(0);
        Directory {
            numbers: (0..count as u32).collect(),
            bits,
            places: (0..count).map(|number| Place { first: first(number), part: part() }).collect(),
            widest,
        }
    }

    /// The only part that is left.
    pub(super) fn into_one(mut self) -> Option<P> {
        self.places.pop().map(|place| place.part)
    }

    pub(crate) fn count(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn widest(&self) -> usize {
        self.widest
    }

    #[inline]
    pub(crate) fn note_width(&mut self, width: usize) {
        self.widest = self.widest.max(width);
    }

    #[inline]
    fn prefix(&self, hash: u64) -> usize {
        hash.checked_shr(64 - u32::from(self.bits)).unwrap_or(0) as usize
    }

    #[inline]
    pub(crate) fn number(&self, hash: u64) -> usize {
        self.numbers.get(self.prefix(hash)).copied().unwrap_or(0) as usize
    }

    #[inline]
    pub(crate) fn part(&self, number: usize) -> Option<&P> {
        self.places.get(number).map(|place| &place.part)
    }

    #[inline]
    pub(crate) fn part_mut(&mut self, number: usize) -> Option<&mut P> {
        self.places.get_mut(number).map(|place| &mut place.part)
    }

    pub(crate) fn first_hash(&self, number: usize) -> u64 {
        self.places.get(number).map_or(0, |place| place.first)
    }

    pub(crate) fn parts(&self) -> impl Iterator<Item = &P> {
        self.places.iter().map(|place| &place.part)
    }

    pub(super) fn parts_mut(&mut self) -> impl Iterator<Item = &mut P> {
        self.places.iter_mut().map(|place| &mut place.part)
    }

    pub(super) fn into_parts(self) -> impl Iterator<Item = P> {
        self.places.into_iter().map(|place| place.part)
    }

    pub(crate) fn allocated_bytes(&self) -> usize {
        size_of::<Self>() + self.numbers.capacity() * 4 + self.places.capacity() * size_of::<Place<P>>()
    }
}

impl<P: Part> Directory<P> {
    /// Splits the part that answers for this hash: `divide` leaves the low half of it in place and returns the high one.
    pub(crate) fn split(&mut self, hash: u64, divide: impl FnOnce(&mut P) -> P) {
        let number = self.number(hash);
        let new_number = self.places.len() as u32;
        let Some(place) = self.places.get_mut(number) else { return };
        let depth = place.part.depth();
        let high = divide(&mut place.part);
        let first = place.first | 1u64 << (63 - u32::from(depth));
        self.places.push(Place { first, part: high });
        if depth == self.bits {
            self.numbers = self.numbers.iter().flat_map(|&number| [number, number]).collect();
            self.bits += 1;
        }
        self.point(first, depth + 1, new_number);
    }

    /// Merges the part that answers for this hash with its neighbour if both are small: `join` puts the high one into the
    /// low one. True if it did.
    pub(crate) fn merge(&mut self, hash: u64, join: impl FnOnce(&mut P, P)) -> bool {
        let Some((low, high)) = self.mergeable(hash) else { return false };
        let first = self.first_hash(low);
        // Moves the last one to where the high one was; the directory has to learn that.
        let removed = self.places.swap_remove(high);
        if let Some(moved) = self.places.get(high) {
            let (first, depth) = (moved.first, moved.part.depth());
            self.point(first, depth, high as u32);
        }
        // The low one may have been the last.
        let low = if low == self.places.len() { high } else { low };
        if let Some(place) = self.places.get_mut(low) {
            join(&mut place.part, removed.part);
            let depth = place.part.depth();
            self.point(first, depth, low as u32);
        }
        self.narrow();
        true
    }

    /// The numbers of the part of this hash and its neighbour, low one first, if they can merge.
    fn mergeable(&self, hash: u64) -> Option<(usize, usize)> {
        let number = self.number(hash);
        let part = self.part(number)?;
        let neighbour_bit = 1u64 << 64u32.checked_sub(u32::from(part.depth())).filter(|&bit| bit < 64)?;
        let first = self.first_hash(number);
        let neighbour = self.number(first ^ neighbour_bit);
        let other = self.part(neighbour)?;
        let fits = other.depth() == part.depth() && part.len() + other.len() <= P::MERGE_LEN;
        fits.then_some(if first & neighbour_bit == 0 { (number, neighbour) } else { (neighbour, number) })
    }

    /// Lets all prefixes of a part name it.
    fn point(&mut self, first: u64, depth: u8, number: u32) {
        let start = self.prefix(first);
        let count = 1usize << self.bits.saturating_sub(depth);
        for place in self.numbers.iter_mut().skip(start).take(count) {
            *place = number;
        }
    }

    /// Halves a directory that is far larger than its parts need.
    fn narrow(&mut self) {
        let is_large = self.numbers.len() > self.places.len() * 8;
        if is_large && self.places.iter().all(|place| place.part.depth() < self.bits) {
            self.numbers = self.numbers.iter().step_by(2).copied().collect();
            self.bits -= 1;
        }
    }
}
