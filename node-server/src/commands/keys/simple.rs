//! DEL, UNLINK, EXISTS, TOUCH, TYPE.

use rcl_proto::resp::Args;

use crate::command::arguments::{KEY, KEYS};
use crate::command::spec::{COMMAND, Group, KeySpec, category, flag, key_flag};
use crate::command::{CommandResult, CommandSpec, Context, Handler, Outcome};
use crate::config::Settings;
use crate::pubsub::EventClass;

pub const DEL: CommandSpec = CommandSpec {
    name: "del",
    arity: -2,
    flags: flag::WRITE,
    categories: category::KEYSPACE,
    keys: &[KeySpec::range(1, -1, 1, key_flag::RM | key_flag::DELETE)],
    since: "1.0.0",
    group: Group::Generic,
    complexity: "O(N) where N is the number of keys that will be removed. When a key to remove holds a value other than a string, the individual complexity for this key is O(M) where M is the number of elements in the list, set, sorted set or hash. Removing a single key that holds a string value is O(1).",
    summary: "Deletes keys.",
    arguments: &[KEYS],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    handler: Handler::Run(del),
    ..COMMAND
};

fn del(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    delete(context, args, |settings| settings.lazyfree_lazy_user_del)
}

fn unlink(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    delete(context, args, |_| true)
}

fn delete(context: &mut Context<'_>, args: Args<'_>, lazily: fn(&Settings) -> bool) -> CommandResult {
    let mut deleted = 0;
    for key in args.from(1).iter() {
        if context.data.remove_with(key, lazily) {
            context.data.changed(key);
            context.data.notify(EventClass::Generic, "del", key);
            deleted += 1;
        }
    }
    context.reply.integer(deleted);
    Ok(Outcome::Done)
}

pub const UNLINK: CommandSpec = CommandSpec {
    name: "unlink",
    arity: -2,
    flags: flag::WRITE | flag::FAST,
    categories: category::KEYSPACE,
    keys: &[KeySpec::range(1, -1, 1, key_flag::RM | key_flag::DELETE)],
    since: "4.0.0",
    group: Group::Generic,
    complexity: "O(1) for each key removed regardless of its size. Then the command does O(N) work in a different thread in order to reclaim memory, where N is the number of allocations the deleted objects where composed of.",
    summary: "Deletes keys; what is large is freed elsewhere.",
    arguments: &[KEYS],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    handler: Handler::Run(unlink),
    ..COMMAND
};

pub const EXISTS: CommandSpec = CommandSpec {
    name: "exists",
    arity: -2,
    flags: flag::READONLY | flag::FAST,
    categories: category::KEYSPACE,
    keys: &[KeySpec::range(1, -1, 1, key_flag::RO)],
    since: "1.0.0",
    group: Group::Generic,
    complexity: "O(N) where N is the number of keys to check.",
    summary: "Counts which of the keys are there.",
    arguments: &[KEYS],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    handler: Handler::Run(exists),
    ..COMMAND
};

fn exists(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let count = args.from(1).iter().filter(|key| context.data.glance(key).is_some()).count();
    context.reply.integer(count as i64);
    Ok(Outcome::Done)
}

pub const TOUCH: CommandSpec = CommandSpec {
    name: "touch",
    arity: -2,
    flags: flag::READONLY | flag::FAST,
    categories: category::KEYSPACE,
    keys: &[KeySpec::range(1, -1, 1, key_flag::RO)],
    since: "3.2.1",
    group: Group::Generic,
    complexity: "O(N) where N is the number of keys that will be touched.",
    summary: "Notes an access to keys, and counts which of them are there.",
    arguments: &[KEYS],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    handler: Handler::Run(touch),
    ..COMMAND
};

/// An access is what it is for, also for a client that said CLIENT NO-TOUCH.
fn touch(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    context.data.notes_access = true;
    let count = args.from(1).iter().filter(|key| context.data.find(key).is_some()).count();
    context.reply.integer(count as i64);
    Ok(Outcome::Done)
}

pub const TYPE: CommandSpec = CommandSpec {
    name: "type",
    arity: 2,
    flags: flag::READONLY | flag::FAST,
    categories: category::KEYSPACE,
    keys: &[KeySpec::first(key_flag::RO)],
    since: "1.0.0",
    group: Group::Generic,
    complexity: "O(1)",
    summary: "Returns the type of the value at a key.",
    arguments: &[KEY],
    handler: Handler::Run(type_of),
    ..COMMAND
};

fn type_of(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let name = context.data.glance(&args[1]).map_or("none", |entry| entry.type_name());
    context.reply.simple(name);
    Ok(Outcome::Done)
}
