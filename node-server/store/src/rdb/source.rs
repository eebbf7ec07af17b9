//! Where bytes to decode come from: a slice, whose strings are used where they lie, or something that is read.
//!
//! Nothing is allocated because a length says so: a buffer grows as bytes really arrive.

use super::RdbError;
use crate::encoding::crc64::crc64;
use std::io::{ErrorKind, Read};
use std::ops::Deref;

/// The first step in which a long string is read; each next step may double what is there.
const FIRST_STEP: usize = 64 * 1024;

pub(super) trait Source {
    /// A run of bytes.
    type Piece: Deref<Target = [u8]> + Into<Vec<u8>>;
    /// Whether all bytes are there, so that a piece takes no memory of its own.
    const IS_ALL_THERE: bool;

    /// Where in the file the next byte stands.
    fn offset(&self) -> u64;
    fn array<const N: usize>(&mut self) -> Result<[u8; N], RdbError>;
    fn take(&mut self, length: usize) -> Result<Self::Piece, RdbError>;

    /// The bytes are not wanted.
    fn skip(&mut self, length: usize) -> Result<(), RdbError> {
        self.take(length).map(drop)
    }
}

/// Bytes that are all there.
#[derive(Clone, Copy)]
pub(super) struct Slice<'a> {
    bytes: &'a [u8],
    /// Where their end stands in the file.
    end: u64,
}

impl<'a> Slice<'a> {
    /// `offset` is where the first byte stands in the file.
    pub(super) fn new(bytes: &'a [u8], offset: u64) -> Slice<'a> {
        Slice { bytes, end: offset.saturating_add(bytes.len() as u64) }
    }

    pub(super) fn left(&self) -> usize {
        self.bytes.len()
    }
}

impl<'a> Source for Slice<'a> {
    type Piece = &'a [u8];
    const IS_ALL_THERE: bool = true;

    fn offset(&self) -> u64 {
        self.end - self.bytes.len() as u64
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], RdbError> {
        let Some((array, rest)) = self.bytes.split_first_chunk() else {
            return Err(RdbError::Truncated { offset: self.end });
        };
        self.bytes = rest;
        Ok(*array)
    }

    #[inline]
    fn take(&mut self, length: usize) -> Result<&'a [u8], RdbError> {
        let Some((piece, rest)) = self.bytes.split_at_checked(length) else {
            return Err(RdbError::Truncated { offset: self.end });
        };
        self.bytes = rest;
        Ok(piece)
    }
}

/// Bytes as they are read, with their checksum.
pub(super) struct Stream<R> {
    source: R,
    offset: u64,
    crc: u64,
    /// What was read since somebody wanted to keep it.
    kept: Option<Vec<u8>>,
    /// Where bytes go that nobody wants.
    scratch: Vec<u8>,
}

impl<R: Read> Stream<R> {
    /// `offset` and `crc`: what was read before.
    pub(super) fn new(source: R, offset: u64, crc: u64) -> Stream<R> {
        Stream { source, offset, crc, kept: None, scratch: Vec::new() }
    }

    pub(super) fn into_source(self) -> R {
        self.source
    }

    /// From here on what is read is put behind `kept`, until it is taken.
    pub(super) fn keep(&mut self, kept: Vec<u8>) {
        self.kept = Some(kept);
    }

    pub(super) fn take_kept(&mut self) -> Option<Vec<u8>> {
        self.kept.take()
    }

    pub(super) fn crc(&self) -> u64 {
        self.crc
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
            if let Some(kept) = &mut self.kept {
                kept.extend_from_slice(filled);
            }
            self.offset += count as u64;
            into = rest;
        }
        Ok(())
    }
}

impl<R: Read> Source for Stream<R> {
    type Piece = Vec<u8>;
    const IS_ALL_THERE: bool = false;

    fn offset(&self) -> u64 {
        self.offset
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RdbError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn take(&mut self, length: usize) -> Result<Vec<u8>, RdbError> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let read = bytes.len();
            let step = (length - read).min(read.max(FIRST_STEP));
            bytes.resize(read + step, 0);
            self.fill(bytes.split_at_mut(read).1)?;
        }
        Ok(bytes)
    }

    /// However long, in a buffer of one step.
    fn skip(&mut self, mut length: usize) -> Result<(), RdbError> {
        let mut scratch = std::mem::take(&mut self.scratch);
        while length > 0 {
            let step = length.min(FIRST_STEP);
            if scratch.len() < step {
                scratch.resize(step, 0);
            }
            let (piece, _) = scratch.split_at_mut(step);
            self.fill(piece)?;
            length -= step;
        }
        self.scratch = scratch;
        Ok(())
    }
}
