//! Lengths, strings and values as version 10 has them, appended to a buffer; what may be long, to one that may be emptied meanwhile.

use super::stream_writer::write_stream;
use super::{VERSION, VERSION_WITH_FIELD_EXPIRIES, container, string_encoding, value_type};
use crate::encoding::{Listpack, lzf};
use crate::outlet::{Outlet, PIECE_BYTES};
use crate::types::{Element, HashRef, ListRef, SetRef, SortedSetRef, ValueRef, parse_integer};

/// Strings up to this length are not worth compressing.
const TOO_SHORT_TO_COMPRESS: usize = 20;

pub(super) fn write_length(length: u64, out: &mut Vec<u8>) {
    match length {
        0..0x40 => out.push(length as u8),
        0x40..0x4000 => out.extend_from_slice(&(0x4000 | length as u16).to_be_bytes()),
        0x4000..=0xFFFF_FFFF => {
            out.push(0x80);
            out.extend_from_slice(&(length as u32).to_be_bytes());
        }
        _ => {
            out.push(0x81);
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
}

/// A string: as an integer of 32 bits or less where it is one, compressed where asked and worth it.
pub(super) fn write_string(bytes: &[u8], compress: bool, out: &mut Vec<u8>) {
    if let Some(number) = parse_integer(bytes)
        && write_small_integer(number, out)
    {
        return;
    }
    if compress
        && bytes.len() > TOO_SHORT_TO_COMPRESS
        && let Some(packed) = lzf::compress(bytes)
    {
        out.push(0xC0 | string_encoding::LZF);
        write_length(packed.len() as u64, out);
        write_length(bytes.len() as u64, out);
        return out.extend_from_slice(&packed);
    }
    write_length(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// The same of any length, with a place behind it where the buffer may be emptied.
pub(super) fn write_text(bytes: &[u8], compress: bool, out: &mut impl Outlet) {
    if bytes.len() > PIECE_BYTES {
        write_long_string(bytes, compress, out);
    } else {
        write_string(bytes, compress, out.buffer());
    }
    out.piece();
}

#[cold]
fn write_long_string(bytes: &[u8], compress: bool, out: &mut impl Outlet) {
    let packed = if compress { lzf::compress(bytes) } else { None };
    if let Some(packed) = &packed {
        out.buffer().push(0xC0 | string_encoding::LZF);
        write_length(packed.len() as u64, out.buffer());
    }
    write_length(bytes.len() as u64, out.buffer());
    out.write(packed.as_deref().unwrap_or(bytes));
}

fn write_element(element: Element<'_>, compress: bool, out: &mut impl Outlet) {
    write_text(element.as_bytes(&mut itoa::Buffer::new()), compress, out);
}

/// False, and nothing written, when it takes more than 32 bits.
fn write_small_integer(number: i64, out: &mut Vec<u8>) -> bool {
    if let Ok(number) = i8::try_from(number) {
        out.push(0xC0 | string_encoding::INT8);
        out.extend_from_slice(&number.to_le_bytes());
    } else if let Ok(number) = i16::try_from(number) {
        out.push(0xC0 | string_encoding::INT16);
        out.extend_from_slice(&number.to_le_bytes());
    } else if let Ok(number) = i32::try_from(number) {
        out.push(0xC0 | string_encoding::INT32);
        out.extend_from_slice(&number.to_le_bytes());
    } else {
        return false;
    }
    true
}

/// The type byte of a value.
pub(super) fn type_of(value: ValueRef<'_>) -> u8 {
    match value {
        ValueRef::Int(_) | ValueRef::String(_) => value_type::STRING,
        ValueRef::List(_) => value_type::LIST_QUICKLIST,
        ValueRef::Hash(hash) if hash.has_expiries() && hash.is_packed() => value_type::TIMED_HASH_LISTPACK,
        ValueRef::Hash(hash) if hash.has_expiries() => value_type::TIMED_HASH,
        ValueRef::Hash(hash) if hash.as_listpack().is_some() => value_type::HASH_LISTPACK,
        ValueRef::Hash(_) => value_type::HASH,
        ValueRef::Set(set) if set.as_intset().is_some() => value_type::SET_INTSET,
        // Version 10 has no type for a set in a listpack: it is written member by member.
        ValueRef::Set(_) => value_type::SET,
        ValueRef::SortedSet(members) if members.as_listpack().is_some() => value_type::SORTED_SET_LISTPACK,
        ValueRef::SortedSet(_) => value_type::SORTED_SET,
        ValueRef::Stream(_) => value_type::STREAM_2,
    }
}

/// The version that knows the value's type.
pub(super) fn version_of(value: ValueRef<'_>) -> u16 {
    match value {
        ValueRef::Hash(hash) if hash.has_expiries() => VERSION_WITH_FIELD_EXPIRIES,
        _ => VERSION,
    }
}

/// A value, without its type byte.
pub(super) fn write_value(value: ValueRef<'_>, compress: bool, out: &mut impl Outlet) {
    match value {
        ValueRef::Int(number) => write_element(Element::Int(number), compress, out),
        ValueRef::String(bytes) => write_text(bytes, compress, out),
        ValueRef::List(list) => write_list(list, compress, out),
        ValueRef::Hash(hash) => match hash.soonest_expiry() {
            Some(soonest) => write_timed_hash(hash, soonest, compress, out),
            None => write_hash(hash, compress, out),
        },
        ValueRef::Set(set) => write_set(set, compress, out),
        ValueRef::SortedSet(sorted_set) => write_sorted_set(sorted_set, compress, out),
        ValueRef::Stream(stream) => write_stream(stream, compress, out),
    }
}

fn write_list(list: ListRef<'_>, compress: bool, out: &mut impl Outlet) {
    write_length(list.nodes().count() as u64, out.buffer());
    for node in list.nodes() {
        write_length(container::PACKED, out.buffer());
        write_text(node.as_bytes(), compress, out);
    }
}

fn write_hash(hash: HashRef<'_>, compress: bool, out: &mut impl Outlet) {
    if let Some(pairs) = hash.as_listpack() {
        return write_text(pairs.as_bytes(), compress, out);
    }
    write_length(hash.len() as u64, out.buffer());
    for (field, value) in hash.iter() {
        write_element(field, compress, out);
        write_element(value, compress, out);
    }
}

/// Packed, the fields that end come first, in the order of time; else each field has its expiry before it: 0 for none, or how
/// long after the soonest one, and 1.
fn write_timed_hash(hash: HashRef<'_>, soonest: i64, compress: bool, out: &mut impl Outlet) {
    out.buffer().extend_from_slice(&soonest.to_le_bytes());
    if hash.is_packed() {
        return write_text(timed_listpack(hash).as_bytes(), compress, out);
    }
    write_length(hash.len() as u64, out.buffer());
    for (field, value) in hash.iter() {
        let expiry = hash.expiry(field.as_bytes(&mut itoa::Buffer::new()));
        write_length(expiry.map_or(0, |expiry| (expiry - soonest + 1) as u64), out.buffer());
        write_element(field, compress, out);
        write_element(value, compress, out);
    }
}

fn timed_listpack(hash: HashRef<'_>) -> Listpack {
    let mut triples = Listpack::new();
    let mut push = |field: &[u8], value: Element<'_>, expiry: i64| {
        triples.push_back(field);
        triples.push_back(value.as_bytes(&mut itoa::Buffer::new()));
        triples.push_back(itoa::Buffer::new().format(expiry).as_bytes());
    };
    for (field, expiry) in hash.expiries() {
        let field = field.to_vec();
        if let Some(value) = hash.get(&field) {
            push(&field, value, expiry);
        }
    }
    for (field, value) in hash.iter() {
        let field = field.to_vec();
        if hash.expiry(&field).is_none() {
            push(&field, value, 0);
        }
    }
    triples
}

fn write_set(set: SetRef<'_>, compress: bool, out: &mut impl Outlet) {
    if let Some(members) = set.as_intset() {
        return write_text(members.as_bytes(), compress, out);
    }
    write_length(set.len() as u64, out.buffer());
    set.iter().for_each(|member| write_element(member, compress, out));
}

/// From the highest score down, as Redis does: its skip list takes the next lower member fastest.
fn write_sorted_set(sorted_set: SortedSetRef<'_>, compress: bool, out: &mut impl Outlet) {
    if let Some(members) = sorted_set.as_listpack() {
        return write_text(members.as_bytes(), compress, out);
    }
    write_length(sorted_set.len() as u64, out.buffer());
    for (member, score) in sorted_set.iter().rev() {
        write_element(member, compress, out);
        out.buffer().extend_from_slice(&score.to_le_bytes());
    }
}
