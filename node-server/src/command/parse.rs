//! Reading arguments: numbers, options, times.

use rcl_store::types::{parse_hexadecimal, parse_integer};

use super::CommandError;

/// A 64-bit integer in its canonical text.
pub fn integer(text: &[u8]) -> Result<i64, CommandError> {
    parse_integer(text).ok_or(CommandError::NOT_INTEGER)
}

/// An integer that may not be negative.
pub fn positive(text: &[u8]) -> Result<u64, CommandError> {
    let number = parse_integer(text).ok_or(CommandError::MUST_BE_POSITIVE)?;
    u64::try_from(number).map_err(|_| CommandError::MUST_BE_POSITIVE)
}

/// A double as Redis reads it: no spaces, `inf` in its spellings, no `nan`.
pub fn double(text: &[u8]) -> Result<f64, CommandError> {
    parse_double(text).ok_or(CommandError::NOT_FLOAT)
}

pub fn parse_double(text: &[u8]) -> Option<f64> {
    read_double(text).filter(|number| !is_out_of_range(*number, text))
}

/// Redis reads what is longer as no number.
const LONGEST_NUMBER: usize = 5 * 1024;

/// The same, but what is too large comes out as infinite, and what is too small as zero.
pub fn read_double(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let first = text.bytes().next()?;
    if first.is_ascii_whitespace() || text.len() >= LONGEST_NUMBER {
        return None;
    }
    if let Some(number) = parse_hexadecimal(text) {
        return Some(number);
    }
    // What `parse` takes besides numbers is `inf`, `infinity` and `nan`, in any case and with a sign.
    text.parse::<f64>().ok().filter(|number| !number.is_nan())
}

/// True for what came out as infinite or as zero only because it is too large or too small.
pub fn is_out_of_range(number: f64, text: &[u8]) -> bool {
    let mantissa = text.split(|byte| matches!(byte, b'e' | b'E')).next().unwrap_or_default();
    match () {
        () if number.is_infinite() => mantissa.iter().any(u8::is_ascii_digit),
        () if number == 0.0 => mantissa.iter().any(|byte| matches!(byte, b'1'..=b'9')),
        () => false,
    }
}

/// True when `argument` is this word, whatever its case.
pub fn is(argument: &[u8], word: &str) -> bool {
    argument.eq_ignore_ascii_case(word.as_bytes())
}

/// In which unit, and from which moment, an expiry is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeForm {
    pub milliseconds: bool,
    pub absolute: bool,
}

impl TimeForm {
    pub const EX: TimeForm = TimeForm { milliseconds: false, absolute: false };
    pub const PX: TimeForm = TimeForm { milliseconds: true, absolute: false };
    pub const EXAT: TimeForm = TimeForm { milliseconds: false, absolute: true };
    pub const PXAT: TimeForm = TimeForm { milliseconds: true, absolute: true };

    /// The form that an option word names.
    pub fn named(word: &[u8]) -> Option<TimeForm> {
        [("EX", TimeForm::EX), ("PX", TimeForm::PX), ("EXAT", TimeForm::EXAT), ("PXAT", TimeForm::PXAT)]
            .into_iter()
            .find_map(|(name, form)| is(word, name).then_some(form))
    }

    /// The moment in Unix milliseconds; `None` when it does not fit.
    pub fn moment(self, number: i64, now_ms: i64) -> Option<i64> {
        let ms = if self.milliseconds { number } else { number.checked_mul(1000)? };
        if self.absolute { Some(ms) } else { ms.checked_add(now_ms) }
    }
}

pub fn invalid_expire(command: &str) -> CommandError {
    CommandError::new(format!("ERR invalid expire time in '{command}' command"))
}

/// The expiry of SET and GETEX: a moment that must lie after 1970.
pub fn expiry_option(form: TimeForm, text: &[u8], now_ms: i64, command: &str) -> Result<i64, CommandError> {
    let number = integer(text)?;
    if number <= 0 {
        return Err(invalid_expire(command));
    }
    form.moment(number, now_ms).ok_or_else(|| invalid_expire(command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_as_redis_reads_them() {
        for (text, expected) in [
            ("1", Some(1.0)),
            ("-1.5e3", Some(-1500.0)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("inf", Some(f64::INFINITY)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("+inf", Some(f64::INFINITY)),
            ("0x10", Some(16.0)),
            ("nan", None),
            ("1e400", None),
            ("-1e-400", None),
            ("0e400", Some(0.0)),
            ("", None),
            (" 1", None),
            ("1 ", None),
            ("1a", None),
        ] {
            assert_eq!(parse_double(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn times_that_do_not_fit_are_refused() {
        assert_eq!(TimeForm::EX.moment(i64::MAX, 5), None);
        assert_eq!(TimeForm::PX.moment(i64::MAX, 5), None);
        assert_eq!(TimeForm::EX.moment(2, 5), Some(2005));
        assert_eq!(TimeForm::EXAT.moment(2, 5), Some(2000));
        assert_eq!(
            expiry_option(TimeForm::EX, b"0", 5, "set").unwrap_err().text(),
            "ERR invalid expire time in 'set' command"
        );
    }
}
