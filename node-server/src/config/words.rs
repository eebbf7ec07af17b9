//! Lines to words and back, by the rules of redis.conf (and of inline commands).
//!
//! Words are separated by white space. `"…"` takes the escapes `\n \r \t \b \a \xHH` and `\` before any other byte;
//! `'…'` takes only `\'`. A closing quote must be followed by white space or the end. Quotes may start inside a
//! word: `ab"c d"` is one word.

/// The words of a line, or `None` when quotes don't balance.
pub fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        while let [first, tail @ ..] = rest
            && is_space(*first)
        {
            rest = tail;
        }
        if rest.is_empty() {
            return Some(words);
        }
        let mut word = Vec::new();
        rest = take_word(rest, &mut word)?;
        words.push(word);
    }
}

fn take_word<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        match rest {
            [] => return Some(rest),
            [byte, tail @ ..] if is_space(*byte) || *byte == 0 => return Some(tail),
            [b'"', tail @ ..] => return take_double_quoted(tail, word),
            [b'\'', tail @ ..] => return take_single_quoted(tail, word),
            [byte, tail @ ..] => {
                word.push(*byte);
                rest = tail;
            }
        }
    }
}

fn take_double_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        rest = match rest {
            [] => return None,
            [b'\\', b'x', high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                word.push(hex_digit(*high) << 4 | hex_digit(*low));
                tail
            }
            [b'\\', escaped, tail @ ..] => {
                word.push(unescape(*escaped));
                tail
            }
            [b'"', tail @ ..] => return ends_word(tail).then_some(tail),
            [byte, tail @ ..] => {
                word.push(*byte);
                tail
            }
        }
    }
}

fn take_single_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        rest = match rest {
            [] => return None,
            [b'\\', b'\'', tail @ ..] => {
                word.push(b'\'');
                tail
            }
            [b'\'', tail @ ..] => return ends_word(tail).then_some(tail),
            [byte, tail @ ..] => {
                word.push(*byte);
                tail
            }
        }
    }
}

/// The word in double quotes, with everything escaped that isn't printable.
pub fn quote(word: &[u8]) -> String {
    let mut out = String::with_capacity(word.len() + 2);
    out.push('"');
    for &byte in word {
        match byte {
            b'\\' | b'"' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            7 => out.push_str("\\a"),
            8 => out.push_str("\\b"),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

fn ends_word(rest: &[u8]) -> bool {
    rest.first().is_none_or(|byte| is_space(*byte))
}

/// C's isspace: unlike `is_ascii_whitespace` it has the vertical tab.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

fn hex_digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    }
}

fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'a' => 7,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Option<Vec<String>> {
        Some(split(line.as_bytes())?.into_iter().map(|word| String::from_utf8(word).unwrap()).collect())
    }

    #[test]
    fn words_quotes_and_escapes() {
        assert_eq!(words("  save 3600\t1 ").unwrap(), ["save", "3600", "1"]);
        assert_eq!(words(r#"requirepass "a \"b\" \x41\n""#).unwrap(), ["requirepass", "a \"b\" A\n"]);
        assert_eq!(words(r"dir 'it\'s \n'").unwrap(), ["dir", r"it's \n"]);
        assert_eq!(words(r#"save """#).unwrap(), ["save", ""]);
        assert_eq!(words(r#"ab"c d""#).unwrap(), ["abc d"]);
        assert_eq!(words("").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn unbalanced_quotes_are_refused() {
        for line in [r#"a "b"#, "a 'b", r#"a "b"c"#, "a 'b'c", r#"a "b\"#] {
            assert_eq!(words(line), None, "{line}");
        }
    }

    #[test]
    fn quoting_is_undone_by_splitting() {
        let every_byte: Vec<u8> = (0..=255).collect();
        assert_eq!(split(quote(&every_byte).as_bytes()).unwrap(), [every_byte]);
    }
}
