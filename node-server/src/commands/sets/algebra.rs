//! Intersection, union and difference of sets, returned or stored. A key that is not there is an empty set.

use rcl_proto::resp::Args;
use rcl_store::types::{Limits, Set, SetRef, Value};

use crate::command::arguments::{DESTINATION, KEYS, KEYS_TO_STORE, NUMKEYS};
use crate::command::counts::{at_least, key_count};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome, parse, reply};
use crate::pubsub::EventClass;

#[derive(Clone, Copy)]
enum Operation {
    Intersection,
    Union,
    Difference,
}

pub const SINTER: CommandSpec = CommandSpec {
    name: "sinter",
    arity: -2,
    flags: flag::READONLY,
    categories: category::SET,
    keys: &[KeySpec::range(1, -1, 1, key_flag::RO | key_flag::ACCESS)],
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
    summary: "Returns the members that all of several sets have.",
    arguments: &[KEYS],
    tips: &["nondeterministic_output_order"],
    handler: Handler::Run(sinter),
    ..COMMAND
};
fn sinter(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let Some(sets) = all_present(context.data.sets(args.from(1))?) else {
        context.reply.set(0);
        return Ok(Outcome::Done);
    };
    let place = context.reply.deferred_set();
    let mut count = 0;
    Set::intersection(&sets, &mut |member| {
        reply::element(&mut context.reply, member);
        count += 1;
        true
    });
    context.reply.set_length(place, count);
    Ok(Outcome::Done)
}

pub const SINTERCARD: CommandSpec = CommandSpec {
    name: "sintercard",
    arity: -3,
    flags: flag::READONLY,
    categories: category::SET,
    keys: &[KeySpec::counted(1, key_flag::RO | key_flag::ACCESS)],
    since: "7.0.0",
    group: Group::Set,
    complexity: "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
    summary: "Returns how many members all of several sets have, counting up to a limit.",
    arguments: &[
        NUMKEYS,
        KEYS,
        Argument { name: "limit", kind: Kind::Integer, token: "LIMIT", optional: true, ..ARGUMENT },
    ],
    handler: Handler::Run(sintercard),
    ..COMMAND
};
fn sintercard(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key_count = key_count(&args[1])?;
    if key_count > args.len() - 2 {
        return Err(CommandError::fixed("ERR Number of keys can't be greater than number of args"));
    }
    let limit = parse_limit(args.from(2 + key_count))?;
    let sets = all_present(context.data.sets(args.from(2).first(key_count))?);
    let mut count = 0;
    Set::intersection(&sets.unwrap_or_default(), &mut |_| {
        count += 1;
        count != limit
    });
    context.reply.integer(count);
    Ok(Outcome::Done)
}

/// `LIMIT n`; 0 is no limit.
fn parse_limit(options: Args<'_>) -> Result<i64, CommandError> {
    let mut limit = 0;
    let mut rest = options.iter();
    while let Some(word) = rest.next() {
        match rest.next() {
            Some(value) if parse::is(word, "limit") => {
                limit = at_least(value, 0, "ERR LIMIT can't be negative")?
            }
            _ => return Err(CommandError::SYNTAX),
        }
    }
    Ok(limit)
}

pub const SINTERSTORE: CommandSpec = CommandSpec {
    name: "sinterstore",
    arity: -3,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::SET,
    keys: &[
        KeySpec::first(key_flag::RW | key_flag::UPDATE),
        KeySpec::range(2, -1, 1, key_flag::RO | key_flag::ACCESS),
    ],
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
    summary: "Stores the members that all of several sets have.",
    arguments: &[DESTINATION, KEYS_TO_STORE],
    handler: Handler::Run(sinterstore),
    ..COMMAND
};
fn sinterstore(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    store(context, args, Operation::Intersection, "sinterstore")
}

