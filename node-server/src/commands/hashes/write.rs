//! Setting and deleting fields.

use rcl_proto::resp::Args;

use crate::command::arguments::KEY;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};
use crate::pubsub::EventClass;

pub const HSET: CommandSpec = CommandSpec {
    name: "hset",
    arity: -4,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RW | key_flag::UPDATE)],
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(1) for each field/value pair added, so O(N) to add N field/value pairs when the command is called with multiple field/value pairs.",
    summary: "Sets fields of a hash, and tells how many of them are new.",
    arguments: &[
        KEY,
        Argument {
            name: "data",
            kind: Kind::Block,
            multiple: true,
            arguments: &[Argument { name: "field", ..ARGUMENT }, Argument { name: "value", ..ARGUMENT }],
            ..ARGUMENT
        },
    ],
    handler: Handler::Run(hset),
    ..COMMAND
};
fn hset(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let created = set_fields(context, args, "hset")?;
    context.reply.integer(created);
    Ok(Outcome::Done)
}

pub const HMSET: CommandSpec = CommandSpec {
    name: "hmset",
    arity: -4,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RW | key_flag::UPDATE)],
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(N) where N is the number of fields being set.",
    summary: "Sets fields of a hash.",
    arguments: &[
        KEY,
        Argument {
            name: "data",
            kind: Kind::Block,
            multiple: true,
            arguments: &[Argument { name: "field", ..ARGUMENT }, Argument { name: "value", ..ARGUMENT }],
            ..ARGUMENT
        },
    ],
    deprecated: Some(("4.0.0", "`HSET` with multiple field-value pairs")),
    handler: Handler::Run(hmset),
    ..COMMAND
};
fn hmset(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    set_fields(context, args, "hmset")?;
    context.reply.ok();
    Ok(Outcome::Done)
}

/// Sets the fields from the second argument on; how many were not there before.
fn set_fields(context: &mut Context<'_>, args: Args<'_>, command: &str) -> Result<i64, CommandError> {
    if args.len() % 2 == 1 {
        return Err(CommandError::wrong_arity(command));
    }
    let data = &mut context.data;
    let limits = data.limits();
    data.expire_fields(&args[1], args.from(2).iter().step_by(2));
    let mut hash = data.hash_or_new(&args[1])?;
    let mut created = 0;
    let mut rest = args.from(2).iter();
    while let (Some(field), Some(value)) = (rest.next(), rest.next()) {
        created += i64::from(hash.set(field, value, &limits));
    }
    drop(hash);
    data.changed_times(&args[1], (args.len() as u64 - 2) / 2);
    data.notify(EventClass::Hash, "hset", &args[1]);
    Ok(created)
}

pub const HSETNX: CommandSpec = CommandSpec {
    name: "hsetnx",
    arity: 4,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RW | key_flag::INSERT)],
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(1)",
    summary: "Sets a field of a hash that is not there yet.",
    arguments: &[KEY, Argument { name: "field", ..ARGUMENT }, Argument { name: "value", ..ARGUMENT }],
    handler: Handler::Run(hsetnx),
    ..COMMAND
};
fn hsetnx(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let data = &mut context.data;
    let limits = data.limits();
    data.expire_fields(&args[1], args.from(2).iter().take(1));
    let set = data.hash_or_new(&args[1])?.set_if_absent(&args[2], &args[3], &limits);
    if set {
        data.changed(&args[1]);
        data.notify(EventClass::Hash, "hset", &args[1]);
    }
    context.reply.integer(i64::from(set));
    Ok(Outcome::Done)
}

pub const HDEL: CommandSpec = CommandSpec {
    name: "hdel",
    arity: -3,
    flags: flag::WRITE | flag::FAST,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RW | key_flag::DELETE)],
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(N) where N is the number of fields to be removed.",
    summary: "Deletes fields of a hash.",
    arguments: &[KEY, Argument { name: "field", multiple: true, ..ARGUMENT }],
    handler: Handler::Run(hdel),
    ..COMMAND
};
fn hdel(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let data = &mut context.data;
    // Fields that are over are deleted, and count, like any other.
    let mut deleted = 0u64;
    if let Some(mut hash) = data.hash_mut(&args[1])? {
        for field in args.from(2).iter() {
            deleted += u64::from(hash.remove(field));
        }
    }
    if deleted > 0 {
        data.changed_times(&args[1], deleted);
        data.notify(EventClass::Hash, "hdel", &args[1]);
        data.remove_if_empty(&args[1]);
    }
    context.reply.integer(deleted as i64);
    Ok(Outcome::Done)
}
