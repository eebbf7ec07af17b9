//! Integers of any width up to 64 bits at any bit of a string, highest bit first, as BITFIELD reads and writes them.

/// `u1` to `u63` and `i1` to `i64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldType {
    signed: bool,
    bits: u32,
}

/// What becomes of a number that the field is too narrow for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// Its lowest bits are kept.
    Wrap,
    /// The nearest number that fits.
    Saturate,
    /// Nothing is written.
    Fail,
}

/// A field touches at most this many bytes.
const FIELD_BYTES: usize = 9;

impl FieldType {
    pub fn parse(text: &[u8]) -> Option<FieldType> {
        let (signed, bits) = match text {
            [b'i', bits @ ..] => (true, bits),
            [b'u', bits @ ..] => (false, bits),
            _ => return None,
        };
        let widest = if signed { 64 } else { 63 };
        let bits = super::parse_integer(bits).filter(|bits| (1..=widest).contains(bits))?;
        Some(FieldType { signed, bits: bits as u32 })
    }

    pub fn bits(self) -> u64 {
        u64::from(self.bits)
    }

    /// The number that begins at this bit; behind the end of the string all is zero.
    pub fn read(self, bytes: &[u8], offset: u64) -> i64 {
        let tail = usize::try_from(offset / 8).ok().and_then(|start| bytes.get(start..)).unwrap_or(&[]);
        let mut window = [0; 16];
        for (place, byte) in window.iter_mut().zip(tail.iter().take(FIELD_BYTES)) {
            *place = *byte;
        }
        let field = u128::from_be_bytes(window) >> self.shift(offset);
        self.number(field as u64)
    }

    /// Writes the number's lowest bits; the string must be long enough.
    pub fn write(self, bytes: &mut [u8], offset: u64, number: i64) {
        let start = usize::try_from(offset / 8).unwrap_or(usize::MAX);
        let Some(tail) = bytes.get_mut(start..) else { return };
        let length = tail.len().min(FIELD_BYTES);
        let mut window = [0; 16];
        window[..length].copy_from_slice(&tail[..length]);
        let mask = u128::from(u64::MAX >> (64 - self.bits)) << self.shift(offset);
        let field = u128::from(number as u64) << self.shift(offset) & mask;
        let changed = (u128::from_be_bytes(window) & !mask | field).to_be_bytes();
        tail[..length].copy_from_slice(&changed[..length]);
    }

    /// The number to store for SET; `None` when it does not fit and that is to fail.
    ///
    /// A negative number for an unsigned field is a very large one. So is one for a signed field from whose distance to the
    /// field's largest Redis's own 64 bits run over. Replicas get BITFIELD as it was sent: both kinds must do the same.
    pub fn fit(self, number: i64, overflow: Overflow) -> Option<i64> {
        let runs_over = self.bits < 64 && ((1_i64 << (self.bits - 1)) - 1).checked_sub(number).is_none();
        let number = if self.signed && !runs_over { i128::from(number) } else { i128::from(number as u64) };
        self.fit_wide(number, overflow)
    }

    /// The number to store for INCRBY; `None` when it does not fit and that is to fail.
    pub fn increment(self, number: i64, by: i64, overflow: Overflow) -> Option<i64> {
        self.fit_wide(i128::from(number) + i128::from(by), overflow)
    }

    fn fit_wide(self, number: i128, overflow: Overflow) -> Option<i64> {
        let (least, most) = match self.signed {
            true => (-(1_i128 << (self.bits - 1)), (1_i128 << (self.bits - 1)) - 1),
            false => (0, (1_i128 << self.bits) - 1),
        };
        match overflow {
            _ if (least..=most).contains(&number) => Some(number as i64),
            Overflow::Wrap => Some(self.number(number as u64)),
            Overflow::Saturate => Some(number.clamp(least, most) as i64),
            Overflow::Fail => None,
        }
    }

    /// The number in the lowest bits of a word.
    fn number(self, word: u64) -> i64 {
        let unused = 64 - self.bits;
        if self.signed { (word << unused) as i64 >> unused } else { (word << unused >> unused) as i64 }
    }

    /// How far the field's last bit is from the end of a window of 16 bytes that starts at its first byte.
    fn shift(self, offset: u64) -> u32 {
        128 - (offset % 8) as u32 - self.bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::bitmap::bit;
    use proptest::prelude::*;

    fn field(text: &str) -> FieldType {
        FieldType::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn types() {
        for text in ["i1", "i64", "u1", "u63"] {
            assert!(FieldType::parse(text.as_bytes()).is_some(), "{text}");
        }
        for text in ["", "i", "u", "i0", "u0", "i65", "u64", "I8", "i08", "i-1", "x8", "i8 "] {
            assert!(FieldType::parse(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit() {
        use Overflow::{Fail, Saturate, Wrap};
        for (of, number, by, wrapped, saturated) in [
            ("u8", 255, 1, 0, 255),
            ("u8", 0, -1, 255, 0),
            ("i8", 127, 1, -128, 127),
            ("i8", -128, -1, 127, -128),
            ("i64", i64::MAX, 1, i64::MIN, i64::MAX),
            ("i64", i64::MIN, i64::MIN, 0, i64::MIN),
            ("u63", i64::MAX, i64::MAX, i64::MAX - 1, i64::MAX),
        ] {
            assert_eq!(field(of).increment(number, by, Wrap), Some(wrapped), "{of} {number} {by}");
            assert_eq!(field(of).increment(number, by, Saturate), Some(saturated), "{of} {number} {by}");
            assert_eq!(field(of).increment(number, by, Fail), None, "{of} {number} {by}");
        }
        assert_eq!(field("u8").fit(-1, Wrap), Some(255));
        assert_eq!(field("u8").fit(-1, Saturate), Some(255));
        assert_eq!(field("i4").fit(-9, Saturate), Some(-8));
        assert_eq!(field("i4").fit(7, Fail), Some(7));
        assert_eq!(field("i64").fit(i64::MIN, Saturate), Some(i64::MIN));
        // As redis-server 7.0.15 answers.
        assert_eq!(field("i13").fit(i64::MIN, Saturate), Some(4095));
        assert_eq!(field("i13").fit(i64::MIN + 4095, Saturate), Some(4095));
        assert_eq!(field("i13").fit(i64::MIN + 4096, Saturate), Some(-4096));
        assert_eq!(field("i13").fit(i64::MIN + 5, Wrap), Some(5));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_and_nothing_else_changes(
            mut bytes in proptest::collection::vec(any::<u8>(), 20..30),
            offset in 0u64..90, bits in 1u32..=64, number: i64,
        ) {
            let (before, of) = (bytes.clone(), FieldType { signed: true, bits });
            let number = of.number(number as u64);
            of.write(&mut bytes, offset, number);
            prop_assert_eq!(of.read(&bytes, offset), number);
            for at in (0..bytes.len() as u64 * 8).filter(|at| !(offset..offset + of.bits()).contains(at)) {
                prop_assert_eq!(bit(&bytes, at), bit(&before, at));
            }
            // The end of the string cuts a field off.
            let cut = &bytes[..(offset / 8 + 1) as usize];
            let filled: Vec<u8> = cut.iter().copied().chain([0; 16]).collect();
            prop_assert_eq!(of.read(cut, offset), of.read(&filled, offset));
        }
    }
}
