//! Looking through many bits: BITCOUNT, BITPOS.

use std::ops::Range;

use rcl_proto::resp::Args;
use rcl_store::types::bitmap;

use crate::command::arguments::{KEY, word};
use crate::command::parse::{self, is};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};

/// What the bounds of a range count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Byte,
    Bit,
}

impl Unit {
    fn parse(word: Option<&[u8]>) -> Result<Unit, CommandError> {
        match word {
            None => Ok(Unit::Byte),
            Some(word) if is(word, "BYTE") => Ok(Unit::Byte),
            Some(word) if is(word, "BIT") => Ok(Unit::Bit),
            Some(_) => Err(CommandError::SYNTAX),
        }
    }

    fn bits(self) -> u64 {
        if self == Unit::Bit { 1 } else { 8 }
    }

    /// The bits from `start` to `end`, both included and counted from the end when negative; `None` without any.
    fn range(self, start: i64, end: i64, bytes: &[u8]) -> Option<Range<u64>> {
        let total = (bytes.len() as u64 * 8 / self.bits()) as i64;
        let from_end = |index: i64| if index < 0 { (total + index).max(0) } else { index };
        let (start, end) = (from_end(start), from_end(end).min(total - 1));
        (start <= end).then(|| start as u64 * self.bits()..(end as u64 + 1) * self.bits())
    }
}

pub const BITCOUNT: CommandSpec = CommandSpec {
    name: "bitcount",
    arity: -2,
    flags: flag::READONLY,
    categories: category::BITMAP,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "2.6.0",
    group: Group::Bitmap,
    complexity: "O(N)",
    summary: "Counts the set bits of the string at a key, or of a part of it.",
    arguments: &[
        KEY,
        Argument {
            name: "range",
            kind: Kind::Block,
            optional: true,
            arguments: &[
                Argument { name: "start", kind: Kind::Integer, ..ARGUMENT },
                Argument { name: "end", kind: Kind::Integer, ..ARGUMENT },
                Argument {
                    name: "unit",
                    kind: Kind::OneOf,
                    since: "7.0.0",
                    optional: true,
                    arguments: &[word("byte", "BYTE"), word("bit", "BIT")],
                    ..ARGUMENT
                },
            ],
            ..ARGUMENT
        },
    ],
    handler: Handler::Run(bitcount),
    ..COMMAND
};

fn bitcount(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    // Without a key the rest is not even looked at.
    let Some(value) = context.data.string(&args[1])? else {
        context.reply.integer(0);
        return Ok(Outcome::Done);
    };
    let mut buffer = itoa::Buffer::new();
    let bytes = value.as_bytes(&mut buffer);
    let range = match args.len() {
        2 => Unit::Byte.range(0, -1, bytes),
        4 | 5 => {
            let (start, end) = (parse::integer(&args[2])?, parse::integer(&args[3])?);
            let is_reversed = start < 0 && end < 0 && start > end;
            if is_reversed { None } else { Unit::parse(args.get(4))?.range(start, end, bytes) }
        }
        _ => return Err(CommandError::SYNTAX),
    };
    context.reply.integer(range.map_or(0, |range| bitmap::count(bytes, range)) as i64);
    Ok(Outcome::Done)
}

pub const BITPOS: CommandSpec = CommandSpec {
    name: "bitpos",
    arity: -3,
    flags: flag::READONLY,
    categories: category::BITMAP,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "2.8.7",
    group: Group::Bitmap,
    complexity: "O(N)",
    summary: "Returns the position of the first bit that is set (or clear) in the string at a key.",
    arguments: &[
        KEY,
        Argument { name: "bit", kind: Kind::Integer, ..ARGUMENT },
        Argument {
            name: "range",
            kind: Kind::Block,
            optional: true,
            arguments: &[
                Argument { name: "start", kind: Kind::Integer, ..ARGUMENT },
                Argument {
                    name: "end-unit-block",
                    kind: Kind::Block,
                    optional: true,
                    arguments: &[
                        Argument { name: "end", kind: Kind::Integer, ..ARGUMENT },
                        Argument {
                            name: "unit",
                            kind: Kind::OneOf,
                            since: "7.0.0",
                            optional: true,
                            arguments: &[word("byte", "BYTE"), word("bit", "BIT")],
                            ..ARGUMENT
                        },
                    ],
                    ..ARGUMENT
                },
            ],
            ..ARGUMENT
        },
    ],
    handler: Handler::Run(bitpos),
    ..COMMAND
};

fn bitpos(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let wanted = match parse::integer(&args[2])? {
        number @ 0..=1 => number == 1,
        _ => return Err(CommandError::fixed("ERR The bit argument must be 1 or 0.")),
    };
    // What is not there is a string of zeroes without end.
    let Some(value) = context.data.string(&args[1])? else {
        context.reply.integer(if wanted { -1 } else { 0 });
        return Ok(Outcome::Done);
    };
    let mut buffer = itoa::Buffer::new();
    let bytes = value.as_bytes(&mut buffer);
    if args.len() > 6 {
        return Err(CommandError::SYNTAX);
    }
    let start = args.get(3).map_or(Ok(0), parse::integer)?;
    let unit = Unit::parse(args.get(5))?;
    let end = args.get(4).map(parse::integer).transpose()?;
    let position = unit.range(start, end.unwrap_or(-1), bytes).map(|range| {
        let found = bitmap::position(bytes, wanted, range);
        // A string whose end was not named goes on with zeroes.
        let beyond = (!wanted && end.is_none()).then_some(bytes.len() as u64 * 8);
        found.or(beyond)
    });
    context.reply.integer(position.flatten().map_or(-1, |position| position as i64));
    Ok(Outcome::Done)
}
