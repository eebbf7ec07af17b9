//! The table of pages: keys, with a value each where the format has one.
//!
//! The hash function is seeded, since keys come from clients who may want them to collide.

use super::block::Block;
use super::entry::{Format, Text};
use super::group::{Group, MAX_PAGES};
use crate::prefetch::Step;
use crate::table::{Directory, Part};
use crate::types::sampling::{Selection, below};
use foldhash::quality::FixedState;
use rand::Rng;
use std::hash::{BuildHasher, Hasher};
use triomphe::Arc;

#[derive(Clone)]
pub(in crate::types) struct PageTable<F> {
    hasher: FixedState,
    /// Its width is how much the fullest group ever held.
    directory: Directory<Arc<Group<F>>>,
    len: usize,
}

/// Where an entry is, until the next change.
type Place = (u32, u32, u32);

impl<F: Format> PageTable<F> {
    pub(in crate::types) fn new(seed: u64) -> PageTable<F> {
        let directory = PageTable::empty_directory();
        PageTable { hasher: FixedState::with_seed(seed), directory, len: 0 }
    }

    pub(super) fn of_parts(
        hasher: FixedState,
        directory: Directory<Arc<Group<F>>>,
        len: usize,
    ) -> PageTable<F> {
        PageTable { hasher, directory, len }
    }

    fn empty_directory() -> Directory<Arc<Group<F>>> {
        Directory::of_one(Arc::new(Group::new()), 1)
    }

    pub(in crate::types) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    fn hash(&self, key: &[u8]) -> u64 {
        hash(&self.hasher, key)
    }

    pub(in crate::types) fn contains(&self, key: &[u8]) -> bool {
        self.find(key).is_some()
    }

    #[inline]
    fn find(&self, key: &[u8]) -> Option<(&Block<F>, usize)> {
        let hash = self.hash(key);
        let page = self.directory.part(self.directory.number(hash))?.page_for(hash)?;
        Some((page, page.find(tag(hash), key)?))
    }

    /// Asks the cache for the page of this key; then, when that is there, for what lies in it.
    #[inline]
    pub(in crate::types) fn prefetch(&self, key: &[u8], step: Step) {
        let hash = self.hash(key);
        if let Some(page) =
            self.directory.part(self.directory.number(hash)).and_then(|group| group.page_for(hash))
        {
            match step {
                Step::Way => page.prefetch(),
                Step::Entry => page.prefetch_entries(tag(hash)),
            }
        }
    }

