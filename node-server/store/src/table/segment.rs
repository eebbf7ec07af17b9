//! One segment of a table: open addressing in hash order, with no hash stored.
//!
//! ```text
//!             home of a hash: (hash without the directory's bits) × capacity / 2⁶⁴, so homes rise with hashes
//!   tags      [ t t · t t t · · | first 8 again ]   one byte a place, see tags.rs; searched eight at a time
//!   entries   [ E E   E E E     ]                   an entry is at its home or in the first vacancy after it, cyclic
//! ```
//!
//! Because homes rise with the hash, "all entries whose hash is in this range" is a run of places, whatever the
//! capacity. That is what makes a scan cursor a mere hash prefix that survives growth, splits and merges.
//!
//! Capacities go in quarter steps of a power of two and are at most 7/8 full: small slots of a big node stay
//! compact. Growth asks the caller for the hashes again; that costs less than to keep them.

use super::directory::Part;
use super::tags::{self, Group};
use crate::prefetch::prefetch;
use rand::Rng;

/// So many entries are hashed before the first of them goes to its new place.
const HASHED_TOGETHER: usize = 16;

/// The largest capacity before the directory splits the segment instead.
pub(super) const SPLIT_CAPACITY: usize = 1024;

#[derive(Clone, Debug)]
pub struct Segment<E> {
    /// One tag a place, and the first `GROUP` again so that a look may run over the end. Empty when capacity is 0.
    tags: Box<[u8]>,
    entries: Box<[Option<E>]>,
    len: u32,
    deleted: u32,
    marked: u32,
    /// How many leading hash bits the directory has used up.
    depth: u8,
    #[expect(dead_code, reason = "its unused values are what it is for")]
    room: Room,
}

/// Costs nothing (it fills padding) and has 255 values that never occur, in which the compiler hides which kind of
/// root a table has. That brings a table from 72 bytes to one cache line.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
enum Room {
    Only,
}

/// Where a search ended.
pub(super) enum Probe {
    Found(usize),
    /// Where the entry would go; `None` when there is no vacancy at all.
    Vacant(Option<usize>),
}

impl<E> Part for Segment<E> {
    const MERGE_LEN: usize = SPLIT_CAPACITY / 4;

    fn depth(&self) -> u8 {
        self.depth
    }

    fn len(&self) -> usize {
        self.len as usize
    }
}

impl<E> Segment<E> {
    pub(super) fn new(depth: u8) -> Segment<E> {
        Segment {
            tags: Box::default(),
            entries: Box::default(),
            len: 0,
            deleted: 0,
            marked: 0,
            depth,
            room: Room::Only,
        }
    }

    pub(super) fn with_room_for(len: usize, depth: u8) -> Segment<E> {
        let capacity = capacity_for(len);
        let tag_count = if capacity == 0 { 0 } else { capacity + tags::GROUP };
        Segment {
            tags: vec![tags::EMPTY; tag_count].into_boxed_slice(),
            entries: std::iter::repeat_with(|| None).take(capacity).collect(),
            ..Segment::new(depth)
        }
    }

    pub(super) fn marked(&self) -> usize {
        self.marked as usize
    }

