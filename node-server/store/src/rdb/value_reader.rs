//! Values of all versions, from untrusted bytes.

use super::items::module_name;
use super::reader::{Reader, Text};
use super::source::Source;
use super::stream_reader::{StreamVersion, read_stream};
use super::{NEWEST_OF_VALKEY, NEWEST_READ, Numbering, RdbError, container, valkey_type, value_type};
use crate::encoding::{Intset, Listpack, Malformed, ziplist, zipmap};
use crate::types::{AddCondition, AddOutcome, End, Hash, Limits, List, Set, SortedSet, Value, parse_integer};

/// The value behind a type byte. An empty collection is possible: old servers wrote some by mistake.
pub(super) fn read_value<S: Source>(
    reader: &mut Reader<S>,
    kind: u8,
    numbering: Numbering,
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
        value_type::LIST_ZIPLIST
        | value_type::SET_INTSET
        | value_type::SET_LISTPACK
        | value_type::HASH_LISTPACK
        | value_type::HASH_ZIPLIST
        | value_type::HASH_ZIPMAP
        | value_type::SORTED_SET_LISTPACK
        | value_type::SORTED_SET_ZIPLIST => packed(reader, |bytes| unpack(kind, bytes, limits)),
        value_type::STREAM => read_stream(reader, StreamVersion::One),
        value_type::STREAM_2 => read_stream(reader, StreamVersion::Two),
        value_type::STREAM_3 => read_stream(reader, StreamVersion::Three),
        other if numbering == Numbering::Redis => read_value_of_redis(reader, other, limits),
        valkey_type::TIMED_HASH => read_timed_hash_of_valkey(reader, limits),
        other => Err(refused(reader, other, numbering, offset)),
    }
}

/// What came with Redis 7.4.
fn read_value_of_redis<S: Source>(
    reader: &mut Reader<S>,
    kind: u8,
    limits: &Limits,
) -> Result<Value, RdbError> {
    let offset = reader.offset();
    match kind {
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
        other => Err(refused(reader, other, Numbering::Redis, offset)),
    }
}

/// Types that are known by name, and those that are not.
pub(super) fn refused<S: Source>(
    reader: &mut Reader<S>,
    kind: u8,
    numbering: Numbering,
    offset: u64,
) -> RdbError {
    let what = match (kind, numbering) {
        (value_type::MODULE, _) => match reader.length() {
            Ok(module) => {
                format!("a value of the module type '{}'; modules are not supported", module_name(module))
            }
            Err(error) => return error,
        },
        (value_type::MODULE_BEFORE_RELEASE, _) => "a value of a module; modules are not supported".to_owned(),
        (valkey_type::PATH_HASH, Numbering::Valkey) => {
            "a hash of paths, of Valkey 9.2, which is not supported".to_owned()
        }
        (_, Numbering::Redis) => format!("value type {kind} is not one of RDB versions 1 to {NEWEST_READ}"),
        (_, Numbering::Valkey) => {
            format!("value type {kind} is not one of Valkey's RDB versions up to {NEWEST_OF_VALKEY}")
        }
    };
    RdbError::unsupported(offset, what)
}

/// A value that is one packed string, from that.
pub(super) fn unpack(kind: u8, bytes: Vec<u8>, limits: &Limits) -> Result<Value, Malformed> {
    match kind {
        value_type::SET_INTSET => Ok(Value::Set(Set::from_intset(Intset::from_bytes(bytes)?, limits))),
        value_type::SET_LISTPACK => Set::from_listpack(Listpack::from_bytes(bytes)?, limits).map(Value::Set),
        value_type::HASH_LISTPACK => hash(Listpack::from_bytes(bytes)?, limits),
        value_type::HASH_ZIPLIST => hash(ziplist::to_listpack(&bytes)?, limits),
        value_type::HASH_ZIPMAP => hash(zipmap::to_listpack(&bytes)?, limits),
        value_type::SORTED_SET_LISTPACK => sorted_set(Listpack::from_bytes(bytes)?, limits),
        value_type::SORTED_SET_ZIPLIST => sorted_set(ziplist::to_listpack(&bytes)?, limits),
        value_type::LIST_ZIPLIST => Ok(list(ziplist::to_listpack(&bytes)?, limits)),
        // A node of a list.
        _ => Ok(list(Listpack::from_bytes(bytes)?, limits)),
    }
}

