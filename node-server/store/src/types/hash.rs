//! A hash: fields with values. Packed as `field value field value …` in insertion order while small, then a hash table.
//!
//! A field may have an expiry. Expiries are kept beside, in the order of time; a hash without any knows nothing of that.
//! The hash itself never drops a field whose time has come: [`LiveHash`] hides it, and who may delete it asks for it.
//!
//! It leaves the listpack when it has more than `hash_max_listpack_entries` fields or a field or value longer than
//! `hash_max_listpack_value`, and never returns, as Redis does.

use super::member_table::{Keyed, MemberTable};
use super::sampling::{Selection, below};
use super::{Element, Encoding, Limits};
use crate::encoding::{Listpack, Malformed, listpack};
use rand::Rng;

mod live;
mod pair;
mod timed;

pub use live::LiveHash;
use pair::Pair;
use timed::Timed;

/// Why HINCRBY cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncrementError {
    NotAnInteger,
    Overflow,
}

#[derive(Clone)]
pub struct Hash(Form);

#[derive(Clone)]
enum Form {
    Packed(Listpack),
    Table(Box<MemberTable<Pair>>),
    Timed(Box<Timed>),
}

impl Default for Hash {
    fn default() -> Hash {
        Hash::new()
    }
}

impl Hash {
    pub fn new() -> Hash {
        Hash(Form::Packed(Listpack::new()))
    }

    /// From a listpack of pairs that came from outside. Too big a one becomes a table.
    pub fn from_listpack(pairs: Listpack, limits: &Limits) -> Result<Hash, Malformed> {
        let malformed = |expected| Err(Malformed { offset: 0, expected });
        if !pairs.len().is_multiple_of(2) {
            return malformed("a hash of whole pairs");
        }
        if super::has_duplicates(pairs.iter().step_by(2)) {
            return malformed("a hash without duplicate fields");
        }
        let too_long = pairs.iter().any(|element| element.len() > limits.hash_max_listpack_value);
        let too_many = pairs.len() / 2 > limits.hash_max_listpack_entries;
        let mut hash = Hash(Form::Packed(pairs));
        if too_long || too_many {
            hash.unpack(limits);
        }
        Ok(hash)
    }

