//! Removing members by name, rank, score or text.

use std::ops::Range;

use rcl_proto::resp::Args;
use rcl_store::types::{SortedSet, SortedSetRef};

use super::{lex_range, score_range};
use crate::command::arguments::KEY;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandResult, CommandSpec, Context, Handler, Outcome, parse};
use crate::pubsub::EventClass;

pub const ZREM: CommandSpec = CommandSpec {
    name: "zrem",
    arity: -3,
    flags: flag::WRITE | flag::FAST,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RW | key_flag::DELETE)],
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(M*log(N)) with N being the number of elements in the sorted set and M the number of elements to be removed.",
    summary: "Removes members from a sorted set.",
    arguments: &[KEY, Argument { name: "member", multiple: true, ..ARGUMENT }],
    handler: Handler::Run(zrem),
    ..COMMAND
};
fn zrem(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    remove(context, &args[1], "zrem", |sorted_set| {
        args.from(2).iter().filter(|member| sorted_set.remove(member).is_some()).count()
    })
}

pub const ZREMRANGEBYRANK: CommandSpec = CommandSpec {
    name: "zremrangebyrank",
    arity: 4,
    flags: flag::WRITE,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RW | key_flag::DELETE)],
    since: "2.0.0",
    group: Group::SortedSet,
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by the operation.",
    summary: "Removes the members between two ranks.",
    arguments: &[
        KEY,
        Argument { name: "start", kind: Kind::Integer, ..ARGUMENT },
        Argument { name: "stop", kind: Kind::Integer, ..ARGUMENT },
    ],
    handler: Handler::Run(zremrangebyrank),
    ..COMMAND
};
fn zremrangebyrank(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (start, stop) = (parse::integer(&args[2])?, parse::integer(&args[3])?);
    remove_ranks(context, &args[1], "zremrangebyrank", |sorted_set| sorted_set.ranks(start, stop))
}

pub const ZREMRANGEBYSCORE: CommandSpec = CommandSpec {
    name: "zremrangebyscore",
    arity: 4,
    flags: flag::WRITE,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RW | key_flag::DELETE)],
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by the operation.",
    summary: "Removes the members with scores in a range.",
    arguments: &[
        KEY,
        Argument { name: "min", kind: Kind::Double, ..ARGUMENT },
        Argument { name: "max", kind: Kind::Double, ..ARGUMENT },
    ],
    handler: Handler::Run(zremrangebyscore),
    ..COMMAND
};
fn zremrangebyscore(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let range = score_range(&args[2], &args[3])?;
    remove_ranks(context, &args[1], "zremrangebyscore", |sorted_set| sorted_set.ranks_by_score(&range))
}

pub const ZREMRANGEBYLEX: CommandSpec = CommandSpec {
    name: "zremrangebylex",
    arity: 4,
    flags: flag::WRITE,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RW | key_flag::DELETE)],
    since: "2.8.9",
    group: Group::SortedSet,
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by the operation.",
    summary: "Removes the members in a lexicographical range.",
    arguments: &[KEY, Argument { name: "min", ..ARGUMENT }, Argument { name: "max", ..ARGUMENT }],
    handler: Handler::Run(zremrangebylex),
    ..COMMAND
};
fn zremrangebylex(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let range = lex_range(&args[2], &args[3])?;
    remove_ranks(context, &args[1], "zremrangebylex", |sorted_set| sorted_set.ranks_by_lex(&range))
}

fn remove_ranks(
    context: &mut Context<'_>,
    key: &[u8],
    event: &str,
    ranks: impl FnOnce(SortedSetRef<'_>) -> Range<usize>,
) -> CommandResult {
    remove(context, key, event, |sorted_set| {
        let ranks = ranks(sorted_set.view());
        sorted_set.remove_ranks(ranks)
    })
}

/// `take` removes members and says how many; that is the event.
fn remove(
    context: &mut Context<'_>,
    key: &[u8],
    event: &str,
    take: impl FnOnce(&mut SortedSet) -> usize,
) -> CommandResult {
    let data = &mut context.data;
    let removed = data.sorted_set_mut(key)?.map_or(0, |mut sorted_set| take(&mut sorted_set));
    if removed > 0 {
        data.changed_times(key, removed as u64);
        data.notify(EventClass::SortedSet, event, key);
        data.remove_if_empty(key);
    }
    context.reply.integer(removed as i64);
    Ok(Outcome::Done)
}
