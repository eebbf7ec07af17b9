//! Bytes, lengths and strings from an untrusted source, with the offset and the checksum so far.
//!
//! Nothing is allocated because a length says so: a buffer grows as bytes really arrive.

use super::{RdbError, string_encoding};
use crate::encoding::{crc64::crc64, lzf};
use std::io::{ErrorKind, Read};

/// The first step in which a long string is read; each next step may double what is there.
const FIRST_STEP: usize = 64 * 1024;
/// Longer than any string a server takes (512 MiB by default); a packed one says its length in 32 bits.
const LONGEST_STRING: u64 = (1 << 32) - 64;

pub(super) struct Reader<R> {
    source: R,
    offset: u64,
    crc: u64,
}

/// A string as it was encoded.
pub(super) enum Text {
    Int(i64),
    Bytes(Vec<u8>),
}

impl Text {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        match self {
            Text::Int(number) => itoa::Buffer::new().format(number).into(),
            Text::Bytes(bytes) => bytes,
        }
    }
}

/// What a length byte announces.
enum Length {
    Plain(u64),
    Encoded(u8),
}

impl<R: Read> Reader<R> {
    /// `offset` and `crc`: what was read before.
    pub(super) fn new(source: R, offset: u64, crc: u64) -> Reader<R> {
        Reader { source, offset, crc }
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn crc(&self) -> u64 {
        self.crc
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], RdbError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn byte(&mut self) -> Result<u8, RdbError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn bytes(&mut self, length: u64) -> Result<Vec<u8>, RdbError> {
        if length > LONGEST_STRING {
            return Err(RdbError::malformed(self.offset, "a string of at most 4 GiB"));
        }
        let length = length as usize;
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let read = bytes.len();
            let step = (length - read).min(read.max(FIRST_STEP));
            bytes.resize(read + step, 0);
            self.fill(bytes.split_at_mut(read).1)?;
        }
        Ok(bytes)
    }

    /// A length where no encoded string may stand.
    pub(super) fn length(&mut self) -> Result<u64, RdbError> {
        let offset = self.offset;
        match self.any_length()? {
            Length::Plain(length) => Ok(length),
            Length::Encoded(_) => Err(RdbError::malformed(offset, "a length")),
        }
    }

    pub(super) fn string(&mut self) -> Result<Vec<u8>, RdbError> {
        self.text().map(Text::into_bytes)
    }

    pub(super) fn text(&mut self) -> Result<Text, RdbError> {
        let offset = self.offset;
        match self.any_length()? {
            Length::Plain(length) => self.bytes(length).map(Text::Bytes),
            Length::Encoded(string_encoding::INT8) => {
                self.array().map(|bytes| Text::Int(i8::from_le_bytes(bytes).into()))
            }
            Length::Encoded(string_encoding::INT16) => {
                self.array().map(|bytes| Text::Int(i16::from_le_bytes(bytes).into()))
            }
            Length::Encoded(string_encoding::INT32) => {
                self.array().map(|bytes| Text::Int(i32::from_le_bytes(bytes).into()))
            }
            Length::Encoded(string_encoding::LZF) => self.compressed().map(Text::Bytes),
            Length::Encoded(_) => Err(RdbError::malformed(offset, "a string encoding from 0 to 3")),
        }
    }

    fn any_length(&mut self) -> Result<Length, RdbError> {
        let offset = self.offset;
        let first = self.byte()?;
        Ok(match first {
            0..0x40 => Length::Plain(first.into()),
            0x40..0x80 => Length::Plain(u64::from(first & 0x3F) << 8 | u64::from(self.byte()?)),
            0x80 => Length::Plain(u32::from_be_bytes(self.array()?).into()),
            0x81 => Length::Plain(u64::from_be_bytes(self.array()?)),
            0xC0.. => Length::Encoded(first & 0x3F),
            _ => return Err(RdbError::malformed(offset, "a length")),
        })
    }

    fn compressed(&mut self) -> Result<Vec<u8>, RdbError> {
        let compressed_length = self.length()?;
        let length = self.length()?;
        let offset = self.offset;
        let compressed = self.bytes(compressed_length)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        lzf::decompress(&compressed, length).map_err(|malformed| RdbError::packed(offset, malformed))
    }

    fn fill(&mut self, mut into: &mut [u8]) -> Result<(), RdbError> {
        while !into.is_empty() {
            let count = match self.source.read(into) {
                Ok(0) => return Err(RdbError::Truncated { offset: self.offset }),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(RdbError::Read { offset: self.offset, error }),
            };
            let (filled, rest) = into.split_at_mut(count);
            self.crc = crc64(self.crc, filled);
            self.offset += count as u64;
            into = rest;
        }
        Ok(())
    }
}