fn list(elements: Listpack, limits: &Limits) -> Value {
    let mut list = List::new();
    list.push_listpack(elements, limits);
    Value::List(list)
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
fn packed<S: Source, V>(
    reader: &mut Reader<S>,
    unpack: impl FnOnce(Vec<u8>) -> Result<V, Malformed>,
) -> Result<V, RdbError> {
    let offset = reader.offset();
    unpack(reader.string()?).map_err(|malformed| RdbError::packed(offset, malformed))
}

fn read_string<S: Source>(reader: &mut Reader<S>) -> Result<Value, RdbError> {
    Ok(match reader.text()? {
        Text::Int(number) => Value::Int(number),
        // Integers of more than 32 bits are written as text.
        text => {
            let bytes = text.into_vec();
            parse_integer(&bytes).map_or_else(|| Value::String(bytes), Value::Int)
        }
    })
}

fn read_list<S: Source>(reader: &mut Reader<S>, limits: &Limits) -> Result<Value, RdbError> {
    let mut list = List::new();
    for _ in 0..reader.length()? {
        list.push(End::Tail, reader.text()?.as_bytes(&mut itoa::Buffer::new()), limits);
    }
    Ok(Value::List(list))
}

fn read_quicklist<S: Source>(reader: &mut Reader<S>, limits: &Limits) -> Result<Value, RdbError> {
    let mut list = List::new();
    for _ in 0..reader.length()? {
        let container = read_container(reader)?;
        read_node(reader, container, &mut list, limits)?;
    }
    Ok(Value::List(list))
}

/// How a quicklist node is stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    /// One long element.
    Plain,
    Packed,
}

pub(super) fn read_container<S: Source>(reader: &mut Reader<S>) -> Result<Container, RdbError> {
    let offset = reader.offset();
    match reader.length()? {
        container::PLAIN => Ok(Container::Plain),
        container::PACKED => Ok(Container::Packed),
        _ => Err(RdbError::malformed(offset, "a quicklist node, plain (1) or packed (2)")),
    }
}

/// A quicklist node, behind what says how it is stored.
pub(super) fn read_node<S: Source>(
    reader: &mut Reader<S>,
    container: Container,
    list: &mut List,
    limits: &Limits,
) -> Result<(), RdbError> {
    let offset = reader.offset();
    if container == Container::Packed {
        list.push_listpack(packed(reader, Listpack::from_bytes)?, limits);
        return Ok(());
    }
    let element = reader.string()?;
    if element.is_empty() {
        return Err(RdbError::malformed(offset, "a plain quicklist node, which is not empty"));
    }
    list.push(End::Tail, &element, limits);
    Ok(())
}

fn read_quicklist_of_ziplists<S: Source>(reader: &mut Reader<S>, limits: &Limits) -> Result<Value, RdbError> {
    let mut list = List::new();
    for _ in 0..reader.length()? {
        list.push_listpack(packed(reader, |bytes| ziplist::to_listpack(&bytes))?, limits);
    }
    Ok(Value::List(list))
}

/// Whether a collection is made when all its elements are read, in the right form and size at once. One that is big, or that comes
/// piece by piece, is made as they come, so that they are not in memory twice.
fn is_made_at_once<S: Source>(count: u64) -> bool {
    const MOST: u64 = 1 << 16;
    S::IS_ALL_THERE && count <= MOST
}

/// So many, if they are really there.
fn read_all<S: Source, T>(
    reader: &mut Reader<S>,
    count: u64,
    read: impl Fn(&mut Reader<S>) -> Result<T, RdbError>,
) -> Result<Vec<T>, RdbError> {
    let mut all = Vec::with_capacity(count.min(1024) as usize);
    for _ in 0..count {
        all.push(read(reader)?);
    }
    Ok(all)
}

fn read_set<S: Source>(reader: &mut Reader<S>, limits: &Limits) -> Result<Value, RdbError> {
    let (offset, count) = (reader.offset(), reader.length()?);
    let duplicate = |offset| RdbError::malformed(offset, "a set without duplicate members");
    if is_made_at_once::<S>(count) {
        let members = read_all(reader, count, Reader::text)?;
        let set = Set::of_members(members.len(), |number| members[number].element(), limits);
        return set.map(Value::Set).ok_or(duplicate(offset));
    }
    let mut set = Set::expecting(count, limits);
    for _ in 0..count {
        let offset = reader.offset();
        if !set.add(reader.text()?.as_bytes(&mut itoa::Buffer::new()), limits) {
            return Err(duplicate(offset));
        }
    }
    Ok(Value::Set(set))
}

