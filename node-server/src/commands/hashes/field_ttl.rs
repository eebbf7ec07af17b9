//! The time that fields of a hash have left: asking, clearing. By Redis 7.4.

use rcl_proto::resp::Args;

use super::fields::{BAD_COUNT, FIELDS, fields};
use crate::command::arguments::KEY;
use crate::command::spec::{COMMAND, Group, KeySpec, category, flag, key_flag};
use crate::command::{CommandResult, CommandSpec, Context, Handler, Outcome};
use crate::pubsub::EventClass;

const NO_FIELD: i64 = -2;
const NO_EXPIRY: i64 = -1;

pub const HTTL: CommandSpec = CommandSpec {
    name: "httl",
    arity: -5,
    flags: flag::READONLY | flag::FAST,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "7.4.0",
    group: Group::Hash,
    complexity: "O(N) where N is the number of specified fields",
    summary: "Returns how long fields of a hash have to live, in seconds.",
    arguments: &[KEY, FIELDS],
    tips: &["nondeterministic_output"],
    handler: Handler::Run(httl),
    ..COMMAND
};
fn httl(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let now_ms = context.data.now_ms;
    reply_times(context, args, |expiry| (expiry - now_ms + 999) / 1000)
}

pub const HPTTL: CommandSpec = CommandSpec {
    name: "hpttl",
    arity: -5,
    flags: flag::READONLY | flag::FAST,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "7.4.0",
    group: Group::Hash,
    complexity: "O(N) where N is the number of specified fields",
    summary: "Returns how long fields of a hash have to live, in milliseconds.",
    arguments: &[KEY, FIELDS],
    tips: &["nondeterministic_output"],
    handler: Handler::Run(hpttl),
    ..COMMAND
};
fn hpttl(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let now_ms = context.data.now_ms;
    reply_times(context, args, |expiry| expiry - now_ms)
}

pub const HEXPIRETIME: CommandSpec = CommandSpec {
    name: "hexpiretime",
    arity: -5,
    flags: flag::READONLY | flag::FAST,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "7.4.0",
    group: Group::Hash,
    complexity: "O(N) where N is the number of specified fields",
    summary: "Returns the moment at which fields of a hash are gone, in seconds of Unix time.",
    arguments: &[KEY, FIELDS],
    handler: Handler::Run(hexpiretime),
    ..COMMAND
};
fn hexpiretime(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    reply_times(context, args, |expiry| (expiry + 999) / 1000)
}

pub const HPEXPIRETIME: CommandSpec = CommandSpec {
    name: "hpexpiretime",
    arity: -5,
    flags: flag::READONLY | flag::FAST,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "7.4.0",
    group: Group::Hash,
    complexity: "O(N) where N is the number of specified fields",
    summary: "Returns the moment at which fields of a hash are gone, in milliseconds of Unix time.",
    arguments: &[KEY, FIELDS],
    handler: Handler::Run(hpexpiretime),
    ..COMMAND
};
fn hpexpiretime(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    reply_times(context, args, |expiry| expiry)
}

fn reply_times(context: &mut Context<'_>, args: Args<'_>, shown: impl Fn(i64) -> i64) -> CommandResult {
    let hash = context.data.hash(&args[1])?;
    let fields = fields(args, 2, BAD_COUNT)?;
    context.reply.array(fields.len());
    for field in fields.iter() {
        context.reply.integer(match hash {
            Some(hash) if hash.contains(field) => hash.expiry(field).map_or(NO_EXPIRY, &shown),
            _ => NO_FIELD,
        });
    }
    Ok(Outcome::Done)
}

pub const HPERSIST: CommandSpec = CommandSpec {
    name: "hpersist",
    arity: -5,
    flags: flag::WRITE | flag::FAST,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RW | key_flag::UPDATE)],
    since: "7.4.0",
    group: Group::Hash,
    complexity: "O(N) where N is the number of specified fields",
    summary: "Lets fields of a hash live for ever again.",
    arguments: &[KEY, FIELDS],
    handler: Handler::Run(hpersist),
    ..COMMAND
};
fn hpersist(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key = &args[1];
    context.data.hash_to_change(key)?;
    let fields = fields(args, 2, BAD_COUNT)?;
    context.data.expire_fields(key, fields.iter());
    let mut hash = context.data.hash_mut(key)?;
    context.reply.array(fields.len());
    let mut cleared = 0;
    for field in fields.iter() {
        context.reply.integer(match &mut hash {
            Some(hash) if hash.contains(field) => {
                let had = hash.clear_expiry(field);
                cleared += u64::from(had);
                if had { 1 } else { NO_EXPIRY }
            }
            _ => NO_FIELD,
        });
    }
    drop(hash);
    if cleared > 0 {
        context.data.changed_times(key, cleared);
        context.data.notify(EventClass::Hash, "hpersist", key);
    }
    Ok(Outcome::Done)
}
