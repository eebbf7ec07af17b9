//! Reading requests, without copying: a request is found as spans of the connection's buffer.
//!
//! ```text
//! *<number of arguments>\r\n  then for each  $<length>\r\n<bytes>\r\n        a multibulk request
//! word "quoted word" …\n                                                     an inline request
//! ```
//!
//! The parser keeps its place between calls, so that a request that comes in many reads is looked at once.
//! Limits and error texts are Redis's: 64 KiB for a line, `proto-max-bulk-len` for an argument, and small
//! limits (10 arguments of 16 KiB) for a client that has not authenticated.

use std::fmt;
use std::ops::Range;

use crate::words;

/// Where an argument lies in the bytes of its request: start and end in one word, which is written and read as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(u64);

impl Span {
    #[inline]
    pub fn new(start: usize, end: usize) -> Span {
        Span(start as u32 as u64 | (end as u64) << 32)
    }

    #[inline]
    pub fn start(self) -> usize {
        self.0 as u32 as usize
    }

    #[inline]
    pub fn end(self) -> usize {
        (self.0 >> 32) as usize
    }
}

/// The arguments of a command, the command's name first. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    bytes: &'a [u8],
    spans: &'a [Span],
}

impl<'a> Args<'a> {
    /// `spans` must lie within `bytes`; those that do not read as empty.
    pub fn new(bytes: &'a [u8], spans: &'a [Span]) -> Args<'a> {
        Args { bytes, spans }
    }

    pub fn len(&self) -> usize {
        self.spans.len()
    }

    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        let span = self.spans.get(index)?;
        self.bytes.get(span.start()..span.end())
    }

    /// The command's name; empty when there are no arguments at all.
    pub fn name(&self) -> &'a [u8] {
        self.get(0).unwrap_or_default()
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &'a [u8]> + ExactSizeIterator + use<'a> {
        let bytes = self.bytes;
        self.spans.iter().map(move |span| bytes.get(span.start()..span.end()).unwrap_or_default())
    }

    /// The arguments from `index` on; none when there are fewer.
    pub fn from(&self, index: usize) -> Args<'a> {
        Args { bytes: self.bytes, spans: self.spans.get(index..).unwrap_or_default() }
    }

    /// The first `count` arguments; all when there are no more.
    pub fn first(&self, count: usize) -> Args<'a> {
        Args { bytes: self.bytes, spans: self.spans.get(..count).unwrap_or(self.spans) }
    }

    pub fn to_owned(&self) -> OwnedArgs {
        OwnedArgs::new(self.iter())
    }
}

impl std::ops::Index<usize> for Args<'_> {
    type Output = [u8];

    /// Panics when there is no such argument: arity is checked before a handler runs.
    fn index(&self, index: usize) -> &[u8] {
        self.get(index).expect("the argument's index lies within the command's arity")
    }
}

impl fmt::Debug for Args<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(String::from_utf8_lossy)).finish()
    }
}

/// Arguments that outlive the buffer they came in: a queued command, an effect, a script's call.
#[derive(Clone, Default)]
pub struct OwnedArgs {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

impl OwnedArgs {
    pub fn new<'x>(arguments: impl IntoIterator<Item = &'x [u8]>) -> OwnedArgs {
        let mut owned = OwnedArgs::default();
        arguments.into_iter().for_each(|argument| owned.push(argument));
        owned
    }

    pub fn push(&mut self, argument: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(argument);
        self.spans.push(Span::new(start, self.bytes.len()));
    }

    /// Takes all arguments away; their room is kept.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
    }

    pub fn as_args(&self) -> Args<'_> {
        Args { bytes: &self.bytes, spans: &self.spans }
    }

    /// How many bytes the arguments have together.
    pub fn byte_count(&self) -> usize {
        self.bytes.len()
    }
}

impl fmt::Debug for OwnedArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_args().fmt(f)
    }
}

/// How much a client may send.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// `proto-max-bulk-len`, in bytes.
    pub max_bulk_bytes: usize,
    /// False until the client may run commands: then a request is small.
    pub authenticated: bool,
}

