//! Reading a set, wherever it lies: in a [`Set`](super::Set), or packed in an entry's own allocation.

use super::{Form, Member};
use crate::encoding::{IntsetRef, ListpackRef};
use crate::types::pages::PageTable;
use crate::types::sampling::{Selection, below};
use crate::types::{Element, Encoding, parse_integer};
use rand::Rng;

/// A borrowed set.
#[derive(Clone, Copy)]
pub struct SetRef<'a>(FormRef<'a>);

#[derive(Clone, Copy)]
enum FormRef<'a> {
    Intset(IntsetRef<'a>),
    Packed(ListpackRef<'a>),
    Table(&'a PageTable<Member>),
}

impl<'a> SetRef<'a> {
    #[inline]
    pub(super) fn of(form: &'a Form) -> SetRef<'a> {
        SetRef(match form {
            Form::Intset(members) => FormRef::Intset(members.view()),
            Form::Packed(members) => FormRef::Packed(members.view()),
            Form::Table(table) => FormRef::Table(table),
        })
    }

    /// Of what [`as_intset`](Self::as_intset) gave.
    pub(crate) fn intset(members: IntsetRef<'a>) -> SetRef<'a> {
        SetRef(FormRef::Intset(members))
    }

    /// Of what [`as_listpack`](Self::as_listpack) gave.
    pub(crate) fn packed(members: ListpackRef<'a>) -> SetRef<'a> {
        SetRef(FormRef::Packed(members))
    }

    /// The intset form, as DUMP and RDB write it.
    pub fn as_intset(self) -> Option<IntsetRef<'a>> {
        match self.0 {
            FormRef::Intset(members) => Some(members),
            _ => None,
        }
    }

    pub(crate) fn as_listpack(self) -> Option<ListpackRef<'a>> {
        match self.0 {
            FormRef::Packed(members) => Some(members),
            _ => None,
        }
    }

    pub fn len(self) -> usize {
        match self.0 {
            FormRef::Intset(members) => members.len(),
            FormRef::Packed(members) => members.len(),
            FormRef::Table(table) => table.len(),
        }
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    pub fn contains(self, member: &[u8]) -> bool {
        match self.0 {
            FormRef::Intset(members) => parse_integer(member).is_some_and(|number| members.contains(number)),
            FormRef::Packed(members) => members.find(members.first(), member, 1).is_some(),
            FormRef::Table(table) => table.contains(member),
        }
    }

    pub fn contains_element(self, member: Element<'_>) -> bool {
        match (self.0, member) {
            (FormRef::Intset(members), Element::Int(number)) => members.contains(number),
            _ => self.contains(member.as_bytes(&mut itoa::Buffer::new())),
        }
    }

    pub fn iter(self) -> impl Iterator<Item = Element<'a>> {
        let (intset, packed, table) = match self.0 {
            FormRef::Intset(members) => (Some(members.iter().map(Element::Int)), None, None),
            FormRef::Packed(members) => (None, Some(members.iter()), None),
            FormRef::Table(table) => (None, None, Some(table.iter().map(element))),
        };
        intset.into_iter().flatten().chain(packed.into_iter().flatten()).chain(table.into_iter().flatten())
    }

    pub fn random(self, rng: &mut dyn Rng) -> Option<Element<'a>> {
        if self.is_empty() {
            return None;
        }
        match self.0 {
            FormRef::Intset(members) => members.get(below(members.len(), rng)).map(Element::Int),
            FormRef::Packed(members) => members.seek(below(members.len(), rng)).map(|at| members.get(at)),
            FormRef::Table(table) => table.random(rng).map(element),
        }
    }

    /// Up to `count` distinct members.
    pub fn random_distinct(self, count: usize, rng: &mut dyn Rng) -> Vec<Element<'a>> {
        match self.0 {
            FormRef::Table(table) => table.random_distinct(count, rng).into_iter().map(element).collect(),
            _ => {
                let mut selection = Selection::new(count, self.len());
                self.iter().filter(|_| selection.takes(rng)).collect()
            }
        }
    }

    /// About `count` members from `cursor` on; the next cursor, 0 at the end. A packed set comes whole.
    pub fn scan(self, cursor: u64, count: usize, visit: &mut dyn FnMut(Element<'_>)) -> u64 {
        match self.0 {
            FormRef::Table(table) => table.scan(cursor, count, |member, _| visit(Element::Bytes(member))),
            _ => {
                self.iter().for_each(visit);
                0
            }
        }
    }

    pub fn encoding(self) -> Encoding {
        match self.0 {
            FormRef::Intset(_) => Encoding::Intset,
            FormRef::Packed(_) => Encoding::Listpack,
            FormRef::Table(_) => Encoding::Hashtable,
        }
    }
}

fn element<'a>((member, _): (&'a [u8], &'a [u8])) -> Element<'a> {
    Element::Bytes(member)
}

impl std::fmt::Debug for SetRef<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.iter()).finish()
    }
}
