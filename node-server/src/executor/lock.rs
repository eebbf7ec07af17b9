//! The shards that a command holds while it runs.
//!
//! Always taken in the order of their numbers, all at once before the command runs; so no two threads ever
//! wait for each other.

use std::sync::MutexGuard;

use crate::shard::{Shard, Shards};

/// Locked shards.
#[derive(Debug, Default)]
pub enum Held<'a> {
    #[default]
    None,
    One(usize, MutexGuard<'a, Shard>),
    /// In the order of their numbers.
    Many(Vec<(usize, MutexGuard<'a, Shard>)>),
}

impl<'a> Held<'a> {
    pub fn one(shards: &'a Shards, index: usize) -> Held<'a> {
        Held::One(index, shards.lock(index))
    }

    pub fn all(shards: &'a Shards) -> Held<'a> {
        Held::Many((0..shards.count()).map(|index| (index, shards.lock(index))).collect())
    }

    /// The shards with these numbers, in any order and with repetitions.
    pub fn several(shards: &'a Shards, mut indexes: Vec<usize>) -> Held<'a> {
        indexes.sort_unstable();
        indexes.dedup();
        match indexes.as_slice() {
            [] => Held::None,
            [index] => Held::one(shards, *index),
            _ => Held::Many(indexes.into_iter().map(|index| (index, shards.lock(index))).collect()),
        }
    }

    pub fn is_none(&self) -> bool {
        matches!(self, Held::None)
    }

    /// True when `is` holds for one of them.
    pub fn any(&self, is: impl Fn(&Shard) -> bool) -> bool {
        match self {
            Held::None => false,
            Held::One(_, shard) => is(shard),
            Held::Many(shards) => shards.iter().any(|(_, shard)| is(shard)),
        }
    }

    /// Shows `visit` each of them.
    pub fn each(&mut self, mut visit: impl FnMut(&mut Shard)) {
        match self {
            Held::None => {}
            Held::One(_, shard) => visit(shard),
            Held::Many(shards) => shards.iter_mut().for_each(|(_, shard)| visit(shard)),
        }
    }

    pub fn get(&mut self, index: usize) -> Option<&mut Shard> {
        match self {
            Held::One(held, shard) if *held == index => Some(shard),
            Held::Many(shards) => {
                let at = shards.binary_search_by_key(&index, |(held, _)| *held).ok()?;
                shards.get_mut(at).map(|(_, shard)| &mut **shard)
            }
            Held::None | Held::One(..) => None,
        }
    }
}
