//! A key's value on its way from untrusted bytes into the entry that the keyspace holds. What lies in the entry's own allocation,
//! as most values do, is copied there and nowhere else.

use super::reader::{Reader, Text};
use super::source::Source;
use super::value_reader::{Container, read_container, read_node, read_value, unpack};
use super::{Numbering, RdbError, value_type};
use crate::entry::Entry;
use crate::types::{Flat, FlatForm, Limits, Value};

/// What an entry has besides its value.
#[derive(Clone, Copy)]
pub(super) struct Name<'a> {
    pub(super) key: &'a [u8],
    pub(super) expiry_ms: Option<i64>,
}

/// The value behind a type byte, under its key. An empty collection is possible: old servers wrote some by mistake.
#[inline]
pub(super) fn read_entry<S: Source>(
    reader: &mut Reader<S>,
    kind: u8,
    numbering: Numbering,
    name: Name<'_>,
    limits: &Limits,
) -> Result<Entry, RdbError> {
    let form = match kind {
        value_type::STRING => return read_string(reader, name),
        value_type::LIST_QUICKLIST => return read_quicklist(reader, name, limits),
        value_type::HASH_LISTPACK => FlatForm::Hash,
        value_type::SORTED_SET_LISTPACK => FlatForm::SortedSet,
        value_type::SET_LISTPACK => FlatForm::Set,
        value_type::SET_INTSET => FlatForm::Intset,
        _ => return read_value(reader, kind, numbering, limits).map(|value| name.entry(value)),
    };
    read_packed(reader, kind, form, name, limits)
}

impl Name<'_> {
    fn entry(self, value: Value) -> Entry {
        Entry::new(self.key, value, self.expiry_ms)
    }
}

fn read_string<S: Source>(reader: &mut Reader<S>, name: Name<'_>) -> Result<Entry, RdbError> {
    Ok(match reader.text()? {
        Text::Int(number) => name.entry(Value::Int(number)),
        Text::Plain(bytes) if bytes.len() <= Entry::LONGEST_STRING_WITHIN => {
            Entry::new_string(name.key, &bytes, name.expiry_ms)
        }
        Text::Plain(bytes) => name.entry(Value::String(bytes.into())),
        Text::Unpacked(bytes) => name.entry(Value::String(bytes)),
    })
}

/// Most lists are one packed node.
fn read_quicklist<S: Source>(
    reader: &mut Reader<S>,
    name: Name<'_>,
    limits: &Limits,
) -> Result<Entry, RdbError> {
    let nodes = reader.length()?;
    let mut list = None;
    for _ in 0..nodes {
        let container = read_container(reader)?;
        if nodes == 1 && container == Container::Packed {
            return read_packed(reader, value_type::LIST_QUICKLIST, FlatForm::List, name, limits);
        }
        read_node(reader, container, list.get_or_insert_default(), limits)?;
    }
    Ok(name.entry(Value::List(list.unwrap_or_default())))
}

/// A value that is one packed string, of a form that the store has, too.
fn read_packed<S: Source>(
    reader: &mut Reader<S>,
    kind: u8,
    form: FlatForm,
    name: Name<'_>,
    limits: &Limits,
) -> Result<Entry, RdbError> {
    let offset = reader.offset();
    let malformed = |malformed| RdbError::packed(offset, malformed);
    let (text, mut buffer) = (reader.text()?, itoa::Buffer::new());
    let bytes = text.as_bytes(&mut buffer);
    if bytes.len() <= Entry::LONGEST_PACKED_WITHIN
        && let Some(flat) = Flat::from_outside(form, bytes, limits).map_err(malformed)?
    {
        return Ok(Entry::new_flat(name.key, flat, name.expiry_ms));
    }
    unpack(kind, text.into_vec(), limits).map(|value| name.entry(value)).map_err(malformed)
}
