//! Returning and storing ranges.

use rcl_proto::resp::Args;
use rcl_store::types::{AddCondition, SortedSet, Value};

use super::range::{By, Form, RangeQuery};
use crate::command::arguments::{KEY, LIMIT, WITHSCORES, word};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandResult, CommandSpec, Context, Handler, Outcome, reply};
use crate::pubsub::EventClass;

pub const ZRANGE: CommandSpec = CommandSpec {
    name: "zrange",
    arity: -4,
    flags: flag::READONLY,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned.",
    summary: "Returns the members in a range of ranks, scores or texts.",
    arguments: &[
        KEY,
        Argument { name: "start", ..ARGUMENT },
        Argument { name: "stop", ..ARGUMENT },
        Argument {
            name: "sortby",
            kind: Kind::OneOf,
            since: "6.2.0",
            optional: true,
            arguments: &[word("byscore", "BYSCORE"), word("bylex", "BYLEX")],
            ..ARGUMENT
        },
        Argument {
            name: "rev",
            kind: Kind::PureToken,
            token: "REV",
            since: "6.2.0",
            optional: true,
            ..ARGUMENT
        },
        Argument {
            name: "limit",
            kind: Kind::Block,
            token: "LIMIT",
            since: "6.2.0",
            optional: true,
            arguments: &[
                Argument { name: "offset", kind: Kind::Integer, ..ARGUMENT },
                Argument { name: "count", kind: Kind::Integer, ..ARGUMENT },
            ],
            ..ARGUMENT
        },
        WITHSCORES,
    ],
    handler: Handler::Run(zrange),
    ..COMMAND
};
fn zrange(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    show(context, args, None, None)
}

pub const ZREVRANGE: CommandSpec = CommandSpec {
    name: "zrevrange",
    arity: -4,
    flags: flag::READONLY,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned.",
    summary: "Returns the members in a range of ranks, counted and ordered from the highest score.",
    arguments: &[
        KEY,
        Argument { name: "start", kind: Kind::Integer, ..ARGUMENT },
        Argument { name: "stop", kind: Kind::Integer, ..ARGUMENT },
        WITHSCORES,
    ],
    deprecated: Some(("6.2.0", "`ZRANGE` with the `REV` argument")),
    handler: Handler::Run(zrevrange),
    ..COMMAND
};
fn zrevrange(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    show(context, args, Some(By::Rank), Some(true))
}

pub const ZRANGEBYSCORE: CommandSpec = CommandSpec {
    name: "zrangebyscore",
    arity: -4,
    flags: flag::READONLY,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "1.0.5",
    group: Group::SortedSet,
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).",
    summary: "Returns the members with scores in a range.",
    arguments: &[
        KEY,
        Argument { name: "min", kind: Kind::Double, ..ARGUMENT },
        Argument { name: "max", kind: Kind::Double, ..ARGUMENT },
        Argument {
            name: "withscores",
            kind: Kind::PureToken,
            token: "WITHSCORES",
            since: "2.0.0",
            optional: true,
            ..ARGUMENT
        },
        LIMIT,
    ],
    deprecated: Some(("6.2.0", "`ZRANGE` with the `BYSCORE` argument")),
    handler: Handler::Run(zrangebyscore),
    ..COMMAND
};
fn zrangebyscore(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    show(context, args, Some(By::Score), Some(false))
}

pub const ZREVRANGEBYSCORE: CommandSpec = CommandSpec {
    name: "zrevrangebyscore",
    arity: -4,
    flags: flag::READONLY,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "2.2.0",
    group: Group::SortedSet,
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).",
    summary: "Returns the members with scores in a range, the highest first.",
    arguments: &[
        KEY,
        Argument { name: "max", kind: Kind::Double, ..ARGUMENT },
        Argument { name: "min", kind: Kind::Double, ..ARGUMENT },
        WITHSCORES,
        LIMIT,
    ],
    deprecated: Some(("6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments")),
    handler: Handler::Run(zrevrangebyscore),
    ..COMMAND
};
fn zrevrangebyscore(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    show(context, args, Some(By::Score), Some(true))
}

