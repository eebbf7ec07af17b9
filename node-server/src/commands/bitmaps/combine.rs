//! Combining strings bit by bit: BITOP.

use std::borrow::Cow;

use rcl_proto::resp::Args;
use rcl_store::types::Element;
use rcl_store::types::bitmap::{BitOperation, combine};

use crate::command::arguments::word;
use crate::command::parse::is;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};
use crate::pubsub::EventClass;

pub const BITOP: CommandSpec = CommandSpec {
    name: "bitop",
    arity: -4,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::BITMAP,
    keys: &[
        KeySpec::at(2, key_flag::OW | key_flag::UPDATE),
        KeySpec::range(3, -1, 1, key_flag::RO | key_flag::ACCESS),
    ],
    since: "2.6.0",
    group: Group::Bitmap,
    complexity: "O(N)",
    summary: "Combines the bits of strings, and stores the result.",
    arguments: &[
        Argument {
            name: "operation",
            kind: Kind::OneOf,
            arguments: &[word("and", "AND"), word("or", "OR"), word("xor", "XOR"), word("not", "NOT")],
            ..ARGUMENT
        },
        Argument { name: "destkey", kind: Kind::Key, key_spec: Some(0), ..ARGUMENT },
        Argument { name: "key", kind: Kind::Key, key_spec: Some(1), multiple: true, ..ARGUMENT },
    ],
    handler: Handler::Run(bitop),
    ..COMMAND
};

fn bitop(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (destination, keys) = (&args[2], args.from(3));
    let named = |word| is(&args[1], word);
    let operation = match () {
        () if named("AND") => BitOperation::And,
        () if named("OR") => BitOperation::Or,
        () if named("XOR") => BitOperation::Xor,
        () if named("NOT") => BitOperation::Not,
        () => return Err(CommandError::SYNTAX),
    };
    if operation == BitOperation::Not && keys.len() != 1 {
        return Err(CommandError::fixed("ERR BITOP NOT must be called with a single source key."));
    }
    let mut sources = Vec::with_capacity(keys.len());
    for entry in context.data.find_all(keys, |value| value.as_string().is_some())? {
        let value = entry.map_or(Some(Element::Bytes(b"")), |entry| entry.value().as_string());
        sources.push(match value.ok_or(CommandError::WRONG_TYPE)? {
            Element::Bytes(bytes) => Cow::Borrowed(bytes),
            number => Cow::Owned(number.to_vec()),
        });
    }
    let sources: Vec<&[u8]> = sources.iter().map(Cow::as_ref).collect();
    let result = combine(operation, &sources);
    let length = result.len();
    if result.is_empty() {
        context.data.store_nothing(destination);
    } else {
        context.data.put_raw(destination, result);
        context.data.changed(destination);
        context.data.notify(EventClass::String, "set", destination);
    }
    context.reply.integer(length as i64);
    Ok(Outcome::Done)
}
