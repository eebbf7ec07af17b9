//! Values that are one run of bytes: strings, and collections while they are packed. An entry keeps a short one in its own
//! allocation; who changes it there gets a copy of the bytes to work on.

use super::{Hash, HashRef, Limits, List, ListRef, Set, SetRef, SortedSet, SortedSetRef, Value, ValueRef};
use crate::encoding::{Intset, IntsetRef, Listpack, ListpackRef, Malformed};

/// What the bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlatForm {
    String = 0,
    List,
    Hash,
    Intset,
    Set,
    SortedSet,
}

/// The bytes are those of a value that was there: readers trust them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flat<'a> {
    pub(crate) form: FlatForm,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Flat<'a> {
    /// Of a packed collection's bytes from outside, after looking at every one of them. `None` where the limits ask for another
    /// form.
    pub(crate) fn from_outside(
        form: FlatForm,
        bytes: &'a [u8],
        limits: &Limits,
    ) -> Result<Option<Flat<'a>>, Malformed> {
        let listpack = || ListpackRef::from_bytes(bytes);
        let stays = match form {
            FlatForm::String => true,
            FlatForm::List => List::stays_packed(listpack()?, limits),
            FlatForm::Hash => Hash::stays_packed(listpack()?, limits)?,
            FlatForm::Intset => Set::stays_intset(IntsetRef::from_bytes(bytes)?, limits),
            FlatForm::Set => Set::stays_packed(listpack()?, limits)?,
            FlatForm::SortedSet => SortedSet::stays_packed(listpack()?, limits)?,
        };
        Ok(stays.then_some(Flat { form, bytes }))
    }

    /// `None` for a number and for what is in a big form.
    pub(crate) fn of(value: ValueRef<'a>) -> Option<Flat<'a>> {
        let listpack = |form, listpack: ListpackRef<'a>| Flat { form, bytes: listpack.as_bytes() };
        match value {
            ValueRef::String(bytes) => Some(Flat { form: FlatForm::String, bytes }),
            ValueRef::List(list) => Some(listpack(FlatForm::List, list.as_listpack()?)),
            ValueRef::Hash(hash) => Some(listpack(FlatForm::Hash, hash.as_listpack()?)),
            ValueRef::Set(set) => match set.as_intset() {
                Some(members) => Some(Flat { form: FlatForm::Intset, bytes: members.as_bytes() }),
                None => Some(listpack(FlatForm::Set, set.as_listpack()?)),
            },
            ValueRef::SortedSet(members) => Some(listpack(FlatForm::SortedSet, members.as_listpack()?)),
            ValueRef::Int(_) | ValueRef::Stream(_) => None,
        }
    }

    pub(crate) fn value(self) -> ValueRef<'a> {
        let listpack = ListpackRef::of_trusted;
        match self.form {
            FlatForm::String => ValueRef::String(self.bytes),
            FlatForm::List => ValueRef::List(ListRef::packed(listpack(self.bytes))),
            FlatForm::Hash => ValueRef::Hash(HashRef::packed(listpack(self.bytes))),
            FlatForm::Intset => ValueRef::Set(SetRef::intset(IntsetRef::of_trusted(self.bytes))),
            FlatForm::Set => ValueRef::Set(SetRef::packed(listpack(self.bytes))),
            FlatForm::SortedSet => ValueRef::SortedSet(SortedSetRef::packed(listpack(self.bytes))),
        }
    }

    pub(crate) fn to_value(self) -> Value {
        self.copy_into(Vec::new())
    }

    /// The value with a copy of the bytes, in `buffer`.
    pub(crate) fn copy_into(self, mut buffer: Vec<u8>) -> Value {
        buffer.clear();
        buffer.extend_from_slice(self.bytes);
        match self.form {
            FlatForm::String => Value::String(buffer),
            FlatForm::List => Value::List(List::packed(Listpack::of_trusted(buffer))),
            FlatForm::Hash => Value::Hash(Hash::packed(Listpack::of_trusted(buffer))),
            FlatForm::Intset => Value::Set(Set::intset(Intset::of_trusted(buffer))),
            FlatForm::Set => Value::Set(Set::packed(Listpack::of_trusted(buffer))),
            FlatForm::SortedSet => Value::SortedSet(SortedSet::packed(Listpack::of_trusted(buffer))),
        }
    }
}

impl Value {
    /// The buffer of a flat value, to be used again.
    pub(crate) fn into_buffer(self) -> Option<Vec<u8>> {
        match self {
            Value::String(bytes) => Some(bytes),
            Value::List(list) => list.into_packed().map(Listpack::into_bytes),
            Value::Hash(hash) => hash.into_packed().map(Listpack::into_bytes),
            Value::Set(set) => set.into_packed_bytes(),
            Value::SortedSet(sorted_set) => sorted_set.into_packed().map(Listpack::into_bytes),
            Value::Int(_) | Value::Stream(_) => None,
        }
    }
}
