//! A hash: fields with values. Packed as `field value field value …` in insertion order while small, then a table of pages.
//!
//! A field may have an expiry. Expiries are kept beside, in the order of time; a hash without any knows nothing of that.
//! The hash itself never drops a field whose time has come: [`LiveHash`] hides it, and who may delete it asks for it.
//!
//! It leaves the listpack when it has more than `hash_max_listpack_entries` fields or a field or value longer than
//! `hash_max_listpack_value`, and never returns, as Redis does.

use super::pages::{Format, PageTable, Text, ValueSize};
use super::{Element, Encoding, Limits};
use crate::encoding::{Listpack, ListpackRef, Malformed};
use crate::prefetch::Step;

mod live;
mod timed;
mod view;

pub use live::LiveHash;
pub use view::HashRef;

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
    Table(Box<PageTable<Pair>>),
    Timed(Box<Timed>),
}

/// How the table keeps a field and its value.
#[derive(Clone)]
struct Pair;

impl Format for Pair {
    const COLUMN: usize = 1;
    const VALUE: ValueSize = ValueSize::Text;
    const INLINE_MAX: usize = 254;
}

impl Default for Hash {
    fn default() -> Hash {
        Hash::new()
    }
}

impl Hash {
    /// Asks the cache for what a search for this field needs.
    #[inline]
    pub(crate) fn prefetch(&self, field: &[u8], step: Step) {
        match &self.0 {
            Form::Packed(_) => {}
            Form::Table(table) => table.prefetch(field, step),
            Form::Timed(timed) => timed.fields.prefetch(field, step),
        }
    }

    pub fn new() -> Hash {
        Hash(Form::Packed(Listpack::new()))
    }

    /// An empty one that is to get so many fields: if they are too many for a listpack, it does not begin as one.
    pub fn expecting(len: u64, limits: &Limits) -> Hash {
        let mut hash = Hash::new();
        if len > limits.hash_max_listpack_entries as u64 {
            hash.unpack(limits);
        }
        hash
    }

    /// Of so many pairs, in the form that is right for them; each is asked for by its number. `None` where a field comes twice.
    pub(crate) fn of_pairs<'e>(
        len: usize,
        pair: impl Fn(usize) -> (Element<'e>, Element<'e>),
        limits: &Limits,
    ) -> Option<Hash> {
        let elements = (0..len).map(&pair).flat_map(<[Element<'_>; 2]>::from);
        let stays_packed = len <= limits.hash_max_listpack_entries
            && !elements.clone().any(|element| element.is_longer_than(limits.hash_max_listpack_value));
        if stays_packed && let Some(pairs) = Listpack::of_all(elements) {
            let has_duplicates = super::has_duplicates(pairs.iter().step_by(2));
            return (!has_duplicates).then_some(Hash(Form::Packed(pairs)));
        }
        PageTable::of_all(limits.hash_seed, len, pair).map(|table| Hash(Form::Table(Box::new(table))))
    }

    /// From a listpack of pairs that came from outside. Too big a one becomes a table.
    pub fn from_listpack(pairs: Listpack, limits: &Limits) -> Result<Hash, Malformed> {
        let stays_packed = Hash::stays_packed(pairs.view(), limits)?;
        let mut hash = Hash(Form::Packed(pairs));
        if !stays_packed {
            hash.unpack(limits);
        }
        Ok(hash)
    }

    /// Whether a listpack of pairs that came from outside may be a hash as it is.
    pub(crate) fn stays_packed(pairs: ListpackRef<'_>, limits: &Limits) -> Result<bool, Malformed> {
        let malformed = |expected| Err(Malformed { offset: 0, expected });
        let len = pairs.len();
        if !len.is_multiple_of(2) {
            return malformed("a hash of whole pairs");
        }
        if super::has_duplicates(pairs.iter().step_by(2)) {
            return malformed("a hash without duplicate fields, no listpack with dup elements");
        }
        let few = len / 2 <= limits.hash_max_listpack_entries;
        Ok(few && !pairs.has_longer_than(limits.hash_max_listpack_value, 1))
    }

    /// From what [`into_packed`](Self::into_packed) gave.
    pub(crate) fn packed(pairs: Listpack) -> Hash {
        Hash(Form::Packed(pairs))
    }

    pub(crate) fn into_packed(self) -> Option<Listpack> {
        match self.0 {
            Form::Packed(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// To read it.
    #[inline]
    pub fn view(&self) -> HashRef<'_> {
        HashRef::of(&self.0)
    }

    pub fn len(&self) -> usize {
        self.view().len()
    }

    pub fn is_empty(&self) -> bool {
        self.view().is_empty()
    }

    pub fn get(&self, field: &[u8]) -> Option<Element<'_>> {
        self.view().get(field)
    }

    pub fn contains(&self, field: &[u8]) -> bool {
        self.view().contains(field)
    }

    pub fn encoding(&self) -> Encoding {
        self.view().encoding()
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
            Form::Table(table) => table.set(Text::new::<Pair>(field), Text::new::<Pair>(value)),
            Form::Timed(timed) => return timed.fields.set_keeping_expiry(field, value, limits),
        };
        self.unpack_when_long(limits);
        is_new
    }

    /// Does what `set` would to the bytes of a packed hash, if the field is there and its value keeps its length. False, and
    /// nothing changed, if not.
    pub(crate) fn overwrite(pairs: &mut [u8], field: &[u8], value: &[u8], limits: &Limits) -> bool {
        let packed = ListpackRef::of_trusted(pairs);
        let stays_packed = field.len().max(value.len()) <= limits.hash_max_listpack_value
            && packed.len() / 2 <= limits.hash_max_listpack_entries;
        let found = packed.find(packed.first(), field, 2).and_then(|at| packed.next(at));
        found.is_some_and(|position| stays_packed && Listpack::overwrite(pairs, position, value))
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
            Form::Table(table) => table.remove(field, |_| ()).is_some(),
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

    /// Bytes allocated, about.
    pub fn memory_usage(&self) -> usize {
        match &self.0 {
            Form::Packed(pairs) => pairs.memory_usage(),
            Form::Table(table) => table.memory_usage(),
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

    fn unpack(&mut self, limits: &Limits) {
        let mut table = PageTable::new(limits.hash_seed);
        for (field, value) in self.view().iter() {
            let (mut field_buffer, mut value_buffer) = (itoa::Buffer::new(), itoa::Buffer::new());
            let (field, value) = (field.as_bytes(&mut field_buffer), value.as_bytes(&mut value_buffer));
            table.insert(Text::new::<Pair>(field), Text::new::<Pair>(value));
        }
        self.0 = Form::Table(Box::new(table));
    }
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.view().fmt(formatter)
    }
}

#[cfg(test)]
mod tests;
