//! A set: an intset while all members are integers, a listpack in insertion order while small, then a table of pages.
//!
//! ```text
//! intset ── a member that is no integer ──▶ listpack ── too many, or one too long ──▶ table of pages
//!    └───── more than set_max_intset_entries ─────────────────────────────────────────▶
//! ```
//!
//! As Redis 7.2 does it (7.0 has no set listpack; with `set_max_listpack_entries` 0 this behaves as 7.0). A set never
//! returns to a smaller form.

use super::pages::{Format, PageTable, Text, ValueSize};
use super::{Element, Encoding, Limits, parse_integer};
use crate::encoding::{Intset, IntsetRef, Listpack, ListpackRef, Malformed};
use crate::prefetch::Step;
use rand::Rng;

mod algebra;
mod view;

pub use view::SetRef;

#[derive(Clone)]
pub struct Set(Form);

#[derive(Clone)]
enum Form {
    Intset(Intset),
    Packed(Listpack),
    Table(Box<PageTable<Member>>),
}

/// How the table keeps a member.
#[derive(Clone)]
struct Member;

impl Format for Member {
    const COLUMN: usize = 1;
    const VALUE: ValueSize = ValueSize::None;
    const INLINE_MAX: usize = 254;
}

impl Default for Set {
    fn default() -> Set {
        Set::new()
    }
}

impl Set {
    /// Asks the cache for what a search for this member needs.
    #[inline]
    pub(crate) fn prefetch(&self, member: &[u8], step: Step) {
        if let Form::Table(table) = &self.0 {
            table.prefetch(member, step);
        }
    }

    pub fn new() -> Set {
        Set(Form::Intset(Intset::new()))
    }

    /// An empty one that is to get so many members: if they are too many for an intset, it begins as a table, as in Redis.
    pub fn expecting(len: u64, limits: &Limits) -> Set {
        let mut set = Set::new();
        if len > limits.set_max_intset_entries as u64 {
            set.unpack(limits);
        }
        set
    }

