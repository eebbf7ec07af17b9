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

    /// `count [word]`, where the word asks for pairs: RESP2's flat array then has twice as many elements, which must
    /// be a number too. True with the word.
    pub fn parse_with_pairs(options: Args<'_>, word: &str) -> Result<(Draw, bool), CommandError> {
        let draw = Draw::parse(&options[0])?;
        let pairs = match options.get(1) {
            None => false,
            Some(given) if options.len() == 2 && parse::is(given, word) => true,
            Some(_) => return Err(CommandError::SYNTAX),
        };
        let count = match draw {
            Draw::Distinct(count) => count as u64,
            Draw::Repeated(count) => count,
        };
        if pairs && count > i64::MAX as u64 / 2 { Err(CommandError::OUT_OF_RANGE) } else { Ok((draw, pairs)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcl_proto::resp::OwnedArgs;

    #[test]
    fn draws() {
        assert_eq!(Draw::parse(b"3"), Ok(Draw::Distinct(3)));
        assert_eq!(Draw::parse(b"-3"), Ok(Draw::Repeated(3)));
        assert_eq!(
            Draw::parse(b"-9223372036854775808").unwrap_err().text(),
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"
        );
    }

    #[test]
    fn draws_of_pairs() {
        let parse = |line: &str| {
            Draw::parse_with_pairs(OwnedArgs::new(line.split(' ').map(str::as_bytes)).as_args(), "withvalues")
        };
        assert_eq!(parse("-9223372036854775807 withvalues"), Err(CommandError::OUT_OF_RANGE));
        assert_eq!(parse("x withvalues"), Err(CommandError::NOT_INTEGER));
        assert_eq!(parse("-9223372036854775807"), Ok((Draw::Repeated(i64::MAX as u64), false)));
        assert_eq!(parse("2 WithValues"), Ok((Draw::Distinct(2), true)));
        assert_eq!(parse("2 withscores"), Err(CommandError::SYNTAX));
        assert_eq!(parse("2 withvalues withvalues"), Err(CommandError::SYNTAX));
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
