//! How redis-cli splits a typed line into arguments, and how it shows bytes in quotes.
//!
//! ```text
//! SET "a key" 'it''s'        blanks part arguments; "…" and '…' hold them together
//! "\n \r \t \b \a \x0f \" \\"  escapes inside double quotes; any other \c is c
//! 'it\'s'                    the only escape inside single quotes
//! ```
//!
//! A closing quote must be followed by a blank or the end. The rules are those of redis-cli 7.0, held by
//! the tests below against what it answers.

/// The arguments of a line; `None` when its quotes are not balanced.
pub fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut arguments = Vec::new();
    let mut rest = line;
    loop {
        while let [first, tail @ ..] = rest
            && is_space(*first)
        {
            rest = tail;
        }
        if rest.is_empty() {
            return Some(arguments);
        }
        let (argument, tail) = next_argument(rest)?;
        arguments.push(argument);
        rest = tail;
    }
}

/// What a single quoted or bare word stands for; `None` when it is not exactly one argument.
pub fn unquote(word: &[u8]) -> Option<Vec<u8>> {
    let mut arguments = split(word)?;
    let only = arguments.pop()?;
    arguments.is_empty().then_some(only)
}

/// Blanks as C's `isspace` knows them.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn next_argument(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut argument = Vec::new();
    loop {
        match rest {
            [] | [b' ' | b'\n' | b'\r' | b'\t', ..] => return Some((argument, rest)),
            [b'"', tail @ ..] => return finish(double_quoted(tail, argument)?),
            [b'\'', tail @ ..] => return finish(single_quoted(tail, argument)?),
            [byte, tail @ ..] => {
                argument.push(*byte);
                rest = tail;
            }
        }
    }
}

/// An argument ends at its closing quote, and only a blank may follow.
fn finish((argument, rest): (Vec<u8>, &[u8])) -> Option<(Vec<u8>, &[u8])> {
    match rest.first() {
        Some(&byte) if !is_space(byte) => None,
        _ => Some((argument, rest)),
    }
}

fn double_quoted(mut rest: &[u8], mut argument: Vec<u8>) -> Option<(Vec<u8>, &[u8])> {
    loop {
        match rest {
            [] => return None,
            [b'"', tail @ ..] => return Some((argument, tail)),
            [b'\\', b'x', high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                argument.push(hex(*high) << 4 | hex(*low));
                rest = tail;
            }
            [b'\\', escaped, tail @ ..] => {
                argument.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => *other,
                });
                rest = tail;
            }
            [byte, tail @ ..] => {
                argument.push(*byte);
                rest = tail;
            }
        }
    }
}

fn single_quoted(mut rest: &[u8], mut argument: Vec<u8>) -> Option<(Vec<u8>, &[u8])> {
    loop {
        match rest {
            [] => return None,
            [b'\\', b'\'', tail @ ..] => {
                argument.push(b'\'');
                rest = tail;
            }
            [b'\'', tail @ ..] => return Some((argument, tail)),
            [byte, tail @ ..] => {
                argument.push(*byte);
                rest = tail;
            }
        }
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

/// Appends `bytes` in double quotes, with all that is not printable ASCII escaped. [`split`] reads it back.
pub fn quote(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    for &byte in bytes {
        match byte {
            b'\\' | b'"' => out.extend([b'\\', byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            0x07 => out.extend(b"\\a"),
            0x08 => out.extend(b"\\b"),
            b' '..=b'~' => out.push(byte),
            _ => out.extend(format!("\\x{byte:02x}").into_bytes()),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Option<Vec<String>> {
        Some(split(line.as_bytes())?.iter().map(|word| word.escape_ascii().to_string()).collect())
    }

    #[test]
    fn blanks_part_arguments_and_quotes_hold_them() {
        assert_eq!(words("  SET key  value ").unwrap(), ["SET", "key", "value"]);
        assert_eq!(words("SET \"a key\" 'a value'").unwrap(), ["SET", "a key", "a value"]);
        assert_eq!(words("ECHO \"\"").unwrap(), ["ECHO", ""]);
        assert_eq!(words(" \t").unwrap(), [""; 0]);
        assert_eq!(words(r#"a"b c""#).unwrap(), ["ab c"], "a quote may start inside a word");
    }

    #[test]
    fn escapes() {
        assert_eq!(split(br#""\x00\n\r\t\b\a\"\\\q\xZZ""#).unwrap(), [b"\0\n\r\t\x08\x07\"\\qxZZ".to_vec()]);
        assert_eq!(split(br"'it\'s \n'").unwrap(), [br"it's \n".to_vec()]);
    }

    #[test]
    fn unbalanced_quotes_are_refused() {
        for bad in ["\"a", "'a", "\"a\"b", "'a'b", "\"a\\\""] {
            assert_eq!(words(bad), None, "{bad}");
        }
    }

    #[test]
    fn one_word_only() {
        assert_eq!(unquote(b"\"a b\""), Some(b"a b".to_vec()));
        assert_eq!(unquote(b"a b"), None);
        assert_eq!(unquote(b""), None);
    }

    proptest::proptest! {
        #[test]
        fn what_is_quoted_reads_back(bytes: Vec<u8>) {
            let mut quoted = Vec::new();
            quote(&mut quoted, &bytes);
            assert_eq!(split(&quoted), Some(vec![bytes]));
        }

        #[test]
        fn any_line_splits_or_is_refused(line: Vec<u8>) {
            let _ = split(&line);
        }
    }
}