const MAX_LINE_BYTES: usize = 64 * 1024;
const MAX_UNAUTHENTICATED_ARGUMENTS: i64 = 10;
const MAX_UNAUTHENTICATED_BULK_BYTES: usize = 16 * 1024;
/// Room for the spans of more arguments than this is given back behind the request that had so many.
const KEPT_SPANS: usize = 1024;
/// Spans are 32 bits wide, so a request is never larger than this.
const MAX_REQUEST_BYTES: usize = u32::MAX as usize;

/// A request that breaks the protocol; its text follows `-ERR Protocol error: `, and the connection is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    InlineTooBig,
    UnbalancedQuotes,
    MultibulkCountTooBig,
    BulkCountTooBig,
    InvalidMultibulkLength,
    InvalidBulkLength,
    UnauthenticatedMultibulkLength,
    UnauthenticatedBulkLength,
    ExpectedDollar(u8),
    RequestTooBig,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ProtocolError::InlineTooBig => "too big inline request",
            ProtocolError::UnbalancedQuotes => "unbalanced quotes in request",
            ProtocolError::MultibulkCountTooBig => "too big mbulk count string",
            ProtocolError::BulkCountTooBig => "too big bulk count string",
            ProtocolError::InvalidMultibulkLength => "invalid multibulk length",
            ProtocolError::InvalidBulkLength => "invalid bulk length",
            ProtocolError::UnauthenticatedMultibulkLength => "unauthenticated multibulk length",
            ProtocolError::UnauthenticatedBulkLength => "unauthenticated bulk length",
            ProtocolError::RequestTooBig => "too big request",
            ProtocolError::ExpectedDollar(byte) => {
                // The text goes into one line of the protocol, so what is not printable is replaced.
                let shown = if byte.is_ascii_graphic() || *byte == b' ' { *byte as char } else { '?' };
                return write!(f, "expected '$', got '{shown}'");
            }
        })
    }
}

impl std::error::Error for ProtocolError {}

/// What [`RequestParser::parse`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A request; it took this many bytes of the buffer. It may have no arguments (an empty line).
    Request { consumed: usize },
    /// More bytes are needed. When known, at least this many bytes the whole request will take.
    Incomplete { needed: usize },
}

/// Finds requests in a buffer. One for each connection.
#[derive(Debug, Default)]
pub struct RequestParser {
    /// How far the current request has been read, from its first byte.
    position: usize,
    /// Arguments still to come; `None` before the request's first line was read.
    remaining: Option<u64>,
    /// The length of the argument whose bytes come next.
    bulk: Option<usize>,
    spans: Vec<Span>,
    /// Inline requests with quotes are unescaped into here; spans then point into it.
    inline: Vec<u8>,
    is_inline: bool,
}

impl RequestParser {
    pub fn new() -> RequestParser {
        RequestParser::default()
    }

    /// How many bytes of a request that is not complete are read: its lines and complete arguments.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Reads on in `buffer`, which starts at the first byte of the current request (the bytes of a request
    /// that was returned are dropped by the caller before the next call).
    pub fn parse(&mut self, buffer: &[u8], limits: Limits) -> Result<Parsed, ProtocolError> {
        if self.position == 0 && self.remaining.is_none() {
            self.begin();
        }
        match buffer.first() {
            None => return Ok(Parsed::Incomplete { needed: 1 }),
            Some(b'*') => {}
            Some(_) => return self.parse_inline(buffer),
        }
        if self.remaining.is_none() && !self.parse_count(buffer, limits)? {
            return Ok(Parsed::Incomplete { needed: buffer.len() + 1 });
        }
        while self.remaining.is_some_and(|remaining| remaining > 0) {
            if !self.parse_argument(buffer, limits)? {
                let needed = self.bulk.map_or(buffer.len() + 1, |length| self.position + length + 2);
                return Ok(Parsed::Incomplete { needed });
            }
        }
        Ok(self.finish())
    }

    /// The arguments of the request that [`parse`](Self::parse) just found in `buffer`.
    pub fn args<'a>(&'a self, buffer: &'a [u8]) -> Args<'a> {
        Args { bytes: if self.is_inline { &self.inline } else { buffer }, spans: &self.spans }
    }

    /// The words of an inline request: they are as they were meant, and lie nowhere in the buffer.
    pub fn inline_words(&self) -> Option<&[u8]> {
        self.is_inline.then_some(&self.inline)
    }

