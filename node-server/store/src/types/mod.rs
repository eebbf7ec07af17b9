//! The collection types: what they can do, and when they change their encoding.
//!
//! | type | small | big |
//! |---|---|---|
//! | [`List`] | listpack | tree of listpacks (reported as quicklist) |
//! | [`Hash`] | listpack, in insertion order | hash table |
//! | [`Set`] | intset, then listpack | hash table |
//! | [`SortedSet`] | listpack in order | hash table and an ordered tree with counts (reported as skiplist) |
//!
//! A big form shares its nodes: its clone costs no more than a reference count, and a write after that copies only the
//! nodes it touches. A snapshot lives on that.
//!
//! Not here: keys and expiry (the keyspace), texts of replies and errors (the commands).

mod counted_tree;
mod element;
mod hash;
mod limits;
mod list;
mod set;
mod sorted_set;
mod value;

pub use element::{Element, parse_integer};
pub use hash::{Hash, IncrementError};
pub use limits::Limits;
pub use list::{End, List};
pub use set::Set;
pub use sorted_set::{AddCondition, AddError, AddOutcome, LexBound, LexRange, ScoreRange, SortedSet};
pub use value::{Encoding, Value, ValueRef};
