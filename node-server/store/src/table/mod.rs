//! A hash table that is ordered by its hashes: the keyspace's slots are such. (Big collections hold theirs more densely, in
//! `types/pages`, under the same kind of directory.)
//!
//! ```text
//!   hash  =  pppp hhhhhhhhhh…        p: the directory's bits    h: the place within the segment
//!
//!   directory  [ 00 | 01 | 10 | 11 ]      one number per prefix; absent while one segment suffices
//!                 \   /    |    |
//!   segments       s0      s1   s2        each full of entries in hash order, see segment.rs
//! ```
//!
//! This is extendible hashing. A segment that has reached 1024 places splits by the next hash bit, alone; when it is as deep as the
//! directory, the directory doubles (four bytes a prefix). Two half-empty neighbours merge again. So no insert costs
//! more than one segment's worth of work, in a table of any size. An empty table allocates nothing.
//!
//! **Scan.** A cursor is the hash below which everything has been visited. What a step visits depends on the hashes alone,
//! so an entry that is present from the first step to the last is visited, exactly once, whatever grows, splits
//! or merges in between.
//!
//! **Hashes.** The table keeps none: the caller gives the hash of what it looks for, and a function that hashes
//! an entry when the table moves it. Hashes must be even in their high bits (places) and in their low six (tags).
//!
//! **Marks.** An entry can be marked; marked ones are counted and found without touching the others.

mod directory;
mod scan;
mod segment;
mod shape;
pub(crate) mod tags;

pub(crate) use directory::{Directory, Part};

pub use scan::Wanted;
pub(crate) use segment::below as random_below;
pub use shape::{HashOf, Shape};

use rand::Rng;
use segment::{Probe, SPLIT_CAPACITY, Segment};

/// One cache line, since a look-up in a keyspace of many small tables begins with a miss on it.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub struct Table<E> {
    len: usize,
    marked: usize,
    root: Root<E>,
}

#[derive(Clone, Debug)]
enum Root<E> {
    Empty,
    One(Segment<E>),
    Many(Box<Directory<Segment<E>>>),
}

/// Where an entry is, until the next insert or removal. Out of date, it may name another entry or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    segment: u32,
    place: u32,
}

/// What a single search found.
#[derive(Debug)]
pub enum Found {
    At(Position),
    Absent(Vacancy),
}

/// A place for an absent entry, until the next insert or removal.
#[derive(Debug)]
pub struct Vacancy {
    hash: u64,
    segment: usize,
    place: Option<usize>,
}

impl<E> Default for Table<E> {
    fn default() -> Self {
        Table::new()
    }
}

impl<E> Table<E> {
    pub const fn new() -> Table<E> {
        Table { len: 0, marked: 0, root: Root::Empty }
    }

    /// An empty table in which about `len` entries will find their places without any of them being moved.
    pub fn with_room_for(len: usize) -> Table<E> {
        let mut depth = 0;
        while len >> depth > SPLIT_CAPACITY * 3 / 4 {
            depth += 1;
        }
        let mean = len >> depth;
        // By chance one gets more than another: four times the deviation is as good as never exceeded.
        let room = mean + 4 * mean.isqrt();
        let segment = || Segment::with_room_for(room, depth);
        let root = match depth {
            _ if len == 0 => Root::Empty,
            0 => Root::One(segment()),
            _ => Root::Many(Box::new(Directory::even(depth, SPLIT_CAPACITY, segment))),
        };
        Table { len: 0, marked: 0, root }
    }

