//! Replies of commands as the debugger shows them, on one line.
//!
//! ```text
//!   12   "bulk"   "+status"   "-ERR error"   NULL   [1,2]   ~(1,2)   {1 => 2}   (null)   #true   (double) 1.5
//! ```

use crate::monitor::quote;

/// Deeper ones are not shown.
const MOST_LEVELS: usize = 64;

pub fn reply(bytes: &[u8], out: &mut Vec<u8>) {
    Reader { rest: bytes }.show(out, 0);
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn show(&mut self, out: &mut Vec<u8>, level: usize) -> Option<()> {
        let whole = self.line()?;
        let (kind, text) = whole.split_first()?;
        match kind {
            b':' => out.extend_from_slice(text),
            b'$' | b'=' => match count(text) {
                Some(length) => quote(out, self.bulk(length)?),
                None => out.extend_from_slice(b"NULL"),
            },
            b'+' | b'-' => quote(out, whole),
            b'*' | b'>' => match count(text) {
                Some(length) => self.list(out, level, length, (b"[", b"]"))?,
                None => out.extend_from_slice(b"NULL"),
            },
            b'~' => self.list(out, level, count(text)?, (b"~(", b")"))?,
            b'%' => self.map(out, level, count(text)?)?,
            b'_' => out.extend_from_slice(b"(null)"),
            b'#' => out.extend_from_slice(if text == b"t" { b"#true" } else { b"#false" }),
            b',' => {
                out.extend_from_slice(b"(double) ");
                out.extend_from_slice(text);
            }
            b'(' => {
                out.extend_from_slice(b"(big number) ");
                out.extend_from_slice(text);
            }
            // An attribute stands before what it is about.
            b'|' => {
                self.map(&mut Vec::new(), level, count(text)?)?;
                self.show(out, level)?;
            }
            _ => {}
        }
        Some(())
    }

    fn list(&mut self, out: &mut Vec<u8>, level: usize, count: usize, marks: (&[u8], &[u8])) -> Option<()> {
        self.each(out, level, count, marks, |reader, out| reader.show(out, level + 1))
    }

    fn map(&mut self, out: &mut Vec<u8>, level: usize, count: usize) -> Option<()> {
        self.each(out, level, count, (b"{", b"}"), |reader, out| {
            reader.show(out, level + 1)?;
            out.extend_from_slice(b" => ");
            reader.show(out, level + 1)
        })
    }

    fn each(
        &mut self,
        out: &mut Vec<u8>,
        level: usize,
        count: usize,
        (opens, closes): (&[u8], &[u8]),
        mut show: impl FnMut(&mut Self, &mut Vec<u8>) -> Option<()>,
    ) -> Option<()> {
        if level == MOST_LEVELS {
            return None;
        }
        out.extend_from_slice(opens);
        for number in 0..count {
            if number > 0 {
                out.push(b',');
            }
            show(self, out)?;
        }
        out.extend_from_slice(closes);
        Some(())
    }

    /// Up to the end of the line, which is taken away.
    fn line(&mut self) -> Option<&'a [u8]> {
        let end = self.rest.windows(2).position(|pair| pair == b"\r\n")?;
        let line = &self.rest[..end];
        self.rest = &self.rest[end + 2..];
        Some(line)
    }

    fn bulk(&mut self, length: usize) -> Option<&'a [u8]> {
        let bulk = self.rest.get(..length)?;
        self.rest = self.rest.get(length + 2..)?;
        Some(bulk)
    }
}

/// `None` for -1.
fn count(text: &[u8]) -> Option<usize> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &str) -> String {
        let mut out = Vec::new();
        reply(bytes.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn replies_are_shown_on_a_line() {
        for (bytes, expected) in [
            (":12\r\n", "12"),
            ("$3\r\na\nb\r\n", "\"a\\nb\""),
            ("$-1\r\n", "NULL"),
            ("+OK\r\n", "\"+OK\""),
            ("-ERR no\r\n", "\"-ERR no\""),
            ("*2\r\n:1\r\n*1\r\n$1\r\na\r\n", "[1,[\"a\"]]"),
            ("*0\r\n", "[]"),
            ("*-1\r\n", "NULL"),
            ("~2\r\n:1\r\n:2\r\n", "~(1,2)"),
            ("%1\r\n$1\r\nf\r\n$1\r\nv\r\n", "{\"f\" => \"v\"}"),
            ("_\r\n", "(null)"),
            ("#t\r\n", "#true"),
            ("#f\r\n", "#false"),
            (",1.5\r\n", "(double) 1.5"),
            ("(12\r\n", "(big number) 12"),
            ("|1\r\n+a\r\n:1\r\n:2\r\n", "2"),
            ("=5\r\ntxt:a\r\n", "\"txt:a\""),
            ("*2\r\n:1\r\n", "[1,"),
            ("", ""),
        ] {
            assert_eq!(shown(bytes), expected, "{bytes:?}");
        }
        assert!(shown(&"*1\r\n".repeat(1000)).len() <= MOST_LEVELS);
    }
}
