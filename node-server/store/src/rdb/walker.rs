//! A file from key to key, without decoding a value: for who counts what is in it, or carries values on as they are.
//!
//! ```text
//! file      … type key value …
//! payload       type     value | version, checksum          what RESTORE takes
//! ```
//!
//! A value is passed over in small steps, so that the longest one takes no more memory than the shortest; only who asks for
//! payloads has one value at a time in memory. What is in a value is not looked at: RESTORE does that. So files of versions newer
//! than those whose values are decoded here are walked, too, as far as the types in them are known.

use super::dump::footer;
use super::file_reader::check;
use super::items::{Item, Place, read_any_header, read_checksum, read_head, read_rest, skip_module_fields};
use super::reader::Reader;
use super::skip::Skip;
use super::source::Stream;
use super::{Numbering, OLDEST_OF_VALKEY, RdbError, VERSION, VERSION_WITH_FIELD_EXPIRIES, value_type};
use crate::types::Limits;
use std::io::Read;

/// Redis 7.2's, which brought sets in listpacks and streams that know when a consumer was active.
const VERSION_WITH_SET_LISTPACKS: u16 = 11;

/// It reads in small pieces: hand it a buffered source.
pub struct FileWalker<R> {
    reader: Reader<Stream<R>>,
    /// `None` before the header.
    place: Option<Place>,
    with_payloads: bool,
    checksum: Option<u64>,
    has_ended: bool,
}

#[derive(Debug)]
pub enum Step {
    Key(RawKey),
    /// Never a key; `End` when the file has ended and its checksum is right, and from then on.
    Other(Item),
}

/// A key with its value as it stands in the file.
#[derive(Debug)]
pub struct RawKey {
    pub database: u64,
    pub key: Vec<u8>,
    /// Unix milliseconds. It may be past.
    pub expiry_ms: Option<i64>,
    pub idle_s: Option<u64>,
    pub frequency: Option<u8>,
    pub form: ValueForm,
    /// How long the value is in the file.
    pub value_bytes: u64,
    /// What RESTORE takes; only of a walker [`with_payloads`](FileWalker::with_payloads).
    pub payload: Option<Vec<u8>>,
}

/// A value's type byte, and whose numbers it is one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueForm {
    number: u8,
    of_valkey: bool,
}

impl ValueForm {
    fn new(number: u8, numbering: Numbering) -> ValueForm {
        ValueForm { number, of_valkey: numbering == Numbering::Valkey }
    }

    /// What TYPE says of such a value; of a module's, `module`.
    pub fn type_name(self) -> &'static str {
        match self.number {
            value_type::STRING => "string",
            value_type::LIST
            | value_type::LIST_ZIPLIST
            | value_type::LIST_QUICKLIST
            | value_type::LIST_QUICKLIST_ZIPLISTS => "list",
            value_type::SET | value_type::SET_INTSET | value_type::SET_LISTPACK => "set",
            value_type::SORTED_SET
            | value_type::SORTED_SET_TEXT
            | value_type::SORTED_SET_ZIPLIST
            | value_type::SORTED_SET_LISTPACK => "zset",
            value_type::STREAM | value_type::STREAM_2 | value_type::STREAM_3 => "stream",
            value_type::MODULE | value_type::MODULE_BEFORE_RELEASE => "module",
            _ => "hash",
        }
    }

    /// The oldest version of a payload whose readers know the type, from Redis 7.0's on.
    pub fn payload_version(self) -> u16 {
        match self.number {
            0..value_type::SET_LISTPACK => VERSION,
            value_type::SET_LISTPACK | value_type::STREAM_3 => VERSION_WITH_SET_LISTPACKS,
            _ if self.of_valkey => OLDEST_OF_VALKEY,
            _ => VERSION_WITH_FIELD_EXPIRIES,
        }
    }
}

impl<R: Read> FileWalker<R> {
    pub fn new(source: R) -> FileWalker<R> {
        let reader = Reader::new(Stream::new(source, 0, 0));
        FileWalker { reader, place: None, with_payloads: false, checksum: None, has_ended: false }
    }

    /// Keys come with what RESTORE takes.
    #[must_use]
    pub fn with_payloads(mut self) -> FileWalker<R> {
        self.with_payloads = true;
        self
    }

    /// After an error the walker is of no more use.
    pub fn next_step(&mut self) -> Result<Step, RdbError> {
        if self.has_ended {
            return Ok(Step::Other(Item::End));
        }
        let reader = &mut self.reader;
        let place = match &mut self.place {
            Some(place) => place,
            place => place.insert(read_any_header(reader)?),
        };
        let head = read_head(reader, place)?;
        if !head.is_of_key() {
            let item = read_rest(reader, &head, place, &Limits::default())?;
            if matches!(item, Item::End) {
                let computed = reader.source.crc();
                self.checksum = read_checksum(reader, place)?;
                check(computed, self.checksum)?;
                self.has_ended = true;
            }
            return Ok(Step::Other(item));
        }
        let key = reader.string()?;
        if self.with_payloads {
            reader.source.keep(vec![head.kind]);
        }
        let start = reader.offset();
        pass_over(reader, head.kind, place.numbering)?;
        let value_bytes = reader.offset() - start;
        let form = ValueForm::new(head.kind, place.numbering);
        let payload = reader.source.take_kept().map(|mut payload| {
            footer(form.payload_version(), &mut payload);
            payload
        });
        let (database, expiry_ms) = (place.database, head.expiry_ms);
        let (idle_s, frequency) = (head.idle_s, head.frequency);
        Ok(Step::Key(RawKey { database, key, expiry_ms, idle_s, frequency, form, value_bytes, payload }))
    }

    /// Bytes read so far.
    pub fn offset(&self) -> u64 {
        self.reader.offset()
    }

    /// The file's own checksum, once it has ended. `None`: its server writes none (`rdbchecksum no`).
    pub fn checksum(&self) -> Option<u64> {
        self.checksum
    }

    /// What is left of the source.
    pub fn into_source(self) -> R {
        self.reader.source.into_source()
    }

    /// The version that the file says to have, once something was read: of Valkey from 80 on.
    pub fn version(&self) -> Option<u16> {
        self.place.map(|place| place.version)
    }
}

fn pass_over<R: Read>(
    reader: &mut Reader<Stream<R>>,
    kind: u8,
    numbering: Numbering,
) -> Result<(), RdbError> {
    if kind == value_type::MODULE {
        reader.length()?;
        return skip_module_fields(reader);
    }
    Skip::new(reader, kind, numbering)?.through(reader)
}

/// The same value as a payload of the oldest version that knows its type, for a server that is older than the one it is of.
/// `None` when it is no payload.
pub fn oldest_payload(payload: &[u8]) -> Option<Vec<u8>> {
    const FOOTER: usize = 10;
    let (body, end) = payload.split_at_checked(payload.len().checked_sub(FOOTER)?)?;
    let version = u16::from_le_bytes([*end.first()?, *end.get(1)?]);
    let numbering = if version >= OLDEST_OF_VALKEY { Numbering::Valkey } else { Numbering::Redis };
    let form = ValueForm::new(*body.first()?, numbering);
    let mut older = body.to_vec();
    footer(form.payload_version(), &mut older);
    Some(older)
}

/// A payload of this version with nothing in it, which no server takes: one that can read the version calls it `Bad data format`,
/// one that cannot speaks of the version.
pub fn probe_payload(version: u16) -> Vec<u8> {
    let mut payload = vec![u8::MAX];
    footer(version, &mut payload);
    payload
}
