//! SKELETON: the signatures; bodies follow.
#![allow(clippy::unimplemented, unused_variables)]
use super::{Element, Encoding, Limits};

/// Which end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Head,
    Tail,
}

#[derive(Clone, Debug, Default)]
pub struct List {}

impl List {
    pub fn new() -> List {
        List::default()
    }
    pub fn len(&self) -> usize {
        unimplemented!()
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    pub fn push(&mut self, end: End, value: &[u8], limits: &Limits) {
        unimplemented!()
    }
    pub fn pop(&mut self, end: End, limits: &Limits) -> Option<Vec<u8>> {
        unimplemented!()
    }
    /// `index` as LINDEX takes it: negative counts from the tail.
    pub fn get(&self, index: i64) -> Option<Element<'_>> {
        unimplemented!()
    }
    /// False when there is no such index.
    pub fn set(&mut self, index: i64, value: &[u8], limits: &Limits) -> bool {
        unimplemented!()
    }
    /// Inserts before (`End::Head`) or after (`End::Tail`) the first element equal to `pivot`. False when there is none.
    pub fn insert_beside(&mut self, side: End, pivot: &[u8], value: &[u8], limits: &Limits) -> bool {
        unimplemented!()
    }
    /// LREM: up to `|count|` from the head (from the tail when negative), all when zero. How many went.
    pub fn remove(&mut self, count: i64, value: &[u8], limits: &Limits) -> usize {
        unimplemented!()
    }
    /// LRANGE's bounds (inclusive, negative from the tail), clamped.
    pub fn range(&self, start: i64, stop: i64) -> impl Iterator<Item = Element<'_>> {
        let _ = (start, stop);
        std::iter::empty()
    }
    /// LTRIM: keeps what `range` would give.
    pub fn trim(&mut self, start: i64, stop: i64, limits: &Limits) {
        unimplemented!()
    }
    /// LPOS: indexes of `value`, at most `count` (0: all), the `rank`-th match first (negative: from the tail; never 0),
    /// comparing at most `max_len` elements (0: all).
    pub fn positions(&self, value: &[u8], rank: i64, count: usize, max_len: usize) -> Vec<usize> {
        unimplemented!()
    }
    pub fn iter(&self) -> impl Iterator<Item = Element<'_>> {
        self.range(0, -1)
    }
    pub fn encoding(&self) -> Encoding {
        unimplemented!()
    }
    pub fn memory_usage(&self) -> usize {
        unimplemented!()
    }
}