    /// Whether far less came than there is room for.
    pub fn is_too_wide(&self) -> bool {
        let places: usize =
            (0..self.segment_count()).filter_map(|number| self.segment(number)).map(Segment::capacity).sum();
        places > 8 && self.len * 4 < places
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn get(&self, hash: u64, eq: impl FnMut(&E) -> bool) -> Option<&E> {
        let segment = self.segment_for(hash)?;
        segment.get(segment.find(hash, eq)?)
    }

    pub fn get_mut(&mut self, hash: u64, eq: impl FnMut(&E) -> bool) -> Option<&mut E> {
        let position = self.find(hash, eq)?;
        self.at_mut(position)
    }

    /// Asks the cache for what a search for this hash begins with.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        if let Some(segment) = self.segment_for(hash) {
            segment.prefetch(hash);
        }
    }

    /// Shows `visit` the entry of this hash most of the time, and seldom another one. For those who ask the cache ahead.
    #[inline]
    pub fn likely(&self, hash: u64, visit: impl FnMut(&E)) {
        if let Some(segment) = self.segment_for(hash) {
            segment.likely(hash, visit);
        }
    }

    /// Adds an entry that is known to be absent; else use [`Table::entry`].
    pub fn insert(&mut self, hash: u64, entry: E, hash_of: impl FnMut(&E) -> u64) -> Position {
        match self.search(hash, |_| false) {
            Found::At(position) => position,
            Found::Absent(vacancy) => self.fill(vacancy, entry, hash_of),
        }
    }

    /// The entry, or the place for it, in one search.
    pub fn entry(&mut self, hash: u64, eq: impl FnMut(&E) -> bool) -> TableEntry<'_, E> {
        match self.search(hash, eq) {
            Found::At(position) => TableEntry::Occupied(OccupiedEntry { table: self, position, hash }),
            Found::Absent(vacancy) => TableEntry::Vacant(VacantEntry { table: self, vacancy }),
        }
    }

    pub fn remove(
        &mut self,
        hash: u64,
        eq: impl FnMut(&E) -> bool,
        hash_of: impl FnMut(&E) -> u64,
    ) -> Option<E> {
        let position = self.find(hash, eq)?;
        self.take(position, hash, hash_of)
    }

    pub fn find(&self, hash: u64, eq: impl FnMut(&E) -> bool) -> Option<Position> {
        let number = self.segment_number(hash);
        let place = self.segment(number)?.find(hash, eq)?;
        Some(position(number, place))
    }

    pub fn search(&self, hash: u64, eq: impl FnMut(&E) -> bool) -> Found {
        let segment = self.segment_number(hash);
        match self.segment(segment).map(|segment| segment.probe(hash, eq)) {
            Some(Probe::Found(place)) => Found::At(position(segment, place)),
            Some(Probe::Vacant(place)) => Found::Absent(Vacancy { hash, segment, place }),
            None => Found::Absent(Vacancy { hash, segment, place: None }),
        }
    }

    pub fn at(&self, position: Position) -> Option<&E> {
        self.segment(position.segment as usize)?.get(position.place as usize)
    }

    pub fn at_mut(&mut self, position: Position) -> Option<&mut E> {
        self.segment_mut(position.segment as usize)?.get_mut(position.place as usize)
    }

    /// Puts an entry where a search just found it absent.
    pub fn fill(&mut self, vacancy: Vacancy, entry: E, mut hash_of: impl FnMut(&E) -> u64) -> Position {
        let Vacancy { hash, segment: number, place } = vacancy;
        if let Root::Empty = self.root {
            self.root = Root::One(Segment::new(0));
        }
        if let Some(place) = place
            && let Some(segment) = self.segment_mut(number)
            && (segment.has_room() || segment.is_deleted(place))
        {
            segment.fill(place, hash, entry);
            self.len += 1;
            return position(number, place);
        }
        self.make_room(hash, &mut hash_of);
        let number = self.segment_number(hash);
        let mut filled = 0;
        if let Some(segment) = self.segment_mut(number)
            && let Probe::Vacant(Some(place)) = segment.probe(hash, |_| false)
        {
            segment.fill(place, hash, entry);
            filled = place;
            self.len += 1;
        }
        position(number, filled)
    }

    /// Takes out the entry at a position; `hash` is its hash.
    pub fn take(&mut self, position: Position, hash: u64, mut hash_of: impl FnMut(&E) -> u64) -> Option<E> {
        let segment = self.segment_mut(position.segment as usize)?;
        let marked = segment.marked();
        let entry = segment.take(position.place as usize)?;
        let unmarked = marked - segment.marked();
        let sparse = segment.is_sparse();
        // Now and then is enough to notice that the neighbour has emptied too.
        let may_merge = sparse || segment.len().is_multiple_of(16);
        if sparse {
            segment.shrink(&mut hash_of);
        }
        self.len -= 1;
        self.marked -= unmarked;
        if self.len == 0 {
            self.root = Root::Empty;
        } else if may_merge {
            self.merge_at(hash, &mut hash_of);
        }
        Some(entry)
    }

    /// Puts another entry of the same hash in the place of this one.
    pub fn replace(&mut self, position: Position, entry: E) -> Option<E> {
        self.at_mut(position).map(|place| std::mem::replace(place, entry))
    }

    pub fn marked(&self) -> usize {
        self.marked
    }

    pub fn is_marked(&self, position: Position) -> bool {
        self.segment(position.segment as usize).is_some_and(|s| s.is_marked(position.place as usize))
    }

    /// Returns what the mark was.
    pub fn set_mark(&mut self, position: Position, marked: bool) -> bool {
        let Some(segment) = self.segment_mut(position.segment as usize) else { return false };
        let before = segment.marked();
        let was_marked = segment.set_mark(position.place as usize, marked);
        let after = segment.marked();
        self.marked = self.marked - before + after;
        was_marked
    }

    /// An entry, each equally likely.
    pub fn random(&self, rng: &mut dyn Rng) -> Option<&E> {
        if self.len == 0 {
            return None;
        }
        let (segments, places) = self.extent()?;
        // Rejection keeps it even. A table is at least a quarter full, so the limit is for a broken generator.
        for _ in 0..1000 {
            let number = segment::below(segments, rng);
            if let Some(entry) = self.segment(number).and_then(|segment| segment.random(places, rng)) {
                return Some(entry);
            }
        }
        self.iter().nth(segment::below(self.len, rng))
    }

    /// A marked entry, each equally likely; `None` when these draws met none, as they may where few are marked.
    pub fn random_marked(&self, draws: usize, rng: &mut dyn Rng) -> Option<&E> {
        let (segments, places) = self.extent()?;
        (0..draws).find_map(|_| {
            let segment = self.segment(segment::below(segments, rng))?;
            let place = segment::below(places, rng);
            segment.get(place).filter(|_| segment.is_marked(place))
        })
    }

    /// How many segments there are, and how many places the widest has.
    fn extent(&self) -> Option<(usize, usize)> {
        match &self.root {
            Root::Empty => None,
            Root::One(one) => Some((1, one.capacity())),
            Root::Many(directory) => Some((directory.count(), directory.widest())),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &E> {
        (0..self.segment_count()).filter_map(|number| self.segment(number)).flat_map(Segment::iter)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut E> {
        let (one, many) = match &mut self.root {
            Root::Empty => (None, None),
            Root::One(one) => (Some(one), None),
            Root::Many(directory) => (None, Some(directory.parts_mut())),
        };
        one.into_iter().chain(many.into_iter().flatten()).flat_map(Segment::iter_mut)
    }

    pub fn into_entries(self) -> impl Iterator<Item = E> {
        let (one, many) = match self.root {
            Root::Empty => (None, None),
            Root::One(one) => (Some(one), None),
            Root::Many(directory) => (None, Some(directory.into_parts())),
        };
        one.into_iter().chain(many.into_iter().flatten()).flat_map(Segment::into_entries)
    }

    /// Bytes allocated by the table itself, in sum; what entries point to is not in it.
    pub fn memory_usage(&self) -> usize {
        let segments = (0..self.segment_count()).filter_map(|number| self.segment(number));
        let directory = match &self.root {
            Root::Many(directory) => directory.allocated_bytes(),
            _ => 0,
        };
        directory + segments.map(Segment::allocated_bytes).sum::<usize>()
    }

    fn segment_number(&self, hash: u64) -> usize {
        match &self.root {
            Root::Many(directory) => directory.number(hash),
            _ => 0,
        }
    }

    fn segment_count(&self) -> usize {
        match &self.root {
            Root::Empty => 0,
            Root::One(_) => 1,
            Root::Many(directory) => directory.count(),
        }
    }

    fn segment(&self, number: usize) -> Option<&Segment<E>> {
        match &self.root {
            Root::Empty => None,
            Root::One(one) => (number == 0).then_some(one),
            Root::Many(directory) => directory.part(number),
        }
    }

    fn segment_for(&self, hash: u64) -> Option<&Segment<E>> {
        self.segment(self.segment_number(hash))
    }

    fn segment_mut(&mut self, number: usize) -> Option<&mut Segment<E>> {
        match &mut self.root {
            Root::Empty => None,
            Root::One(one) => (number == 0).then_some(one),
            Root::Many(directory) => directory.part_mut(number),
        }
    }

    /// Grows or splits until the segment of this hash takes one more entry.
    fn make_room(&mut self, hash: u64, hash_of: &mut impl FnMut(&E) -> u64) {
        // Deeper than this means that the hashes are not even; then a larger segment is the lesser evil.
        let deepest = (self.len / (SPLIT_CAPACITY / 16)).checked_ilog2().unwrap_or(0) as u8;
        loop {
            let number = self.segment_number(hash);
            let Some(segment) = self.segment_mut(number) else { return };
            if segment.has_room() {
                return;
            }
            if segment.capacity() < SPLIT_CAPACITY || segment.depth() >= deepest {
                segment.grow(hash_of);
                let capacity = segment.capacity();
                if let Root::Many(directory) = &mut self.root {
                    directory.note_width(capacity);
                }
                continue;
            }
            match std::mem::replace(&mut self.root, Root::Empty) {
                Root::Empty => return,
                Root::One(one) => {
                    let mut directory = Directory::of_one(one, SPLIT_CAPACITY);
                    directory.split(hash, |segment| segment.split(hash_of));
                    self.root = Root::Many(Box::new(directory));
                }
                Root::Many(mut directory) => {
                    directory.split(hash, |segment| segment.split(hash_of));
                    self.root = Root::Many(directory);
                }
            }
        }
    }

    fn merge_at(&mut self, hash: u64, hash_of: &mut impl FnMut(&E) -> u64) {
        let Root::Many(directory) = &mut self.root else { return };
        while directory.merge(hash, |low, high| low.merge(high, hash_of)) {}
        if directory.count() == 1
            && let Root::Many(directory) = std::mem::replace(&mut self.root, Root::Empty)
            && let Some(one) = directory.into_one()
        {
            self.root = Root::One(one);
        }
    }
}

fn position(segment: usize, place: usize) -> Position {
    Position { segment: segment as u32, place: place as u32 }
}

/// The answer of [`Table::entry`].
pub enum TableEntry<'a, E> {
    Occupied(OccupiedEntry<'a, E>),
    Vacant(VacantEntry<'a, E>),
}

pub struct OccupiedEntry<'a, E> {
    table: &'a mut Table<E>,
    position: Position,
    hash: u64,
}

impl<'a, E> OccupiedEntry<'a, E> {
    pub fn get(&self) -> Option<&E> {
        self.table.at(self.position)
    }

    pub fn get_mut(&mut self) -> Option<&mut E> {
        self.table.at_mut(self.position)
    }

    pub fn into_mut(self) -> Option<&'a mut E> {
        self.table.at_mut(self.position)
    }

    pub fn remove(self, hash_of: impl FnMut(&E) -> u64) -> Option<E> {
        self.table.take(self.position, self.hash, hash_of)
    }
}

pub struct VacantEntry<'a, E> {
    table: &'a mut Table<E>,
    vacancy: Vacancy,
}

impl<'a, E> VacantEntry<'a, E> {
    pub fn insert(self, entry: E, hash_of: impl FnMut(&E) -> u64) -> Option<&'a mut E> {
        let position = self.table.fill(self.vacancy, entry, hash_of);
        self.table.at_mut(position)
    }
}

#[cfg(test)]
mod tests;
