//! A hash as it is seen at a moment: without the fields whose time has come.

use super::{Element, HashRef};
use crate::types::sampling::{Selection, below};
use rand::Rng;

#[derive(Clone, Copy)]
pub struct LiveHash<'a> {
    hash: HashRef<'a>,
    now_ms: i64,
    /// Some fields are over.
    hides: bool,
}

impl<'a> HashRef<'a> {
    pub fn at(self, now_ms: i64) -> LiveHash<'a> {
        let hides = self.soonest_expiry().is_some_and(|soonest| now_ms > soonest);
        LiveHash { hash: self, now_ms, hides }
    }
}

impl<'a> LiveHash<'a> {
    /// All fields that are stored, also those that are over: what HLEN says.
    pub fn stored_len(self) -> usize {
        self.hash.len()
    }

    pub fn len(self) -> usize {
        if self.hides { self.hash.len() - self.hash.expired_count(self.now_ms) } else { self.hash.len() }
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    pub fn get(self, field: &[u8]) -> Option<Element<'a>> {
        if self.is_over(field) { None } else { self.hash.get(field) }
    }

    pub fn contains(self, field: &[u8]) -> bool {
        !self.is_over(field) && self.hash.contains(field)
    }

    /// When a field ends, in Unix milliseconds.
    pub fn expiry(self, field: &[u8]) -> Option<i64> {
        self.hash.expiry(field).filter(|expiry| self.now_ms <= *expiry)
    }

    pub fn iter(self) -> impl Iterator<Item = (Element<'a>, Element<'a>)> {
        self.hash.iter().filter(move |(field, _)| !self.hides || !self.is_over(&field.to_vec()))
    }

    pub fn random(self, rng: &mut dyn Rng) -> Option<(Element<'a>, Element<'a>)> {
        if !self.hides {
            return self.hash.random(rng);
        }
        let count = self.len();
        if count == 0 { None } else { self.iter().nth(below(count, rng)) }
    }

    pub fn random_distinct(self, count: usize, rng: &mut dyn Rng) -> Vec<(Element<'a>, Element<'a>)> {
        if !self.hides {
            return self.hash.random_distinct(count, rng);
        }
        let mut selection = Selection::new(count, self.len());
        self.iter().filter(|_| selection.takes(rng)).collect()
    }

    pub fn scan(self, cursor: u64, count: usize, visit: &mut dyn FnMut(Element<'_>, Element<'_>)) -> u64 {
        self.hash.scan(cursor, count, &mut |field, value| {
            if !self.hides || !self.is_over(&field.to_vec()) {
                visit(field, value);
            }
        })
    }

    fn is_over(self, field: &[u8]) -> bool {
        self.hides && self.hash.expiry(field).is_some_and(|expiry| self.now_ms > expiry)
    }
}
