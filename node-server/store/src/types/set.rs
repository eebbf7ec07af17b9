//! SKELETON: the signatures; bodies follow.
#![allow(clippy::unimplemented, unused_variables)]
use super::{Element, Encoding, Limits};
use rand::Rng;

#[derive(Clone, Debug, Default)]
pub struct Set {}

impl Set {
    pub fn new() -> Set {
        Set::default()
    }
    pub fn len(&self) -> usize {
        unimplemented!()
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// True when the member is new.
    pub fn add(&mut self, member: &[u8], limits: &Limits) -> bool {
        unimplemented!()
    }
    pub fn remove(&mut self, member: &[u8]) -> bool {
        unimplemented!()
    }
    pub fn contains(&self, member: &[u8]) -> bool {
        unimplemented!()
    }
    pub fn iter(&self) -> impl Iterator<Item = Element<'_>> {
        std::iter::empty()
    }
    /// Takes out a member, each equally likely.
    pub fn pop(&mut self, rng: &mut dyn Rng) -> Option<Vec<u8>> {
        unimplemented!()
    }
    pub fn random(&self, rng: &mut dyn Rng) -> Option<Element<'_>> {
        unimplemented!()
    }
    /// Up to `count` distinct members.
    pub fn random_distinct(&self, count: usize, rng: &mut dyn Rng) -> Vec<Element<'_>> {
        unimplemented!()
    }
    /// About `count` members from `cursor` on; the next cursor, 0 at the end. A packed set comes whole.
    pub fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(Element<'_>)) -> u64 {
        unimplemented!()
    }
    /// Visits what is in all of `sets`, until `visit` says false (SINTERCARD's LIMIT).
    pub fn intersection(sets: &[&Set], visit: &mut dyn FnMut(Element<'_>) -> bool) {
        unimplemented!()
    }
    pub fn union(sets: &[&Set], limits: &Limits) -> Set {
        unimplemented!()
    }
    /// What is in the first of `sets` and in no other.
    pub fn difference(sets: &[&Set], limits: &Limits) -> Set {
        unimplemented!()
    }
    pub fn encoding(&self) -> Encoding {
        unimplemented!()
    }
    pub fn memory_usage(&self) -> usize {
        unimplemented!()
    }
}