pub const ZRANGEBYLEX: CommandSpec = CommandSpec {
    name: "zrangebylex",
    arity: -4,
    flags: flag::READONLY,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "2.8.9",
    group: Group::SortedSet,
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).",
    summary: "Returns the members in a lexicographical range.",
    arguments: &[KEY, Argument { name: "min", ..ARGUMENT }, Argument { name: "max", ..ARGUMENT }, LIMIT],
    deprecated: Some(("6.2.0", "`ZRANGE` with the `BYLEX` argument")),
    handler: Handler::Run(zrangebylex),
    ..COMMAND
};
fn zrangebylex(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    show(context, args, Some(By::Lex), Some(false))
}

pub const ZREVRANGEBYLEX: CommandSpec = CommandSpec {
    name: "zrevrangebylex",
    arity: -4,
    flags: flag::READONLY,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "2.8.9",
    group: Group::SortedSet,
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).",
    summary: "Returns the members in a lexicographical range, the last first.",
    arguments: &[KEY, Argument { name: "max", ..ARGUMENT }, Argument { name: "min", ..ARGUMENT }, LIMIT],
    deprecated: Some(("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments")),
    handler: Handler::Run(zrevrangebylex),
    ..COMMAND
};
fn zrevrangebylex(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    show(context, args, Some(By::Lex), Some(true))
}

fn show(context: &mut Context<'_>, args: Args<'_>, by: Option<By>, reverse: Option<bool>) -> CommandResult {
    let query = RangeQuery::parse(args.from(2), Form { by, reverse, may_show_scores: true })?;
    let reply = &mut context.reply;
    let Some(sorted_set) = context.data.sorted_set(&args[1])? else {
        reply.array(0);
        return Ok(Outcome::Done);
    };
    let ranks = query.ranks(sorted_set);
    reply::pairs(reply, ranks.len(), query.with_scores);
    let members = sorted_set.iter_ranks(ranks);
    if query.reverse {
        members.rev().for_each(|(member, score)| reply::member(reply, member, score, query.with_scores));
    } else {
        members.for_each(|(member, score)| reply::member(reply, member, score, query.with_scores));
    }
    Ok(Outcome::Done)
}

pub const ZRANGESTORE: CommandSpec = CommandSpec {
    name: "zrangestore",
    arity: -5,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::OW | key_flag::UPDATE), KeySpec::at(2, key_flag::RO | key_flag::ACCESS)],
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements stored into the destination key.",
    summary: "Stores the members in a range of another sorted set.",
    arguments: &[
        Argument { name: "dst", kind: Kind::Key, key_spec: Some(0), ..ARGUMENT },
        Argument { name: "src", kind: Kind::Key, key_spec: Some(1), ..ARGUMENT },
        Argument { name: "min", ..ARGUMENT },
        Argument { name: "max", ..ARGUMENT },
        Argument {
            name: "sortby",
            kind: Kind::OneOf,
            optional: true,
            arguments: &[word("byscore", "BYSCORE"), word("bylex", "BYLEX")],
            ..ARGUMENT
        },
        Argument { name: "rev", kind: Kind::PureToken, token: "REV", optional: true, ..ARGUMENT },
        LIMIT,
    ],
    handler: Handler::Run(zrangestore),
    ..COMMAND
};
fn zrangestore(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let query = RangeQuery::parse(args.from(3), Form { by: None, reverse: None, may_show_scores: false })?;
    let data = &mut context.data;
    let limits = data.limits();
    let mut result = SortedSet::new();
    if let Some(source) = data.sorted_set(&args[2])? {
        for (member, score) in source.iter_ranks(query.ranks(source)) {
            let member = member.to_vec();
            // A stored score is a number, so adding it to nothing cannot fail.
            let _ = result.add(score, &member, AddCondition::default(), &limits);
        }
    }
    let count = result.len();
    let result = (count > 0).then_some(Value::SortedSet(result));
    data.store_result(&args[1], result, EventClass::SortedSet, "zrangestore");
    context.reply.integer(count as i64);
    Ok(Outcome::Done)
}
