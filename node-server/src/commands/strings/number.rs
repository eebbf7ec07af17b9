//! Strings as numbers: INCR and its relatives.

use rcl_proto::resp::{Args, OwnedArgs};
use rcl_store::entry::Entry;
use rcl_store::keyspace::SetExpiry;
use rcl_store::types::ValueRef;

use crate::command::arguments::KEY;
use crate::command::parse;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, LongDouble, Outcome};
use crate::pubsub::EventClass;

pub const INCR: CommandSpec = CommandSpec {
    name: "incr",
    arity: 2,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::STRING,
    keys: &[KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)],
    since: "1.0.0",
    group: Group::String,
    complexity: "O(1)",
    summary: "Adds one to the integer at a key, which counts as 0 when there is none.",
    arguments: &[KEY],
    handler: Handler::Run(incr),
    ..COMMAND
};

fn incr(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    add(context, &args[1], 1)
}

pub const DECR: CommandSpec = CommandSpec {
    name: "decr",
    arity: 2,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::STRING,
    keys: &[KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)],
    since: "1.0.0",
    group: Group::String,
    complexity: "O(1)",
    summary: "Subtracts one from the integer at a key, which counts as 0 when there is none.",
    arguments: &[KEY],
    handler: Handler::Run(decr),
    ..COMMAND
};

fn decr(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    add(context, &args[1], -1)
}

pub const INCRBY: CommandSpec = CommandSpec {
    name: "incrby",
    arity: 3,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::STRING,
    keys: &[KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)],
    since: "1.0.0",
    group: Group::String,
    complexity: "O(1)",
    summary: "Adds a number to the integer at a key.",
    arguments: &[KEY, Argument { name: "increment", kind: Kind::Integer, ..ARGUMENT }],
    handler: Handler::Run(incrby),
    ..COMMAND
};

fn incrby(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    add(context, &args[1], parse::integer(&args[2])?)
}

pub const DECRBY: CommandSpec = CommandSpec {
    name: "decrby",
    arity: 3,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::STRING,
    keys: &[KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)],
    since: "1.0.0",
    group: Group::String,
    complexity: "O(1)",
    summary: "Subtracts a number from the integer at a key.",
    arguments: &[KEY, Argument { name: "decrement", kind: Kind::Integer, ..ARGUMENT }],
    handler: Handler::Run(decrby),
    ..COMMAND
};

fn decrby(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let by = parse::integer(&args[2])?;
    let by = by.checked_neg().ok_or(CommandError::fixed("ERR decrement would overflow"))?;
    add(context, &args[1], by)
}

fn add(context: &mut Context<'_>, key: &[u8], by: i64) -> CommandResult {
    let sum = match context.data.find_mut(key) {
        Some(entry) => {
            let sum = integer_at(entry)?
                .checked_add(by)
                .ok_or(CommandError::fixed("ERR increment or decrement would overflow"))?;
            entry.set_int(sum);
            sum
        }
        None => {
            context
                .data
                .set_string(key, itoa::Buffer::new().format(by).as_bytes(), SetExpiry::Clear, |_| true);
            by
        }
    };
    context.data.changed(key);
    context.data.notify(EventClass::String, "incrby", key);
    context.reply.integer(sum);
    Ok(Outcome::Done)
}

fn integer_at(entry: &Entry) -> Result<i64, CommandError> {
    match entry.value() {
        ValueRef::Int(number) => Ok(number),
        ValueRef::String(bytes) => parse::integer(bytes),
        _ => Err(CommandError::WRONG_TYPE),
    }
}

pub const INCRBYFLOAT: CommandSpec = CommandSpec {
    name: "incrbyfloat",
    arity: 3,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::STRING,
    keys: &[KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)],
    since: "2.6.0",
    group: Group::String,
    complexity: "O(1)",
    summary: "Adds a decimal number to the number at a key.",
    arguments: &[KEY, Argument { name: "increment", kind: Kind::Double, ..ARGUMENT }],
    handler: Handler::Run(incrbyfloat),
    ..COMMAND
};

fn incrbyfloat(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key = &args[1];
    let old = match context.data.string_to_change(key)? {
        Some(value) => LongDouble::parse(&value.to_vec()),
        None => LongDouble::parse(b"0"),
    };
    let by = LongDouble::parse(&args[2]);
    let (old, by) = old.zip(by).ok_or(CommandError::NOT_FLOAT)?;
    let sum = old.plus(by).ok_or(CommandError::fixed("ERR increment would produce NaN or Infinity"))?;
    let text = sum.text();
    context.data.set_string(key, text.as_bytes(), SetExpiry::Keep, |_| true);
    context.data.changed(key);
    context.data.notify(EventClass::String, "incrbyfloat", key);
    // A replica may compute with another precision.
    let command = [b"SET".as_slice(), key, text.as_bytes(), b"KEEPTTL"];
    context.data.effects.propagate_instead(OwnedArgs::new(command));
    context.reply.bulk(text.as_bytes());
    Ok(Outcome::Done)
}