    pub(super) fn capacity(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn allocated_bytes(&self) -> usize {
        self.tags.len() + self.entries.len() * size_of::<Option<E>>()
    }

    fn home(&self, hash: u64) -> usize {
        let below_directory = hash.checked_shl(u32::from(self.depth)).unwrap_or(0);
        ((u128::from(below_directory) * self.capacity() as u128) >> 64) as usize
    }

    pub(super) fn get(&self, position: usize) -> Option<&E> {
        self.entries.get(position)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, position: usize) -> Option<&mut E> {
        self.entries.get_mut(position)?.as_mut()
    }

    #[inline]
    pub(super) fn find(&self, hash: u64, mut eq: impl FnMut(&E) -> bool) -> Option<usize> {
        match self.probe(hash, &mut eq) {
            Probe::Found(position) => Some(position),
            Probe::Vacant(_) => None,
        }
    }

    /// One pass: the entry, or the first vacancy on the way to where the search ends.
    #[inline]
    pub(super) fn probe(&self, hash: u64, mut eq: impl FnMut(&E) -> bool) -> Probe {
        let capacity = self.capacity();
        let tag = tags::tag_of(hash);
        let mut vacancy = None;
        let mut position = self.home(hash);
        // The entry most likely lies in the cache line of its home. To ask for that line now lets it come together with
        // that of the tags instead of after it. (In a big keyspace both are misses; measured a fifth off a look-up.)
        std::hint::black_box(self.entries.get(position).is_some_and(Option::is_some));
        let mut left = capacity;
        while left > 0 {
            let group = Group::load(&self.tags, position);
            for offset in group.matches(tag) {
                let place = wrap(position + offset, capacity);
                if self.entries.get(place).and_then(Option::as_ref).is_some_and(&mut eq) {
                    return Probe::Found(place);
                }
            }
            if vacancy.is_none() {
                vacancy = group.vacancies().lowest().map(|offset| wrap(position + offset, capacity));
            }
            if group.empties().lowest().is_some() {
                break;
            }
            position = wrap(position + tags::GROUP, capacity);
            left = left.saturating_sub(tags::GROUP);
        }
        Probe::Vacant(vacancy)
    }

    /// Asks the cache for what a search for this hash begins with.
    #[inline]
    pub(super) fn prefetch(&self, hash: u64) {
        let home = self.home(hash);
        if let (Some(tag), Some(entry)) = (self.tags.get(home), self.entries.get(home)) {
            prefetch(tag);
            prefetch(std::ptr::from_ref(entry).cast());
        }
    }

    /// Shows `visit` the entries near the home of this hash whose tags fit.
    #[inline]
    pub(super) fn likely(&self, hash: u64, visit: impl FnMut(&E)) {
        let home = self.home(hash);
        let hits = Group::load(&self.tags, home).matches(tags::tag_of(hash));
        hits.filter_map(|offset| self.get(wrap(home + offset, self.capacity()))).for_each(visit);
    }

    /// True when one more entry goes in without growth.
    pub(super) fn has_room(&self) -> bool {
        self.len() + (self.deleted as usize) < max_len(self.capacity())
    }

    /// True when the place was used before, so that filling it uses up no empty place.
    pub(super) fn is_deleted(&self, position: usize) -> bool {
        self.tags.get(position) == Some(&tags::DELETED)
    }

    fn set_tag(&mut self, position: usize, tag: u8) {
        let capacity = self.capacity();
        // With fewer places than a group, the mirror repeats the first tags more than once.
        let mut mirror = position;
        while let Some(place) = self.tags.get_mut(mirror) {
            *place = tag;
            mirror += capacity;
        }
    }

    /// Fills a vacant place that `probe` gave for this hash.
    pub(super) fn fill(&mut self, position: usize, hash: u64, entry: E) {
        if self.is_deleted(position) {
            self.deleted -= 1;
        }
        self.set_tag(position, tags::tag_of(hash));
        if let Some(place) = self.entries.get_mut(position) {
            *place = Some(entry);
            self.len += 1;
        }
    }

    pub(super) fn take(&mut self, position: usize) -> Option<E> {
        let entry = self.entries.get_mut(position)?.take()?;
        self.len -= 1;
        if self.tags.get(position).is_some_and(|&tag| tags::is_marked(tag)) {
            self.marked -= 1;
        }
        self.vacate(position);
        Some(entry)
    }

    /// A place followed by an empty one need not be kept as deleted, and neither need deleted ones before it.
    fn vacate(&mut self, position: usize) {
        let capacity = self.capacity();
        if self.tags.get(wrap(position + 1, capacity)) != Some(&tags::EMPTY) || capacity == 1 {
            self.set_tag(position, tags::DELETED);
            self.deleted += 1;
            return;
        }
        self.set_tag(position, tags::EMPTY);
        let mut before = wrap(position + capacity - 1, capacity);
        while self.is_deleted(before) {
            self.set_tag(before, tags::EMPTY);
            self.deleted -= 1;
            before = wrap(before + capacity - 1, capacity);
        }
    }

    pub(super) fn is_marked(&self, position: usize) -> bool {
        self.tags.get(position).is_some_and(|&tag| tags::is_marked(tag))
    }

    /// Returns what the mark was.
    pub(super) fn set_mark(&mut self, position: usize, marked: bool) -> bool {
        let Some(&tag) = self.tags.get(position).filter(|&&tag| tags::is_taken(tag)) else { return false };
        let was_marked = tags::is_marked(tag);
        if was_marked != marked {
            self.set_tag(position, tags::with_mark(tag, marked));
            self.marked = if marked { self.marked + 1 } else { self.marked - 1 };
        }
        was_marked
    }

    /// Makes room for one more entry: grows, or only clears deleted places away.
    pub(super) fn grow(&mut self, hash_of: &mut impl FnMut(&E) -> u64) {
        let cleaned_would_do = self.len() + self.len() / 8 + 1 < max_len(self.capacity());
        let wanted = if cleaned_would_do { self.len() + 1 } else { max_len(self.capacity()) + 1 };
        self.rebuild(wanted, hash_of);
    }

    /// True when the allocation is far too large for what is in it.
    pub(super) fn is_sparse(&self) -> bool {
        self.capacity() > 8 && self.len() * 4 < self.capacity()
    }

    pub(super) fn shrink(&mut self, hash_of: &mut impl FnMut(&E) -> u64) {
        // Some headroom, or the next insert would grow it again.
        self.rebuild(self.len() + self.len() / 4, hash_of);
    }

    fn rebuild(&mut self, wanted: usize, hash_of: &mut impl FnMut(&E) -> u64) {
        let old = std::mem::replace(self, Segment::with_room_for(wanted, self.depth));
        self.absorb(old, hash_of);
    }

    /// Takes over all entries of another segment. There must be room for them.
    fn absorb(&mut self, mut other: Segment<E>, hash_of: &mut impl FnMut(&E) -> u64) {
        let mut hashes = [0; HASHED_TOGETHER];
        let parts = other.entries.chunks_mut(HASHED_TOGETHER).zip(other.tags.chunks(HASHED_TOGETHER));
        for (entries, tags) in parts {
            hash_all(entries, &mut hashes, hash_of);
            for ((entry, tag), hash) in entries.iter_mut().zip(tags).zip(hashes) {
                if let Some(entry) = entry.take() {
                    self.push(hash, entry, tags::is_marked(*tag));
                }
            }
        }
    }

    /// Inserts an entry that is known to be absent, into a segment that has room.
    fn push(&mut self, hash: u64, entry: E, marked: bool) {
        if let Probe::Vacant(Some(position)) = self.probe(hash, |_| false) {
            self.fill(position, hash, entry);
            if marked {
                self.set_mark(position, true);
            }
        }
    }

    /// Divides by the next hash bit. The low half stays here, the high half is returned.
    pub(super) fn split(&mut self, hash_of: &mut impl FnMut(&E) -> u64) -> Segment<E> {
        let old = std::mem::replace(self, Segment::new(self.depth + 1));
        let (bit, depth) = (63 - u32::from(old.depth), old.depth + 1);
        let mut halves: [Vec<(u64, E, bool)>; 2] = [Vec::new(), Vec::new()];
        let mut hashes = [0; HASHED_TOGETHER];
        let Segment { mut entries, tags, .. } = old;
        for (entries, tags) in entries.chunks_mut(HASHED_TOGETHER).zip(tags.chunks(HASHED_TOGETHER)) {
            hash_all(entries, &mut hashes, hash_of);
            for ((entry, tag), hash) in entries.iter_mut().zip(tags).zip(hashes) {
                let Some(entry) = entry.take() else { continue };
                let [low, high] = &mut halves;
                let half = if (hash >> bit) & 1 == 0 { low } else { high };
                half.push((hash, entry, tags::is_marked(*tag)));
            }
        }
        let [low, high] = halves.map(|half| {
            let mut segment = Segment::with_room_for(half.len() + 1 + half.len() / 8, depth);
            half.into_iter().for_each(|(hash, entry, marked)| segment.push(hash, entry, marked));
            segment
        });
        *self = low;
        high
    }

    /// The reverse of `split`.
    pub(super) fn merge(&mut self, high: Segment<E>, hash_of: &mut impl FnMut(&E) -> u64) {
        let wanted = self.len() + high.len() + 1;
        let low = std::mem::replace(self, Segment::with_room_for(wanted, self.depth.saturating_sub(1)));
        self.absorb(low, hash_of);
        self.absorb(high, hash_of);
    }

    /// Visits the places of entries whose home may be in `homes`, of which the caller filters by hash: from the
    /// first home on to the first empty place at or after the end.
    pub(super) fn candidates(
        &self,
        homes: std::ops::Range<usize>,
        only_marked: bool,
        mut visit: impl FnMut(usize),
    ) {
        let capacity = self.capacity();
        let mut position = homes.start;
        let mut walked = 0;
        while walked < capacity {
            let group = Group::load(&self.tags, position);
            let in_range = homes.end.saturating_sub(homes.start + walked);
            // An empty place ends the run only once all homes asked for are behind.
            let end = group.empties().find(|&offset| offset >= in_range).unwrap_or(tags::GROUP);
            let hits = if only_marked { group.marked() } else { group.taken() };
            for offset in hits.before(end.min(capacity - walked)) {
                visit(wrap(position + offset, capacity));
            }
            if end < tags::GROUP {
                return;
            }
            position = wrap(position + tags::GROUP, capacity);
            walked += tags::GROUP;
        }
    }

    /// The home of the lowest hash that is at least `hash`, and the lowest hash of a home: the two ends of a step.
    pub(super) fn home_of(&self, hash: u64) -> usize {
        self.home(hash)
    }

    /// The lowest hash (within this segment's range, which starts at `first`) whose home is `home`; `None` when
    /// `home` is past the last place.
    pub(super) fn first_hash_of(&self, first: u64, home: usize) -> Option<u64> {
        let capacity = self.capacity() as u128;
        if home as u128 >= capacity {
            return None;
        }
        let below_directory = ((home as u128) << 64).div_ceil(capacity) as u64;
        // Rounded up, since the shift drops the low bits.
        let shift = u32::from(self.depth);
        let lowest = below_directory.checked_shr(shift).unwrap_or(0);
        let rounded =
            if lowest.checked_shl(shift).unwrap_or(0) < below_directory { lowest + 1 } else { lowest };
        Some(first | rounded)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &E> {
        self.entries.iter().filter_map(Option::as_ref)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut E> {
        self.entries.iter_mut().filter_map(Option::as_mut)
    }

    pub(super) fn into_entries(self) -> impl Iterator<Item = E> {
        self.entries.into_iter().flatten()
    }

    /// The entry at a random one of `places` places, `None` when that is vacant: with the same `places` for all
    /// segments, every entry of a table is equally likely.
    pub(super) fn random(&self, places: usize, rng: &mut dyn Rng) -> Option<&E> {
        self.get(below(places, rng))
    }
}

/// To hash an entry is to look at it where it lies, and mostly it is in no cache: one behind the other, they are waited for together.
fn hash_all<E>(
    entries: &[Option<E>],
    hashes: &mut [u64; HASHED_TOGETHER],
    hash_of: &mut impl FnMut(&E) -> u64,
) {
    for (hash, entry) in hashes.iter_mut().zip(entries) {
        *hash = entry.as_ref().map_or(0, &mut *hash_of);
    }
}

/// A number below `limit`, even enough for sampling (the bias is under 2⁻³²).
pub(crate) fn below(limit: usize, rng: &mut dyn Rng) -> usize {
    ((u128::from(rng.next_u64()) * limit as u128) >> 64) as usize
}

fn wrap(position: usize, capacity: usize) -> usize {
    if position < capacity {
        return position;
    }
    let once = position - capacity;
    // Only in segments smaller than a group can it lie further out.
    if once < capacity { once } else { position.checked_rem(capacity).unwrap_or(0) }
}

/// One place in eight stays vacant, so that searches end early. Tiny segments may be full: a look covers them whole.
fn max_len(capacity: usize) -> usize {
    if capacity < 8 { capacity } else { capacity - capacity / 8 }
}

/// The smallest capacity of 2, 4, 6, 8 and then 5/4, 6/4, 7/4 and 8/4 of each power of two that holds `len` entries.
fn capacity_for(len: usize) -> usize {
    if len == 0 {
        return 0;
    }
    if len <= 6 {
        return len.next_multiple_of(2);
    }
    let needed = len + len.div_ceil(7);
    let step = (needed.next_power_of_two() / 8).max(2);
    needed.next_multiple_of(step)
}
