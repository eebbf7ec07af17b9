//! SKELETON: the signatures; bodies follow.
#![allow(clippy::unimplemented, unused_variables)]
use super::{Element, Encoding, Limits};
use rand::Rng;

/// Why HINCRBY cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncrementError {
    NotAnInteger,
    Overflow,
}

#[derive(Clone, Debug, Default)]
pub struct Hash {}

impl Hash {
    pub fn new() -> Hash {
        Hash::default()
    }
    pub fn len(&self) -> usize {
        unimplemented!()
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    pub fn get(&self, field: &[u8]) -> Option<Element<'_>> {
        unimplemented!()
    }
    pub fn contains(&self, field: &[u8]) -> bool {
        unimplemented!()
    }
    /// True when the field is new.
    pub fn set(&mut self, field: &[u8], value: &[u8], limits: &Limits) -> bool {
        unimplemented!()
    }
    /// HSETNX: true when it was set.
    pub fn set_if_absent(&mut self, field: &[u8], value: &[u8], limits: &Limits) -> bool {
        unimplemented!()
    }
    pub fn remove(&mut self, field: &[u8]) -> bool {
        unimplemented!()
    }
    /// HINCRBY: the new value.
    pub fn increment(&mut self, field: &[u8], by: i64, limits: &Limits) -> Result<i64, IncrementError> {
        unimplemented!()
    }
    pub fn iter(&self) -> impl Iterator<Item = (Element<'_>, Element<'_>)> {
        std::iter::empty()
    }
    /// A pair, each equally likely.
    pub fn random(&self, rng: &mut dyn Rng) -> Option<(Element<'_>, Element<'_>)> {
        unimplemented!()
    }
    /// Up to `count` distinct pairs.
    pub fn random_distinct(&self, count: usize, rng: &mut dyn Rng) -> Vec<(Element<'_>, Element<'_>)> {
        unimplemented!()
    }
    /// About `count` pairs from `cursor` on; the next cursor, 0 at the end. A packed hash comes whole.
    pub fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(Element<'_>, Element<'_>)) -> u64 {
        unimplemented!()
    }
    pub fn encoding(&self) -> Encoding {
        unimplemented!()
    }
    pub fn memory_usage(&self) -> usize {
        unimplemented!()
    }
}
