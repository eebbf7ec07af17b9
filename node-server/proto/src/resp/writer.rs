//! Writing replies, in RESP2 or RESP3 as the client chose.
//!
//! ```text
//!               RESP2                    RESP3
//! map           *<2n>                    %<n>
//! set           *<n>                     ~<n>
//! push          *<n>                     ><n>
//! double        $<len> text              ,text
//! boolean       :0 or :1                 #f or #t
//! null          $-1 (in an array's       _
//!               place *-1)
//! verbatim      $<len> text              =<len+4> txt:text
//! big number    $<len> text              (text
//! ```

use super::double::format_double;

/// The version of the protocol that a client speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    #[default]
    Resp2,
    Resp3,
}

/// Appends replies to a buffer.
#[derive(Debug)]
pub struct ReplyWriter<'a> {
    out: &'a mut Vec<u8>,
    protocol: Protocol,
    limit: usize,
}

/// The place of an aggregate whose length is not known yet: see [`ReplyWriter::deferred_array`].
#[derive(Debug)]
#[must_use = "the length must be set"]
pub struct Deferred {
    at: usize,
    resp3_kind: u8,
}

/// The type's byte, 20 digits at most with the sign, and the line's end.
const LONGEST_HEADER: usize = 23;

impl<'a> ReplyWriter<'a> {
    pub fn new(out: &'a mut Vec<u8>, protocol: Protocol) -> ReplyWriter<'a> {
        ReplyWriter { out, protocol, limit: usize::MAX }
    }

    /// Who reads it is given no more than so many bytes in the buffer.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// There is more in the buffer than its reader is given: it is of no use to go on.
    pub fn is_over_limit(&self) -> bool {
        self.out.len() > self.limit
    }

    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// For what is written from here on.
    pub fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }

    fn is_resp3(&self) -> bool {
        self.protocol == Protocol::Resp3
    }

    /// `+OK`.
    pub fn ok(&mut self) {
        self.out.extend_from_slice(b"+OK\r\n");
    }

    /// A simple string; line breaks in it become spaces.
    pub fn simple(&mut self, text: &str) {
        self.line(b'+', text.as_bytes());
    }

    /// An error with its code first (`ERR …`, `WRONGTYPE …`); line breaks in it become spaces.
    pub fn error(&mut self, text: &str) {
        self.line(b'-', text.as_bytes());
    }

    pub fn integer(&mut self, number: i64) {
        self.header(b':', number);
    }

    pub fn bulk(&mut self, bytes: &[u8]) {
        self.header(b'$', bytes.len() as i64);
        self.out.extend_from_slice(bytes);
        self.out.extend_from_slice(b"\r\n");
    }

    pub fn bulk_integer(&mut self, number: i64) {
        self.bulk(itoa::Buffer::new().format(number).as_bytes());
    }

    /// What stands for a missing value.
    pub fn null(&mut self) {
        self.out.extend_from_slice(if self.is_resp3() { b"_\r\n" } else { b"$-1\r\n" });
    }

    /// What stands for a missing array.
    pub fn null_array(&mut self) {
        self.out.extend_from_slice(if self.is_resp3() { b"_\r\n" } else { b"*-1\r\n" });
    }

    /// The head of an array; its `length` elements follow.
    pub fn array(&mut self, length: usize) {
        self.header(b'*', length as i64);
    }

    /// The head of a map; `length` keys, each followed by its value, follow.
    pub fn map(&mut self, length: usize) {
        if self.is_resp3() { self.header(b'%', length as i64) } else { self.array(length * 2) }
    }

    /// The head of a set; its `length` members follow.
    pub fn set(&mut self, length: usize) {
        self.header(if self.is_resp3() { b'~' } else { b'*' }, length as i64);
    }

    /// The head of an out-of-band message; its `length` elements follow.
    pub fn push(&mut self, length: usize) {
        self.header(if self.is_resp3() { b'>' } else { b'*' }, length as i64);
    }

    /// The head of what is told besides the reply that follows: `length` pairs. Only RESP3 has such things.
    pub fn attribute(&mut self, length: usize) {
        self.header(b'|', length as i64);
    }

    pub fn double(&mut self, number: f64) {
        let mut text = Vec::with_capacity(24);
        format_double(number, &mut text);
        if self.is_resp3() { self.line(b',', &text) } else { self.bulk(&text) }
    }

    /// A double in a text of the caller's.
    pub fn double_text(&mut self, text: &str) {
        if self.is_resp3() { self.line(b',', text.as_bytes()) } else { self.bulk(text.as_bytes()) }
    }

    pub fn boolean(&mut self, value: bool) {
        if self.is_resp3() {
            self.out.extend_from_slice(if value { b"#t\r\n" } else { b"#f\r\n" });
        } else {
            self.integer(i64::from(value));
        }
    }

