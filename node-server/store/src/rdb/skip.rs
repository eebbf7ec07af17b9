//! Passing over a value without decoding it: lengths are followed, and nothing else is looked at.

use super::reader::Reader;
use super::source::{Slice, Source};
use super::stream_reader::{StreamVersion, skip_behind_nodes};
use super::value_reader::{read_text_score, refused};
use super::{Numbering, RdbError, valkey_type, value_type};

/// What is left of a value. When its bytes end too early, it goes on with those that follow the last whole element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Skip {
    left: u64,
    element: Element,
    /// What follows a stream's nodes.
    stream: Option<StreamVersion>,
}

/// One of the things that a value is made of.
#[derive(Clone, Copy, Debug)]
struct Element {
    has_length: bool,
    strings: u8,
    end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    None,
    /// A double or a time.
    EightBytes,
    TextScore,
}

const STRING: Element = Element { has_length: false, strings: 1, end: End::None };
const TWO_STRINGS: Element = Element { strings: 2, ..STRING };

impl Skip {
    /// Over the value behind a type byte; it takes what says how long it is.
    #[inline]
    pub(super) fn new<S: Source>(
        reader: &mut Reader<S>,
        kind: u8,
        numbering: Numbering,
    ) -> Result<Skip, RdbError> {
        match kind {
            value_type::STRING
            | value_type::HASH_ZIPMAP
            | value_type::LIST_ZIPLIST
            | value_type::SET_INTSET
            | value_type::SORTED_SET_ZIPLIST
            | value_type::HASH_ZIPLIST
            | value_type::HASH_LISTPACK
            | value_type::SORTED_SET_LISTPACK
            | value_type::SET_LISTPACK => Ok(Skip { left: 1, element: STRING, stream: None }),
            kind => Skip::of_many(reader, kind, numbering),
        }
    }

    fn of_many<S: Source>(reader: &mut Reader<S>, kind: u8, numbering: Numbering) -> Result<Skip, RdbError> {
        let (element, stream) = match kind {
            value_type::LIST | value_type::SET | value_type::LIST_QUICKLIST_ZIPLISTS => (STRING, None),
            value_type::HASH => (TWO_STRINGS, None),
            value_type::SORTED_SET_TEXT => (Element { end: End::TextScore, ..STRING }, None),
            value_type::SORTED_SET => (Element { end: End::EightBytes, ..STRING }, None),
            value_type::LIST_QUICKLIST => (Element { has_length: true, ..STRING }, None),
            value_type::STREAM => (TWO_STRINGS, Some(StreamVersion::One)),
            value_type::STREAM_2 => (TWO_STRINGS, Some(StreamVersion::Two)),
            value_type::STREAM_3 => (TWO_STRINGS, Some(StreamVersion::Three)),
            kind => return Skip::of_newer(reader, kind, numbering),
        };
        Ok(Skip { left: reader.length()?, element, stream })
    }

    /// What came after Redis 7.2.
    fn of_newer<S: Source>(reader: &mut Reader<S>, kind: u8, numbering: Numbering) -> Result<Skip, RdbError> {
        let timed_field = Element { has_length: true, ..TWO_STRINGS };
        let is_redis = numbering == Numbering::Redis;
        if is_redis && matches!(kind, value_type::TIMED_HASH | value_type::TIMED_HASH_LISTPACK) {
            reader.array::<8>()?;
        }
        let element = match kind {
            value_type::TIMED_HASH_LISTPACK | value_type::TIMED_HASH_LISTPACK_BEFORE_RELEASE if is_redis => {
                return Ok(Skip { left: 1, element: STRING, stream: None });
            }
            value_type::TIMED_HASH | value_type::TIMED_HASH_BEFORE_RELEASE if is_redis => timed_field,
            valkey_type::TIMED_HASH if !is_redis => Element { end: End::EightBytes, ..TWO_STRINGS },
            other => {
                let offset = reader.offset();
                return Err(refused(reader, other, numbering, offset));
            }
        };
        Ok(Skip { left: reader.length()?, element, stream: None })
    }

    /// Up to the value's end. When that is not there, the reader stands behind the last whole element. Each element takes at
    /// least a byte: what announces more than there are ends soon.
    #[inline]
    pub(super) fn go_on(&mut self, reader: &mut Reader<Slice<'_>>) -> Result<(), RdbError> {
        while self.left > 0 {
            let before = reader.source;
            if let Err(error) = self.element.skip(reader) {
                reader.source = before;
                return Err(error);
            }
            self.left -= 1;
        }
        let Some(version) = self.stream else { return Ok(()) };
        let before = reader.source;
        skip_behind_nodes(reader, version).inspect_err(|_| reader.source = before)
    }

    /// Up to the value's end, from a source that waits for its bytes.
    pub(super) fn through<S: Source>(self, reader: &mut Reader<S>) -> Result<(), RdbError> {
        for _ in 0..self.left {
            self.element.skip(reader)?;
        }
        self.stream.map_or(Ok(()), |version| skip_behind_nodes(reader, version))
    }
}

impl Element {
    #[inline]
    fn skip<S: Source>(self, reader: &mut Reader<S>) -> Result<(), RdbError> {
        if self.has_length {
            reader.length()?;
        }
        for _ in 0..self.strings {
            reader.skip_string()?;
        }
        match self.end {
            End::None => Ok(()),
            End::EightBytes => reader.array::<8>().map(drop),
            End::TextScore => read_text_score(reader).map(drop),
        }
    }
}
