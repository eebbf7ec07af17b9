//! Fields as numbers.

use rcl_proto::resp::{Args, OwnedArgs};
use rcl_store::types::IncrementError;

use super::field_expiry;
use crate::command::arguments::KEY;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{
    CommandError, CommandResult, CommandSpec, Context, Handler, LongDouble, Outcome, parse,
};
use crate::pubsub::EventClass;

pub const HINCRBY: CommandSpec = CommandSpec {
    name: "hincrby",
    arity: 4,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)],
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(1)",
    summary: "Adds an integer to the number in a field; a field that is not there counts as 0.",
    arguments: &[
        KEY,
        Argument { name: "field", ..ARGUMENT },
        Argument { name: "increment", kind: Kind::Integer, ..ARGUMENT },
    ],
    handler: Handler::Run(hincrby),
    ..COMMAND
};
fn hincrby(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let by = parse::integer(&args[3])?;
    let data = &mut context.data;
    let limits = data.limits();
    data.expire_fields(&args[1], args.from(2).iter().take(1));
    let sum = data.hash_or_new(&args[1])?.increment(&args[2], by, &limits).map_err(|error| {
        CommandError::fixed(match error {
            IncrementError::NotAnInteger => "ERR hash value is not an integer",
            IncrementError::Overflow => "ERR increment or decrement would overflow",
        })
    })?;
    data.changed(&args[1]);
    data.notify(EventClass::Hash, "hincrby", &args[1]);
    context.reply.integer(sum);
    Ok(Outcome::Done)
}

pub const HINCRBYFLOAT: CommandSpec = CommandSpec {
    name: "hincrbyfloat",
    arity: 4,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)],
    since: "2.6.0",
    group: Group::Hash,
    complexity: "O(1)",
    summary: "Adds a number to the number in a field; a field that is not there counts as 0.",
    arguments: &[
        KEY,
        Argument { name: "field", ..ARGUMENT },
        Argument { name: "increment", kind: Kind::Double, ..ARGUMENT },
    ],
    handler: Handler::Run(hincrbyfloat),
    ..COMMAND
};
fn hincrbyfloat(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let by = LongDouble::parse(&args[3]).ok_or(CommandError::NOT_FLOAT)?;
    if !by.is_finite() {
        return Err(CommandError::fixed("ERR value is NaN or Infinity"));
    }
    let data = &mut context.data;
    let limits = data.limits();
    data.expire_fields(&args[1], args.from(2).iter().take(1));
    let mut hash = data.hash_or_new(&args[1])?;
    let before = match hash.get(&args[2]) {
        None => LongDouble::parse(b"0"),
        Some(value) => LongDouble::parse(value.as_bytes(&mut itoa::Buffer::new())),
    };
    let before = before.ok_or(CommandError::fixed("ERR hash value is not a float"))?;
    let sum = before.plus(by).ok_or(CommandError::fixed("ERR increment would produce NaN or Infinity"))?;
    let text = sum.text().into_bytes();
    hash.set_keeping_expiry(&args[2], &text, &limits);
    let expiry = hash.expiry(&args[2]);
    drop(hash);
    data.changed(&args[1]);
    data.notify(EventClass::Hash, "hincrbyfloat", &args[1]);
    // The sum itself, so that a replica's arithmetic cannot differ.
    data.effects.propagate_instead(OwnedArgs::new([b"HSET".as_slice(), &args[1], &args[2], &text]));
    if let Some(expiry) = expiry {
        data.effects.propagate_instead(field_expiry::as_command(&args[1], expiry, std::iter::once(&args[2])));
    }
    context.reply.bulk(&text);
    Ok(Outcome::Done)
}