    /// Where the arguments of the request lie that was just found.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Forgets what was read of a request that is not complete: the next call begins with its first byte.
    pub fn restart(&mut self) {
        self.finish();
    }

    fn begin(&mut self) {
        if self.spans.capacity() > KEPT_SPANS {
            self.spans = Vec::new();
        }
        self.spans.clear();
        self.is_inline = false;
    }

    fn finish(&mut self) -> Parsed {
        let consumed = self.position;
        self.position = 0;
        self.remaining = None;
        self.bulk = None;
        Parsed::Request { consumed }
    }

    fn parse_count(&mut self, buffer: &[u8], limits: Limits) -> Result<bool, ProtocolError> {
        let Some(line_end) = find_line_end(buffer, 0, ProtocolError::MultibulkCountTooBig)? else {
            return Ok(false);
        };
        let count = parse_length(&buffer[1..line_end])
            .filter(|&count| count <= i64::from(i32::MAX))
            .ok_or(ProtocolError::InvalidMultibulkLength)?;
        if !limits.authenticated && count > MAX_UNAUTHENTICATED_ARGUMENTS {
            return Err(ProtocolError::UnauthenticatedMultibulkLength);
        }
        self.position = line_end + 2;
        let count = count.max(0) as u64;
        self.remaining = Some(count);
        // What a client only announces is not reserved: a flood of `*1000000` costs nothing.
        self.spans.reserve(count.min(1024) as usize);
        Ok(true)
    }

    fn parse_argument(&mut self, buffer: &[u8], limits: Limits) -> Result<bool, ProtocolError> {
        let length = match self.bulk {
            Some(length) => length,
            None => {
                let Some(&first) = buffer.get(self.position) else { return Ok(false) };
                let Some(line_end) = find_line_end(buffer, self.position, ProtocolError::BulkCountTooBig)?
                else {
                    return if first == b'$' { Ok(false) } else { Err(ProtocolError::ExpectedDollar(first)) };
                };
                if first != b'$' {
                    return Err(ProtocolError::ExpectedDollar(first));
                }
                let length = parse_length(&buffer[self.position + 1..line_end])
                    .and_then(|length| usize::try_from(length).ok())
                    .filter(|&length| length <= limits.max_bulk_bytes)
                    .ok_or(ProtocolError::InvalidBulkLength)?;
                if !limits.authenticated && length > MAX_UNAUTHENTICATED_BULK_BYTES {
                    return Err(ProtocolError::UnauthenticatedBulkLength);
                }
                self.position = line_end + 2;
                self.bulk = Some(length);
                length
            }
        };
        let end = self.position + length;
        if end + 2 > MAX_REQUEST_BYTES {
            return Err(ProtocolError::RequestTooBig);
        }
        if buffer.len() < end + 2 {
            return Ok(false);
        }
        self.spans.push(Span::new(self.position, end));
        self.position = end + 2;
        self.bulk = None;
        self.remaining = self.remaining.map(|remaining| remaining - 1);
        Ok(true)
    }

    fn parse_inline(&mut self, buffer: &[u8]) -> Result<Parsed, ProtocolError> {
        let Some(newline) = buffer.iter().position(|&byte| byte == b'\n') else {
            if buffer.len() > MAX_LINE_BYTES {
                return Err(ProtocolError::InlineTooBig);
            }
            return Ok(Parsed::Incomplete { needed: buffer.len() + 1 });
        };
        let line = &buffer[..newline];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.is_inline = true;
        self.inline.clear();
        let spans = &mut self.spans;
        let mut place = |word: Range<usize>| {
            spans.push(Span::new(word.start, word.end));
        };
        words::split_into(line, &mut self.inline, &mut place).ok_or(ProtocolError::UnbalancedQuotes)?;
        self.position = newline + 1;
        Ok(self.finish())
    }
}

/// The place of the `\r` that ends the line starting at `from`, once its `\n` is there too.
fn find_line_end(buffer: &[u8], from: usize, too_big: ProtocolError) -> Result<Option<usize>, ProtocolError> {
    match buffer[from..].iter().position(|&byte| byte == b'\r') {
        Some(at) if from + at + 1 < buffer.len() => Ok(Some(from + at)),
        Some(_) => Ok(None),
        None if buffer.len() - from > MAX_LINE_BYTES => Err(too_big),
        None => Ok(None),
    }
}