pub const SUNION: CommandSpec = CommandSpec {
    name: "sunion",
    arity: -2,
    flags: flag::READONLY,
    categories: category::SET,
    keys: &[KeySpec::range(1, -1, 1, key_flag::RO | key_flag::ACCESS)],
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N) where N is the total number of elements in all given sets.",
    summary: "Returns the members that any of several sets has.",
    arguments: &[KEYS],
    tips: &["nondeterministic_output_order"],
    handler: Handler::Run(sunion),
    ..COMMAND
};
fn sunion(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    show(context, args, Operation::Union)
}

pub const SUNIONSTORE: CommandSpec = CommandSpec {
    name: "sunionstore",
    arity: -3,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::SET,
    keys: &[
        KeySpec::first(key_flag::OW | key_flag::UPDATE),
        KeySpec::range(2, -1, 1, key_flag::RO | key_flag::ACCESS),
    ],
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N) where N is the total number of elements in all given sets.",
    summary: "Stores the members that any of several sets has.",
    arguments: &[DESTINATION, KEYS_TO_STORE],
    handler: Handler::Run(sunionstore),
    ..COMMAND
};
fn sunionstore(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    store(context, args, Operation::Union, "sunionstore")
}

pub const SDIFF: CommandSpec = CommandSpec {
    name: "sdiff",
    arity: -2,
    flags: flag::READONLY,
    categories: category::SET,
    keys: &[KeySpec::range(1, -1, 1, key_flag::RO | key_flag::ACCESS)],
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N) where N is the total number of elements in all given sets.",
    summary: "Returns the members of a set that no other of several sets has.",
    arguments: &[KEYS],
    tips: &["nondeterministic_output_order"],
    handler: Handler::Run(sdiff),
    ..COMMAND
};
fn sdiff(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    show(context, args, Operation::Difference)
}

pub const SDIFFSTORE: CommandSpec = CommandSpec {
    name: "sdiffstore",
    arity: -3,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::SET,
    keys: &[
        KeySpec::first(key_flag::OW | key_flag::UPDATE),
        KeySpec::range(2, -1, 1, key_flag::RO | key_flag::ACCESS),
    ],
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N) where N is the total number of elements in all given sets.",
    summary: "Stores the members of a set that no other of several sets has.",
    arguments: &[DESTINATION, KEYS_TO_STORE],
    handler: Handler::Run(sdiffstore),
    ..COMMAND
};
fn sdiffstore(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    store(context, args, Operation::Difference, "sdiffstore")
}

fn show(context: &mut Context<'_>, args: Args<'_>, operation: Operation) -> CommandResult {
    let limits = context.data.limits();
    let sets = context.data.sets(args.from(1))?;
    let result = compute(sets, operation, &limits);
    context.reply.set(result.len());
    result.view().iter().for_each(|member| reply::element(&mut context.reply, member));
    Ok(Outcome::Done)
}

fn store(context: &mut Context<'_>, args: Args<'_>, operation: Operation, event: &str) -> CommandResult {
    let limits = context.data.limits();
    let sets = context.data.sets(args.from(2))?;
    let result = compute(sets, operation, &limits);
    let count = result.len();
    let result = (count > 0).then_some(Value::Set(result));
    context.data.store_result(&args[1], result, EventClass::Set, event);
    context.reply.integer(count as i64);
    Ok(Outcome::Done)
}

fn compute(sets: Vec<Option<SetRef<'_>>>, operation: Operation, limits: &Limits) -> Set {
    match operation {
        Operation::Union => Set::union(&sets.into_iter().flatten().collect::<Vec<_>>(), limits),
        Operation::Difference => match sets.first() {
            Some(Some(_)) => Set::difference(&sets.into_iter().flatten().collect::<Vec<_>>(), limits),
            _ => Set::new(),
        },
        Operation::Intersection => {
            let mut result = Set::new();
            Set::intersection(&all_present(sets).unwrap_or_default(), &mut |member| {
                result.add(member.as_bytes(&mut itoa::Buffer::new()), limits);
                true
            });
            result
        }
    }
}

/// The sets, unless one is not there: then nothing is in all of them.
fn all_present(sets: Vec<Option<SetRef<'_>>>) -> Option<Vec<SetRef<'_>>> {
    sets.into_iter().collect()
}
