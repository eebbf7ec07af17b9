//! Reads an RDB file item by item: from a blocking source, or from bytes as they arrive.

use super::reader::Reader;
use super::value_reader::read_value;
use super::{NEWEST_READ, RdbError, opcode};
use crate::types::{Limits, Value};
use std::io::Read;

/// One thing in a file, in the file's order.
#[derive(Clone, Debug)]
pub enum Item {
    Aux {
        name: Vec<u8>,
        value: Vec<u8>,
    },
    /// The source of a function library, opaque here.
    Function(Vec<u8>),
    /// A module's data beside the keys; they are skipped.
    ModuleAux {
        module: String,
    },
    /// How many keys, and keys with an expiry, a database is said to have.
    DatabaseSize {
        database: u64,
        keys: u64,
        expiring_keys: u64,
    },
    Key(KeyItem),
    /// A key with an empty collection, which old servers wrote by mistake. Not to be kept.
    EmptyKey {
        database: u64,
        key: Vec<u8>,
    },
    /// The file ended, and its checksum is right.
    End,
}

/// A key as it was saved. Whether it has expired is for the caller to say.
#[derive(Clone, Debug)]
pub struct KeyItem {
    pub database: u64,
    pub key: Vec<u8>,
    pub value: Value,
    pub expiry_ms: Option<i64>,
    pub idle_s: Option<u64>,
    pub frequency: Option<u8>,
}

/// What is known between two items.
#[derive(Clone, Copy, Default)]
struct Place {
    /// 0 before the header.
    version: u32,
    database: u64,
    ended: bool,
}

/// Reads from a source that waits for its bytes. It reads in small pieces: hand it a buffered source.
pub struct FileDecoder<R> {
    reader: Reader<R>,
    place: Place,
    limits: Limits,
}

impl<R: Read> FileDecoder<R> {
    pub fn new(source: R, limits: Limits) -> FileDecoder<R> {
        FileDecoder { reader: Reader::new(source, 0, 0), place: Place::default(), limits }
    }

    /// The next item; after `End`, `End` again. After an error the decoder is of no more use.
    pub fn next_item(&mut self) -> Result<Item, RdbError> {
        read_item(&mut self.reader, &mut self.place, &self.limits)
    }

    /// Bytes read so far, for progress.
    pub fn offset(&self) -> u64 {
        self.reader.offset()
    }
}

/// Reads from bytes that are fed as they arrive, for a file that comes over a socket.
///
/// An item is read again from its start when its bytes were not all there. To keep that cheap for big items, it waits
/// until as much again has come as was not enough.
pub struct FeedDecoder {
    pending: Vec<u8>,
    consumed: usize,
    retry_at: usize,
    offset: u64,
    crc: u64,
    place: Place,
    limits: Limits,
    finished: bool,
}

/// What a `FeedDecoder` has to give.
#[derive(Debug)]
pub enum Fed {
    Item(Item),
    /// Feed more.
    NeedMore,
}

impl FeedDecoder {
    pub fn new(limits: Limits) -> FeedDecoder {
        FeedDecoder {
            pending: Vec::new(),
            consumed: 0,
            retry_at: 0,
            offset: 0,
            crc: 0,
            place: Place::default(),
            limits,
            finished: false,
        }
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        if self.consumed > 0 {
            self.pending.drain(..self.consumed);
            self.consumed = 0;
        }
        self.pending.extend_from_slice(bytes);
    }

    /// No more bytes will come: what is there is all there is.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    pub fn next_item(&mut self) -> Result<Fed, RdbError> {
        let unread = self.pending.get(self.consumed..).unwrap_or_default();
        if unread.len() < self.retry_at && !self.finished {
            return Ok(Fed::NeedMore);
        }
        let mut reader = Reader::new(unread, self.offset, self.crc);
        let mut place = self.place;
        match read_item(&mut reader, &mut place, &self.limits) {
            Ok(item) => {
                self.consumed += (reader.offset() - self.offset) as usize;
                (self.offset, self.crc, self.place) = (reader.offset(), reader.crc(), place);
                self.retry_at = 0;
                Ok(Fed::Item(item))
            }
            Err(RdbError::Truncated { .. }) if !self.finished => {
                self.retry_at = (2 * unread.len()).max(unread.len() + 1);
                Ok(Fed::NeedMore)
            }
            Err(error) => Err(error),
        }
    }

    /// Bytes of the file read so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes that were fed and not read: after `End`, what follows the file.
    pub fn unread(&self) -> &[u8] {
        self.pending.get(self.consumed..).unwrap_or_default()
    }
}

