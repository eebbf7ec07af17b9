//! A hash of which fields have expiries: its fields as ever, and beside them which of them end when.

use super::{Element, Form, Hash, HashRef, Limits};
use crate::encoding::{Listpack, Malformed};
use crate::types::{AddCondition, ScoreRange, SortedSet};

#[derive(Clone)]
pub(super) struct Timed {
    pub(super) fields: Hash,
    /// Scores are Unix milliseconds, far below where a double stops counting one by one. Never empty.
    expiries: SortedSet,
}

impl Timed {
    pub(super) fn memory_usage(&self) -> usize {
        size_of::<Timed>() + self.fields.memory_usage() + self.expiries.memory_usage()
    }
}

impl Hash {
    /// The latest moment that a field may end, in Unix milliseconds: what Redis allows.
    pub const MAX_EXPIRY_MS: i64 = (1 << 46) - 1;

    /// Whether a field may end then, by what Redis can store.
    pub fn is_possible_expiry(expiry_ms: i64) -> bool {
        (1..1 << 48).contains(&expiry_ms)
    }

    /// From a listpack of `field value expiry …` (0 for none) that came from outside.
    pub fn from_timed_listpack(triples: Listpack, limits: &Limits) -> Result<Hash, Malformed> {
        let malformed = |expected| Malformed { offset: 0, expected };
        let mut elements = triples.iter();
        let mut hash = Hash::new();
        while let Some(field) = elements.next() {
            let (Some(value), Some(expiry)) = (elements.next(), elements.next()) else {
                return Err(malformed("a hash of whole triples"));
            };
            let field = field.to_vec();
            if !hash.set(&field, &value.to_vec(), limits) {
                return Err(malformed("a hash without duplicate fields"));
            }
            match expiry.as_i64() {
                Some(0) => {}
                Some(expiry) if Hash::is_possible_expiry(expiry) => hash.set_expiry(&field, expiry, limits),
                _ => return Err(malformed("the expiry of a field")),
            }
        }
        Ok(hash)
    }

    pub fn has_expiries(&self) -> bool {
        self.view().has_expiries()
    }

    /// When a field ends, in Unix milliseconds.
    pub fn expiry(&self, field: &[u8]) -> Option<i64> {
        self.view().expiry(field)
    }

    /// Of a field that is there.
    pub fn set_expiry(&mut self, field: &[u8], expiry_ms: i64, limits: &Limits) {
        if !self.contains(field) {
            return;
        }
        if !self.has_expiries() {
            let fields = std::mem::take(self);
            self.0 = Form::Timed(Box::new(Timed { fields, expiries: SortedSet::new() }));
        }
        if let Form::Timed(timed) = &mut self.0 {
            // A number of milliseconds is never NaN, the only score that is refused.
            let _ = timed.expiries.add(expiry_ms as f64, field, AddCondition::default(), limits);
        }
    }

    /// True when the field had an expiry.
    pub fn clear_expiry(&mut self, field: &[u8]) -> bool {
        let Form::Timed(timed) = &mut self.0 else { return false };
        let had = timed.expiries.remove(field).is_some();
        if timed.expiries.is_empty() {
            let fields = std::mem::take(&mut timed.fields);
            *self = fields;
        }
        had
    }
}

impl<'a> HashRef<'a> {
    pub fn has_expiries(self) -> bool {
        self.timed().is_some()
    }

    /// When a field ends, in Unix milliseconds.
    pub fn expiry(self, field: &[u8]) -> Option<i64> {
        self.timed()?.expiries.score(field).map(|expiry| expiry as i64)
    }

    /// When the first field ends.
    pub fn soonest_expiry(self) -> Option<i64> {
        self.timed()?.expiries.view().iter().next().map(|(_, expiry)| expiry as i64)
    }

    /// All fields with an expiry, the soonest first.
    pub fn expiries(self) -> impl Iterator<Item = (Element<'a>, i64)> {
        let timed = self.timed().into_iter();
        timed.flat_map(|timed| timed.expiries.view().iter()).map(|(field, expiry)| (field, expiry as i64))
    }

    /// The fields whose time has come, the longest over first. Redis's rule: a millisecond after the time that was set.
    pub fn expired(self, now_ms: i64) -> impl Iterator<Item = Element<'a>> {
        self.expiries().take_while(move |(_, expiry)| now_ms > *expiry).map(|(field, _)| field)
    }

    pub fn expired_count(self, now_ms: i64) -> usize {
        let range = ScoreRange::half_open(f64::NEG_INFINITY, now_ms as f64);
        self.timed().map_or(0, |timed| timed.expiries.view().ranks_by_score(&range).len())
    }
}
