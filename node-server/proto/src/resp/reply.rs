//! The client's side: writing a request, and reading a reply into a value.

use std::fmt;

/// A reply, both versions of the protocol in one shape.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    Simple(String),
    Error(String),
    Integer(i64),
    Bulk(Vec<u8>),
    Null,
    Array(Vec<Reply>),
    Map(Vec<(Reply, Reply)>),
    Set(Vec<Reply>),
    Push(Vec<Reply>),
    Double(f64),
    Boolean(bool),
    BigNumber(String),
    Verbatim { format: String, text: Vec<u8> },
}

/// Bytes that are no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyError(pub String);

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a RESP reply: {}", self.0)
    }
}

impl std::error::Error for ReplyError {}

/// Deeper nesting than any server sends is refused rather than risking the stack.
const MAX_DEPTH: usize = 32;

/// Appends a request, as an array of bulk strings.
pub fn encode_request<'a, I>(out: &mut Vec<u8>, arguments: I)
where
    I: IntoIterator<Item = &'a [u8]>,
    I::IntoIter: ExactSizeIterator,
{
    let arguments = arguments.into_iter();
    let mut number = itoa::Buffer::new();
    out.push(b'*');
    out.extend_from_slice(number.format(arguments.len()).as_bytes());
    out.extend_from_slice(b"\r\n");
    for argument in arguments {
        out.push(b'$');
        out.extend_from_slice(number.format(argument.len()).as_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(argument);
        out.extend_from_slice(b"\r\n");
    }
}

/// How many bytes [`encode_request`] writes for these arguments.
pub fn request_len<'a>(arguments: impl IntoIterator<Item = &'a [u8]>) -> usize {
    let digits = |number: usize| number.checked_ilog10().map_or(1, |log| log as usize + 1);
    let header = |number: usize| "*\r\n".len() + digits(number);
    let (mut count, mut bytes) = (0, 0);
    for argument in arguments {
        count += 1;
        bytes += header(argument.len()) + argument.len() + "\r\n".len();
    }
    header(count) + bytes
}

impl Reply {
    /// The first reply in `bytes` and how many bytes it took; `None` when it is not complete yet.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Reply, usize)>, ReplyError> {
        let mut reader = Reader { bytes, position: 0 };
        Ok(reader.reply(0)?.map(|reply| (reply, reader.position)))
    }

    /// The bytes of a string reply of any kind.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Reply::Simple(text) => Some(text.as_bytes()),
            Reply::Bulk(bytes) | Reply::Verbatim { text: bytes, .. } => Some(bytes),
            _ => None,
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    fn reply(&mut self, depth: usize) -> Result<Option<Reply>, ReplyError> {
        if depth > MAX_DEPTH {
            return Err(ReplyError(format!("nested deeper than {MAX_DEPTH}")));
        }
        let Some(line) = self.line() else { return Ok(None) };
        let (&kind, rest) = line.split_first().ok_or_else(|| ReplyError("an empty line".into()))?;
        let text = || String::from_utf8_lossy(rest).into_owned();
        let bad = |what: &str| ReplyError(format!("'{}' is no {what}", String::from_utf8_lossy(rest)));
        let number = || std::str::from_utf8(rest).ok().and_then(|text| text.parse::<i64>().ok());
        let length = || number().filter(|&length| length >= -1).ok_or_else(|| bad("length"));
        Ok(match kind {
            b'+' => Some(Reply::Simple(text())),
            b'-' => Some(Reply::Error(text())),
            b':' => Some(Reply::Integer(number().ok_or_else(|| bad("integer"))?)),
            b'_' => Some(Reply::Null),
            b'#' => Some(Reply::Boolean(rest == b"t")),
            b',' => Some(Reply::Double(text().parse().map_err(|_| bad("double"))?)),
            b'(' => Some(Reply::BigNumber(text())),
            b'$' | b'=' | b'!' => match length()? {
                -1 => Some(Reply::Null),
                length => self.blob(kind, length as usize)?,
            },
            b'*' | b'~' | b'>' => match length()? {
                -1 => Some(Reply::Null),
                length => self.elements(length as usize, depth)?.map(|elements| match kind {
                    b'*' => Reply::Array(elements),
                    b'~' => Reply::Set(elements),
                    _ => Reply::Push(elements),
                }),
            },
            b'%' => self.elements(length()?.max(0) as usize * 2, depth)?.map(pairs),
            _ => return Err(ReplyError(format!("unknown kind '{}'", kind.escape_ascii()))),
        })
    }

    /// The next line without its end, once its end is there.
    fn line(&mut self) -> Option<&'a [u8]> {
        let rest = &self.bytes[self.position..];
        let length = rest.windows(2).position(|pair| pair == b"\r\n")?;
        self.position += length + 2;
        Some(&rest[..length])
    }

    fn blob(&mut self, kind: u8, length: usize) -> Result<Option<Reply>, ReplyError> {
        let Some(bytes) = self.bytes.get(self.position..self.position.saturating_add(length)) else {
            return Ok(None);
        };
        match self.bytes.get(self.position + length..self.position + length + 2) {
            None => return Ok(None),
            Some(b"\r\n") => self.position += length + 2,
            Some(_) => return Err(ReplyError("a string does not end where its length says".into())),
        }
        Ok(Some(match kind {
            b'$' => Reply::Bulk(bytes.to_vec()),
            b'!' => Reply::Error(String::from_utf8_lossy(bytes).into_owned()),
            _ => {
                let (format, text) =
                    bytes.split_at_checked(4).ok_or_else(|| ReplyError("a short verbatim string".into()))?;
                Reply::Verbatim {
                    format: String::from_utf8_lossy(&format[..3]).into_owned(),
                    text: text.to_vec(),
                }
            }
        }))
    }

    fn elements(&mut self, length: usize, depth: usize) -> Result<Option<Vec<Reply>>, ReplyError> {
        // What is only announced is not reserved.
        let mut elements = Vec::with_capacity(length.min(1024));
        for _ in 0..length {
            let Some(element) = self.reply(depth + 1)? else { return Ok(None) };
            elements.push(element);
        }
        Ok(Some(elements))
    }
}