fn read_item<R: Read>(reader: &mut Reader<R>, place: &mut Place, limits: &Limits) -> Result<Item, RdbError> {
    if place.ended {
        return Ok(Item::End);
    }
    if place.version == 0 {
        place.version = read_version(reader)?;
    }
    let (mut expiry_ms, mut idle_s, mut frequency) = (None, None, None);
    loop {
        let offset = reader.offset();
        match reader.byte()? {
            opcode::EXPIRY_MS => expiry_ms = Some(i64::from_le_bytes(reader.array()?)),
            opcode::EXPIRY_S => {
                expiry_ms = Some(i64::from(i32::from_le_bytes(reader.array()?)).saturating_mul(1000));
            }
            opcode::IDLE => idle_s = Some(reader.length()?),
            opcode::FREQUENCY => frequency = Some(reader.byte()?),
            opcode::SELECT_DATABASE => place.database = reader.length()?,
            opcode::RESIZE_DATABASE => {
                let (keys, expiring_keys) = (reader.length()?, reader.length()?);
                return Ok(Item::DatabaseSize { database: place.database, keys, expiring_keys });
            }
            opcode::SLOT_INFO => {
                for _ in 0..3 {
                    reader.length()?;
                }
            }
            opcode::AUX => return Ok(Item::Aux { name: reader.string()?, value: reader.string()? }),
            opcode::FUNCTION => return Ok(Item::Function(reader.string()?)),
            opcode::FUNCTION_BEFORE_RELEASE => {
                let what = "functions as release candidates of Redis 7.0 wrote them are not supported";
                return Err(RdbError::unsupported(offset, what));
            }
            opcode::MODULE_AUX => return skip_module_aux(reader),
            opcode::END => {
                check_end(reader, place)?;
                return Ok(Item::End);
            }
            kind => {
                let key = reader.string()?;
                let value = read_value(reader, kind, limits)?;
                let database = place.database;
                return Ok(if value.as_ref().is_empty_collection() {
                    Item::EmptyKey { database, key }
                } else {
                    Item::Key(KeyItem { database, key, value, expiry_ms, idle_s, frequency })
                });
            }
        }
    }
}

fn read_version<R: Read>(reader: &mut Reader<R>) -> Result<u32, RdbError> {
    let header: [u8; 9] = reader.array()?;
    let digits = header.strip_prefix(b"REDIS").and_then(|digits| std::str::from_utf8(digits).ok());
    let all_digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    match all_digits.and_then(|digits| digits.parse().ok()) {
        None => Err(RdbError::malformed(0, "an RDB file's header, `REDIS` and four digits")),
        Some(version) if version == 0 || version > u32::from(NEWEST_READ) => {
            Err(RdbError::UnsupportedVersion(version))
        }
        Some(version) => Ok(version),
    }
}

fn check_end<R: Read>(reader: &mut Reader<R>, place: &mut Place) -> Result<(), RdbError> {
    if place.version >= 5 {
        let computed = reader.crc();
        let stored = u64::from_le_bytes(reader.array()?);
        // 0 is what a server writes whose configuration has `rdbchecksum no`.
        if stored != 0 && stored != computed {
            return Err(RdbError::Checksum { computed, stored });
        }
    }
    place.ended = true;
    Ok(())
}

/// Fields of a module: `kind value …` up to kind 0.
fn skip_module_aux<R: Read>(reader: &mut Reader<R>) -> Result<Item, RdbError> {
    let module = module_name(reader.length()?);
    loop {
        let offset = reader.offset();
        match reader.length()? {
            0 => return Ok(Item::ModuleAux { module }),
            // Signed, unsigned, float, double, string.
            1 | 2 => drop(reader.length()?),
            3 => drop(reader.array::<4>()?),
            4 => drop(reader.array::<8>()?),
            5 => drop(reader.string()?),
            _ => return Err(RdbError::malformed(offset, "a field of a module's data")),
        }
    }
}

/// A module's id holds its name of nine letters, six bits each, above ten bits of version.
fn module_name(id: u64) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let letter = |index: u32| char::from(LETTERS[(id >> (10 + 6 * index) & 0x3F) as usize]);
    (0..9).rev().map(letter).collect()
}
