//! Taking out the members with the lowest or highest scores.

use rcl_proto::resp::{Args, OwnedArgs, Protocol};
use rcl_store::types::SortedSet;

use crate::command::arguments::{COUNT, KEY, KEYS, NUMKEYS, word};
use crate::command::counts::{key_count, pop_count};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome, parse};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Lowest,
    Highest,
}

pub const ZPOPMIN: CommandSpec = CommandSpec {
    name: "zpopmin",
    arity: -2,
    flags: flag::WRITE | flag::FAST,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::DELETE)],
    since: "5.0.0",
    group: Group::SortedSet,
    complexity: "O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of elements popped.",
    summary: "Takes out the members with the lowest scores.",
    arguments: &[KEY, Argument { name: "count", kind: Kind::Integer, optional: true, ..ARGUMENT }],
    handler: Handler::Run(zpopmin),
    ..COMMAND
};
fn zpopmin(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    pop(context, args, Side::Lowest)
}

pub const ZPOPMAX: CommandSpec = CommandSpec {
    name: "zpopmax",
    arity: -2,
    flags: flag::WRITE | flag::FAST,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::DELETE)],
    since: "5.0.0",
    group: Group::SortedSet,
    complexity: "O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of elements popped.",
    summary: "Takes out the members with the highest scores.",
    arguments: &[KEY, Argument { name: "count", kind: Kind::Integer, optional: true, ..ARGUMENT }],
    handler: Handler::Run(zpopmax),
    ..COMMAND
};
fn zpopmax(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    pop(context, args, Side::Highest)
}

fn pop(context: &mut Context<'_>, args: Args<'_>, side: Side) -> CommandResult {
    let count = match args.len() {
        2 => None,
        3 => Some(parse::positive(&args[2])?),
        _ => return Err(CommandError::SYNTAX),
    };
    let data = &mut context.data;
    let popped = data.sorted_set_mut(&args[1])?.map(|sorted_set| take(sorted_set, side, count.unwrap_or(1)));
    let popped = popped.unwrap_or_default();
    // Only an array that was asked for by a count is nested, and only in RESP3.
    let nested = count.is_some() && context.reply.protocol() == Protocol::Resp3;
    context.reply.array(if nested { popped.len() } else { popped.len() * 2 });
    write(context, &args[1], &popped, nested);
    Ok(Outcome::Done)
}

pub const ZMPOP: CommandSpec = CommandSpec {
    name: "zmpop",
    arity: -4,
    flags: flag::WRITE,
    categories: category::SORTEDSET,
    keys: &[KeySpec::counted(1, key_flag::RW | key_flag::ACCESS | key_flag::DELETE)],
    since: "7.0.0",
    group: Group::SortedSet,
    complexity: "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the sorted set, and M being the number of elements popped.",
    summary: "Takes members out of the first of several sorted sets that is there.",
    arguments: &[
        NUMKEYS,
        KEYS,
        Argument {
            name: "where",
            kind: Kind::OneOf,
            arguments: &[word("min", "MIN"), word("max", "MAX")],
            ..ARGUMENT
        },
        COUNT,
    ],
    handler: Handler::Run(zmpop),
    ..COMMAND
};
fn zmpop(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key_count = key_count(&args[1])?;
    let options = key_count.checked_add(2).map(|from| args.from(from)).ok_or(CommandError::SYNTAX)?;
    let side = match options.get(0) {
        Some(word) if parse::is(word, "min") => Side::Lowest,
        Some(word) if parse::is(word, "max") => Side::Highest,
        _ => return Err(CommandError::SYNTAX),
    };
    let count = pop_count(options.from(1))?;
    for key in args.from(2).first(key_count).iter() {
        let Some(sorted_set) = context.data.sorted_set_mut(key)? else { continue };
        let popped = take(sorted_set, side, count);
        context.reply.array(2);
        context.reply.bulk(key);
        context.reply.array(popped.len());
        write(context, key, &popped, true);
        let name: &[u8] = if side == Side::Lowest { b"ZPOPMIN" } else { b"ZPOPMAX" };
        let count = popped.len().to_string();
        context.data.effects.propagate_instead(OwnedArgs::new([name, key, count.as_bytes()]));
        return Ok(Outcome::Done);
    }
    context.reply.null_array();
    Ok(Outcome::Done)
}

fn take(sorted_set: &mut SortedSet, side: Side, count: u64) -> Vec<(Vec<u8>, f64)> {
    (0..count)
        .map_while(|_| match side {
            Side::Lowest => sorted_set.pop_lowest(),
            Side::Highest => sorted_set.pop_highest(),
        })
        .collect()
}

/// Writes what was taken out, and notes the change.
fn write(context: &mut Context<'_>, key: &[u8], popped: &[(Vec<u8>, f64)], nested: bool) {
    for (member, score) in popped {
        if nested {
            context.reply.array(2);
        }
        context.reply.bulk(member);
        context.reply.double(*score);
    }
    if !popped.is_empty() {
        context.data.remove_if_empty(key);
        context.data.changed_times(key, popped.len() as u64);
    }
}