fn pairs(elements: Vec<Reply>) -> Reply {
    let mut elements = elements.into_iter();
    let mut pairs = Vec::new();
    while let (Some(key), Some(value)) = (elements.next(), elements.next()) {
        pairs.push((key, value));
    }
    Reply::Map(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Reply {
        let (reply, consumed) = Reply::parse(text.as_bytes()).unwrap().unwrap();
        assert_eq!(consumed, text.len());
        reply
    }

    #[test]
    fn each_kind() {
        assert_eq!(parse("+OK\r\n"), Reply::Simple("OK".into()));
        assert_eq!(parse("-ERR x\r\n"), Reply::Error("ERR x".into()));
        assert_eq!(parse("$-1\r\n"), Reply::Null);
        assert_eq!(parse("$3\r\na\r\n\r\n"), Reply::Bulk(b"a\r\n".to_vec()));
        assert_eq!(parse("*2\r\n:1\r\n*0\r\n"), Reply::Array(vec![Reply::Integer(1), Reply::Array(vec![])]));
        assert_eq!(
            parse("%1\r\n+a\r\n#t\r\n"),
            Reply::Map(vec![(Reply::Simple("a".into()), Reply::Boolean(true))])
        );
        assert_eq!(parse("=5\r\ntxt:a\r\n"), Reply::Verbatim { format: "txt".into(), text: b"a".to_vec() });
        assert_eq!(parse(",1.5\r\n"), Reply::Double(1.5));
    }

    #[test]
    fn the_length_of_a_request_is_known_before_it_is_encoded() {
        let long = vec![b'x'; 1000];
        let requests: [Vec<&[u8]>; 4] =
            [vec![b"GET", b"k"], vec![b""], vec![b"SET", &long, b"0123456789"], vec![b"x"; 100]];
        for arguments in requests {
            let mut encoded = Vec::new();
            encode_request(&mut encoded, arguments.iter().copied());
            assert_eq!(request_len(arguments.iter().copied()), encoded.len());
        }
    }

    #[test]
    fn half_a_reply_waits_and_garbage_is_refused() {
        let text = b"*2\r\n$3\r\nabc\r\n:12\r\n";
        for end in 0..text.len() {
            assert_eq!(Reply::parse(&text[..end]), Ok(None));
        }
        for bad in ["hello\r\n", "$x\r\n", "$1\r\nabc\r\n", ":\r\n", "*-2\r\n", "\r\n"] {
            assert!(Reply::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(Reply::parse("*1\r\n".repeat(100).as_bytes()).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_do_not_panic(bytes: Vec<u8>) {
            let _ = Reply::parse(&bytes);
        }
    }
}