    pub fn big_number(&mut self, digits: &str) {
        if self.is_resp3() { self.line(b'(', digits.as_bytes()) } else { self.bulk(digits.as_bytes()) }
    }

    /// A text for people, of a three-letter `format` (`txt`, `mkd`).
    pub fn verbatim(&mut self, format: &str, text: &[u8]) {
        if !self.is_resp3() {
            return self.bulk(text);
        }
        self.header(b'=', text.len() as i64 + 4);
        self.out.extend_from_slice(format.as_bytes());
        self.out.push(b':');
        self.out.extend_from_slice(text);
        self.out.extend_from_slice(b"\r\n");
    }

    /// Bytes that are a reply already, for this protocol version.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// An array whose length is said later, with [`set_length`](Self::set_length).
    pub fn deferred_array(&mut self) -> Deferred {
        Deferred { at: self.out.len(), resp3_kind: b'*' }
    }

    pub fn deferred_set(&mut self) -> Deferred {
        Deferred { at: self.out.len(), resp3_kind: b'~' }
    }

    pub fn deferred_map(&mut self) -> Deferred {
        Deferred { at: self.out.len(), resp3_kind: b'%' }
    }

    /// `length` counts elements, or pairs for a map.
    pub fn set_length(&mut self, place: Deferred, length: usize) {
        let end = self.out.len();
        match place.resp3_kind {
            b'%' => self.map(length),
            b'~' => self.set(length),
            _ => self.array(length),
        }
        let head = self.out.len() - end;
        if let Some(body_and_head) = self.out.get_mut(place.at..) {
            body_and_head.rotate_right(head);
        }
    }

    /// How many bytes the buffer holds.
    pub fn position(&self) -> usize {
        self.out.len()
    }

    /// Drops what was written since `position`.
    pub fn rewind(&mut self, position: usize) {
        self.out.truncate(position);
    }

    /// What was written since `position`.
    pub fn written_since(&self, position: usize) -> &[u8] {
        self.out.get(position..).unwrap_or_default()
    }

    /// Put together first, since to append many small pieces costs more than to append one.
    #[inline]
    fn header(&mut self, kind: u8, number: i64) {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(number).as_bytes();
        let mut line = [0; LONGEST_HEADER];
        let end = 1 + digits.len();
        line[0] = kind;
        line[1..end].copy_from_slice(digits);
        line[end..end + 2].copy_from_slice(b"\r\n");
        self.out.extend_from_slice(&line[..end + 2]);
    }

    fn line(&mut self, kind: u8, text: &[u8]) {
        self.out.reserve(text.len() + 3);
        self.out.push(kind);
        self.out.extend(text.iter().map(|&byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte }));
        self.out.push(b'\r');
        self.out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(write: impl Fn(&mut ReplyWriter<'_>)) -> (String, String) {
        let one = |protocol| {
            let mut out = Vec::new();
            write(&mut ReplyWriter::new(&mut out, protocol));
            String::from_utf8(out).unwrap()
        };
        (one(Protocol::Resp2), one(Protocol::Resp3))
    }

    #[test]
    fn each_kind_in_both_versions() {
        type Write = fn(&mut ReplyWriter<'_>);
        let cases: [(Write, &str, &str); 10] = [
            (|w| w.map(2), "*4\r\n", "%2\r\n"),
            (|w| w.set(2), "*2\r\n", "~2\r\n"),
            (|w| w.push(2), "*2\r\n", ">2\r\n"),
            (|w| w.double(0.5), "$3\r\n0.5\r\n", ",0.5\r\n"),
            (|w| w.boolean(true), ":1\r\n", "#t\r\n"),
            (|w| w.null(), "$-1\r\n", "_\r\n"),
            (|w| w.null_array(), "*-1\r\n", "_\r\n"),
            (|w| w.verbatim("txt", b"ab"), "$2\r\nab\r\n", "=6\r\ntxt:ab\r\n"),
            (|w| w.big_number("12"), "$2\r\n12\r\n", "(12\r\n"),
            (|w| w.error("ERR a\r\nb"), "-ERR a  b\r\n", "-ERR a  b\r\n"),
        ];
        for (write, resp2, resp3) in cases {
            assert_eq!(both(write), (resp2.to_owned(), resp3.to_owned()));
        }
    }

    #[test]
    fn a_deferred_length_stands_before_what_was_written_meanwhile() {
        let write = |w: &mut ReplyWriter<'_>| {
            w.ok();
            let place = w.deferred_map();
            w.bulk(b"k");
            w.integer(1);
            w.set_length(place, 1);
        };
        assert_eq!(
            both(write),
            ("+OK\r\n*2\r\n$1\r\nk\r\n:1\r\n".into(), "+OK\r\n%1\r\n$1\r\nk\r\n:1\r\n".into())
        );
    }
}
