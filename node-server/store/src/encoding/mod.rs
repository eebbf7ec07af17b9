//! The byte formats that Redis stores small collections in, and the two algorithms of its files. Each is exact to the
//! byte, since DUMP, RDB and MIGRATE carry them between servers; and each reads untrusted bytes without trust.

pub mod crc64;
pub mod intset;
pub mod listpack;
pub mod lzf;
pub mod ziplist;
pub mod zipmap;

pub use intset::{Intset, IntsetRef};
pub use listpack::{Listpack, ListpackRef};

use std::fmt;

/// Bytes that are not what they claim to be: where, and what should have been there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    pub offset: usize,
    pub expected: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "at byte {}: expected {}", self.offset, self.expected)
    }
}

impl std::error::Error for Malformed {}
