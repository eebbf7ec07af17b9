//! The number that INCRBYFLOAT and HINCRBYFLOAT count with: the extended format of x86, which Redis has there as
//! `long double`.
//!
//! ```text
//!   value = ± mantissa · 2^exponent        mantissa: 64 bits, the highest one set (or 0 for zero)
//! ```
//!
//! Rust has no such type, and a double would show other digits (`3.0 + 0.1` is `3.1` here, and `0.1 + 0.2` is `0.3`). Reading,
//! adding and writing are exact and then rounded once, to nearest, ties to even. Written are 17 places behind the point, without
//! trailing zeros. Subnormal numbers, below 10^-4932, keep full precision, which nobody can see in 17 places.

use std::iter;

/// Longer texts are no numbers to Redis.
const MAX_TEXT_BYTES: usize = 5 * 1024;
const PLACES: u32 = 17;
/// Values from 2 to this power on do not fit.
const EXPONENT_LIMIT: i64 = 16384;
const LOWEST_EXPONENT: i64 = -16446;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongDouble {
    negative: bool,
    mantissa: u64,
    exponent: i64,
    infinite: bool,
}

impl LongDouble {
    pub const ZERO: LongDouble = LongDouble { negative: false, mantissa: 0, exponent: 0, infinite: false };

    /// As C's strtold reads it, the whole text and nothing around it; not a number is refused, as is what is too large
    /// or too small.
    pub fn parse(text: &[u8]) -> Option<LongDouble> {
        if text.len() >= MAX_TEXT_BYTES {
            return None;
        }
        let (negative, digits) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        if digits.eq_ignore_ascii_case(b"inf") || digits.eq_ignore_ascii_case(b"infinity") {
            return Some(LongDouble { negative, infinite: true, ..LongDouble::ZERO });
        }
        let magnitude = match digits {
            [b'0', b'x' | b'X', hexadecimal @ ..] => parse_hexadecimal(hexadecimal)?,
            decimal => parse_decimal(decimal)?,
        };
        Some(LongDouble { negative, ..magnitude })
    }

    pub fn is_finite(self) -> bool {
        !self.infinite
    }

    /// The sum; infinite when it does not fit, or when one of the two is.
    pub fn add(self, other: LongDouble) -> LongDouble {
        if self.infinite || other.infinite {
            return LongDouble { infinite: true, ..self };
        }
        if other.mantissa == 0 {
            return self;
        }
        let (large, small) =
            if self.magnitude() >= other.magnitude() { (self, other) } else { (other, self) };
        if small.mantissa == 0 {
            return large;
        }
        // Room for a carry above, and for what rounding has to see below.
        let high = u128::from(large.mantissa) << 62;
        let distance = u32::try_from(large.exponent - small.exponent).unwrap_or(u32::MAX);
        let shifted = u128::from(small.mantissa) << 62;
        let low = shifted.checked_shr(distance).unwrap_or(0);
        let inexact = low.checked_shl(distance) != Some(shifted);
        let sum =
            if large.negative == small.negative { high + low } else { high - low - u128::from(inexact) };
        let rounded = round(sum, large.exponent - 62, inexact);
        if rounded.mantissa == 0 {
            LongDouble::ZERO
        } else {
            LongDouble { negative: large.negative, ..rounded }
        }
    }

    /// Decimal, without an exponent: `3.1`, `-0.5`, `1000000000000000000000`.
    pub fn to_text(self) -> Vec<u8> {
        let mut text = Vec::new();
        if self.infinite {
            text.extend_from_slice(if self.negative { b"-inf" } else { b"inf" });
            return text;
        }
        let magnitude = if self.exponent >= 0 {
            let mut whole = Natural::from(u128::from(self.mantissa));
            whole.shift_left(self.exponent as usize);
            whole.to_decimal()
        } else {
            let scaled = self.scaled();
            let unit = 10u128.pow(PLACES);
            let (whole, fraction) = (scaled / unit, scaled % unit);
            let fraction = format!("{fraction:017}");
            match fraction.trim_end_matches('0') {
                "" => whole.to_string(),
                fraction => format!("{whole}.{fraction}"),
            }
        };
        if self.negative && magnitude != "0" {
            text.push(b'-');
        }
        text.extend_from_slice(magnitude.as_bytes());
        text
    }

    /// The magnitude times 10^17 as an integer, rounded; for negative exponents, where it fits.
    fn scaled(self) -> u128 {
        let exact = u128::from(self.mantissa) * 10u128.pow(PLACES);
        let shift = u32::try_from(-self.exponent).unwrap_or(u32::MAX);
        if shift >= 128 {
            return 0;
        }
        let whole = exact >> shift;
        let rest = exact & ((1 << shift) - 1);
        let half = 1u128 << (shift - 1);
        whole + u128::from(rest > half || (rest == half && whole % 2 == 1))
    }

