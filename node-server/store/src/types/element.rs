//! One element of a collection, as it is stored: an integer or bytes.
//!
//! The packed encodings keep `123` as a number. So a reader gets an [`Element`], and turns it into bytes only where
//! bytes are wanted: a reply, a comparison, a copy.

use std::fmt;

/// A borrowed element. Two elements are equal when their bytes are.
#[derive(Clone, Copy)]
pub enum Element<'a> {
    Int(i64),
    Bytes(&'a [u8]),
}

impl<'a> Element<'a> {
    /// The bytes; an integer is written into `buffer`.
    pub fn as_bytes<'b>(&self, buffer: &'b mut itoa::Buffer) -> &'b [u8]
    where
        'a: 'b,
    {
        match *self {
            Element::Int(number) => buffer.format(number).as_bytes(),
            Element::Bytes(bytes) => bytes,
        }
    }

    pub fn to_vec(&self) -> Vec<u8> {
        self.as_bytes(&mut itoa::Buffer::new()).to_vec()
    }

    pub fn append_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes(&mut itoa::Buffer::new()));
    }

    /// Length in bytes, as STRLEN would say.
    pub fn len(&self) -> usize {
        match self {
            Element::Int(_) => self.as_bytes(&mut itoa::Buffer::new()).len(),
            Element::Bytes(bytes) => bytes.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        matches!(self, Element::Bytes([]))
    }

    pub fn equals(&self, other: &[u8]) -> bool {
        match *self {
            Element::Int(_) => self.as_bytes(&mut itoa::Buffer::new()) == other,
            Element::Bytes(bytes) => bytes == other,
        }
    }

    /// The number, when the bytes are the decimal text that this number is written as (`1`, not `01` or `+1`).
    pub fn as_i64(&self) -> Option<i64> {
        match *self {
            Element::Int(number) => Some(number),
            Element::Bytes(bytes) => parse_integer(bytes),
        }
    }
}

impl PartialEq for Element<'_> {
    fn eq(&self, other: &Element<'_>) -> bool {
        match (self, other) {
            (Element::Int(left), Element::Int(right)) => left == right,
            (left, Element::Bytes(right)) => left.equals(right),
            (Element::Bytes(left), right) => right.equals(left),
        }
    }
}

impl Eq for Element<'_> {}

impl fmt::Debug for Element<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Element::Int(number) => write!(formatter, "{number}"),
            Element::Bytes(bytes) => write!(formatter, "\"{}\"", bytes.escape_ascii()),
        }
    }
}

/// Reads the canonical decimal text of a 64-bit integer: no `+`, no leading zero, no space, no `-0`. Only such
/// text may be stored as a number, since it must come back byte for byte.
pub fn parse_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        [b'1'..=b'9', ..] if digits.len() <= 19 => {}
        _ => return None,
    }
    let mut value: i64 = 0;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        let digit = i64::from(digit - b'0');
        // Downwards, since the negative side holds one number more.
        value = value.checked_mul(10)?.checked_sub(digit)?;
    }
    if negative { Some(value) } else { value.checked_neg() }
}

/// `0x1F` and `-0x1f`, which C's strtod takes. (Fractions and exponents of that form are not taken.)
pub fn parse_hexadecimal(text: &str) -> Option<f64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"))?;
    let is_sign = |byte: &u8| matches!(byte, b'+' | b'-');
    if digits.as_bytes().first().is_some_and(is_sign) {
        return None;
    }
    u64::from_str_radix(digits, 16).ok().map(|number| sign * number as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_integers_are_numbers() {
        for text in ["0", "1", "-1", "9223372036854775807", "-9223372036854775808", "10"] {
            let number = parse_integer(text.as_bytes()).unwrap();
            assert_eq!(number.to_string(), text);
        }
        for text in
            ["", "-", "-0", "01", "+1", " 1", "1 ", "9223372036854775808", "-9223372036854775809", "1a", "00"]
        {
            assert_eq!(parse_integer(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn elements_compare_by_their_bytes() {
        assert_eq!(Element::Int(12), Element::Bytes(b"12"));
        assert_ne!(Element::Int(12), Element::Bytes(b"012"));
        assert_eq!(Element::Int(-7).len(), 2);
        assert!(Element::Bytes(b"").is_empty());
    }
}
