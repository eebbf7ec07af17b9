//! Lengths and strings from an untrusted source.

use super::source::Source;
use super::{RdbError, string_encoding};
use crate::encoding::lzf;
use crate::types::Element;

/// Longer than any string a server takes (512 MiB by default); a packed one says its length in 32 bits.
const LONGEST_STRING: u64 = (1 << 32) - 64;

pub(super) struct Reader<S> {
    pub(super) source: S,
}

/// A string as it was encoded.
pub(super) enum Text<P> {
    Int(i64),
    /// As it stands there.
    Plain(P),
    /// What was compressed there.
    Unpacked(Vec<u8>),
}

impl<P: std::ops::Deref<Target = [u8]> + Into<Vec<u8>>> Text<P> {
    /// `buffer` is for the text of a number.
    pub(super) fn as_bytes<'a>(&'a self, buffer: &'a mut itoa::Buffer) -> &'a [u8] {
        match self {
            Text::Int(number) => buffer.format(*number).as_bytes(),
            Text::Plain(piece) => piece,
            Text::Unpacked(bytes) => bytes,
        }
    }

    pub(super) fn element(&self) -> Element<'_> {
        match self {
            Text::Int(number) => Element::Int(*number),
            Text::Plain(piece) => Element::Bytes(piece),
            Text::Unpacked(bytes) => Element::Bytes(bytes),
        }
    }

    pub(super) fn into_vec(self) -> Vec<u8> {
        match self {
            Text::Int(number) => itoa::Buffer::new().format(number).into(),
            Text::Plain(piece) => piece.into(),
            Text::Unpacked(bytes) => bytes,
        }
    }
}

/// What a length byte announces.
enum Length {
    Plain(u64),
    Encoded(u8),
}

impl<S: Source> Reader<S> {
    pub(super) fn new(source: S) -> Reader<S> {
        Reader { source }
    }

    pub(super) fn offset(&self) -> u64 {
        self.source.offset()
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], RdbError> {
        self.source.array()
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, RdbError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn bytes(&mut self, length: u64) -> Result<S::Piece, RdbError> {
        let length = self.string_length(length)?;
        self.source.take(length)
    }

    /// A length where no encoded string may stand.
    #[inline]
    pub(super) fn length(&mut self) -> Result<u64, RdbError> {
        let offset = self.offset();
        match self.any_length()? {
            Length::Plain(length) => Ok(length),
            Length::Encoded(_) => Err(RdbError::malformed(offset, "a length")),
        }
    }

    pub(super) fn string(&mut self) -> Result<Vec<u8>, RdbError> {
        self.text().map(Text::into_vec)
    }

    #[inline]
    pub(super) fn text(&mut self) -> Result<Text<S::Piece>, RdbError> {
        let offset = self.offset();
        match self.any_length()? {
            Length::Plain(length) => self.bytes(length).map(Text::Plain),
            Length::Encoded(encoding) => self.encoded(encoding, offset),
        }
    }

    fn encoded(&mut self, encoding: u8, offset: u64) -> Result<Text<S::Piece>, RdbError> {
        Ok(match encoding {
            string_encoding::INT8 => Text::Int(i8::from_le_bytes(self.array()?).into()),
            string_encoding::INT16 => Text::Int(i16::from_le_bytes(self.array()?).into()),
            string_encoding::INT32 => Text::Int(i32::from_le_bytes(self.array()?).into()),
            string_encoding::LZF => Text::Unpacked(self.compressed()?),
            _ => return Err(RdbError::malformed(offset, "a string encoding from 0 to 3")),
        })
    }

    /// Passes over a string. What is in a compressed one is not looked at.
    #[inline]
    pub(super) fn skip_string(&mut self) -> Result<(), RdbError> {
        let offset = self.offset();
        let length = match self.any_length()? {
            Length::Plain(length) => self.string_length(length)?,
            Length::Encoded(string_encoding::INT8) => 1,
            Length::Encoded(string_encoding::INT16) => 2,
            Length::Encoded(string_encoding::INT32) => 4,
            Length::Encoded(string_encoding::LZF) => {
                let compressed_length = self.length()?;
                self.length()?;
                self.string_length(compressed_length)?
            }
            Length::Encoded(_) => return Err(RdbError::malformed(offset, "a string encoding from 0 to 3")),
        };
        self.source.skip(length)
    }

    #[inline]
    fn any_length(&mut self) -> Result<Length, RdbError> {
        let offset = self.offset();
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

    #[inline]
    fn string_length(&self, length: u64) -> Result<usize, RdbError> {
        if length > LONGEST_STRING {
            return Err(RdbError::malformed(self.offset(), "a string of at most 4 GiB"));
        }
        Ok(length as usize)
    }

    fn compressed(&mut self) -> Result<Vec<u8>, RdbError> {
        let compressed_length = self.length()?;
        let length = self.length()?;
        let offset = self.offset();
        let compressed = self.bytes(compressed_length)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        lzf::decompress(&compressed, length).map_err(|malformed| RdbError::packed(offset, malformed))
    }
}
