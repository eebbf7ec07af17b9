//! Reading a hash, wherever it lies: in a [`Hash`](super::Hash), or packed in an entry's own allocation.

use super::{Form, Pair, Timed};
use crate::encoding::{ListpackRef, listpack};
use crate::types::pages::PageTable;
use crate::types::sampling::{Selection, below};
use crate::types::{Element, Encoding};
use rand::Rng;

/// A borrowed hash.
#[derive(Clone, Copy)]
pub struct HashRef<'a>(FormRef<'a>);

#[derive(Clone, Copy)]
enum FormRef<'a> {
    Packed(ListpackRef<'a>),
    Table(&'a PageTable<Pair>),
    Timed(&'a Timed),
}

impl<'a> HashRef<'a> {
    #[inline]
    pub(super) fn of(form: &'a Form) -> HashRef<'a> {
        HashRef(match form {
            Form::Packed(pairs) => FormRef::Packed(pairs.view()),
            Form::Table(table) => FormRef::Table(table),
            Form::Timed(timed) => FormRef::Timed(timed),
        })
    }

    /// Of what [`as_listpack`](Self::as_listpack) gave.
    pub(crate) fn packed(pairs: ListpackRef<'a>) -> HashRef<'a> {
        HashRef(FormRef::Packed(pairs))
    }

    /// The packed form, as DUMP and RDB write it.
    pub fn as_listpack(self) -> Option<ListpackRef<'a>> {
        match self.0 {
            FormRef::Packed(pairs) => Some(pairs),
            FormRef::Table(_) | FormRef::Timed(_) => None,
        }
    }

    pub fn len(self) -> usize {
        match self.0 {
            FormRef::Packed(pairs) => pairs.len() / 2,
            FormRef::Table(table) => table.len(),
            FormRef::Timed(timed) => timed.fields.len(),
        }
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    pub fn get(self, field: &[u8]) -> Option<Element<'a>> {
        match self.0 {
            FormRef::Packed(pairs) => {
                let position = pairs.find(pairs.first(), field, 2)?;
                Some(pairs.get(pairs.next(position)?))
            }
            FormRef::Table(table) => table.get(field).map(Element::Bytes),
            FormRef::Timed(timed) => timed.fields.get(field),
        }
    }

    pub fn contains(self, field: &[u8]) -> bool {
        match self.0 {
            FormRef::Packed(pairs) => pairs.find(pairs.first(), field, 2).is_some(),
            FormRef::Table(table) => table.contains(field),
            FormRef::Timed(timed) => timed.fields.contains(field),
        }
    }

    /// All pairs; a packed hash in insertion order.
    pub fn iter(self) -> impl Iterator<Item = (Element<'a>, Element<'a>)> {
        let (packed, table) = match self.plain().0 {
            FormRef::Packed(pairs) => (Some(packed_pairs(pairs)), None),
            FormRef::Table(table) => (None, Some(table.iter().map(elements))),
            FormRef::Timed(_) => (None, None),
        };
        packed.into_iter().flatten().chain(table.into_iter().flatten())
    }

    /// A pair, each equally likely.
    pub fn random(self, rng: &mut dyn Rng) -> Option<(Element<'a>, Element<'a>)> {
        match self.0 {
            FormRef::Packed(pairs) if pairs.is_empty() => None,
            FormRef::Packed(pairs) => {
                let field = pairs.seek(2 * below(self.len(), rng))?;
                Some((pairs.get(field), pairs.get(pairs.next(field)?)))
            }
            FormRef::Table(table) => table.random(rng).map(elements),
            FormRef::Timed(timed) => timed.fields.view().random(rng),
        }
    }

    /// Up to `count` distinct pairs.
    pub fn random_distinct(self, count: usize, rng: &mut dyn Rng) -> Vec<(Element<'a>, Element<'a>)> {
        match self.0 {
            FormRef::Packed(pairs) => {
                let mut selection = Selection::new(count, self.len());
                packed_pairs(pairs).filter(|_| selection.takes(rng)).collect()
            }
            FormRef::Table(table) => table.random_distinct(count, rng).into_iter().map(elements).collect(),
            FormRef::Timed(timed) => timed.fields.view().random_distinct(count, rng),
        }
    }

    /// About `count` pairs from `cursor` on; the next cursor, 0 at the end. A packed hash comes whole.
    pub fn scan(self, cursor: u64, count: usize, visit: &mut dyn FnMut(Element<'_>, Element<'_>)) -> u64 {
        match self.0 {
            FormRef::Packed(pairs) => {
                packed_pairs(pairs).for_each(|(field, value)| visit(field, value));
                0
            }
            FormRef::Table(table) => table.scan(cursor, count, |field, value| {
                visit(Element::Bytes(field), Element::Bytes(value));
            }),
            FormRef::Timed(timed) => timed.fields.view().scan(cursor, count, visit),
        }
    }

    pub fn encoding(self) -> Encoding {
        match self.0 {
            FormRef::Packed(_) => Encoding::Listpack,
            FormRef::Table(_) => Encoding::Hashtable,
            FormRef::Timed(timed) => match timed.fields.encoding() {
                Encoding::Listpack => Encoding::ListpackEx,
                other => other,
            },
        }
    }

    /// The fields and values as they are packed, if they are; of a hash with expiries too.
    pub fn is_packed(self) -> bool {
        matches!(self.plain().0, FormRef::Packed(_))
    }

    pub(super) fn timed(self) -> Option<&'a Timed> {
        match self.0 {
            FormRef::Timed(timed) => Some(timed),
            _ => None,
        }
    }

    /// Fields and values alone.
    fn plain(self) -> HashRef<'a> {
        match self.0 {
            FormRef::Timed(timed) => timed.fields.view(),
            _ => self,
        }
    }
}

fn elements<'a>((field, value): (&'a [u8], &'a [u8])) -> (Element<'a>, Element<'a>) {
    (Element::Bytes(field), Element::Bytes(value))
}

fn packed_pairs(pairs: ListpackRef<'_>) -> impl Iterator<Item = (Element<'_>, Element<'_>)> {
    struct Pairs<'a>(listpack::Iter<'a>);
    impl<'a> Iterator for Pairs<'a> {
        type Item = (Element<'a>, Element<'a>);
        fn next(&mut self) -> Option<Self::Item> {
            Some((self.0.next()?, self.0.next()?))
        }
    }
    Pairs(pairs.iter())
}

impl std::fmt::Debug for HashRef<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_map().entries(self.iter()).finish()
    }
}
