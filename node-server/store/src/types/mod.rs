//! The collection types: what they can do, and when they change their encoding.
//!
//! | type | small | big |
//! |---|---|---|
//! | [`List`] | listpack | tree of listpacks (reported as quicklist) |
//! | [`Hash`] | listpack, in insertion order | table of pages (reported as hashtable) |
//! | [`Set`] | intset, then listpack | table of pages (reported as hashtable) |
//! | [`SortedSet`] | listpack in order | table of pages and an ordered tree with counts (reported as skiplist) |
//! | [`Stream`] | listpack of entries | tree of such listpacks (always reported as stream) |
//!
//! What commands see inside a string: [`bitmap`], [`bitfield`], [`hyperloglog`].
//!
//! A big form shares its nodes: its clone costs no more than a reference count, and a write after that copies only the
//! nodes it touches. A snapshot lives on that.
//!
//! Not here: keys and expiry (the keyspace), texts of replies and errors (the commands).

pub mod bitfield;
pub mod bitmap;
mod counted_tree;
mod duplicates;
mod element;
mod flat;
pub mod geo;
mod hash;
pub mod hyperloglog;
mod limits;
mod list;
mod pages;
mod sampling;
mod set;
mod sorted_set;
mod stream;
mod value;

pub use element::{Element, parse_hexadecimal, parse_integer};
pub use hash::{Hash, HashRef, IncrementError, LiveHash};
pub use limits::{LIST_PACKED_THRESHOLD, Limits};
pub use list::{End, List, ListRef};
pub use set::{Set, SetRef};
pub use sorted_set::{
    AddCondition, AddError, AddOutcome, LexBound, LexRange, ScoreRange, SortedSet, SortedSetRef,
};
pub use stream::{
    AppendError, Consumer, ConsumerName, Group, Log, NewId, Pairs, Pending, SavedConsumer, SavedGroup,
    SavedIds, SetIdError, Stream, StreamEntry, StreamId, StreamLoader, Trim, TrimTo,
};
pub use value::{Collection, Encoding, Value, ValueRef};

pub(crate) use element::INTEGER_TEXT_MAX;
pub(crate) use flat::{Flat, FlatForm};

use duplicates::has_duplicates;

/// LRANGE's and ZRANGE's bounds (inclusive, negative from the end) as offsets within `length`.
fn clamp_range(start: i64, stop: i64, length: usize) -> std::ops::Range<usize> {
    let length_signed = i64::try_from(length).unwrap_or(i64::MAX);
    let from_front = |index: i64| if index < 0 { index.saturating_add(length_signed) } else { index };
    let start = from_front(start).clamp(0, length_signed);
    let end = from_front(stop).saturating_add(1).clamp(0, length_signed);
    start as usize..end.max(start) as usize
}
