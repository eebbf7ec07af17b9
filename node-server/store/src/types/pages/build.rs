//! A table of entries that are all at hand: each page is made once, as large as it is going to be.

use super::block::Block;
use super::entry::{Format, Text, stored_len_of};
use super::group::{FULL, Group, MAX_PAGES};
use super::table::{PageTable, hash, tag};
use crate::table::Directory;
use crate::types::Element;
use foldhash::quality::FixedState;
use triomphe::Arc;

/// What a page is going to hold.
#[derive(Clone, Copy, Default)]
struct Size {
    len: usize,
    bytes: usize,
}

impl<F: Format> PageTable<F> {
    /// Of so many entries; each is asked for by its number, twice. `None` where a key comes twice.
    pub(in crate::types) fn of_all<'e>(
        seed: u64,
        len: usize,
        entry: impl Fn(usize) -> (Element<'e>, Element<'e>),
    ) -> Option<PageTable<F>> {
        let hasher = FixedState::with_seed(seed);
        let bits = page_bits(len);
        let mut sizes = vec![Size::default(); 1 << bits];
        let mut hashes = Vec::with_capacity(len);
        let (mut key_buffer, mut value_buffer) = (itoa::Buffer::new(), itoa::Buffer::new());
        for number in 0..len {
            let (key, value) = entry(number);
            let (key, value) = (key.as_bytes(&mut key_buffer), value.as_bytes(&mut value_buffer));
            let hash = hash(&hasher, key);
            if let Some(size) = sizes.get_mut(page_number(hash, bits)) {
                size.len += 1;
                size.bytes += stored_len_of::<F>(key.len(), value.len());
            }
            hashes.push(hash);
        }
        let mut pages: Vec<Block<F>> =
            sizes.iter().map(|size| Block::with_room_for(size.len, size.bytes)).collect();
        for (number, hash) in hashes.into_iter().enumerate() {
            let (key, value) = entry(number);
            let (key, value) = (key.as_bytes(&mut key_buffer), value.as_bytes(&mut value_buffer));
            let page = pages.get_mut(page_number(hash, bits))?;
            if page.find(tag(hash), key).is_some() {
                return None;
            }
            page.insert(page.len(), &[tag(hash)], Text::new::<F>(key), Text::new::<F>(value));
        }
        Some(PageTable::of_parts(hasher, directory(pages, bits), len))
    }
}

/// So many leading bits of a hash say which page it belongs to: with these, pages are full on average, or half full.
fn page_bits(len: usize) -> u32 {
    len.div_ceil(FULL).max(1).next_power_of_two().trailing_zeros()
}

fn page_number(hash: u64, bits: u32) -> usize {
    hash.checked_shr(64 - bits).unwrap_or(0) as usize
}

fn directory<F: Format>(pages: Vec<Block<F>>, bits: u32) -> Directory<Arc<Group<F>>> {
    let depth = bits.saturating_sub(MAX_PAGES.trailing_zeros()) as u8;
    let mut pages = pages.into_iter();
    let mut group = || Group::of_pages(pages.by_ref().take(MAX_PAGES).collect(), depth);
    let groups: Vec<Group<F>> = (0..1 << depth).map(|_| group()).collect();
    let widest = groups.iter().map(Group::len).max().unwrap_or(0);
    let mut groups = groups.into_iter();
    Directory::even(depth, widest.max(1), || Arc::new(groups.next().unwrap_or_else(Group::new)))
}
