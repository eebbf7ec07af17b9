//! A run of pages that divide a part of the hash space evenly: one, two, four … of them.

use super::block::Block;
use super::entry::Format;
use crate::table::Part;
use triomphe::Arc;

/// How many entries its pages have on average, at most: then they are cut in two.
pub(super) const FULL: usize = 48;
/// With fewer on average two become one.
const SPARSE: usize = 12;
/// How many pages it has before the directory cuts the group itself in two.
pub(super) const MAX_PAGES: usize = 32;

#[derive(Clone)]
pub(super) struct Group<F> {
    /// 2ⁿ of them, by the n bits of the hash behind the first `depth`.
    pages: Vec<Block<F>>,
    depth: u8,
    len: usize,
    page_bytes: usize,
}

impl<F: Format> Part for Arc<Group<F>> {
    const MERGE_LEN: usize = MAX_PAGES * SPARSE / 2;

    fn depth(&self) -> u8 {
        self.depth
    }

    fn len(&self) -> usize {
        self.len
    }
}

impl<F: Format> Group<F> {
    pub(super) fn new() -> Group<F> {
        Group { pages: vec![Block::default()], depth: 0, len: 0, page_bytes: 0 }
    }

    /// Of as many pages as a group may have.
    pub(super) fn of_pages(pages: Vec<Block<F>>, depth: u8) -> Group<F> {
        let mut group = Group { pages: Vec::new(), depth, len: 0, page_bytes: 0 };
        group.replace_pages(pages);
        group
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn page_number(&self, hash: u64) -> usize {
        let below_directory = hash.checked_shl(u32::from(self.depth)).unwrap_or(0);
        below_directory.checked_shr(64 - self.pages.len().trailing_zeros()).unwrap_or(0) as usize
    }

    #[inline]
    pub(super) fn page(&self, number: usize) -> Option<&Block<F>> {
        self.pages.get(number)
    }

    #[inline]
    pub(super) fn page_for(&self, hash: u64) -> Option<&Block<F>> {
        self.page(self.page_number(hash))
    }

    pub(super) fn pages(&self) -> impl Iterator<Item = &Block<F>> {
        self.pages.iter()
    }

    /// How many leading bits all hashes in a page share.
    pub(super) fn page_depth(&self) -> u32 {
        u32::from(self.depth) + self.pages.len().trailing_zeros()
    }

    /// The page, and the index there, of the entry before which there are `rank` others.
    pub(super) fn place(&self, rank: usize) -> Option<(usize, usize)> {
        if rank >= self.len {
            return None;
        }
        let mut left = rank;
        for (number, page) in self.pages.iter().enumerate() {
            match left.checked_sub(page.len()) {
                Some(less) => left = less,
                None => return Some((number, left)),
            }
        }
        None
    }

    /// Lets something happen to the page of this hash.
    #[inline]
    pub(super) fn change<R>(&mut self, hash: u64, change: impl FnOnce(&mut Block<F>) -> R) -> Option<R> {
        let number = self.page_number(hash);
        let page = self.pages.get_mut(number)?;
        let (len, bytes) = (page.len(), page.allocated_bytes());
        let result = change(page);
        self.len = self.len - len + page.len();
        self.page_bytes = self.page_bytes - bytes + page.allocated_bytes();
        Some(result)
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.len > FULL * self.pages.len()
    }

    pub(super) fn has_all_pages(&self) -> bool {
        self.pages.len() >= MAX_PAGES
    }

    pub(super) fn is_sparse(&self) -> bool {
        self.pages.len() > 1 && self.len < SPARSE * self.pages.len()
    }

    /// Cuts each page in two by the next bit of the hash.
    pub(super) fn double(&mut self, hash_of: impl Fn(&[u8]) -> u64) {
        let bit = 63 - self.page_depth().min(63);
        let mut halves = Vec::with_capacity(2 * self.pages.len());
        let (mut low, mut high) = (Vec::new(), Vec::new());
        for page in &self.pages {
            low.clear();
            high.clear();
            for index in 0..page.len() {
                let half = if hash_of(page.key(index)) >> bit & 1 == 0 { &mut low } else { &mut high };
                half.push(index);
            }
            halves.push(Block::gather(low.iter().map(|&index| (page, index))));
            halves.push(Block::gather(high.iter().map(|&index| (page, index))));
        }
        self.replace_pages(halves);
    }

    /// Makes one page of each two.
    pub(super) fn halve(&mut self) {
        let whole = |page| (0..Block::len(page)).map(move |index| (page, index));
        let joined = self.pages.chunks(2).map(|pair| Block::gather(pair.iter().flat_map(whole))).collect();
        self.replace_pages(joined);
    }

    fn replace_pages(&mut self, pages: Vec<Block<F>>) {
        self.page_bytes = pages.iter().map(Block::allocated_bytes).sum();
        self.len = pages.iter().map(Block::len).sum();
        self.pages = pages;
    }

    /// Leaves the low half of the pages here and returns the high one.
    pub(super) fn split(&mut self) -> Group<F> {
        let high = self.pages.split_off(self.pages.len() / 2);
        let low = std::mem::take(&mut self.pages);
        self.depth += 1;
        self.replace_pages(low);
        self.pages.shrink_to_fit();
        Group::of_pages(high, self.depth)
    }

    /// Puts its neighbour behind it.
    pub(super) fn join(&mut self, mut high: Group<F>) {
        while self.pages.len() > high.pages.len() {
            self.halve();
        }
        while high.pages.len() > self.pages.len() {
            high.halve();
        }
        let mut pages = std::mem::take(&mut self.pages);
        pages.append(&mut high.pages);
        self.depth -= 1;
        self.replace_pages(pages);
    }

    pub(super) fn allocated_bytes(&self) -> usize {
        let own = size_of::<Self>() + size_of::<usize>();
        own + self.pages.capacity() * size_of::<Block<F>>() + self.page_bytes
    }
}