    fn magnitude(self) -> (bool, i64, u64) {
        (self.mantissa != 0, self.exponent, self.mantissa)
    }
}

/// `12.5e-3`
fn parse_decimal(text: &[u8]) -> Option<LongDouble> {
    let (digits, point, exponent) = split(text, b'e', u8::is_ascii_digit)?;
    let mut number = Natural::default();
    digits.iter().for_each(|digit| number.multiply_add(10, u32::from(digit - b'0')));
    if number.is_zero() {
        return Some(LongDouble::ZERO);
    }
    let significant = digits.iter().skip_while(|digit| **digit == b'0').count() as i64;
    let power = exponent.saturating_sub(point);
    // Beyond these nothing fits; checked here so that the numbers below stay small.
    if !(-5000..=5000).contains(&significant.saturating_add(power)) {
        return None;
    }
    let mut inexact = false;
    let mut binary_exponent = 0;
    if power >= 0 {
        powers_of_ten(power).for_each(|factor| number.multiply_add(factor, 0));
    } else {
        // So far to the left that more than 64 bits are left after dividing.
        let shift = (-power as usize) * 10 / 3 + 132;
        number.shift_left(shift);
        binary_exponent = -(shift as i64);
        powers_of_ten(-power).for_each(|divisor| inexact |= number.divide(divisor) != 0);
    }
    in_range(number.rounded(binary_exponent, inexact))
}

/// `1F.8p-3`
fn parse_hexadecimal(text: &[u8]) -> Option<LongDouble> {
    let (digits, point, exponent) = split(text, b'p', u8::is_ascii_hexdigit)?;
    let mut number = Natural::default();
    digits.iter().for_each(|digit| number.multiply_add(16, char::from(*digit).to_digit(16).unwrap_or(0)));
    if number.is_zero() {
        return Some(LongDouble::ZERO);
    }
    let exponent = exponent.saturating_sub(point.saturating_mul(4));
    in_range(number.rounded(exponent.clamp(-100_000, 100_000), false))
}

fn in_range(number: LongDouble) -> Option<LongDouble> {
    let fits = !number.infinite && number.exponent + 64 > LOWEST_EXPONENT;
    fits.then_some(number)
}

/// The digits without their point, how many stood behind it, and the exponent.
fn split(text: &[u8], mark: u8, is_digit: impl Fn(&u8) -> bool) -> Option<(Vec<u8>, i64, i64)> {
    let mark = text.iter().position(|byte| byte.eq_ignore_ascii_case(&mark));
    let (number, exponent) = match mark {
        Some(at) => (text.get(..at)?, parse_exponent(text.get(at + 1..)?)?),
        None => (text, 0),
    };
    let point = number.iter().position(|byte| *byte == b'.');
    let behind = point.map_or(0, |at| number.len() - at - 1);
    let digits: Vec<u8> =
        number.iter().enumerate().filter(|(at, _)| Some(*at) != point).map(|(_, byte)| *byte).collect();
    (!digits.is_empty() && digits.iter().all(is_digit)).then_some((digits, behind as i64, exponent))
}

fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits
        .iter()
        .fold(0i64, |number, digit| number.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    Some(if negative { -number } else { number })
}

/// Factors that make 10^`power`, each within 32 bits.
fn powers_of_ten(power: i64) -> impl Iterator<Item = u32> {
    let power = power.max(0);
    iter::repeat_n(1_000_000_000, (power / 9) as usize).chain(iter::once(10u32.pow((power % 9) as u32)))
}

/// `number` · 2^`exponent`, and a little more if `inexact`, to 64 bits.
fn round(number: u128, exponent: i64, inexact: bool) -> LongDouble {
    if number == 0 {
        return LongDouble::ZERO;
    }
    let leading = number.leading_zeros();
    let aligned = number << leading;
    let (mut mantissa, rest) = ((aligned >> 64) as u64, aligned as u64);
    let mut exponent = exponent - i64::from(leading) + 64;
    const HALF: u64 = 1 << 63;
    if rest > HALF || (rest == HALF && (inexact || mantissa % 2 == 1)) {
        (mantissa, exponent) = match mantissa.checked_add(1) {
            Some(next) => (next, exponent),
            None => (HALF, exponent + 1),
        };
    }
    LongDouble { negative: false, mantissa, exponent, infinite: exponent + 64 > EXPONENT_LIMIT }
}

/// A natural number of any size: digits of 32 bits, the lowest first, no zeros on top.
#[derive(Clone, Debug, Default)]
struct Natural(Vec<u32>);