    /// The value.
    #[inline]
    pub(in crate::types) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.find(key).map(|(page, index)| page.get(index).1)
    }

    /// A key as it would go into another page. If it is here and lies outside, it is shared.
    pub(in crate::types) fn text<'k>(&self, key: &'k [u8]) -> Text<'k> {
        if key.len() <= F::INLINE_MAX {
            return Text::Inline(key);
        }
        match self.find(key).map(|(page, index)| page.text(index)) {
            Some(Text::Outside(shared)) => Text::Outside(shared),
            _ => Text::new::<F>(key),
        }
    }

    /// False, and nothing changed, when the key is there.
    pub(in crate::types) fn insert(&mut self, key: Text<'_>, value: Text<'_>) -> bool {
        self.put(key, value, false)
    }

    /// Inserts, or replaces the value. True when the key is new.
    pub(in crate::types) fn set(&mut self, key: Text<'_>, value: Text<'_>) -> bool {
        self.put(key, value, true)
    }

    fn put(&mut self, key: Text<'_>, value: Text<'_>, replaces: bool) -> bool {
        let bytes = key.bytes();
        let hash = self.hash(bytes);
        let number = self.directory.number(hash);
        let Some(group) = self.directory.part_mut(number) else { return false };
        let found = group.page_for(hash).and_then(|page| page.find(tag(hash), bytes));
        if found.is_some() && !replaces {
            return false;
        }
        let group = Arc::make_mut(group);
        group.change(hash, |page| match found {
            Some(index) => page.set_value(index, value),
            None => page.insert(page.len(), &[tag(hash)], key, value),
        });
        if found.is_some() {
            return false;
        }
        self.len += 1;
        let (width, is_full) = (group.len(), group.is_full());
        self.directory.note_width(width);
        if is_full {
            self.make_room(hash);
        }
        true
    }

    /// Where an entry is there: `change` gets its value and may give another one. What it answers beside.
    pub(in crate::types) fn change_value<const SIZE: usize, R>(
        &mut self,
        key: &[u8],
        change: impl FnOnce(&[u8]) -> (Option<[u8; SIZE]>, R),
    ) -> Option<R> {
        let hash = self.hash(key);
        let number = self.directory.number(hash);
        let group = self.directory.part_mut(number)?;
        let page = group.page_for(hash)?;
        let index = page.find(tag(hash), key)?;
        let (value, result) = change(page.get(index).1);
        if let Some(value) = value {
            Arc::make_mut(group).change(hash, |page| page.set_value(index, Text::Inline(&value)));
        }
        Some(result)
    }

    /// Takes the entry out; what `read` makes of its value.
    pub(in crate::types) fn remove<R>(&mut self, key: &[u8], read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let hash = self.hash(key);
        let number = self.directory.number(hash);
        let group = self.directory.part_mut(number)?;
        let index = group.page_for(hash)?.find(tag(hash), key)?;
        let group = Arc::make_mut(group);
        let result = group.change(hash, |page| {
            let result = read(page.get(index).1);
            page.remove(index);
            result
        })?;
        self.len -= 1;
        if self.len == 0 {
            self.directory = PageTable::empty_directory();
            return Some(result);
        }
        let is_sparse = group.is_sparse();
        if is_sparse {
            group.halve();
        }
        // Now and then is enough to notice that the neighbour has emptied too.
        let may_merge = is_sparse || group.len().is_multiple_of(16);
        while may_merge
            && self.directory.merge(hash, |low, high| Arc::make_mut(low).join(Arc::unwrap_or_clone(high)))
        {
        }
        Some(result)
    }

    /// Cuts the pages of the group of this hash, or the group.
    fn make_room(&mut self, hash: u64) {
        // Deeper than this means that the hashes are not even; then larger pages are the lesser evil.
        let deepest = (self.len / (MAX_PAGES * 3)).checked_ilog2().unwrap_or(0) as u8;
        let (number, hasher) = (self.directory.number(hash), self.hasher.clone());
        let Some(group) = self.directory.part_mut(number) else { return };
        if !group.has_all_pages() {
            return Arc::make_mut(group).double(|key| self::hash(&hasher, key));
        }
        if group.depth() < deepest {
            self.directory.split(hash, |group| Arc::new(Arc::make_mut(group).split()));
        }
    }

    fn pages(&self) -> impl Iterator<Item = &Block<F>> {
        self.directory.parts().flat_map(|group| group.pages())
    }

    /// Keys with their values.
    pub(in crate::types) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.pages().flat_map(Block::iter)
    }

    pub(in crate::types) fn random(&self, rng: &mut dyn Rng) -> Option<(&[u8], &[u8])> {
        self.at(self.random_place(rng)?)
    }

    fn at(&self, (group, page, index): Place) -> Option<(&[u8], &[u8])> {
        Some(self.directory.part(group as usize)?.page(page as usize)?.get(index as usize))
    }

    /// Where an entry is, each equally likely.
    fn random_place(&self, rng: &mut dyn Rng) -> Option<Place> {
        if self.len == 0 {
            return None;
        }
        // As if all groups were as full as the fullest ever was; what is not there is rejected, which keeps it even.
        let (groups, widest) = (self.directory.count(), self.directory.widest());
        // Groups are rarely less than a tenth full, so the limit is for a broken generator.
        for _ in 0..1000 {
            let (group, rank) = (below(groups, rng), below(widest, rng));
            if let Some((page, index)) = self.directory.part(group)?.place(rank) {
                return Some((group as u32, page as u32, index as u32));
            }
        }
        let mut rank = below(self.len, rng);
        for (number, group) in self.directory.parts().enumerate() {
            match group.place(rank) {
                Some((page, index)) => return Some((number as u32, page as u32, index as u32)),
                None => rank -= group.len(),
            }
        }
        None
    }

    /// `count` distinct entries. Few of many are drawn; many are kept from a walk over all.
    pub(in crate::types) fn random_distinct(&self, count: usize, rng: &mut dyn Rng) -> Vec<(&[u8], &[u8])> {
        if count.saturating_mul(4) >= self.len() {
            let mut selection = Selection::new(count, self.len());
            return self.iter().filter(|_| selection.takes(rng)).collect();
        }
        let mut drawn = std::collections::HashSet::with_capacity(count);
        let mut entries = Vec::with_capacity(count);
        while entries.len() < count {
            let Some(place) = self.random_place(rng) else { break };
            if drawn.insert(place) {
                entries.extend(self.at(place));
            }
        }
        entries
    }

    /// As SCAN: from cursor 0 on, about `count` entries; the next cursor, 0 at the end.
    pub(in crate::types) fn scan(
        &self,
        cursor: u64,
        count: usize,
        mut visit: impl FnMut(&[u8], &[u8]),
    ) -> u64 {
        let (mut seen, mut next) = (0, Some(cursor));
        while let Some(cursor) = next {
            next = self.scan_step(cursor, count.saturating_sub(seen), |key, value| {
                seen += 1;
                visit(key, value);
            });
            if seen >= count {
                break;
            }
        }
        next.unwrap_or(0)
    }

    /// Visits the rest of a page, or a part of it when it has far more than `wanted`. The next cursor.
    fn scan_step(&self, cursor: u64, wanted: usize, mut visit: impl FnMut(&[u8], &[u8])) -> Option<u64> {
        let group = self.directory.part(self.directory.number(cursor))?;
        let page = group.page_for(cursor)?;
        let hashes = u64::MAX.checked_shr(group.page_depth()).unwrap_or(0);
        let (first, last) = (cursor & !hashes, cursor | hashes);
        // As much of the hash space as should hold what is wanted, if it is spread evenly.
        let share = (u128::from(hashes) * wanted.max(4) as u128) / page.len().max(1) as u128;
        let upto = last.min(cursor.saturating_add(u64::try_from(share).unwrap_or(u64::MAX)));
        let whole = cursor == first && upto == last;
        for (key, value) in page.iter() {
            if whole || (cursor..=upto).contains(&self.hash(key)) {
                visit(key, value);
            }
        }
        upto.checked_add(1)
    }

    /// Bytes allocated.
    pub(in crate::types) fn memory_usage(&self) -> usize {
        let groups: usize = self.directory.parts().map(|group| group.allocated_bytes()).sum();
        // The directory's own fields are counted with the table's.
        size_of::<Self>() - size_of::<Directory<Arc<Group<F>>>>() + self.directory.allocated_bytes() + groups
    }
}

#[inline]
pub(super) fn tag(hash: u64) -> u8 {
    hash as u8
}

#[inline]
pub(super) fn hash(hasher: &FixedState, key: &[u8]) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(key);
    hasher.finish()
}
