//! Values of all versions from 1 to 12, from untrusted bytes.

use super::reader::{Reader, Text};
use super::stream_reader::{StreamVersion, read_stream};
use super::{RdbError, container, value_type};
use crate::encoding::{Intset, Listpack, Malformed, ziplist, zipmap};
use crate::types::{AddCondition, AddOutcome, End, Hash, Limits, List, Set, SortedSet, Value, parse_integer};
use std::io::Read;

/// The value behind a type byte. An empty collection is possible: old servers wrote some by mistake.
pub(super) fn read_value<R: Read>(
    reader: &mut Reader<R>,
    kind: u8,
    limits: &Limits,
) -> Result<Value, RdbError> {
    let offset = reader.offset();
    match kind {
        value_type::STRING => read_string(reader),
        value_type::LIST => read_list(reader, limits),
        value_type::SET => read_set(reader, limits),
        value_type::SORTED_SET_TEXT => read_sorted_set(reader, limits, read_text_score),
        value_type::SORTED_SET => {
            read_sorted_set(reader, limits, |reader| reader.array().map(f64::from_le_bytes))
        }
        value_type::HASH => read_hash(reader, limits),
        value_type::LIST_QUICKLIST => read_quicklist(reader, limits),
        value_type::LIST_QUICKLIST_ZIPLISTS => read_quicklist_of_ziplists(reader, limits),
        value_type::LIST_ZIPLIST => packed(reader, |bytes| {
            let mut list = List::new();
            list.push_listpack(ziplist::to_listpack(&bytes)?, limits);
            Ok(Value::List(list))
        }),
        value_type::SET_INTSET => {
            packed(reader, |bytes| Ok(Value::Set(Set::from_intset(Intset::from_bytes(bytes)?, limits))))
        }
        value_type::SET_LISTPACK => {
            packed(reader, |bytes| Set::from_listpack(Listpack::from_bytes(bytes)?, limits).map(Value::Set))
        }
        value_type::HASH_LISTPACK => packed(reader, |bytes| hash(Listpack::from_bytes(bytes)?, limits)),
        value_type::TIMED_HASH_LISTPACK => {
            // The soonest expiry, which the listpack tells too.
            reader.array::<8>()?;
            packed(reader, |bytes| timed_hash(Listpack::from_bytes(bytes)?, limits))
        }
        value_type::TIMED_HASH_LISTPACK_BEFORE_RELEASE => {
            packed(reader, |bytes| timed_hash(Listpack::from_bytes(bytes)?, limits))
        }
        value_type::TIMED_HASH => {
            let soonest = reader.array().map(u64::from_le_bytes)?;
            read_timed_hash(reader, limits, |after| soonest.checked_add(after - 1))
        }
        value_type::TIMED_HASH_BEFORE_RELEASE => read_timed_hash(reader, limits, Some),
        value_type::HASH_ZIPLIST => packed(reader, |bytes| hash(ziplist::to_listpack(&bytes)?, limits)),
        value_type::HASH_ZIPMAP => packed(reader, |bytes| hash(zipmap::to_listpack(&bytes)?, limits)),
        value_type::SORTED_SET_LISTPACK => {
            packed(reader, |bytes| sorted_set(Listpack::from_bytes(bytes)?, limits))
        }
        value_type::SORTED_SET_ZIPLIST => {
            packed(reader, |bytes| sorted_set(ziplist::to_listpack(&bytes)?, limits))
        }
        value_type::STREAM => read_stream(reader, StreamVersion::One),
        value_type::STREAM_2 => read_stream(reader, StreamVersion::Two),
        value_type::STREAM_3 => read_stream(reader, StreamVersion::Three),
        other => Err(refused(other, offset)),
    }
}

/// Types that are known by name, and those that are not.
fn refused(kind: u8, offset: u64) -> RdbError {
    match kind {
        value_type::MODULE | value_type::MODULE_BEFORE_RELEASE => {
            RdbError::unsupported(offset, "values of modules are not supported")
        }
        _ => RdbError::unsupported(offset, format!("value type {kind} is not one of RDB versions 1 to 12")),
    }
}

fn hash(pairs: Listpack, limits: &Limits) -> Result<Value, Malformed> {
    Hash::from_listpack(pairs, limits).map(Value::Hash)
}

fn timed_hash(triples: Listpack, limits: &Limits) -> Result<Value, Malformed> {
    Hash::from_timed_listpack(triples, limits).map(Value::Hash)
}

fn sorted_set(members: Listpack, limits: &Limits) -> Result<Value, Malformed> {
    SortedSet::from_listpack(members, limits).map(Value::SortedSet)
}

/// A value that is one packed string.
fn packed<R: Read, V>(
    reader: &mut Reader<R>,
    unpack: impl FnOnce(Vec<u8>) -> Result<V, Malformed>,
) -> Result<V, RdbError> {
    let offset = reader.offset();
    unpack(reader.string()?).map_err(|malformed| RdbError::packed(offset, malformed))
}