    /// The packed form, as DUMP and RDB write it.
    pub fn as_listpack(&self) -> Option<&Listpack> {
        match &self.0 {
            Form::Packed(pairs) => Some(pairs),
            Form::Table(_) | Form::Timed(_) => None,
        }
    }

    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Packed(pairs) => pairs.len() / 2,
            Form::Table(table) => table.len(),
            Form::Timed(timed) => timed.fields.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, field: &[u8]) -> Option<Element<'_>> {
        match &self.0 {
            Form::Packed(pairs) => {
                let position = pairs.find(pairs.first(), field, 2)?;
                Some(pairs.get(pairs.next(position)?))
            }
            Form::Table(table) => table.get(field).map(|pair| Element::Bytes(pair.value())),
            Form::Timed(timed) => timed.fields.get(field),
        }
    }

    pub fn contains(&self, field: &[u8]) -> bool {
        match &self.0 {
            Form::Packed(pairs) => pairs.find(pairs.first(), field, 2).is_some(),
            Form::Table(table) => table.get(field).is_some(),
            Form::Timed(timed) => timed.fields.contains(field),
        }
    }

    /// True when the field is new. Its expiry is gone.
    pub fn set(&mut self, field: &[u8], value: &[u8], limits: &Limits) -> bool {
        self.clear_expiry(field);
        self.set_keeping_expiry(field, value, limits)
    }

    pub fn set_keeping_expiry(&mut self, field: &[u8], value: &[u8], limits: &Limits) -> bool {
        self.unpack_for(field, value, limits);
        let is_new = match &mut self.0 {
            Form::Packed(pairs) => match pairs.find(pairs.first(), field, 2).and_then(|at| pairs.next(at)) {
                Some(position) => {
                    pairs.replace(position, value);
                    false
                }
                None => {
                    pairs.push_back(field);
                    pairs.push_back(value);
                    true
                }
            },
            Form::Table(table) => match table.get_mut(field) {
                Some(pair) => {
                    pair.set_value(value);
                    false
                }
                None => table.insert_new(field, || Pair::new(field, value)),
            },
            Form::Timed(timed) => return timed.fields.set_keeping_expiry(field, value, limits),
        };
        self.unpack_when_long(limits);
        is_new
    }

    /// HSETNX: true when it was set.
    pub fn set_if_absent(&mut self, field: &[u8], value: &[u8], limits: &Limits) -> bool {
        !self.contains(field) && self.set(field, value, limits)
    }

    pub fn remove(&mut self, field: &[u8]) -> bool {
        self.clear_expiry(field);
        match &mut self.0 {
            Form::Packed(pairs) => match pairs.find(pairs.first(), field, 2) {
                Some(position) => {
                    pairs.remove(position, 2);
                    true
                }
                None => false,
            },
            Form::Table(table) => table.remove(field).is_some(),
            Form::Timed(timed) => timed.fields.remove(field),
        }
    }

    /// HINCRBY: the new value. The field keeps its expiry.
    pub fn increment(&mut self, field: &[u8], by: i64, limits: &Limits) -> Result<i64, IncrementError> {
        let current = match self.get(field) {
            Some(value) => value.as_i64().ok_or(IncrementError::NotAnInteger)?,
            None => 0,
        };
        let sum = current.checked_add(by).ok_or(IncrementError::Overflow)?;
        self.set_keeping_expiry(field, itoa::Buffer::new().format(sum).as_bytes(), limits);
        Ok(sum)
    }

    /// All pairs; a packed hash in insertion order.
    pub fn iter(&self) -> impl Iterator<Item = (Element<'_>, Element<'_>)> {
        let (packed, table) = match &self.plain().0 {
            Form::Packed(pairs) => (Some(packed_pairs(pairs)), None),
            Form::Table(table) => (None, Some(table.iter().map(Pair::elements))),
            Form::Timed(_) => (None, None),
        };
        packed.into_iter().flatten().chain(table.into_iter().flatten())
    }

    /// A pair, each equally likely.
    pub fn random(&self, rng: &mut dyn Rng) -> Option<(Element<'_>, Element<'_>)> {
        match &self.0 {
            Form::Packed(pairs) if pairs.is_empty() => None,
            Form::Packed(pairs) => {
                let field = pairs.seek(2 * below(self.len(), rng))?;
                Some((pairs.get(field), pairs.get(pairs.next(field)?)))
            }
            Form::Table(table) => table.random(rng).map(Pair::elements),
            Form::Timed(timed) => timed.fields.random(rng),
        }
    }

    /// Up to `count` distinct pairs.
    pub fn random_distinct(&self, count: usize, rng: &mut dyn Rng) -> Vec<(Element<'_>, Element<'_>)> {
        match &self.0 {
            Form::Packed(pairs) => {
                let mut selection = Selection::new(count, self.len());
                packed_pairs(pairs).filter(|_| selection.takes(rng)).collect()
            }
            Form::Table(table) => table.random_distinct(count, rng).into_iter().map(Pair::elements).collect(),
            Form::Timed(timed) => timed.fields.random_distinct(count, rng),
        }
    }

    /// About `count` pairs from `cursor` on; the next cursor, 0 at the end. A packed hash comes whole.
    pub fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(Element<'_>, Element<'_>)) -> u64 {
        match &self.0 {
            Form::Packed(pairs) => {
                packed_pairs(pairs).for_each(|(field, value)| visit(field, value));
                0
            }
            Form::Table(table) => table.scan(cursor, count, |pair| {
                let (field, value) = pair.elements();
                visit(field, value);
            }),
            Form::Timed(timed) => timed.fields.scan(cursor, count, visit),
        }
    }

    pub fn encoding(&self) -> Encoding {
        match self.0 {
            Form::Packed(_) => Encoding::Listpack,
            Form::Table(_) => Encoding::Hashtable,
            Form::Timed(ref timed) => match timed.fields.encoding() {
                Encoding::Listpack => Encoding::ListpackEx,
                other => other,
            },
        }
    }

    /// Bytes allocated, about.
    pub fn memory_usage(&self) -> usize {
        match &self.0 {
            Form::Packed(pairs) => pairs.memory_usage(),
            Form::Table(table) => size_of::<MemberTable<Pair>>() + table.memory_usage(),
            Form::Timed(timed) => timed.memory_usage(),
        }
    }

    /// Leaves the listpack when this field or value is too long for it.
    fn unpack_for(&mut self, field: &[u8], value: &[u8], limits: &Limits) {
        let Form::Packed(pairs) = &self.0 else { return };
        let longest = field.len().max(value.len());
        if longest > limits.hash_max_listpack_value || !pairs.has_room_for(field.len() + value.len()) {
            self.unpack(limits);
        }
    }

    fn unpack_when_long(&mut self, limits: &Limits) {
        if matches!(self.0, Form::Packed(_)) && self.len() > limits.hash_max_listpack_entries {
            self.unpack(limits);
        }
    }

    /// Fields and values alone.
    fn plain(&self) -> &Hash {
        match &self.0 {
            Form::Timed(timed) => &timed.fields,
            _ => self,
        }
    }

    fn unpack(&mut self, limits: &Limits) {
        let mut table = MemberTable::new(limits.hash_seed);
        for (field, value) in self.iter() {
            let (field, value) = (field.to_vec(), value.to_vec());
            table.insert_new(&field, || Pair::new(&field, &value));
        }
        self.0 = Form::Table(Box::new(table));
    }
}

fn packed_pairs(pairs: &Listpack) -> impl Iterator<Item = (Element<'_>, Element<'_>)> {
    struct Pairs<'a>(listpack::Iter<'a>);
    impl<'a> Iterator for Pairs<'a> {
        type Item = (Element<'a>, Element<'a>);
        fn next(&mut self) -> Option<Self::Item> {
            Some((self.0.next()?, self.0.next()?))
        }
    }
    Pairs(pairs.iter())
}

impl Keyed for Pair {
    fn key(&self) -> &[u8] {
        self.field()
    }
    fn heap_bytes(&self) -> usize {
        self.allocated_bytes()
    }
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests;
