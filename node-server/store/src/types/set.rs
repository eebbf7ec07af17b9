//! A set: an intset while all members are integers, a listpack in insertion order while small, then a hash table.
//!
//! ```text
//! intset ── a member that is no integer ──▶ listpack ── too many, or one too long ──▶ hash table
//!    └───── more than set_max_intset_entries ─────────────────────────────────────────▶
//! ```
//!
//! As Redis 7.2 does it (7.0 has no set listpack; with `set_max_listpack_entries` 0 this behaves as 7.0). A set never
//! returns to a smaller form.

use super::member_table::{Keyed, MemberTable};
use super::sampling::{Selection, below};
use super::{Element, Encoding, Limits, parse_integer};
use crate::encoding::{Intset, Listpack, Malformed};
use rand::Rng;

mod algebra;

#[derive(Clone)]
pub struct Set(Form);

#[derive(Clone)]
enum Form {
    Intset(Intset),
    Packed(Listpack),
    Table(Box<MemberTable<Box<[u8]>>>),
}

impl Keyed for Box<[u8]> {
    fn key(&self) -> &[u8] {
        self
    }
    fn heap_bytes(&self) -> usize {
        self.len()
    }
}

impl Default for Set {
    fn default() -> Set {
        Set::new()
    }
}

impl Set {
    pub fn new() -> Set {
        Set(Form::Intset(Intset::new()))
    }

    /// From an intset that came from outside. Too big a one becomes a table.
    pub fn from_intset(members: Intset, limits: &Limits) -> Set {
        let too_many = members.len() > limits.set_max_intset_entries;
        let mut set = Set(Form::Intset(members));
        if too_many {
            set.unpack(limits);
        }
        set
    }

    /// From a listpack that came from outside. Too big a one becomes a table.
    pub fn from_listpack(members: Listpack, limits: &Limits) -> Result<Set, Malformed> {
        if super::has_duplicates(members.iter()) {
            return Err(Malformed { offset: 0, expected: "a set without duplicate members" });
        }
        let too_long = members.iter().any(|member| member.len() > limits.set_max_listpack_value);
        let too_many = members.len() > limits.set_max_listpack_entries;
        let mut set = Set(Form::Packed(members));
        if too_long || too_many {
            set.unpack(limits);
        }
        Ok(set)
    }

    /// The intset form, as DUMP and RDB write it.
    pub fn as_intset(&self) -> Option<&Intset> {
        match &self.0 {
            Form::Intset(members) => Some(members),
            _ => None,
        }
    }

    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Intset(members) => members.len(),
            Form::Packed(members) => members.len(),
            Form::Table(table) => table.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
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
            Form::Table(table) => table.insert_new(member, || member.into()),
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
            Form::Table(table) => table.remove(member).is_some(),
        }
    }

    pub fn contains(&self, member: &[u8]) -> bool {
        match &self.0 {
            Form::Intset(members) => parse_integer(member).is_some_and(|number| members.contains(number)),
            Form::Packed(members) => members.find(members.first(), member, 1).is_some(),
            Form::Table(table) => table.get(member).is_some(),
        }
    }

    pub fn contains_element(&self, member: Element<'_>) -> bool {
        match (&self.0, member) {
            (Form::Intset(members), Element::Int(number)) => members.contains(number),
            _ => self.contains(member.as_bytes(&mut itoa::Buffer::new())),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = Element<'_>> {
        let (intset, packed, table) = match &self.0 {
            Form::Intset(members) => (Some(members.iter().map(Element::Int)), None, None),
            Form::Packed(members) => (None, Some(members.iter()), None),
            Form::Table(table) => (None, None, Some(table.iter().map(|member| bytes_of(member)))),
        };
        intset.into_iter().flatten().chain(packed.into_iter().flatten()).chain(table.into_iter().flatten())
    }

    /// Takes out a member, each equally likely.
    pub fn pop(&mut self, rng: &mut dyn Rng) -> Option<Vec<u8>> {
        let member = self.random(rng)?.to_vec();
        self.remove(&member);
        Some(member)
    }

    pub fn random(&self, rng: &mut dyn Rng) -> Option<Element<'_>> {
        if self.is_empty() {
            return None;
        }
        match &self.0 {
            Form::Intset(members) => members.get(below(members.len(), rng)).map(Element::Int),
            Form::Packed(members) => members.seek(below(members.len(), rng)).map(|at| members.get(at)),
            Form::Table(table) => table.random(rng).map(|member| bytes_of(member)),
        }
    }

    /// Up to `count` distinct members.
    pub fn random_distinct(&self, count: usize, rng: &mut dyn Rng) -> Vec<Element<'_>> {
        match &self.0 {
            Form::Table(table) => {
                table.random_distinct(count, rng).into_iter().map(|member| bytes_of(member)).collect()
            }
            _ => {
                let mut selection = Selection::new(count, self.len());
                self.iter().filter(|_| selection.takes(rng)).collect()
            }
        }
    }

    /// About `count` members from `cursor` on; the next cursor, 0 at the end. A packed set comes whole.
    pub fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(Element<'_>)) -> u64 {
        match &self.0 {
            Form::Table(table) => table.scan(cursor, count, |member| visit(bytes_of(member))),
            _ => {
                self.iter().for_each(visit);
                0
            }
        }
    }

    pub fn encoding(&self) -> Encoding {
        match self.0 {
            Form::Intset(_) => Encoding::Intset,
            Form::Packed(_) => Encoding::Listpack,
            Form::Table(_) => Encoding::Hashtable,
        }
    }

    /// Bytes allocated, about.
    pub fn memory_usage(&self) -> usize {
        match &self.0 {
            Form::Intset(members) => members.memory_usage(),
            Form::Packed(members) => members.memory_usage(),
            Form::Table(table) => size_of::<MemberTable<Box<[u8]>>>() + table.memory_usage(),
        }
    }

    /// Makes place for a member that is no integer.
    fn leave_intset(&mut self, member: &[u8], limits: &Limits) {
        let longest_is_short = self.iter().all(|number| number.len() <= limits.set_max_listpack_value);
        if !longest_is_short || !fits_listpack(self.len(), member, limits) {
            return self.unpack(limits);
        }
        let mut packed = Listpack::new();
        self.iter().for_each(|number| packed.push_back_element(number));
        self.0 = Form::Packed(packed);
    }

    fn unpack(&mut self, limits: &Limits) {
        let mut table = MemberTable::new(limits.hash_seed);
        for member in self.iter() {
            let mut buffer = itoa::Buffer::new();
            let member = member.as_bytes(&mut buffer);
            table.insert_new(member, || member.into());
        }
        self.0 = Form::Table(Box::new(table));
    }
}

/// Whether a listpack of `length` members may take one more.
fn fits_listpack(length: usize, member: &[u8], limits: &Limits) -> bool {
    length < limits.set_max_listpack_entries && member.len() <= limits.set_max_listpack_value
}

fn bytes_of(member: &[u8]) -> Element<'_> {
    Element::Bytes(member)
}

impl std::fmt::Debug for Set {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests;
