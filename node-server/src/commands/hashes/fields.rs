//! `FIELDS numfields field …`, which the commands about fields' expiries end in.

use rcl_proto::resp::Args;

use crate::command::CommandError;
use crate::command::parse::{self, is};
use crate::command::spec::{ARGUMENT, Argument, Kind};

pub const FIELDS: Argument = Argument {
    name: "fields",
    kind: Kind::Block,
    token: "FIELDS",
    arguments: &[
        Argument { name: "numfields", kind: Kind::Integer, ..ARGUMENT },
        Argument { name: "field", multiple: true, ..ARGUMENT },
    ],
    ..ARGUMENT
};

/// What most of the commands say of a count that is none.
pub const BAD_COUNT: &str = "Number of fields must be a positive integer";

/// The fields, when `FIELDS` stands at `position` and all that follows is counted right.
pub fn fields<'a>(args: Args<'a>, position: usize, bad_count: &str) -> Result<Args<'a>, CommandError> {
    if !args.get(position).is_some_and(|word| is(word, "FIELDS")) {
        return Err(CommandError::fixed(
            "ERR Mandatory argument FIELDS is missing or not at the right position",
        ));
    }
    let count = args.get(position + 1).and_then(|count| parse::integer(count).ok());
    let count = count.filter(|count| *count > 0);
    let count = count.ok_or_else(|| CommandError::new(format!("ERR {bad_count}")))?;
    let fields = args.from(position + 2);
    if count != fields.len() as i64 {
        return Err(CommandError::fixed("ERR The `numfields` parameter must match the number of arguments"));
    }
    Ok(fields)
}
