//! Keys as text. A key is bytes; what is shown of it must be told from every other key.

use std::fmt::Write;

/// UTF-8 as it is; what is none, and control characters, as `\xNN`; a backslash as two.
pub fn key_text(key: &[u8]) -> String {
    let mut text = String::with_capacity(key.len());
    let escape = |text: &mut String, bytes: &[u8]| {
        for byte in bytes {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    };
    for chunk in key.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                control if control.is_control() => escape(&mut text, control.to_string().as_bytes()),
                other => text.push(other),
            }
        }
        escape(&mut text, chunk.invalid());
    }
    text
}

/// At most `width` characters, the middle taken out: keys differ at their ends.
pub fn shortened(text: &str, width: usize) -> String {
    let count = text.chars().count();
    if count <= width || width < 3 {
        return text.to_owned();
    }
    let front = (width - 1) / 2;
    let back = width - 1 - front;
    let head: String = text.chars().take(front).collect();
    let tail: String = text.chars().skip(count - back).collect();
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_a_text_of_its_own() {
        assert_eq!(key_text("user:ü".as_bytes()), "user:ü");
        assert_eq!(key_text(b"a\nb"), "a\\x0ab");
        assert_eq!(key_text(b"a\\x0ab"), "a\\\\x0ab");
        assert_eq!(key_text(b"\xff\x00a"), "\\xff\\x00a");
    }

    #[test]
    fn long_texts_keep_their_ends() {
        assert_eq!(shortened("short", 5), "short");
        assert_eq!(shortened("user:1234567890:cart", 11), "user:…:cart");
        assert_eq!(shortened("ääääääää", 5), "ää…ää");
    }
}
