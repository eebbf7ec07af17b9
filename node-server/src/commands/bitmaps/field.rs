//! Integers of any width within a string: BITFIELD, BITFIELD_RO.

use rcl_proto::resp::Args;
use rcl_store::types::bitfield::{FieldType, Overflow};

use super::bits;
use crate::command::arguments::{KEY, word};
use crate::command::parse::{self, is};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, KeyPosition, Outcome};
use crate::pubsub::EventClass;

pub const BITFIELD: CommandSpec = CommandSpec {
    name: "bitfield",
    arity: -2,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::BITMAP,
    keys: &[KeySpec::first(key_flag::RW | key_flag::UPDATE | key_flag::ACCESS | key_flag::VARIABLE_FLAGS)],
    own_keys: Some(key_of_bitfield),
    since: "3.2.0",
    group: Group::Bitmap,
    complexity: "O(1) for each subcommand specified",
    summary: "Reads and changes integers of any width within the string at a key.",
    arguments: &[
        KEY,
        Argument {
            name: "operation",
            kind: Kind::OneOf,
            optional: true,
            multiple: true,
            arguments: &[
                Argument {
                    name: "get-block",
                    kind: Kind::Block,
                    token: "GET",
                    arguments: &[
                        Argument { name: "encoding", ..ARGUMENT },
                        Argument { name: "offset", kind: Kind::Integer, ..ARGUMENT },
                    ],
                    ..ARGUMENT
                },
                Argument {
                    name: "write",
                    kind: Kind::Block,
                    arguments: &[
                        Argument {
                            name: "overflow-block",
                            kind: Kind::OneOf,
                            token: "OVERFLOW",
                            optional: true,
                            arguments: &[word("wrap", "WRAP"), word("sat", "SAT"), word("fail", "FAIL")],
                            ..ARGUMENT
                        },
                        Argument {
                            name: "write-operation",
                            kind: Kind::OneOf,
                            arguments: &[
                                Argument {
                                    name: "set-block",
                                    kind: Kind::Block,
                                    token: "SET",
                                    arguments: &[
                                        Argument { name: "encoding", ..ARGUMENT },
                                        Argument { name: "offset", kind: Kind::Integer, ..ARGUMENT },
                                        Argument { name: "value", kind: Kind::Integer, ..ARGUMENT },
                                    ],
                                    ..ARGUMENT
                                },
                                Argument {
                                    name: "incrby-block",
                                    kind: Kind::Block,
                                    token: "INCRBY",
                                    arguments: &[
                                        Argument { name: "encoding", ..ARGUMENT },
                                        Argument { name: "offset", kind: Kind::Integer, ..ARGUMENT },
                                        Argument { name: "increment", kind: Kind::Integer, ..ARGUMENT },
                                    ],
                                    ..ARGUMENT
                                },
                            ],
                            ..ARGUMENT
                        },
                    ],
                    ..ARGUMENT
                },
            ],
            ..ARGUMENT
        },
    ],
    handler: Handler::Run(bitfield),
    ..COMMAND
};

/// Without SET and INCRBY it only reads. What can't be understood may be anything.
fn key_of_bitfield(args: Args<'_>) -> Vec<KeyPosition> {
    let mut words = args.from(2);
    let mut flags = key_flag::RO | key_flag::ACCESS;
    while let Some(word) = words.get(0) {
        let words_taken = if is(word, "GET") {
            3
        } else if is(word, "OVERFLOW") {
            2
        } else {
            flags = key_flag::RW | key_flag::ACCESS | key_flag::UPDATE;
            break;
        };
        words = words.from(words_taken);
    }
    vec![KeyPosition { index: 1, flags }]
}

fn bitfield(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let operations = parse_operations(context, args)?;
    match operations.iter().filter_map(Operation::last_byte_written).max() {
        None => read(context, &args[1], &operations),
        Some(last) => write(context, &args[1], &operations, last),
    }
}

pub const BITFIELD_RO: CommandSpec = CommandSpec {
    name: "bitfield_ro",
    arity: -2,
    flags: flag::READONLY | flag::FAST,
    categories: category::BITMAP,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "6.0.0",
    group: Group::Bitmap,
    complexity: "O(1) for each subcommand specified",
    summary: "Reads integers of any width within the string at a key.",
    arguments: &[
        KEY,
        Argument {
            name: "get-block",
            kind: Kind::Block,
            token: "GET",
            optional: true,
            multiple: true,
            multiple_token: true,
            arguments: &[
                Argument { name: "encoding", ..ARGUMENT },
                Argument { name: "offset", kind: Kind::Integer, ..ARGUMENT },
            ],
            ..ARGUMENT
        },
    ],
    handler: Handler::Run(bitfield_ro),
    ..COMMAND
};

