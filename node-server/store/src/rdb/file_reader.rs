//! Reads an RDB file item by item, from a source that waits for its bytes.

use super::RdbError;
use super::items::{Item, Place, read_checksum, read_head, read_header, read_rest};
use super::reader::Reader;
use super::source::Stream;
use crate::types::Limits;
use std::io::Read;

/// It reads in small pieces: hand it a buffered source.
pub struct FileDecoder<R> {
    reader: Reader<Stream<R>>,
    /// `None` before the header.
    place: Option<Place>,
    has_ended: bool,
    limits: Limits,
}

impl<R: Read> FileDecoder<R> {
    pub fn new(source: R, limits: Limits) -> FileDecoder<R> {
        let reader = Reader::new(Stream::new(source, 0, 0));
        FileDecoder { reader, place: None, has_ended: false, limits }
    }

    /// The next item; `End` when the file has ended and its checksum is right, and from then on. After an error the decoder is
    /// of no more use.
    pub fn next_item(&mut self) -> Result<Item, RdbError> {
        if self.has_ended {
            return Ok(Item::End);
        }
        let reader = &mut self.reader;
        let place = match &mut self.place {
            Some(place) => place,
            place => place.insert(read_header(reader)?),
        };
        let head = read_head(reader, place)?;
        let item = read_rest(reader, &head, place, &self.limits)?;
        if matches!(item, Item::End) {
            let computed = reader.source.crc();
            check(computed, read_checksum(reader, place)?)?;
            self.has_ended = true;
        }
        Ok(item)
    }

    /// Bytes read so far, for progress.
    pub fn offset(&self) -> u64 {
        self.reader.offset()
    }
}

/// Whether the checksum that a file ends with, if it does, is the right one.
pub(super) fn check(computed: u64, stored: Option<u64>) -> Result<(), RdbError> {
    match stored {
        Some(stored) if stored != computed => Err(RdbError::Checksum { computed, stored }),
        _ => Ok(()),
    }
}
