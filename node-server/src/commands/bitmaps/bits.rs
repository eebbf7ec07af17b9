//! Single bits: SETBIT, GETBIT.

use rcl_proto::resp::Args;
use rcl_store::types::bitmap;

use crate::command::arguments::KEY;
use crate::command::parse;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};
use crate::pubsub::EventClass;

const BAD_OFFSET: CommandError = CommandError::fixed("ERR bit offset is not an integer or out of range");
const BAD_BIT: CommandError = CommandError::fixed("ERR bit is not an integer or out of range");

/// The position of a bit, within the longest string that is allowed; what a master says is believed.
pub fn offset(context: &Context<'_>, text: &[u8]) -> Result<u64, CommandError> {
    check_offset(context, parse::integer(text).ok())
}

/// `None` is one that is no number, or too large.
pub fn check_offset(context: &Context<'_>, offset: Option<i64>) -> Result<u64, CommandError> {
    let offset = offset.and_then(|offset| u64::try_from(offset).ok()).ok_or(BAD_OFFSET)?;
    let limit = context.node.settings().proto_max_bulk_len as u64;
    if offset / 8 >= limit && !context.session.is_master_link {
        return Err(BAD_OFFSET);
    }
    Ok(offset)
}

pub const SETBIT: CommandSpec = CommandSpec {
    name: "setbit",
    arity: 4,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::BITMAP,
    keys: &[KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)],
    since: "2.2.0",
    group: Group::Bitmap,
    complexity: "O(1)",
    summary: "Sets or clears a bit of the string at a key, and returns what it was.",
    arguments: &[
        KEY,
        Argument { name: "offset", kind: Kind::Integer, ..ARGUMENT },
        Argument { name: "value", kind: Kind::Integer, ..ARGUMENT },
    ],
    handler: Handler::Run(setbit),
    ..COMMAND
};

fn setbit(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key = &args[1];
    let offset = offset(context, &args[2])?;
    let value = match parse::integer(&args[3]) {
        Ok(number @ 0..=1) => number == 1,
        _ => return Err(BAD_BIT),
    };
    let (before, grew) =
        super::edit(&mut context.data, key, offset / 8, |bytes| bitmap::set_bit(bytes, offset, value))?;
    if grew || before != value {
        context.data.changed(key);
        context.data.notify(EventClass::String, "setbit", key);
    }
    context.reply.integer(i64::from(before));
    Ok(Outcome::Done)
}

pub const GETBIT: CommandSpec = CommandSpec {
    name: "getbit",
    arity: 3,
    flags: flag::READONLY | flag::FAST,
    categories: category::BITMAP,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "2.2.0",
    group: Group::Bitmap,
    complexity: "O(1)",
    summary: "Returns a bit of the string at a key.",
    arguments: &[KEY, Argument { name: "offset", kind: Kind::Integer, ..ARGUMENT }],
    handler: Handler::Run(getbit),
    ..COMMAND
};

fn getbit(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let offset = offset(context, &args[2])?;
    let value = context.data.string(&args[1])?;
    let mut buffer = itoa::Buffer::new();
    let is_set = value.is_some_and(|value| bitmap::bit(value.as_bytes(&mut buffer), offset));
    context.reply.integer(i64::from(is_set));
    Ok(Outcome::Done)
}