fn bitfield_ro(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let operations = parse_operations(context, args)?;
    if operations.iter().any(|operation| operation.last_byte_written().is_some()) {
        return Err(CommandError::fixed("ERR BITFIELD_RO only supports the GET subcommand"));
    }
    read(context, &args[1], &operations)
}

struct Operation {
    action: Action,
    field: FieldType,
    offset: u64,
}

#[derive(Clone, Copy)]
enum Action {
    Get,
    Set(i64, Overflow),
    Increment(i64, Overflow),
}

impl Operation {
    fn last_byte_written(&self) -> Option<u64> {
        match self.action {
            Action::Get => None,
            _ => Some((self.offset + self.field.bits() - 1) / 8),
        }
    }

    /// What is to be answered, and whether anything changed; `None` when the number does not fit.
    fn apply(&self, bytes: &mut [u8]) -> Option<(i64, bool)> {
        let old = self.field.read(bytes, self.offset);
        let (new, answer) = match self.action {
            Action::Get => (old, old),
            Action::Set(number, overflow) => (self.field.fit(number, overflow)?, old),
            Action::Increment(by, overflow) => {
                let new = self.field.increment(old, by, overflow)?;
                (new, new)
            }
        };
        self.field.write(bytes, self.offset, new);
        Some((answer, new != old))
    }
}

fn parse_operations(context: &Context<'_>, args: Args<'_>) -> Result<Vec<Operation>, CommandError> {
    let mut operations = Vec::new();
    let mut overflow = Overflow::Wrap;
    let mut index = 2;
    while index < args.len() {
        let word = &args[index];
        let has = |count: usize| args.len() - index > count;
        if is(word, "OVERFLOW") && has(1) {
            overflow = parse_overflow(&args[index + 1])?;
            index += 2;
            continue;
        }
        let is_get = is(word, "GET") && has(2);
        let is_set = is(word, "SET") && has(3);
        let is_increment = is(word, "INCRBY") && has(3);
        if !(is_get || is_set || is_increment) {
            return Err(CommandError::SYNTAX);
        }
        let field = parse_field(&args[index + 1])?;
        let offset = parse_offset(context, &args[index + 2], field)?;
        let action = match () {
            () if is_get => Action::Get,
            () if is_set => Action::Set(parse::integer(&args[index + 3])?, overflow),
            () => Action::Increment(parse::integer(&args[index + 3])?, overflow),
        };
        operations.push(Operation { action, field, offset });
        index += if is_get { 3 } else { 4 };
    }
    Ok(operations)
}

fn parse_overflow(word: &[u8]) -> Result<Overflow, CommandError> {
    match () {
        () if is(word, "WRAP") => Ok(Overflow::Wrap),
        () if is(word, "SAT") => Ok(Overflow::Saturate),
        () if is(word, "FAIL") => Ok(Overflow::Fail),
        () => Err(CommandError::fixed("ERR Invalid OVERFLOW type specified")),
    }
}

fn parse_field(text: &[u8]) -> Result<FieldType, CommandError> {
    FieldType::parse(text).ok_or(CommandError::fixed(
        "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
    ))
}

/// `12` is a bit, `#3` the third field of this width after the first.
fn parse_offset(context: &Context<'_>, text: &[u8], field: FieldType) -> Result<u64, CommandError> {
    match text.strip_prefix(b"#") {
        None => bits::offset(context, text),
        Some(number) => {
            let number = parse::integer(number).ok();
            bits::check_offset(context, number.and_then(|number| number.checked_mul(field.bits() as i64)))
        }
    }
}

fn read(context: &mut Context<'_>, key: &[u8], operations: &[Operation]) -> CommandResult {
    let value = context.data.string(key)?;
    let mut buffer = itoa::Buffer::new();
    let bytes = value.as_ref().map_or(&[][..], |value| value.as_bytes(&mut buffer));
    context.reply.array(operations.len());
    for operation in operations {
        context.reply.integer(operation.field.read(bytes, operation.offset));
    }
    Ok(Outcome::Done)
}

fn write(context: &mut Context<'_>, key: &[u8], operations: &[Operation], last: u64) -> CommandResult {
    let reply = &mut context.reply;
    let ((written, changes), grew) = super::edit(&mut context.data, key, last, |bytes| {
        reply.array(operations.len());
        let (mut written, mut changes) = (false, 0);
        for operation in operations {
            match operation.apply(bytes) {
                Some((answer, changed)) => {
                    reply.integer(answer);
                    written |= operation.last_byte_written().is_some();
                    changes += u64::from(changed);
                }
                None => reply.null(),
            }
        }
        (written, changes)
    })?;
    // A string that grew has changed, even if no number fitted: Redis tells nobody of that, but its replicas miss it.
    if changes > 0 || grew {
        context.data.changed_times(key, changes.max(1));
    }
    if changes > 0 || (grew && written) {
        context.data.notify(EventClass::String, "setbit", key);
    }
    Ok(Outcome::Done)
}
