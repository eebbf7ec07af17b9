//! An RDB file cut into runs of whole items, so that many threads can decode it side by side.
//!
//! ```text
//!   file   header | aux … | key key key key | key key key | key …| end, checksum
//!   runs   [               run 0            ][   run 1    ][ run 2   ]
//! ```
//!
//! Cutting follows the lengths and looks at nothing else, which takes a small part of the time that decoding takes. What the
//! bytes say is checked by who decodes a run. Each run has a checksum of its own, and the file's is made of these.

use super::file_reader::check;
use super::items::{Item, KeyItem, Place, read_checksum, read_head, read_header, read_rest};
use super::reader::Reader;
use super::skip::Skip;
use super::source::{Slice, Source, Stream};
use super::{Checksum, RdbError};
use crate::encoding::crc64::{crc64, crc64_of_both};
use crate::types::Limits;
use std::io::Read;

/// How long a file's header is.
pub const HEADER_BYTES: usize = 9;

/// Follows a file from item to item.
#[derive(Clone, Copy, Debug)]
pub struct Cutter {
    place: Place,
    /// How far it has come in a key that was not all there.
    begun: Option<Begun>,
}

#[derive(Clone, Copy, Debug)]
struct Begun {
    /// What follows the key.
    place: Place,
    skip: Skip,
    bytes: usize,
}

/// An item of a file, and how long it is.
#[derive(Debug)]
pub enum Cut {
    /// A key, for a [`RunDecoder`].
    Key { bytes: usize },
    /// Anything else. A [`RunDecoder`] passes over it.
    Item { item: Item, bytes: usize },
    /// What is here is no whole item.
    NeedsMore,
}

impl Cutter {
    /// `header`: the first [`HEADER_BYTES`] of the file.
    pub fn new(header: &[u8]) -> Result<Cutter, RdbError> {
        read_header(&mut Reader::new(Slice::new(header, 0))).map(|place| Cutter { place, begun: None })
    }

    /// The item that `bytes` begin with; they stand at `offset`. When they were no whole item, it is asked again with the same
    /// ones and more.
    #[inline]
    pub fn cut(&mut self, bytes: &[u8], offset: u64) -> Result<Cut, RdbError> {
        let mut reader = Reader::new(Slice::new(bytes, offset));
        match self.cut_one(&mut reader) {
            Ok(item) => {
                let bytes = bytes.len() - reader.source.left();
                Ok(match item {
                    None => Cut::Key { bytes },
                    Some(item) => Cut::Item { item, bytes },
                })
            }
            Err(RdbError::Truncated { .. }) => Ok(Cut::NeedsMore),
            Err(error) => Err(error),
        }
    }

    /// `None` is a key.
    #[inline]
    fn cut_one(&mut self, reader: &mut Reader<Slice<'_>>) -> Result<Option<Item>, RdbError> {
        let all = reader.source.left();
        let mut begun = match self.begun.take() {
            Some(begun) => {
                reader.source.skip(begun.bytes)?;
                begun
            }
            None => {
                let mut place = self.place;
                let head = read_head(reader, &mut place)?;
                if !head.is_of_key() {
                    let item = read_rest(reader, &head, &place, &Limits::default())?;
                    self.place = place;
                    return Ok(Some(item));
                }
                reader.skip_string()?;
                Begun { place, skip: Skip::new(reader, head.kind, place.numbering)?, bytes: 0 }
            }
        };
        let skipped = begun.skip.go_on(reader);
        if let Err(RdbError::Truncated { .. }) = skipped {
            begun.bytes = all - reader.source.left();
            self.begun = Some(begun);
        } else {
            self.place = begun.place;
        }
        skipped.map(|()| None)
    }

    /// Reads one item as it comes, for one that is too long to be held whole. With it how long it is, and its checksum.
    pub fn read_item(
        &mut self,
        source: impl Read,
        offset: u64,
        limits: &Limits,
    ) -> Result<(Item, RunSum), RdbError> {
        self.begun = None;
        let mut reader = Reader::new(Stream::new(source, offset, 0));
        let head = read_head(&mut reader, &mut self.place)?;
        let item = read_rest(&mut reader, &head, &self.place, limits)?;
        let sum = RunSum { bytes: reader.offset() - offset, crc: reader.source.crc() };
        Ok((item, sum))
    }

    /// How many bytes of checksum follow the end.
    pub fn checksum_bytes(&self) -> usize {
        if self.place.version < 5 { 0 } else { 8 }
    }

    /// Whether the checksum of all runs is the one that follows the end.
    pub fn check(
        &self,
        sums: impl Iterator<Item = RunSum>,
        stored: &[u8],
        checksum: Checksum,
    ) -> Result<(), RdbError> {
        if checksum == Checksum::Ignored {
            return Ok(());
        }
        let stored = read_checksum(&mut Reader::new(Slice::new(stored, 0)), &self.place)?;
        let computed = sums.fold(0, |crc, sum| crc64_of_both(crc, sum.crc, sum.bytes));
        check(computed, stored)
    }
}

/// The length of a run and the checksum of its bytes alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunSum {
    pub bytes: u64,
    pub crc: u64,
}

impl RunSum {
    pub fn of(bytes: &[u8]) -> RunSum {
        RunSum { bytes: bytes.len() as u64, crc: crc64(0, bytes) }
    }
}

/// A key of a run, or the name of one that is empty (see [`Item::EmptyKey`]).
#[derive(Debug)]
pub enum RunKey {
    Key(KeyItem),
    Empty(Vec<u8>),
}

impl RunKey {
    /// `None` for what is no key.
    pub fn of(item: Item) -> Option<RunKey> {
        match item {
            Item::Key(key) => Some(RunKey::Key(key)),
            Item::EmptyKey { key, .. } => Some(RunKey::Empty(key)),
            _ => None,
        }
    }
}

/// Decodes the keys of a run.
pub struct RunDecoder<'a> {
    reader: Reader<Slice<'a>>,
    place: Place,
    limits: &'a Limits,
}

impl<'a> RunDecoder<'a> {
    /// `cutter` as it was before the run's first item, which stands at `offset`.
    pub fn new(bytes: &'a [u8], offset: u64, cutter: Cutter, limits: &'a Limits) -> RunDecoder<'a> {
        RunDecoder { reader: Reader::new(Slice::new(bytes, offset)), place: cutter.place, limits }
    }

    /// Where the next item stands.
    pub fn offset(&self) -> u64 {
        self.reader.offset()
    }

    pub fn next_key(&mut self) -> Result<Option<RunKey>, RdbError> {
        while self.reader.source.left() > 0 {
            let head = read_head(&mut self.reader, &mut self.place)?;
            let item = read_rest(&mut self.reader, &head, &self.place, self.limits)?;
            if let Some(key) = RunKey::of(item) {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }
}
