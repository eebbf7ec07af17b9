//! Lines to words and back, by the one rule that Redis has for inline requests, redis.conf and what is typed at
//! redis-cli's prompt.
//!
//! ```text
//! SET "a key" 'it\'s'            blanks part words; "…" and '…' hold them together
//! "\n \r \t \b \a \x0f \" \\"    escapes inside double quotes; any other \c is c
//! 'it\'s'                        the only escape inside single quotes
//! ab"c d"                        a quote may start inside a word
//! ```
//!
//! A closing quote must be followed by a blank or the end. A NUL outside quotes ends the line, as it does in C.
//! The rules are held by the tests against what Redis 7.0 answers.

use std::ops::Range;

/// The words of a line; `None` when its quotes are not balanced.
pub fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut bytes, mut places) = (Vec::new(), Vec::new());
    split_into(line, &mut bytes, |place| places.push(place))?;
    Some(places.into_iter().map(|place| bytes[place].to_vec()).collect())
}

/// The same without an allocation a word: all words are appended to `bytes`, and `place` is told where each stands.
pub fn split_into(line: &[u8], bytes: &mut Vec<u8>, mut place: impl FnMut(Range<usize>)) -> Option<()> {
    let mut rest = line;
    loop {
        while let [first, tail @ ..] = rest
            && is_space(*first)
        {
            rest = tail;
        }
        if matches!(rest, [] | [0, ..]) {
            return Some(());
        }
        let start = bytes.len();
        rest = take_word(rest, bytes)?;
        place(start..bytes.len());
    }
}

/// What a single quoted or bare word stands for; `None` when it is not exactly one word.
pub fn unquote(word: &[u8]) -> Option<Vec<u8>> {
    let mut words = split(word)?;
    let only = words.pop()?;
    words.is_empty().then_some(only)
}

/// The word in double quotes, with all that is not printable ASCII escaped. [`split`] reads it back.
pub fn quote(word: &[u8]) -> String {
    let mut out = String::with_capacity(word.len() + 2);
    out.push('"');
    for &byte in word {
        match byte {
            b'\\' | b'"' => out.extend(['\\', char::from(byte)]),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x07 => out.push_str("\\a"),
            0x08 => out.push_str("\\b"),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

fn take_word<'a>(mut rest: &'a [u8], bytes: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        match rest {
            [] | [b' ' | b'\n' | b'\r' | b'\t' | 0, ..] => return Some(rest),
            [b'"', tail @ ..] => return take_double_quoted(tail, bytes),
            [b'\'', tail @ ..] => return take_single_quoted(tail, bytes),
            [byte, tail @ ..] => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
}

fn take_double_quoted<'a>(mut rest: &'a [u8], bytes: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        rest = match rest {
            [] => return None,
            [b'\\', b'x', high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let value = |digit: u8| char::from(digit).to_digit(16).unwrap_or(0) as u8;
                bytes.push(value(*high) << 4 | value(*low));
                tail
            }
            [b'\\', escaped, tail @ ..] => {
                bytes.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => *other,
                });
                tail
            }
            [b'"', tail @ ..] => return after_closing_quote(tail),
            [byte, tail @ ..] => {
                bytes.push(*byte);
                tail
            }
        }
    }
}

fn take_single_quoted<'a>(mut rest: &'a [u8], bytes: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        rest = match rest {
            [] => return None,
            [b'\\', b'\'', tail @ ..] => {
                bytes.push(b'\'');
                tail
            }
            [b'\'', tail @ ..] => return after_closing_quote(tail),
            [byte, tail @ ..] => {
                bytes.push(*byte);
                tail
            }
        }
    }
}

fn after_closing_quote(rest: &[u8]) -> Option<&[u8]> {
    rest.first().is_none_or(|&byte| is_space(byte) || byte == 0).then_some(rest)
}

/// C's isspace: unlike `is_ascii_whitespace` it has the vertical tab.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Option<Vec<String>> {
        Some(split(line.as_bytes())?.iter().map(|word| word.escape_ascii().to_string()).collect())
    }

    #[test]
    fn blanks_part_words_and_quotes_hold_them() {
        assert_eq!(words("  SET key  value ").unwrap(), ["SET", "key", "value"]);
        assert_eq!(words("  save 3600\t1 ").unwrap(), ["save", "3600", "1"]);
        assert_eq!(words("SET \"a key\" 'a value'").unwrap(), ["SET", "a key", "a value"]);
        assert_eq!(words("ECHO \"\"").unwrap(), ["ECHO", ""]);
        assert_eq!(words("").unwrap(), [""; 0]);
        assert_eq!(words(" \t").unwrap(), [""; 0]);
        assert_eq!(words(r#"ab"c d""#).unwrap(), ["abc d"], "a quote may start inside a word");
    }

    #[test]
    fn escapes() {
        assert_eq!(split(br#""\x00\n\r\t\b\a\"\\\q\xZZ""#).unwrap(), [b"\0\n\r\t\x08\x07\"\\qxZZ".to_vec()]);
        assert_eq!(split(br"'it\'s \n'").unwrap(), [br"it's \n".to_vec()]);
        assert_eq!(words(r#"requirepass "a \"b\" \x41""#).unwrap(), ["requirepass", r#"a \"b\" A"#]);
    }

    /// As redis-server 7.0.15 takes them in an inline request.
    #[test]
    fn rare_blanks_part_words_only_before_one() {
        assert_eq!(split(b"ECHO a\x0bb").unwrap(), [b"ECHO".to_vec(), b"a\x0bb".to_vec()]);
        assert_eq!(split(b"ECHO a\x0cb").unwrap(), [b"ECHO".to_vec(), b"a\x0cb".to_vec()]);
        assert_eq!(split(b"\x0bECHO x").unwrap(), [b"ECHO", &b"x"[..]]);
        assert_eq!(split(b"ECHO \"a\"\x0b").unwrap(), [b"ECHO", &b"a"[..]]);
        assert_eq!(split(b"ECHO 'a'\x0cb").unwrap(), [b"ECHO", &b"a"[..], b"b"]);
    }

    #[test]
    fn unbalanced_quotes_are_refused() {
        for bad in
            ["\"a", "'a", "\"a\"b", "'a'b", "\"a\\\"", "a \"b", "a 'b", "a \"b\"c", "a 'b'c", "a \"b\\"]
        {
            assert_eq!(words(bad), None, "{bad}");
        }
    }

    #[test]
    fn one_word_only() {
        assert_eq!(unquote(b"\"a b\""), Some(b"a b".to_vec()));
        assert_eq!(unquote(b"a b"), None);
        assert_eq!(unquote(b""), None);
    }

    #[test]
    fn quoting_is_undone_by_splitting() {
        let every_byte: Vec<u8> = (0..=255).collect();
        assert_eq!(split(quote(&every_byte).as_bytes()).unwrap(), [every_byte]);
    }

    proptest::proptest! {
        #[test]
        fn what_is_quoted_reads_back(bytes: Vec<u8>) {
            proptest::prop_assert_eq!(split(quote(&bytes).as_bytes()), Some(vec![bytes]));
        }

        #[test]
        fn any_line_splits_or_is_refused(line: Vec<u8>) {
            let _ = split(&line);
        }
    }
}