    /// Of so many members, in the form that is right for them; each is asked for by its number. `None` where one comes twice.
    pub(crate) fn of_members<'e>(
        len: usize,
        member: impl Fn(usize) -> Element<'e>,
        limits: &Limits,
    ) -> Option<Set> {
        let members = (0..len).map(&member);
        let may_be_small = len <= limits.set_max_intset_entries;
        if may_be_small && let Some(numbers) = members.clone().map(|member| member.as_i64()).collect() {
            return Intset::of_all(numbers).map(|members| Set(Form::Intset(members)));
        }
        let stays_packed = may_be_small
            && len <= limits.set_max_listpack_entries
            && !members.clone().any(|member| member.is_longer_than(limits.set_max_listpack_value));
        if stays_packed && let Some(members) = Listpack::of_all(members) {
            let has_duplicates = super::has_duplicates(members.iter());
            return (!has_duplicates).then_some(Set(Form::Packed(members)));
        }
        let table = PageTable::of_all(limits.hash_seed, len, |number| (member(number), Element::Bytes(&[])));
        table.map(|table| Set(Form::Table(Box::new(table))))
    }

    /// From an intset that came from outside. Too big a one becomes a table.
    pub fn from_intset(members: Intset, limits: &Limits) -> Set {
        let stays_intset = Set::stays_intset(members.view(), limits);
        let mut set = Set(Form::Intset(members));
        if !stays_intset {
            set.unpack(limits);
        }
        set
    }

    /// From a listpack that came from outside. Too big a one becomes a table.
    pub fn from_listpack(members: Listpack, limits: &Limits) -> Result<Set, Malformed> {
        let stays_packed = Set::stays_packed(members.view(), limits)?;
        let mut set = Set(Form::Packed(members));
        if !stays_packed {
            set.unpack(limits);
        }
        Ok(set)
    }

    /// Whether a listpack that came from outside may be a set as it is.
    pub(crate) fn stays_packed(members: ListpackRef<'_>, limits: &Limits) -> Result<bool, Malformed> {
        if super::has_duplicates(members.iter()) {
            return Err(Malformed { offset: 0, expected: "a set without duplicate members" });
        }
        let few = members.len() <= limits.set_max_listpack_entries;
        Ok(few && !members.has_longer_than(limits.set_max_listpack_value, 1))
    }

    pub(crate) fn stays_intset(members: IntsetRef<'_>, limits: &Limits) -> bool {
        members.len() <= limits.set_max_intset_entries
    }

    /// From what was the bytes of a set in this form.
    pub(crate) fn intset(members: Intset) -> Set {
        Set(Form::Intset(members))
    }

    pub(crate) fn packed(members: Listpack) -> Set {
        Set(Form::Packed(members))
    }

    /// Of an intset or a listpack.
    pub(crate) fn into_packed_bytes(self) -> Option<Vec<u8>> {
        match self.0 {
            Form::Intset(members) => Some(members.into_bytes()),
            Form::Packed(members) => Some(members.into_bytes()),
            Form::Table(_) => None,
        }
    }

    /// To read it.
    #[inline]
    pub fn view(&self) -> SetRef<'_> {
        SetRef::of(&self.0)
    }

    pub fn len(&self) -> usize {
        self.view().len()
    }

    pub fn is_empty(&self) -> bool {
        self.view().is_empty()
    }

    pub fn contains(&self, member: &[u8]) -> bool {
        self.view().contains(member)
    }

    pub fn encoding(&self) -> Encoding {
        self.view().encoding()
    }

    /// True when the member is new.
    pub fn add(&mut self, member: &[u8], limits: &Limits) -> bool {
        if let Form::Intset(members) = &mut self.0 {
            let Some(number) = parse_integer(member) else {
                self.leave_intset(member, limits);
                return self.add(member, limits);
            };
            let is_new = members.insert(number);
            if members.len() > limits.set_max_intset_entries {
                self.unpack(limits);
            }
            return is_new;
        }
        if let Form::Packed(members) = &mut self.0 {
            if members.find(members.first(), member, 1).is_some() {
                return false;
            }
            if fits_listpack(members.len(), member, limits) && members.has_room_for(member.len()) {
                members.push_back(member);
                return true;
            }
            self.unpack(limits);
        }
        match &mut self.0 {
            Form::Table(table) => table.insert(Text::new::<Member>(member), Text::Inline(&[])),
            _ => false,
        }
    }

    pub fn remove(&mut self, member: &[u8]) -> bool {
        match &mut self.0 {
            Form::Intset(members) => parse_integer(member).is_some_and(|number| members.remove(number)),
            Form::Packed(members) => match members.find(members.first(), member, 1) {
                Some(position) => {
                    members.remove(position, 1);
                    true
                }
                None => false,
            },
            Form::Table(table) => table.remove(member, |_| ()).is_some(),
        }
    }

    /// Takes out a member, each equally likely.
    pub fn pop(&mut self, rng: &mut dyn Rng) -> Option<Vec<u8>> {
        let member = self.view().random(rng)?.to_vec();
        self.remove(&member);
        Some(member)
    }

    /// Bytes allocated, about.
    pub fn memory_usage(&self) -> usize {
        match &self.0 {
            Form::Intset(members) => members.memory_usage(),
            Form::Packed(members) => members.memory_usage(),
            Form::Table(table) => table.memory_usage(),
        }
    }

    /// Makes place for a member that is no integer.
    fn leave_intset(&mut self, member: &[u8], limits: &Limits) {
        let longest_is_short = self.view().iter().all(|number| number.len() <= limits.set_max_listpack_value);
        if !longest_is_short || !fits_listpack(self.len(), member, limits) {
            return self.unpack(limits);
        }
        let mut packed = Listpack::new();
        self.view().iter().for_each(|number| packed.push_back_element(number));
        self.0 = Form::Packed(packed);
    }

    fn unpack(&mut self, limits: &Limits) {
        let mut table = PageTable::new(limits.hash_seed);
        for member in self.view().iter() {
            let mut buffer = itoa::Buffer::new();
            let member = member.as_bytes(&mut buffer);
            table.insert(Text::new::<Member>(member), Text::Inline(&[]));
        }
        self.0 = Form::Table(Box::new(table));
    }
}

/// Whether a listpack of `length` members may take one more.
fn fits_listpack(length: usize, member: &[u8], limits: &Limits) -> bool {
    length < limits.set_max_listpack_entries && member.len() <= limits.set_max_listpack_value
}

impl std::fmt::Debug for Set {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.view().fmt(formatter)
    }
}

#[cfg(test)]
mod tests;