impl Natural {
    fn from(number: u128) -> Natural {
        let mut natural = Natural((0..4).map(|digit| (number >> (32 * digit)) as u32).collect());
        natural.trim();
        natural
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    fn multiply_add(&mut self, factor: u32, add: u32) {
        let mut carry = u64::from(add);
        for digit in &mut self.0 {
            let product = u64::from(*digit) * u64::from(factor) + carry;
            *digit = product as u32;
            carry = product >> 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    /// Divides, and gives the remainder.
    fn divide(&mut self, divisor: u32) -> u32 {
        let mut remainder = 0u64;
        for digit in self.0.iter_mut().rev() {
            let part = remainder << 32 | u64::from(*digit);
            *digit = (part / u64::from(divisor)) as u32;
            remainder = part % u64::from(divisor);
        }
        self.trim();
        remainder as u32
    }

    fn shift_left(&mut self, bits: usize) {
        self.multiply_add(1 << (bits % 32), 0);
        if !self.is_zero() {
            self.0.splice(0..0, iter::repeat_n(0, bits / 32));
        }
    }

    /// This number · 2^`exponent`, and a little more if `inexact`.
    fn rounded(&self, exponent: i64, inexact: bool) -> LongDouble {
        let below = self.0.len().saturating_sub(4);
        let (low, high) = self.0.split_at(below);
        let top = high.iter().rev().fold(0u128, |top, digit| top << 32 | u128::from(*digit));
        round(top, exponent + 32 * below as i64, inexact || low.iter().any(|digit| *digit != 0))
    }

    fn to_decimal(&self) -> String {
        let mut number = self.clone();
        let mut groups = Vec::new();
        while !number.is_zero() {
            groups.push(number.divide(1_000_000_000));
        }
        let Some(highest) = groups.pop() else { return "0".to_owned() };
        groups.iter().rev().fold(highest.to_string(), |text, group| format!("{text}{group:09}"))
    }

    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(left: &str, right: &str) -> String {
        let [left, right] = [left, right].map(|text| LongDouble::parse(text.as_bytes()).unwrap());
        String::from_utf8(left.add(right).to_text()).unwrap()
    }

    /// The answers of Redis 7.0.15 on x86-64 to SET left, INCRBYFLOAT right.
    #[test]
    fn sums_as_redis_writes_them() {
        for (left, right, expected) in [
            ("0.1", "0.2", "0.3"),
            ("3.0", "0.1", "3.1"),
            ("3", "-3", "0"),
            ("-1.5", "1", "-0.5"),
            ("1e20", "1", "100000000000000000001"),
            ("1e22", "1", "10000000000000000000000"),
            ("0", "1e-17", "0.00000000000000001"),
            ("0", "4e-18", "0"),
            ("0", "-4e-18", "0"),
            ("0x10", "0x.8p1", "17"),
            ("5.", ".5", "5.5"),
            ("1", "0.123456789012345678901", "1.12345678901234568"),
        ] {
            assert_eq!(sum(left, right), expected, "{left} + {right}");
        }
    }

    #[test]
    fn what_is_no_number() {
        for text in
            ["", " 1", "1 ", "nan", "1e", "1e+", ".", "-", "e5", "0x", "1.2.3", "1e5000", "1e-5000", "--1"]
        {
            assert_eq!(LongDouble::parse(text.as_bytes()), None, "{text:?}");
        }
        assert!(!LongDouble::parse(b"-inf").unwrap().is_finite());
        let huge = LongDouble::parse(b"1e4932").unwrap();
        assert!(huge.is_finite() && !huge.add(huge).is_finite());
    }

    proptest::proptest! {
        #[test]
        fn integers_add_up(left in -(1i64 << 62)..1 << 62, right in -(1i64 << 62)..1 << 62) {
            proptest::prop_assert_eq!(sum(&left.to_string(), &right.to_string()), (left + right).to_string());
        }

        #[test]
        fn doubles_are_read_exactly(number in -1e12..1e12f64) {
            // Exact as a long double; rounding that to a double's 53 bits changes nothing.
            let read = LongDouble::parse(format!("{number:e}").as_bytes()).unwrap();
            let text = String::from_utf8(read.to_text()).unwrap();
            proptest::prop_assert!((text.parse::<f64>().unwrap() - number).abs() <= 1e-17_f64.max(number.abs() * 1e-15));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "[-+]?[0-9]{0,30}[.]?[0-9]{0,30}(e[-+]?[0-9]{1,6})?") {
            if let Some(number) = LongDouble::parse(text.as_bytes()) {
                number.add(LongDouble::parse(b"1e-3").unwrap()).to_text();
            }
        }
    }
}
