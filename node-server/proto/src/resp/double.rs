//! How a double is written in a reply: the fewest digits that read back as the same number.
//!
//! ```text
//! 0.1   3   1e+22   1.5e-9   inf   -inf   nan
//! ```
//!
//! Redis 7.2 writes doubles this way (7.0 wrote 17 digits: `0.10000000000000001`). Whole numbers are written with all their
//! digits as far as half of what 64 bits hold. Of others, where plain notation stays short it is used; else an exponent with
//! its sign.

/// Up to here a whole number is written as an integer: i64::MAX / 2.
const LARGEST_INTEGER: f64 = 4_611_686_018_427_387_904.0;

/// Appends `value` to `out`.
pub fn format_double(value: f64, out: &mut Vec<u8>) {
    if value.is_nan() {
        return out.extend_from_slice(b"nan");
    }
    if value.is_infinite() {
        return out.extend_from_slice(if value > 0.0 { b"inf" } else { b"-inf" });
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    if value == 0.0 {
        return out.push(b'0');
    }
    if value.abs() <= LARGEST_INTEGER && value.fract() == 0.0 {
        return out.extend_from_slice(itoa::Buffer::new().format(value.abs() as u64).as_bytes());
    }
    let scientific = format!("{:e}", value.abs());
    // `{:e}` always has an exponent: `1.5e-9`.
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits: Vec<u8> = mantissa.bytes().filter(|&byte| byte != b'.').collect();
    write_digits(&digits, exponent, out);
}

/// `digits` with the decimal point after the first one, times ten to the `exponent`.
fn write_digits(digits: &[u8], exponent: i32, out: &mut Vec<u8>) {
    let count = digits.len() as i32;
    let trailing_zeros = exponent - (count - 1);
    if trailing_zeros >= 0 && exponent < count + 7 {
        out.extend_from_slice(digits);
        out.extend(std::iter::repeat_n(b'0', trailing_zeros as usize));
    } else if trailing_zeros < 0 && (trailing_zeros > -7 || exponent.abs() < 4) {
        if exponent < 0 {
            out.extend_from_slice(b"0.");
            out.extend(std::iter::repeat_n(b'0', (-exponent - 1) as usize));
            out.extend_from_slice(digits);
        } else {
            let (whole, fraction) = digits.split_at(exponent as usize + 1);
            out.extend_from_slice(whole);
            out.push(b'.');
            out.extend_from_slice(fraction);
        }
    } else {
        out.push(digits[0]);
        if count > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        out.extend_from_slice(format!("e{exponent:+}").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: f64) -> String {
        let mut out = Vec::new();
        format_double(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn short_forms() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (3.0, "3"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (100000.0, "100000"),
            (1e22, "1e+22"),
            (1.5e-9, "1.5e-9"),
            (0.001234, "0.001234"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (17179869184.0, "17179869184"),
            (5e9, "5000000000"),
            (-1e18, "-1000000000000000000"),
            (4_611_686_018_427_387_904.0, "4611686018427387904"),
            (4_611_686_018_427_388_928.0, "4611686018427389000"),
        ] {
            assert_eq!(text(value), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn reads_back_as_itself(value in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
            proptest::prop_assert_eq!(text(value).parse::<f64>().unwrap(), value);
        }
    }
}
