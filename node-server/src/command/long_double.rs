//! The arithmetic of INCRBYFLOAT and HINCRBYFLOAT: x87's 80-bit long double, which is what Redis computes with
//! on x86, so that 0.1 + 0.2 is 0.3 and not 0.30000000000000004.
//!
//! ```text
//! bit  79     sign
//!      78–64  exponent, biased by 16383
//!      63–0   mantissa with its leading 1 written out
//! ```
//!
//! A result is written with 17 digits after the point, zeros at the end left out.

use rustc_apfloat::Float;
use rustc_apfloat::ieee::X87DoubleExtended;

use super::parse::{is_out_of_range, read_double};

#[derive(Clone, Copy, Debug)]
pub struct LongDouble(X87DoubleExtended);

const DIGITS_AFTER_POINT: u32 = 17;

impl LongDouble {
    /// `None` for what is no number.
    pub fn parse(text: &[u8]) -> Option<LongDouble> {
        // The same texts as for a double; its value then in full precision.
        let double = read_double(text)?;
        let is_word = double.is_infinite() && !is_out_of_range(double, text);
        let digits = std::str::from_utf8(text).ok()?;
        if is_word || digits.contains(['x', 'X']) {
            return format!("{double:e}").parse().ok().map(LongDouble);
        }
        let value = digits.strip_prefix('+').unwrap_or(digits).parse::<X87DoubleExtended>().ok()?;
        let rough = match () {
            () if value.is_infinite() => f64::INFINITY,
            () if value.is_zero() => 0.0,
            () => 1.0,
        };
        (!is_out_of_range(rough, text)).then_some(LongDouble(value))
    }

    /// `None` when the sum is no finite number.
    pub fn plus(self, other: LongDouble) -> Option<LongDouble> {
        let sum = (self.0 + other.0).value;
        sum.is_finite().then_some(LongDouble(sum))
    }

    pub fn is_finite(self) -> bool {
        self.0.is_finite()
    }

    pub fn text(self) -> String {
        let bits = self.0.to_bits();
        let mantissa = bits as u64;
        let exponent = (bits >> 64 & 0x7fff) as i32 - 16383 - 63;
        let sign = if self.0.is_negative() && mantissa != 0 { "-" } else { "" };
        let (whole, fraction) = if exponent >= 0 {
            (shifted_left(mantissa, exponent as u32), 0)
        } else {
            split(mantissa, exponent.unsigned_abs())
        };
        let fraction = format!("{fraction:0width$}", width = DIGITS_AFTER_POINT as usize);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        let text = format!("{sign}{whole}{point}{fraction}");
        if text == "-0" { "0".to_owned() } else { text }
    }
}

/// `mantissa / 2^shift` as its whole part and its fraction in units of 10^-17, rounded to the nearest (even) one.
fn split(mantissa: u64, shift: u32) -> (String, u64) {
    const SCALE: u128 = 10u128.pow(DIGITS_AFTER_POINT);
    // Below 2^121: it fits.
    let scaled = u128::from(mantissa) * SCALE;
    if shift > 127 {
        return ("0".to_owned(), 0);
    }
    let (quotient, rest) = (scaled >> shift, scaled & ((1u128 << shift) - 1));
    let half = 1u128 << (shift - 1);
    let up = rest > half || (rest == half && quotient & 1 == 1);
    let rounded = quotient + u128::from(up);
    ((rounded / SCALE).to_string(), (rounded % SCALE) as u64)
}

/// The decimal digits of `mantissa * 2^shift`, however long.
fn shifted_left(mantissa: u64, shift: u32) -> String {
    // Digits in groups of nine, the lowest first.
    const GROUP: u64 = 1_000_000_000;
    let mut groups = vec![mantissa % GROUP, mantissa / GROUP % GROUP, mantissa / GROUP / GROUP];
    for _ in 0..shift {
        let mut carry = 0;
        for group in &mut groups {
            let doubled = *group * 2 + carry;
            *group = doubled % GROUP;
            carry = doubled / GROUP;
        }
        if carry > 0 {
            groups.push(carry);
        }
    }
    let digits: String = groups.iter().rev().map(|group| format!("{group:09}")).collect();
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() { "0".to_owned() } else { digits.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(left: &str, right: &str) -> Option<String> {
        let parse = |text: &str| LongDouble::parse(text.as_bytes());
        Some(parse(left)?.plus(parse(right)?)?.text())
    }

    #[test]
    fn as_redis_7_0_15_answers() {
        for (left, right, expected) in [
            ("0.1", "0.2", "0.3"),
            ("10.50", "0.1", "10.6"),
            ("5.0e3", "2.0e2", "5200"),
            ("3", "-3", "0"),
            ("1", "1e-17", "1.00000000000000001"),
            ("17179869184", "1", "17179869185"),
            ("-1.23", "0.03", "-1.2"),
            ("0", "1e18", "1000000000000000000"),
            ("1e20", "0", "100000000000000000000"),
            ("+1", "0x10", "17"),
            ("-1e400", "1e400", "0"),
        ] {
            assert_eq!(sum(left, right).as_deref(), Some(expected), "{left} + {right}");
        }
    }

    #[test]
    fn what_is_no_finite_number() {
        assert_eq!(sum("1", "inf"), None);
        assert_eq!(sum("1", "1e5000"), None);
        assert_eq!(sum("1", "1e-5000"), None);
        assert_eq!(sum("1", "nan"), None);
        assert_eq!(sum("1", "abc"), None);
        assert_eq!(sum("1", " 1"), None);
    }
}
