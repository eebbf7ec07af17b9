//! Counts among the arguments: of keys that follow, of elements that are wanted.

use rcl_proto::resp::Args;

use super::{CommandError, parse};

/// An integer of at least `min`; anything else is an error with this text.
pub fn at_least(text: &[u8], min: i64, error: &'static str) -> Result<i64, CommandError> {
    parse::integer(text).ok().filter(|number| *number >= min).ok_or(CommandError::fixed(error))
}

/// Any integer but the lowest, so that it can be negated.
pub fn negatable(text: &[u8]) -> Result<i64, CommandError> {
    let number = parse::integer(text)?;
    if number == i64::MIN {
        let most = i64::MAX;
        return Err(CommandError::new(format!(
            "ERR value is out of range, value must between -{most} and {most}"
        )));
    }
    Ok(number)
}

/// The number of keys that LMPOP, ZMPOP and the …CARD commands begin with.
pub fn key_count(text: &[u8]) -> Result<usize, CommandError> {
    at_least(text, 1, "ERR numkeys should be greater than 0").map(|count| count as usize)
}

/// `COUNT n` at the end of LMPOP and ZMPOP: how many elements to take out, one unless it says otherwise.
pub fn pop_count(options: Args<'_>) -> Result<u64, CommandError> {
    let mut count = None;
    let mut words = options.iter();
    while let Some(word) = words.next() {
        match words.next() {
            Some(number) if count.is_none() && parse::is(word, "count") => {
                count = Some(at_least(number, 1, "ERR count should be greater than 0")? as u64);
            }
            _ => return Err(CommandError::SYNTAX),
        }
    }
    Ok(count.unwrap_or(1))
}

/// How many elements HRANDFIELD, SRANDMEMBER and ZRANDMEMBER draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// A count that is not negative: all different, so never more than there are.
    Distinct(usize),
    /// A negative count: each draw from the whole.
    Repeated(u64),
}

impl Draw {
    pub fn parse(text: &[u8]) -> Result<Draw, CommandError> {
        let count = negatable(text)?;
        Ok(if count < 0 { Draw::Repeated(count.unsigned_abs()) } else { Draw::Distinct(count as usize) })
    }

    /// For drawing pairs: RESP2's flat array has twice as many elements, which must be a number too.
    pub fn parse_for_pairs(text: &[u8]) -> Result<Draw, CommandError> {
        let draw = Draw::parse(text)?;
        let count = match draw {
            Draw::Distinct(count) => count as u64,
            Draw::Repeated(count) => count,
        };
        if count > i64::MAX as u64 / 2 { Err(CommandError::OUT_OF_RANGE) } else { Ok(draw) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws() {
        assert_eq!(Draw::parse(b"3"), Ok(Draw::Distinct(3)));
        assert_eq!(Draw::parse(b"-3"), Ok(Draw::Repeated(3)));
        assert_eq!(
            Draw::parse(b"-9223372036854775808").unwrap_err().text(),
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"
        );
        assert_eq!(Draw::parse_for_pairs(b"-9223372036854775807"), Err(CommandError::OUT_OF_RANGE));
        assert_eq!(Draw::parse_for_pairs(b"x"), Err(CommandError::NOT_INTEGER));
    }

    #[test]
    fn a_count_of_keys_is_positive() {
        assert_eq!(key_count(b"2"), Ok(2));
        for text in ["0", "-1", "x", "9223372036854775808"] {
            assert_eq!(
                key_count(text.as_bytes()).unwrap_err().text(),
                "ERR numkeys should be greater than 0"
            );
        }
    }
}
