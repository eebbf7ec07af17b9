//! Walking a table in steps, by hash.

use super::segment::Segment;
use super::{Part, Position, Root, Table};

/// Which entries a scan is after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    All,
    Marked,
}

/// A step visits about as many at most; it keeps products small, and a larger budget takes several steps.
const STEP_MAX: usize = 4096;

impl<E> Table<E> {
    /// Visits entries in rising order of hash prefix, from cursor 0 on, about `budget` of them. Returns the cursor
    /// to go on from, `None` at the end. It stops at the first place where it may: a few entries over budget at most.
    pub fn scan<'a>(
        &'a self,
        cursor: u64,
        budget: usize,
        mut hash_of: impl FnMut(&E) -> u64,
        mut visit: impl FnMut(&'a E),
    ) -> Option<u64> {
        let visit = |position, _| {
            if let Some(entry) = self.at(position) {
                visit(entry);
            }
        };
        self.scan_positions(cursor, budget, Wanted::All, &mut hash_of, visit)
    }

    /// As `scan`, but hands out positions and hashes, so that the caller may change the entries after it.
    pub fn scan_positions(
        &self,
        cursor: u64,
        budget: usize,
        wanted: Wanted,
        mut hash_of: impl FnMut(&E) -> u64,
        mut visit: impl FnMut(Position, u64),
    ) -> Option<u64> {
        let mut seen = 0;
        let mut next = Some(cursor);
        while let Some(cursor) = next {
            let (number, first, segment) = self.segment_at(cursor)?;
            let left = budget.saturating_sub(seen).min(STEP_MAX);
            let nothing_here = segment.len() == 0 || (wanted == Wanted::Marked && segment.marked() == 0);
            let upto = if nothing_here {
                None
            } else {
                step(segment, first, cursor, left, wanted, &mut hash_of, |place, hash| {
                    seen += 1;
                    visit(super::position(number, place), hash);
                })
            };
            next = upto.or_else(|| after(segment, first));
            if seen >= budget {
                return next;
            }
        }
        next
    }

    /// Shows `visit` about what the next step of a scan will visit, some more or fewer. For those who ask the cache ahead.
    pub fn ahead(&self, cursor: u64, budget: usize, visit: impl FnMut(&E)) {
        if let Some((_, _, segment)) = self.segment_at(cursor) {
            let start = segment.home_of(cursor);
            let homes = homes_for(segment, budget.min(STEP_MAX), Wanted::All);
            let end = start.saturating_add(homes).min(segment.capacity());
            let mut visit = visit;
            segment.candidates(start..end, false, |place| _ = segment.get(place).map(&mut visit));
        }
    }

    /// The segment that answers for a hash, its number and its lowest hash.
    fn segment_at(&self, hash: u64) -> Option<(usize, u64, &Segment<E>)> {
        let number = self.segment_number(hash);
        let first = match &self.root {
            Root::Many(directory) => directory.first_hash(number),
            _ => 0,
        };
        Some((number, first, self.segment(number)?))
    }
}

/// The lowest hash past a segment, `None` if it is the last.
fn after<E>(segment: &Segment<E>, first: u64) -> Option<u64> {
    first
        .checked_add(1u64.checked_shl(64 - u32::from(segment.depth())).unwrap_or(0))
        .filter(|&next| next > first)
}

/// Visits the entries of a few homes. Returns the next cursor, `None` when the segment is done.
fn step<E>(
    segment: &Segment<E>,
    first: u64,
    cursor: u64,
    budget: usize,
    wanted: Wanted,
    hash_of: &mut impl FnMut(&E) -> u64,
    mut visit: impl FnMut(usize, u64),
) -> Option<u64> {
    let start = segment.home_of(cursor);
    let end = start.saturating_add(homes_for(segment, budget, wanted));
    let upto = segment.first_hash_of(first, end);
    let last = upto.or_else(|| after(segment, first)).map_or(u64::MAX, |next| next - 1);
    segment.candidates(start..end.min(segment.capacity()), wanted == Wanted::Marked, |place| {
        if let Some(hash) = segment.get(place).map(&mut *hash_of)
            && (cursor..=last).contains(&hash)
        {
            visit(place, hash);
        }
    });
    upto
}

/// As many homes as should hold what is asked for, if it is spread evenly.
fn homes_for<E>(segment: &Segment<E>, budget: usize, wanted: Wanted) -> usize {
    let present = match wanted {
        Wanted::All => segment.len(),
        Wanted::Marked => segment.marked(),
    };
    (segment.capacity() * budget).checked_div(present).unwrap_or(0).max(4)
}
