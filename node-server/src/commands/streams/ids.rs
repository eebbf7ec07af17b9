//! Stream ids as clients write them, and as replies show them.
//!
//! ```text
//! ms-seq    ms (the other half is the command's to say)    ms-* (XADD)    - and + (the ends)    (id (a range without its end)
//! ```
//!
//! Numbers are read as C's strtoull does: leading zeros, spaces and a plus sign go through.

use rcl_proto::resp::ReplyWriter;
use rcl_store::types::{StreamId, parse_integer};

use crate::command::CommandError;

pub const INVALID: CommandError =
    CommandError::fixed("ERR Invalid stream ID specified as stream command argument");

const LONGEST: usize = 127;

/// An id, but none of the ends; without its second half, that is 0.
pub fn exact(text: &[u8]) -> Result<StreamId, CommandError> {
    match parse(text, 0)? {
        Parsed::Id(id) => Ok(id),
        Parsed::End(_) | Parsed::Within(_) => Err(INVALID),
    }
}

/// The same, or `-` or `+`.
pub fn exact_or_end(text: &[u8]) -> Result<StreamId, CommandError> {
    inclusive(text, 0)
}

/// An id, or a millisecond in which it is to be: `ms-*`.
pub fn exact_or_within(text: &[u8]) -> Result<Result<StreamId, u64>, CommandError> {
    match parse(text, 0)? {
        Parsed::Id(id) => Ok(Ok(id)),
        Parsed::Within(ms) => Ok(Err(ms)),
        Parsed::End(_) => Err(INVALID),
    }
}

/// The first id of a range.
pub fn range_start(text: &[u8]) -> Result<StreamId, CommandError> {
    match excluded(text) {
        Some(excluded) => {
            exclusive(excluded, 0)?.next().ok_or(CommandError::fixed("ERR invalid start ID for the interval"))
        }
        None => inclusive(text, 0),
    }
}

/// The last id of a range.
pub fn range_end(text: &[u8]) -> Result<StreamId, CommandError> {
    match excluded(text) {
        Some(excluded) => exclusive(excluded, u64::MAX)?
            .previous()
            .ok_or(CommandError::fixed("ERR invalid end ID for the interval")),
        None => inclusive(text, u64::MAX),
    }
}

fn excluded(text: &[u8]) -> Option<&[u8]> {
    text.strip_prefix(b"(").filter(|rest| !rest.is_empty())
}

fn exclusive(text: &[u8], missing_seq: u64) -> Result<StreamId, CommandError> {
    match parse(text, missing_seq)? {
        Parsed::Id(id) => Ok(id),
        Parsed::End(_) | Parsed::Within(_) => Err(INVALID),
    }
}

fn inclusive(text: &[u8], missing_seq: u64) -> Result<StreamId, CommandError> {
    match parse(text, missing_seq)? {
        Parsed::Id(id) | Parsed::End(id) => Ok(id),
        Parsed::Within(_) => Err(INVALID),
    }
}

enum Parsed {
    Id(StreamId),
    End(StreamId),
    Within(u64),
}

fn parse(text: &[u8], missing_seq: u64) -> Result<Parsed, CommandError> {
    if text.len() > LONGEST {
        return Err(INVALID);
    }
    // A C string ends at its first zero.
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    match text {
        b"-" => return Ok(Parsed::End(StreamId::MIN)),
        b"+" => return Ok(Parsed::End(StreamId::MAX)),
        _ => {}
    }
    let (ms, seq) = match text.iter().position(|byte| *byte == b'-') {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let ms = unsigned(ms).ok_or(INVALID)?;
    match seq {
        None => Ok(Parsed::Id(StreamId::new(ms, missing_seq))),
        Some(b"*") => Ok(Parsed::Within(ms)),
        Some(seq) => Ok(Parsed::Id(StreamId::new(ms, unsigned(seq).ok_or(INVALID)?))),
    }
}

fn unsigned(text: &[u8]) -> Option<u64> {
    if let Some(number) = parse_integer(text) {
        return u64::try_from(number).ok();
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let text = &text[text.iter().take_while(|byte| is_space(byte)).count()..];
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let number = digits.iter().try_fold(0u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })?;
    Some(if is_negative { number.wrapping_neg() } else { number })
}

/// The id as a bulk string.
pub fn write(reply: &mut ReplyWriter<'_>, id: StreamId) {
    let mut text = [0; 41];
    let mut length = 0;
    let mut put = |part: &[u8]| {
        text[length..length + part.len()].copy_from_slice(part);
        length += part.len();
    };
    put(itoa::Buffer::new().format(id.ms).as_bytes());
    put(b"-");
    put(itoa::Buffer::new().format(id.seq).as_bytes());
    reply.bulk(&text[..length]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(ms: u64, seq: u64) -> Result<StreamId, CommandError> {
        Ok(StreamId::new(ms, seq))
    }

    #[test]
    fn ids_as_clients_write_them() {
        assert_eq!(exact(b"12-34"), id(12, 34));
        assert_eq!(exact(b"12"), id(12, 0));
        assert_eq!(exact(b"007-+5"), id(7, 5));
        assert_eq!(exact(b" 1- 2"), id(1, 2));
        assert_eq!(exact(b"18446744073709551615-18446744073709551615"), id(u64::MAX, u64::MAX));
        assert_eq!(exact(b"1-2\0junk"), id(1, 2));
        let long = "0".repeat(126) + "1";
        assert_eq!(exact(long.as_bytes()), id(1, 0));
        for text in [
            "",
            "-",
            "+",
            "abc",
            "1-",
            "-1",
            "1-2-3",
            "1-*",
            "1- ",
            "1-2 ",
            "18446744073709551616",
            "1--2",
            "1.5",
        ] {
            assert_eq!(exact(text.as_bytes()), Err(INVALID), "{text:?}");
        }
        assert_eq!(exact(("0".repeat(127) + "1").as_bytes()), Err(INVALID));
        assert_eq!(exact_or_within(b"5-*"), Ok(Err(5)));
        assert_eq!(exact_or_within(b"5"), Ok(id(5, 0).map_err(|_| 0)));
        assert_eq!(exact_or_end(b"+"), id(u64::MAX, u64::MAX));
    }

    #[test]
    fn ranges_have_their_ends_in_them_or_not() {
        assert_eq!((range_start(b"5"), range_end(b"5")), (id(5, 0), id(5, u64::MAX)));
        assert_eq!((range_start(b"-"), range_end(b"+")), (id(0, 0), id(u64::MAX, u64::MAX)));
        assert_eq!((range_start(b"(5"), range_end(b"(5-0")), (id(5, 1), id(4, u64::MAX)));
        assert_eq!(range_end(b"(5"), id(5, u64::MAX - 1));
        assert_eq!(
            (range_start(b"("), range_start(b"(-"), range_end(b"(+")),
            (Err(INVALID), Err(INVALID), Err(INVALID))
        );
        let text = |result: Result<StreamId, CommandError>| result.unwrap_err().text().to_owned();
        assert_eq!(text(range_end(b"(0-0")), "ERR invalid end ID for the interval");
        let last = b"(18446744073709551615-18446744073709551615";
        assert_eq!(text(range_start(last)), "ERR invalid start ID for the interval");
    }
}
