//! Values of all versions, from untrusted bytes.

use super::items::module_name;
use super::reader::{Reader, Text};
use super::source::Source;
use super::stream_reader::{StreamVersion, read_stream};
use super::{NEWEST_OF_VALKEY, NEWEST_READ, Numbering, RdbError, container, valkey_type, value_type};
use crate::encoding::{Intset, Listpack, Malformed, ziplist, zipmap};
use crate::entry::Entry;
use crate::types::{AddCondition, AddOutcome, End, Hash, Limits, List, Set, SortedSet, Value, parse_integer};

/// The value behind a type byte, under its key. An empty collection is possible: old servers wrote some by mistake.
#[inline]
pub(super) fn read_entry<S: Source>(
    reader: &mut Reader<S>,
    kind: u8,
    numbering: Numbering,
    key: &[u8],
    expiry_ms: Option<i64>,
    limits: &Limits,
) -> Result<Entry, RdbError> {
    if kind != value_type::STRING {
        return read_value(reader, kind, numbering, limits).map(|value| Entry::new(key, value, expiry_ms));
    }
    Ok(match reader.text()? {
        Text::Int(number) => Entry::new(key, Value::Int(number), expiry_ms),
        // Copied to where it stays, and nowhere else.
        Text::Plain(bytes) if bytes.len() <= Entry::LONGEST_STRING_WITHIN => {
            Entry::new_string(key, &bytes, expiry_ms)
        }
        Text::Plain(bytes) => Entry::new(key, Value::String(bytes.into()), expiry_ms),
        Text::Unpacked(bytes) => Entry::new(key, Value::String(bytes), expiry_ms),
    })
}

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
        let offset = reader.offset();
        match reader.length()? {
            container::PLAIN => {
                list.push(End::Tail, reader.text()?.as_bytes(&mut itoa::Buffer::new()), limits);
            }
            container::PACKED => list.push_listpack(packed(reader, Listpack::from_bytes)?, limits),
            _ => return Err(RdbError::malformed(offset, "a quicklist node, plain (1) or packed (2)")),
        }
    }
    Ok(Value::List(list))
}

fn read_quicklist_of_ziplists<S: Source>(reader: &mut Reader<S>, limits: &Limits) -> Result<Value, RdbError> {
    let mut list = List::new();
    for _ in 0..reader.length()? {
        list.push_listpack(packed(reader, |bytes| ziplist::to_listpack(&bytes))?, limits);
    }
    Ok(Value::List(list))
}

fn read_set<S: Source>(reader: &mut Reader<S>, limits: &Limits) -> Result<Value, RdbError> {
    let count = reader.length()?;
    let mut set = Set::expecting(count, limits);
    for _ in 0..count {
        let offset = reader.offset();
        if !set.add(reader.text()?.as_bytes(&mut itoa::Buffer::new()), limits) {
            return Err(RdbError::malformed(offset, "a set without duplicate members"));
        }
    }
    Ok(Value::Set(set))
}

fn read_hash<S: Source>(reader: &mut Reader<S>, limits: &Limits) -> Result<Value, RdbError> {
    let count = reader.length()?;
    let mut hash = Hash::expecting(count, limits);
    for _ in 0..count {
        read_field(reader, &mut hash, limits)?;
    }
    Ok(Value::Hash(hash))
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
    if is_new { Ok(field) } else { Err(RdbError::malformed(offset, "a hash without duplicate fields")) }
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
    let count = reader.length()?;
    let mut sorted_set = SortedSet::expecting(count, limits);
    let mut buffer = itoa::Buffer::new();
    for _ in 0..count {
        let offset = reader.offset();
        let member = reader.text()?;
        let score = read_score(reader)?;
        let member = member.as_bytes(&mut buffer);
        match sorted_set.add(score, member, AddCondition::default(), limits) {
            Ok(AddOutcome::Added(_)) => {}
            Ok(_) => return Err(RdbError::malformed(offset, "a sorted set without duplicate members")),
            Err(_) => return Err(RdbError::malformed(offset, "a score that is a number")),
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