fn read_hash<S: Source>(reader: &mut Reader<S>, limits: &Limits) -> Result<Value, RdbError> {
    let (offset, count) = (reader.offset(), reader.length()?);
    if is_made_at_once::<S>(count) {
        let pairs = read_all(reader, count, |reader| Ok((reader.text()?, reader.text()?)))?;
        let pair = |number: usize| (pairs[number].0.element(), pairs[number].1.element());
        let hash = Hash::of_pairs(pairs.len(), pair, limits);
        return hash.map(Value::Hash).ok_or(duplicate_field(offset));
    }
    let mut hash = Hash::expecting(count, limits);
    for _ in 0..count {
        read_field(reader, &mut hash, limits)?;
    }
    Ok(Value::Hash(hash))
}

fn duplicate_field(offset: u64) -> RdbError {
    RdbError::malformed(offset, "a hash without duplicate fields")
}

/// Puts a field and its value into the hash.
fn read_field<S: Source>(
    reader: &mut Reader<S>,
    hash: &mut Hash,
    limits: &Limits,
) -> Result<Text<S::Piece>, RdbError> {
    let offset = reader.offset();
    let (field, value) = (reader.text()?, reader.text()?);
    let is_new =
        hash.set(field.as_bytes(&mut itoa::Buffer::new()), value.as_bytes(&mut itoa::Buffer::new()), limits);
    if is_new { Ok(field) } else { Err(duplicate_field(offset)) }
}

/// Before each field stands 0, or what `expiry_of` makes the Unix milliseconds of at which it ends.
fn read_timed_hash<S: Source>(
    reader: &mut Reader<S>,
    limits: &Limits,
    expiry_of: impl Fn(u64) -> Option<u64>,
) -> Result<Value, RdbError> {
    let count = reader.length()?;
    let mut hash = Hash::expecting(count, limits);
    for _ in 0..count {
        let offset = reader.offset();
        let expiry = reader.length()?;
        let field = read_field(reader, &mut hash, limits)?;
        if expiry > 0 {
            let expiry = expiry_of(expiry).and_then(|expiry| i64::try_from(expiry).ok());
            let expiry = expiry.filter(|expiry| Hash::is_possible_expiry(*expiry));
            let expiry = expiry.ok_or(RdbError::malformed(offset, "the expiry of a field"))?;
            hash.set_expiry(field.as_bytes(&mut itoa::Buffer::new()), expiry, limits);
        }
    }
    Ok(Value::Hash(hash))
}

/// Behind each field and value stand the Unix milliseconds at which it ends, or -1. What is later than a field can end here
/// ends as late as it can.
fn read_timed_hash_of_valkey<S: Source>(reader: &mut Reader<S>, limits: &Limits) -> Result<Value, RdbError> {
    let count = reader.length()?;
    let mut hash = Hash::expecting(count, limits);
    for _ in 0..count {
        let field = read_field(reader, &mut hash, limits)?;
        let expiry = reader.array().map(i64::from_le_bytes)?;
        if expiry != -1 {
            let expiry = expiry.clamp(1, Hash::MAX_EXPIRY_MS);
            hash.set_expiry(field.as_bytes(&mut itoa::Buffer::new()), expiry, limits);
        }
    }
    Ok(Value::Hash(hash))
}

fn read_sorted_set<S: Source>(
    reader: &mut Reader<S>,
    limits: &Limits,
    read_score: impl Fn(&mut Reader<S>) -> Result<f64, RdbError>,
) -> Result<Value, RdbError> {
    let (offset, count) = (reader.offset(), reader.length()?);
    let duplicate = |offset| RdbError::malformed(offset, "a sorted set without duplicate members");
    let read_member = |reader: &mut Reader<S>| {
        let offset = reader.offset();
        let (member, score) = (reader.text()?, read_score(reader)?);
        if score.is_nan() {
            return Err(RdbError::malformed(offset, "a score that is a number"));
        }
        Ok((member, score))
    };
    if is_made_at_once::<S>(count) {
        let members = read_all(reader, count, read_member)?;
        let members = members.iter().map(|(member, score)| (member.element(), *score)).collect();
        let sorted_set = SortedSet::of_members(members, limits);
        return sorted_set.map(Value::SortedSet).ok_or(duplicate(offset));
    }
    let mut sorted_set = SortedSet::expecting(count, limits);
    let mut buffer = itoa::Buffer::new();
    for _ in 0..count {
        let offset = reader.offset();
        let (member, score) = read_member(reader)?;
        let added = sorted_set.add(score, member.as_bytes(&mut buffer), AddCondition::default(), limits);
        if !matches!(added, Ok(AddOutcome::Added(_))) {
            return Err(duplicate(offset));
        }
    }
    Ok(Value::SortedSet(sorted_set))
}

/// `length text`, with lengths 253, 254 and 255 for what is no finite number.
pub(super) fn read_text_score<S: Source>(reader: &mut Reader<S>) -> Result<f64, RdbError> {
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
