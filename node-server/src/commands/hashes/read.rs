//! Reading fields and values.

use rcl_proto::resp::Args;

use crate::command::arguments::KEY;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, category, flag, key_flag};
use crate::command::{CommandResult, CommandSpec, Context, Handler, Outcome, reply};

pub const HGET: CommandSpec = CommandSpec {
    name: "hget",
    arity: 3,
    flags: flag::READONLY | flag::FAST,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(1)",
    summary: "Returns the value of a field.",
    arguments: &[KEY, Argument { name: "field", ..ARGUMENT }],
    handler: Handler::Run(hget),
    ..COMMAND
};
fn hget(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    context.data.expire_fields(&args[1], args.from(2).iter());
    let found = context.data.hash(&args[1])?.and_then(|hash| hash.get(&args[2]));
    reply::element_or_null(&mut context.reply, found);
    Ok(Outcome::Done)
}

pub const HMGET: CommandSpec = CommandSpec {
    name: "hmget",
    arity: -3,
    flags: flag::READONLY | flag::FAST,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(N) where N is the number of fields being requested.",
    summary: "Returns the values of fields.",
    arguments: &[KEY, Argument { name: "field", multiple: true, ..ARGUMENT }],
    handler: Handler::Run(hmget),
    ..COMMAND
};
fn hmget(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    context.data.expire_fields(&args[1], args.from(2).iter());
    let hash = context.data.hash(&args[1])?;
    let fields = args.from(2);
    context.reply.array(fields.len());
    for field in fields.iter() {
        reply::element_or_null(&mut context.reply, hash.and_then(|hash| hash.get(field)));
    }
    Ok(Outcome::Done)
}

pub const HGETALL: CommandSpec = CommandSpec {
    name: "hgetall",
    arity: 2,
    flags: flag::READONLY,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(N) where N is the size of the hash.",
    summary: "Returns all fields and values of a hash.",
    arguments: &[KEY],
    tips: &["nondeterministic_output_order"],
    handler: Handler::Run(hgetall),
    ..COMMAND
};
fn hgetall(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let Some(hash) = context.data.hash(&args[1])? else {
        context.reply.map(0);
        return Ok(Outcome::Done);
    };
    context.reply.map(hash.len());
    for (field, value) in hash.iter() {
        reply::element(&mut context.reply, field);
        reply::element(&mut context.reply, value);
    }
    Ok(Outcome::Done)
}

pub const HKEYS: CommandSpec = CommandSpec {
    name: "hkeys",
    arity: 2,
    flags: flag::READONLY,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(N) where N is the size of the hash.",
    summary: "Returns all fields of a hash.",
    arguments: &[KEY],
    tips: &["nondeterministic_output_order"],
    handler: Handler::Run(hkeys),
    ..COMMAND
};
fn hkeys(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let hash = context.data.hash(&args[1])?;
    context.reply.array(hash.map_or(0, |hash| hash.len()));
    for (field, _) in hash.into_iter().flat_map(|hash| hash.iter()) {
        reply::element(&mut context.reply, field);
    }
    Ok(Outcome::Done)
}

pub const HVALS: CommandSpec = CommandSpec {
    name: "hvals",
    arity: 2,
    flags: flag::READONLY,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(N) where N is the size of the hash.",
    summary: "Returns all values of a hash.",
    arguments: &[KEY],
    tips: &["nondeterministic_output_order"],
    handler: Handler::Run(hvals),
    ..COMMAND
};
fn hvals(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let hash = context.data.hash(&args[1])?;
    context.reply.array(hash.map_or(0, |hash| hash.len()));
    for (_, value) in hash.into_iter().flat_map(|hash| hash.iter()) {
        reply::element(&mut context.reply, value);
    }
    Ok(Outcome::Done)
}

pub const HEXISTS: CommandSpec = CommandSpec {
    name: "hexists",
    arity: 3,
    flags: flag::READONLY | flag::FAST,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RO)],
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(1)",
    summary: "Tells whether a hash has a field.",
    arguments: &[KEY, Argument { name: "field", ..ARGUMENT }],
    handler: Handler::Run(hexists),
    ..COMMAND
};
fn hexists(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    context.data.expire_fields(&args[1], args.from(2).iter());
    let exists = context.data.hash(&args[1])?.is_some_and(|hash| hash.contains(&args[2]));
    context.reply.integer(i64::from(exists));
    Ok(Outcome::Done)
}

pub const HLEN: CommandSpec = CommandSpec {
    name: "hlen",
    arity: 2,
    flags: flag::READONLY | flag::FAST,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RO)],
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(1)",
    summary: "Returns the number of fields of a hash.",
    arguments: &[KEY],
    handler: Handler::Run(hlen),
    ..COMMAND
};
fn hlen(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let length = context.data.hash(&args[1])?.map_or(0, |hash| hash.stored_len());
    context.reply.integer(length as i64);
    Ok(Outcome::Done)
}

pub const HSTRLEN: CommandSpec = CommandSpec {
    name: "hstrlen",
    arity: 3,
    flags: flag::READONLY | flag::FAST,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RO)],
    since: "3.2.0",
    group: Group::Hash,
    complexity: "O(1)",
    summary: "Returns the length of a field's value, in bytes.",
    arguments: &[KEY, Argument { name: "field", ..ARGUMENT }],
    handler: Handler::Run(hstrlen),
    ..COMMAND
};
fn hstrlen(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    context.data.expire_fields(&args[1], args.from(2).iter());
    let value = context.data.hash(&args[1])?.and_then(|hash| hash.get(&args[2]));
    context.reply.integer(value.map_or(0, |value| value.len()) as i64);
    Ok(Outcome::Done)
}
