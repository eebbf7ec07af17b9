//! How big hashes, sets and sorted sets hold their elements: side by side in pages, not each in an allocation.
//!
//! ```text
//!   hash  =  pppp qqqq hhhhhhhh… tttttttt     p: the directory's bits   q: the page within its group   t: the tag
//!
//!   directory  [ 00 | 01 | 10 | 11 ]           table::Directory: one number per prefix
//!                 \   /    |    |
//!   groups          g0      g1   g2            up to 32 pages each, in hash order: table.rs, group.rs
//!                 / | \
//!   pages     [p0][p1][p2][p3]                 about 24 to 48 entries each, in one allocation: block.rs
//! ```
//!
//! A page knows its entries by a byte of tag each, and finds them by two bytes of offset. When a group's pages are full on
//! average, all of them are cut in two by the next bit of the hash; when it has 32, the group itself is cut in two, which
//! moves nothing. So no insert costs more than about a thousand entries' worth of copying, in a table of any size.
//!
//! **Sharing.** Groups and pages are reference-counted. A clone costs a reference count a group; a write after that copies the
//! group's list and the one page.
//!
//! **Scan.** As in `table`: a cursor is the hash below which everything has been visited, so an entry that is present
//! from the first step to the last is visited exactly once, whatever grows or shrinks in between.
//!
//! **Size.** Nothing is limited: what is long lies outside the page, in an allocation of its own that is not copied with it.

mod block;
mod build;
mod entry;
mod group;
mod outside;
mod shared;
mod table;
#[cfg(test)]
mod tests;

pub(super) use block::Block;
pub(super) use entry::{Format, Text, ValueSize, stored_len_of};
pub(super) use table::PageTable;
