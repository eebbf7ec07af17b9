//! One value as DUMP gives it and RESTORE takes it.

use super::reader::Reader;
use super::source::Slice;
use super::value_reader::read_value;
use super::value_writer::{type_of, version_of, write_value};
use super::{NEWEST_OF_VALKEY, NEWEST_READ, Numbering, OLDEST_OF_VALKEY, RdbError, value_type};
use crate::encoding::crc64::crc64;
use crate::types::{Limits, Value, ValueRef};
use std::fmt;

const FOOTER: usize = 10;

#[derive(Debug)]
pub enum RestoreError {
    /// "DUMP payload version or checksum are wrong"
    VersionOrChecksum,
    /// "Bad data format"
    Value(RdbError),
}

impl fmt::Display for RestoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RestoreError::VersionOrChecksum => {
                formatter.write_str("DUMP payload version or checksum are wrong")
            }
            RestoreError::Value(error) => write!(formatter, "Bad data format: {error}"),
        }
    }
}

impl std::error::Error for RestoreError {}

pub fn dump(value: ValueRef<'_>, compress: bool) -> Vec<u8> {
    let mut payload = vec![type_of(value)];
    write_value(value, compress, &mut payload);
    footer(version_of(value), &mut payload);
    payload
}

/// What a payload ends with.
pub(super) fn footer(version: u16, payload: &mut Vec<u8>) {
    payload.extend_from_slice(&version.to_le_bytes());
    payload.extend_from_slice(&crc64(0, payload).to_le_bytes());
}

/// Whether what was written is compared with its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    Compared,
    /// For tests of what a value's own checks find.
    Ignored,
}

/// What stands before the footer, if that is right, and whose numbers its types have.
pub(super) fn split_footer(payload: &[u8], checksum: Checksum) -> Option<(&[u8], Numbering)> {
    let (body, footer) = payload.split_at_checked(payload.len().checked_sub(FOOTER)?)?;
    let &[v0, v1, ref stored @ ..] = footer else { return None };
    let numbering = match u16::from_le_bytes([v0, v1]) {
        0..=NEWEST_READ => Numbering::Redis,
        OLDEST_OF_VALKEY..=NEWEST_OF_VALKEY => Numbering::Valkey,
        _ => return None,
    };
    let checked = payload.get(..body.len() + 2)?;
    let is_right = checksum == Checksum::Ignored || crc64(0, checked).to_le_bytes() == *stored;
    is_right.then_some((body, numbering))
}

/// The value of a payload from outside: never an empty collection.
pub fn restore(payload: &[u8], limits: &Limits) -> Result<Value, RestoreError> {
    restore_with(payload, Checksum::Compared, limits)
}

/// How many packed values a payload says that it has: intsets, listpacks, the nodes of lists and of streams. (Ziplists are none:
/// they are read element by element in any case.)
pub fn packed_count(payload: &[u8]) -> u64 {
    let mut reader = Reader::new(Slice::new(payload, 0));
    match reader.byte() {
        Ok(
            value_type::SET_INTSET
            | value_type::SET_LISTPACK
            | value_type::HASH_LISTPACK
            | value_type::SORTED_SET_LISTPACK,
        ) => 1,
        Ok(value_type::LIST_QUICKLIST | value_type::STREAM | value_type::STREAM_2 | value_type::STREAM_3) => {
            reader.length().unwrap_or(0)
        }
        _ => 0,
    }
}

pub fn restore_with(payload: &[u8], checksum: Checksum, limits: &Limits) -> Result<Value, RestoreError> {
    let (body, numbering) = split_footer(payload, checksum).ok_or(RestoreError::VersionOrChecksum)?;
    let mut reader = Reader::new(Slice::new(body, 0));
    let value = reader.byte().and_then(|kind| read_value(&mut reader, kind, numbering, limits));
    let value = value.map_err(RestoreError::Value)?;
    let expected = if reader.source.left() > 0 {
        "the end of the payload"
    } else if value.as_ref().is_empty_collection() {
        "a collection that is not empty"
    } else {
        return Ok(value);
    };
    Err(RestoreError::Value(RdbError::malformed(reader.offset(), expected)))
}
