//! Adding, removing and looking up members.

use rcl_proto::resp::Args;

use crate::command::arguments::KEY;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandResult, CommandSpec, Context, Handler, Outcome, reply};
use crate::pubsub::EventClass;

pub const SADD: CommandSpec = CommandSpec {
    name: "sadd",
    arity: -3,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::SET,
    keys: &[KeySpec::first(key_flag::RW | key_flag::INSERT)],
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
    summary: "Adds members to a set; creates the set.",
    arguments: &[KEY, Argument { name: "member", multiple: true, ..ARGUMENT }],
    handler: Handler::Run(sadd),
    ..COMMAND
};
fn sadd(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let data = &mut context.data;
    let limits = data.limits();
    let mut set = data.set_or_new(&args[1])?;
    let mut added = 0u64;
    for member in args.from(2).iter() {
        added += u64::from(set.add(member, &limits));
    }
    drop(set);
    if added > 0 {
        data.changed_times(&args[1], added);
        data.notify(EventClass::Set, "sadd", &args[1]);
    }
    context.reply.integer(added as i64);
    Ok(Outcome::Done)
}

pub const SREM: CommandSpec = CommandSpec {
    name: "srem",
    arity: -3,
    flags: flag::WRITE | flag::FAST,
    categories: category::SET,
    keys: &[KeySpec::first(key_flag::RW | key_flag::DELETE)],
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N) where N is the number of members to be removed.",
    summary: "Removes members from a set.",
    arguments: &[KEY, Argument { name: "member", multiple: true, ..ARGUMENT }],
    handler: Handler::Run(srem),
    ..COMMAND
};
fn srem(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let data = &mut context.data;
    let mut removed = 0u64;
    if let Some(mut set) = data.set_mut(&args[1])? {
        for member in args.from(2).iter() {
            removed += u64::from(set.remove(member));
        }
    }
    if removed > 0 {
        data.changed_times(&args[1], removed);
        data.notify(EventClass::Set, "srem", &args[1]);
        data.remove_if_empty(&args[1]);
    }
    context.reply.integer(removed as i64);
    Ok(Outcome::Done)
}

pub const SMOVE: CommandSpec = CommandSpec {
    name: "smove",
    arity: 4,
    flags: flag::WRITE | flag::FAST,
    categories: category::SET,
    keys: &[
        KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::DELETE),
        KeySpec::at(2, key_flag::RW | key_flag::INSERT),
    ],
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(1)",
    summary: "Moves a member from one set to another.",
    arguments: &[
        Argument { name: "source", kind: Kind::Key, key_spec: Some(0), ..ARGUMENT },
        Argument { name: "destination", kind: Kind::Key, key_spec: Some(1), ..ARGUMENT },
        Argument { name: "member", ..ARGUMENT },
    ],
    handler: Handler::Run(smove),
    ..COMMAND
};
fn smove(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (source, target, member) = (&args[1], &args[2], &args[3]);
    let data = &mut context.data;
    let limits = data.limits();
    let Some(is_member) = data.set_mut(source)?.map(|set| set.contains(member)) else {
        context.reply.integer(0);
        return Ok(Outcome::Done);
    };
    data.set_mut(target)?;
    context.reply.integer(i64::from(is_member));
    if !is_member || source == target {
        return Ok(Outcome::Done);
    }
    if let Some(mut set) = data.set_mut(source)? {
        set.remove(member);
    }
    data.changed(source);
    data.notify(EventClass::Set, "srem", source);
    data.remove_if_empty(source);
    if data.set_or_new(target)?.add(member, &limits) {
        data.changed(target);
        data.notify(EventClass::Set, "sadd", target);
    }
    Ok(Outcome::Done)
}

pub const SISMEMBER: CommandSpec = CommandSpec {
    name: "sismember",
    arity: 3,
    flags: flag::READONLY | flag::FAST,
    categories: category::SET,
    keys: &[KeySpec::first(key_flag::RO)],
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(1)",
    summary: "Tells whether a set has a member.",
    arguments: &[KEY, Argument { name: "member", ..ARGUMENT }],
    handler: Handler::Run(sismember),
    ..COMMAND
};
fn sismember(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let is_member = context.data.set(&args[1])?.is_some_and(|set| set.contains(&args[2]));
    context.reply.integer(i64::from(is_member));
    Ok(Outcome::Done)
}

pub const SMISMEMBER: CommandSpec = CommandSpec {
    name: "smismember",
    arity: -3,
    flags: flag::READONLY | flag::FAST,
    categories: category::SET,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "6.2.0",
    group: Group::Set,
    complexity: "O(N) where N is the number of elements being checked for membership",
    summary: "Tells for each of several members whether a set has it.",
    arguments: &[KEY, Argument { name: "member", multiple: true, ..ARGUMENT }],
    handler: Handler::Run(smismember),
    ..COMMAND
};
fn smismember(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let set = context.data.set(&args[1])?;
    let members = args.from(2);
    context.reply.array(members.len());
    for member in members.iter() {
        context.reply.integer(i64::from(set.is_some_and(|set| set.contains(member))));
    }
    Ok(Outcome::Done)
}

pub const SMEMBERS: CommandSpec = CommandSpec {
    name: "smembers",
    arity: 2,
    flags: flag::READONLY,
    categories: category::SET,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N) where N is the set cardinality.",
    summary: "Returns all members of a set.",
    arguments: &[KEY],
    tips: &["nondeterministic_output_order"],
    handler: Handler::Run(smembers),
    ..COMMAND
};
fn smembers(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let set = context.data.set(&args[1])?;
    context.reply.set(set.map_or(0, |set| set.len()));
    for member in set.into_iter().flat_map(|set| set.iter()) {
        reply::element(&mut context.reply, member);
    }
    Ok(Outcome::Done)
}

pub const SCARD: CommandSpec = CommandSpec {
    name: "scard",
    arity: 2,
    flags: flag::READONLY | flag::FAST,
    categories: category::SET,
    keys: &[KeySpec::first(key_flag::RO)],
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(1)",
    summary: "Returns the number of members of a set.",
    arguments: &[KEY],
    handler: Handler::Run(scard),
    ..COMMAND
};
fn scard(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let count = context.data.set(&args[1])?.map_or(0, |set| set.len());
    context.reply.integer(count as i64);
    Ok(Outcome::Done)
}