/// A length as Redis takes it: decimal, no sign but a leading minus, no superfluous zero.
fn parse_length(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    if digits.is_empty() || digits.len() > 18 || (digits[0] == b'0' && (digits.len() > 1 || negative)) {
        return None;
    }
    let mut number = 0i64;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number * 10 + i64::from(digit - b'0');
    }
    Some(if negative { -number } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { max_bulk_bytes: 512 << 20, authenticated: true };

    fn parse_all(mut input: &[u8], limits: Limits) -> Result<Vec<Vec<String>>, ProtocolError> {
        let mut parser = RequestParser::new();
        let mut requests = Vec::new();
        while let Parsed::Request { consumed } = parser.parse(input, limits)? {
            requests
                .push(parser.args(input).iter().map(|a| String::from_utf8_lossy(a).into_owned()).collect());
            input = &input[consumed..];
        }
        Ok(requests)
    }

    #[test]
    fn a_pipeline_of_both_forms() {
        let input = b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\nSET  k 'a b' \"\\x41\\n\"\r\n\r\n*0\r\nPING\n";
        let requests = parse_all(input, LIMITS).unwrap();
        assert_eq!(
            requests,
            [vec!["GET", "k"], vec!["SET", "k", "a b", "A\n"], vec![], vec![], vec!["PING"]]
        );
    }

    #[test]
    fn a_request_may_come_byte_by_byte() {
        let input = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\nb\r\n";
        let mut parser = RequestParser::new();
        for end in 0..input.len() {
            assert!(
                matches!(parser.parse(&input[..end], LIMITS), Ok(Parsed::Incomplete { needed }) if needed > end)
            );
        }
        assert_eq!(parser.parse(input, LIMITS), Ok(Parsed::Request { consumed: input.len() }));
        assert_eq!(&parser.args(input)[2], b"a\r\nb");
    }

    #[test]
    fn errors_have_redis_s_texts() {
        let error = |input: &[u8]| parse_all(input, LIMITS).unwrap_err().to_string();
        assert_eq!(error(b"*x\r\n"), "invalid multibulk length");
        assert_eq!(error(b"*20000000000\r\n"), "invalid multibulk length");
        assert_eq!(error(b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n"), "expected '$', got 'f'");
        assert_eq!(error(b"*1\r\n$-10\r\n"), "invalid bulk length");
        assert_eq!(error(b"*1\r\n$2000000000\r\n"), "invalid bulk length");
        assert_eq!(error(b"SET x \"abc\r\n"), "unbalanced quotes in request");
        assert_eq!(error(&[b'a'; 70_000]), "too big inline request");
        assert_eq!(error(&[&b"*"[..], &[b'1'; 70_000]].concat()), "too big mbulk count string");
        assert_eq!(error(&[&b"*1\r\n$"[..], &[b'1'; 70_000]].concat()), "too big bulk count string");
    }

    #[test]
    fn who_has_not_authenticated_may_say_little() {
        let limits = Limits { authenticated: false, ..LIMITS };
        let error = |input: &[u8]| parse_all(input, limits).unwrap_err().to_string();
        assert_eq!(error(b"*11\r\n"), "unauthenticated multibulk length");
        assert_eq!(error(b"*1\r\n$16385\r\n"), "unauthenticated bulk length");
    }

    #[test]
    fn an_announced_count_reserves_nothing() {
        let mut parser = RequestParser::new();
        parser.parse(b"*1000000000\r\n", LIMITS).unwrap();
        assert!(parser.spans.capacity() <= 2048);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_do_not_panic(input: Vec<u8>) {
            let _ = parse_all(&input, LIMITS);
        }

        #[test]
        fn what_is_encoded_is_read_back(arguments: Vec<Vec<u8>>) {
            proptest::prop_assume!(!arguments.is_empty());
            let mut bytes = Vec::new();
            crate::resp::encode_request(&mut bytes, arguments.iter().map(Vec::as_slice));
            let mut parser = RequestParser::new();
            proptest::prop_assert_eq!(parser.parse(&bytes, LIMITS), Ok(Parsed::Request { consumed: bytes.len() }));
            proptest::prop_assert!(parser.args(&bytes).iter().eq(arguments.iter().map(Vec::as_slice)));
        }
    }
}
