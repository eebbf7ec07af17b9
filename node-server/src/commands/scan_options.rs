//! What HSCAN, SSCAN and ZSCAN have in common: cursor, MATCH, COUNT, and the shape of the reply.

use rcl_proto::resp::{Args, ReplyWriter};
use rcl_store::types::Element;

use crate::command::{CommandError, parse};
use crate::config::glob;

/// How many elements a call looks at, unless it says otherwise.
const DEFAULT_COUNT: usize = 10;

#[derive(Debug)]
pub struct ScanOptions<'a> {
    pub count: usize,
    pattern: Option<&'a [u8]>,
}

impl<'a> ScanOptions<'a> {
    /// The options, which begin at argument `from`.
    pub fn parse(args: Args<'a>, from: usize) -> Result<ScanOptions<'a>, CommandError> {
        let mut options = ScanOptions { count: DEFAULT_COUNT, pattern: None };
        let mut rest = args.from(from).iter();
        while let Some(word) = rest.next() {
            let value = rest.next().ok_or(CommandError::SYNTAX)?;
            if parse::is(word, "count") {
                let count = parse::integer(value)?;
                options.count =
                    usize::try_from(count).ok().filter(|count| *count > 0).ok_or(CommandError::SYNTAX)?;
            } else if parse::is(word, "match") {
                // `*` matches everything here, even what is empty.
                options.pattern = (value != b"*").then_some(value);
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        Ok(options)
    }

    pub fn matches(&self, element: Element<'_>) -> bool {
        self.pattern.is_none_or(|pattern| glob::matches(pattern, element.as_bytes(&mut itoa::Buffer::new())))
    }
}

/// A cursor as C's strtoul reads it: the whole range of 64 bits, and a minus goes around.
pub fn cursor(text: &[u8]) -> Result<u64, CommandError> {
    const INVALID: CommandError = CommandError::fixed("ERR invalid cursor");
    let (negative, digits) = match text {
        [] => return Ok(0),
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(INVALID);
    }
    let number = digits
        .iter()
        .try_fold(0u64, |number, digit| number.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
    let number = number.ok_or(INVALID)?;
    Ok(if negative { number.wrapping_neg() } else { number })
}

/// Writes `[cursor, [elements…]]`. `scan` writes the elements, and says how many and where to go on.
pub fn write(reply: &mut ReplyWriter<'_>, scan: impl FnOnce(&mut ReplyWriter<'_>) -> (u64, usize)) {
    reply.array(2);
    let start = reply.position();
    let (next, count) = scan(reply);
    // The cursor is known last and stands first.
    let elements = reply.written_since(start).to_vec();
    reply.rewind(start);
    reply.bulk(next.to_string().as_bytes());
    reply.array(count);
    reply.raw(&elements);
}

/// What is found at a key that is not there.
pub fn write_empty(reply: &mut ReplyWriter<'_>) {
    write(reply, |_| (0, 0));
}
