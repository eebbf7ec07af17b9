//! One element of a collection, as it is stored: an integer or bytes.
//!
//! The packed encodings keep `123` as a number. So a reader gets an [`Element`], and turns it into bytes only where
//! bytes are wanted: a reply, a comparison, a copy.

use std::fmt;

/// No integer has a longer text.
pub(crate) const INTEGER_TEXT_MAX: usize = 20;

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

    /// The text of an integer is not written for that where any is short enough.
    pub(crate) fn is_longer_than(&self, limit: usize) -> bool {
        match self {
            Element::Int(_) => limit < INTEGER_TEXT_MAX && self.len() > limit,
            Element::Bytes(bytes) => bytes.len() > limit,
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

/// `0x1F`, `-0x1.8p3` and the like, which C's strtod takes.
pub fn parse_hexadecimal(text: &str) -> Option<f64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"))?;
    let (mantissa, exponent) = match digits.split_once(['p', 'P']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (mut number, mut scale) = (0_u64, -4 * i32::try_from(fraction.len()).ok()?);
    for digit in whole.chars().chain(fraction.chars()) {
        let digit = u64::from(digit.to_digit(16)?);
        if number >> 60 == 0 {
            number = number << 4 | digit;
        } else {
            // Beyond what a double tells apart: it only says that there was more.
            number |= u64::from(digit != 0);
            scale += 4;
        }
    }
    let exponent = exponent.saturating_add(scale).clamp(-2200, 2200);
    // In two steps, so that no power is out of range before its number is.
    let half = exponent / 2;
    Some(sign * (number as f64) * 2_f64.powi(half) * 2_f64.powi(exponent - half))
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
    fn hexadecimal_numbers_as_strtod_reads_them() {
        for (text, expected) in [
            ("0x10", 16.0),
            ("-0X1f", -31.0),
            ("+0x1.8p3", 12.0),
            ("0x.8", 0.5),
            ("0x8.", 8.0),
            ("0x1p-1074", 5e-324),
            ("0x1p1023", 8.98846567431158e307),
            ("0x1p5000", f64::INFINITY),
            ("0x1p-5000", 0.0),
            ("0x10000000000000000000", 75557863725914323419136.0),
            ("0x0.00000000000000000001p80", 1.0),
            // A tie goes to the even one, but for what comes far behind.
            ("0x20000000000001", 9007199254740992.0),
            ("0x200000000000010000000001", 9007199254740994.0 * 2_f64.powi(40)),
        ] {
            assert_eq!(parse_hexadecimal(text), Some(expected), "{text}");
        }
        for text in ["0x", "0x.", "0xp1", "0x1p", "0x1px", "10", "0x-1", "0x1g", "0x1.2.3", "x1"] {
            assert_eq!(parse_hexadecimal(text), None, "{text}");
        }
    }

    #[test]
    fn elements_compare_by_their_bytes() {
        assert_eq!(Element::Int(12), Element::Bytes(b"12"));
        assert_ne!(Element::Int(12), Element::Bytes(b"012"));
        assert_eq!(Element::Int(-7).len(), 2);
        assert!(Element::Bytes(b"").is_empty());
    }

    #[test]
    fn an_element_is_as_long_as_its_text() {
        let longest = Element::Int(i64::MIN);
        assert_eq!(longest.len(), INTEGER_TEXT_MAX);
        for (element, length) in
            [(longest, 20), (Element::Int(-7), 2), (Element::Bytes(b"abc"), 3), (Element::Bytes(b""), 0)]
        {
            assert!((0..30).all(|limit| element.is_longer_than(limit) == (length > limit)), "{element:?}");
        }
    }
}
