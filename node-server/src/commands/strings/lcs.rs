//! LCS: the longest common subsequence of two strings.
//!
//! The table of lengths has a cell for each pair of prefixes; walking it backwards from its last corner gives the
//! sequence, and the ranges in which both strings agree.

use rcl_proto::resp::{Args, ReplyWriter};

use crate::command::parse::{self, is};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};

pub const LCS: CommandSpec = CommandSpec {
    name: "lcs",
    arity: -3,
    flags: flag::READONLY,
    categories: category::STRING,
    keys: &[KeySpec::range(1, 1, 1, key_flag::RO | key_flag::ACCESS)],
    since: "7.0.0",
    group: Group::String,
    complexity: "O(N*M) where N and M are the lengths of s1 and s2, respectively",
    summary: "Finds the longest common subsequence of two strings.",
    arguments: &[
        Argument { name: "key1", kind: Kind::Key, key_spec: Some(0), ..ARGUMENT },
        Argument { name: "key2", kind: Kind::Key, key_spec: Some(0), ..ARGUMENT },
        Argument { name: "len", kind: Kind::PureToken, token: "LEN", optional: true, ..ARGUMENT },
        Argument { name: "idx", kind: Kind::PureToken, token: "IDX", optional: true, ..ARGUMENT },
        Argument {
            name: "min-match-len",
            kind: Kind::Integer,
            token: "MINMATCHLEN",
            optional: true,
            ..ARGUMENT
        },
        Argument {
            name: "withmatchlen",
            kind: Kind::PureToken,
            token: "WITHMATCHLEN",
            optional: true,
            ..ARGUMENT
        },
    ],
    handler: Handler::Run(lcs),
    ..COMMAND
};

#[derive(Default)]
struct Options {
    length_only: bool,
    ranges: bool,
    min_match_length: usize,
    with_match_length: bool,
}

fn lcs(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (first, second) = (read(context, &args[1]), read(context, &args[2]));
    let not_strings = CommandError::fixed("ERR The specified keys must contain string values");
    let Some((first, second)) = first.zip(second) else { return Err(not_strings) };
    let options = options(args)?;
    let table = Table::new(&first, &second, context.node.settings().proto_max_bulk_len)?;
    if options.length_only {
        context.reply.integer(i64::from(table.at(first.len(), second.len())));
        return Ok(Outcome::Done);
    }
    let (common, matches) = table.walk(&first, &second);
    if options.ranges {
        reply_ranges(&mut context.reply, &matches, common.len(), &options);
    } else {
        context.reply.bulk(&common);
    }
    Ok(Outcome::Done)
}

/// `None` when it is no string. Both keys are read before that is complained of.
fn read(context: &mut Context<'_>, key: &[u8]) -> Option<Vec<u8>> {
    let value = context.data.string(key).ok()?;
    Some(value.map(|value| value.to_vec()).unwrap_or_default())
}

fn options(args: Args<'_>) -> Result<Options, CommandError> {
    let mut options = Options::default();
    let mut index = 3;
    while let Some(word) = args.get(index) {
        index += 1;
        if is(word, "LEN") {
            options.length_only = true;
        } else if is(word, "IDX") {
            options.ranges = true;
        } else if is(word, "WITHMATCHLEN") {
            options.with_match_length = true;
        } else if let (true, Some(number)) = (is(word, "MINMATCHLEN"), args.get(index)) {
            options.min_match_length = usize::try_from(parse::integer(number)?).unwrap_or(0);
            index += 1;
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    if options.length_only && options.ranges {
        return Err(CommandError::fixed("ERR If you want both the length and indexes, please just use IDX."));
    }
    Ok(options)
}

struct Table {
    width: usize,
    cells: Vec<u32>,
}

/// Where both strings agree: first and last byte in the first one, and in the second one.
struct Match {
    first: (usize, usize),
    second: (usize, usize),
}

impl Table {
    fn new(first: &[u8], second: &[u8], max_bytes: usize) -> Result<Table, CommandError> {
        let width = second.len() + 1;
        let max_cells = max_bytes / size_of::<u32>();
        let size = (first.len() + 1).checked_mul(width).filter(|&size| size <= max_cells);
        let size = size.ok_or(CommandError::fixed(
            "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
        ))?;
        let mut table = Table { width, cells: vec![0; size] };
        for (row, byte) in first.iter().enumerate() {
            for (column, other) in second.iter().enumerate() {
                let length = if byte == other {
                    table.at(row, column) + 1
                } else {
                    table.at(row, column + 1).max(table.at(row + 1, column))
                };
                table.cells[(row + 1) * width + column + 1] = length;
            }
        }
        Ok(table)
    }

    fn at(&self, row: usize, column: usize) -> u32 {
        self.cells[row * self.width + column]
    }

    /// The sequence, and its ranges from the last to the first.
    fn walk(&self, first: &[u8], second: &[u8]) -> (Vec<u8>, Vec<Match>) {
        let (mut row, mut column) = (first.len(), second.len());
        let mut common = Vec::new();
        let mut matches: Vec<Match> = Vec::new();
        while row > 0 && column > 0 {
            if first[row - 1] == second[column - 1] {
                row -= 1;
                column -= 1;
                common.push(first[row]);
                match matches.last_mut() {
                    Some(last) if last.first.0 == row + 1 && last.second.0 == column + 1 => {
                        last.first.0 = row;
                        last.second.0 = column;
                    }
                    _ => matches.push(Match { first: (row, row), second: (column, column) }),
                }
            } else if self.at(row - 1, column) > self.at(row, column - 1) {
                row -= 1;
            } else {
                column -= 1;
            }
        }
        common.reverse();
        (common, matches)
    }
}

fn reply_ranges(reply: &mut ReplyWriter<'_>, matches: &[Match], length: usize, options: &Options) {
    let shown: Vec<&Match> = matches
        .iter()
        .filter(|found| found.first.1 - found.first.0 + 1 >= options.min_match_length.max(1))
        .collect();
    reply.map(2);
    reply.bulk(b"matches");
    reply.array(shown.len());
    for found in shown {
        reply.array(if options.with_match_length { 3 } else { 2 });
        for (start, end) in [found.first, found.second] {
            reply.array(2);
            reply.integer(start as i64);
            reply.integer(end as i64);
        }
        if options.with_match_length {
            reply.integer((found.first.1 - found.first.0 + 1) as i64);
        }
    }
    reply.bulk(b"len");
    reply.integer(length as i64);
}