fn read_string<R: Read>(reader: &mut Reader<R>) -> Result<Value, RdbError> {
    Ok(match reader.text()? {
        Text::Int(number) => Value::Int(number),
        // Integers of more than 32 bits are written as text.
        Text::Bytes(bytes) => match parse_integer(&bytes) {
            Some(number) => Value::Int(number),
            None => Value::String(bytes),
        },
    })
}

fn read_list<R: Read>(reader: &mut Reader<R>, limits: &Limits) -> Result<Value, RdbError> {
    let mut list = List::new();
    for _ in 0..reader.length()? {
        list.push(End::Tail, &reader.string()?, limits);
    }
    Ok(Value::List(list))
}

fn read_quicklist<R: Read>(reader: &mut Reader<R>, limits: &Limits) -> Result<Value, RdbError> {
    let mut list = List::new();
    for _ in 0..reader.length()? {
        let offset = reader.offset();
        match reader.length()? {
            container::PLAIN => list.push(End::Tail, &reader.string()?, limits),
            container::PACKED => list.push_listpack(packed(reader, Listpack::from_bytes)?, limits),
            _ => return Err(RdbError::malformed(offset, "a quicklist node, plain (1) or packed (2)")),
        }
    }
    Ok(Value::List(list))
}

fn read_quicklist_of_ziplists<R: Read>(reader: &mut Reader<R>, limits: &Limits) -> Result<Value, RdbError> {
    let mut list = List::new();
    for _ in 0..reader.length()? {
        list.push_listpack(packed(reader, |bytes| ziplist::to_listpack(&bytes))?, limits);
    }
    Ok(Value::List(list))
}

fn read_set<R: Read>(reader: &mut Reader<R>, limits: &Limits) -> Result<Value, RdbError> {
    let mut set = Set::new();
    for _ in 0..reader.length()? {
        let offset = reader.offset();
        if !set.add(&reader.string()?, limits) {
            return Err(RdbError::malformed(offset, "a set without duplicate members"));
        }
    }
    Ok(Value::Set(set))
}

fn read_hash<R: Read>(reader: &mut Reader<R>, limits: &Limits) -> Result<Value, RdbError> {
    let mut hash = Hash::new();
    for _ in 0..reader.length()? {
        let offset = reader.offset();
        let field = reader.string()?;
        if !hash.set(&field, &reader.string()?, limits) {
            return Err(RdbError::malformed(offset, "a hash without duplicate fields"));
        }
    }
    Ok(Value::Hash(hash))
}

/// Before each field stands 0, or what `expiry_of` makes the Unix milliseconds of at which it ends.
fn read_timed_hash<R: Read>(
    reader: &mut Reader<R>,
    limits: &Limits,
    expiry_of: impl Fn(u64) -> Option<u64>,
) -> Result<Value, RdbError> {
    let mut hash = Hash::new();
    for _ in 0..reader.length()? {
        let offset = reader.offset();
        let expiry = reader.length()?;
        let field = reader.string()?;
        if !hash.set(&field, &reader.string()?, limits) {
            return Err(RdbError::malformed(offset, "a hash without duplicate fields"));
        }
        if expiry > 0 {
            let expiry = expiry_of(expiry).and_then(|expiry| i64::try_from(expiry).ok());
            let expiry = expiry.filter(|expiry| Hash::is_possible_expiry(*expiry));
            let expiry = expiry.ok_or(RdbError::malformed(offset, "the expiry of a field"))?;
            hash.set_expiry(&field, expiry, limits);
        }
    }
    Ok(Value::Hash(hash))
}

fn read_sorted_set<R: Read>(
    reader: &mut Reader<R>,
    limits: &Limits,
    read_score: impl Fn(&mut Reader<R>) -> Result<f64, RdbError>,
) -> Result<Value, RdbError> {
    let mut sorted_set = SortedSet::new();
    for _ in 0..reader.length()? {
        let offset = reader.offset();
        let member = reader.string()?;
        let score = read_score(reader)?;
        match sorted_set.add(score, &member, AddCondition::default(), limits) {
            Ok(AddOutcome::Added(_)) => {}
            Ok(_) => return Err(RdbError::malformed(offset, "a sorted set without duplicate members")),
            Err(_) => return Err(RdbError::malformed(offset, "a score that is a number")),
        }
    }
    Ok(Value::SortedSet(sorted_set))
}

/// `length text`, with lengths 253, 254 and 255 for what is no finite number.
fn read_text_score<R: Read>(reader: &mut Reader<R>) -> Result<f64, RdbError> {
    let offset = reader.offset();
    match reader.byte()? {
        253 => Ok(f64::NAN),
        254 => Ok(f64::INFINITY),
        255 => Ok(f64::NEG_INFINITY),
        length => {
            let text = reader.bytes(length.into())?;
            let score = std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok());
            score.ok_or(RdbError::malformed(offset, "a score as text"))
        }
    }
}
