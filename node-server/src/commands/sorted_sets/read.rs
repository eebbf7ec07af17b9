//! Scores, ranks and counts.

use rcl_proto::resp::Args;

use super::{lex_range, score_range};
use crate::command::arguments::KEY;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome, parse};

pub const ZSCORE: CommandSpec = CommandSpec {
    name: "zscore",
    arity: 3,
    flags: flag::READONLY | flag::FAST,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(1)",
    summary: "Returns the score of a member.",
    arguments: &[KEY, Argument { name: "member", ..ARGUMENT }],
    handler: Handler::Run(zscore),
    ..COMMAND
};
fn zscore(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    match context.data.sorted_set(&args[1])?.and_then(|sorted_set| sorted_set.score(&args[2])) {
        Some(score) => context.reply.double(score),
        None => context.reply.null(),
    }
    Ok(Outcome::Done)
}

pub const ZMSCORE: CommandSpec = CommandSpec {
    name: "zmscore",
    arity: -3,
    flags: flag::READONLY | flag::FAST,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(N) where N is the number of members being requested.",
    summary: "Returns the scores of members.",
    arguments: &[KEY, Argument { name: "member", multiple: true, ..ARGUMENT }],
    handler: Handler::Run(zmscore),
    ..COMMAND
};
fn zmscore(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let sorted_set = context.data.sorted_set(&args[1])?;
    let members = args.from(2);
    context.reply.array(members.len());
    for member in members.iter() {
        match sorted_set.and_then(|sorted_set| sorted_set.score(member)) {
            Some(score) => context.reply.double(score),
            None => context.reply.null(),
        }
    }
    Ok(Outcome::Done)
}

pub const ZCARD: CommandSpec = CommandSpec {
    name: "zcard",
    arity: 2,
    flags: flag::READONLY | flag::FAST,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RO)],
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(1)",
    summary: "Returns the number of members of a sorted set.",
    arguments: &[KEY],
    handler: Handler::Run(zcard),
    ..COMMAND
};
fn zcard(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let count = context.data.sorted_set(&args[1])?.map_or(0, |sorted_set| sorted_set.len());
    context.reply.integer(count as i64);
    Ok(Outcome::Done)
}

pub const ZCOUNT: CommandSpec = CommandSpec {
    name: "zcount",
    arity: 4,
    flags: flag::READONLY | flag::FAST,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "2.0.0",
    group: Group::SortedSet,
    complexity: "O(log(N)) with N being the number of elements in the sorted set.",
    summary: "Counts the members with scores in a range.",
    arguments: &[
        KEY,
        Argument { name: "min", kind: Kind::Double, ..ARGUMENT },
        Argument { name: "max", kind: Kind::Double, ..ARGUMENT },
    ],
    handler: Handler::Run(zcount),
    ..COMMAND
};
fn zcount(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let range = score_range(&args[2], &args[3])?;
    let sorted_set = context.data.sorted_set(&args[1])?;
    let count = sorted_set.map_or(0, |sorted_set| sorted_set.ranks_by_score(&range).len());
    context.reply.integer(count as i64);
    Ok(Outcome::Done)
}

pub const ZLEXCOUNT: CommandSpec = CommandSpec {
    name: "zlexcount",
    arity: 4,
    flags: flag::READONLY | flag::FAST,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "2.8.9",
    group: Group::SortedSet,
    complexity: "O(log(N)) with N being the number of elements in the sorted set.",
    summary: "Counts the members in a lexicographical range.",
    arguments: &[KEY, Argument { name: "min", ..ARGUMENT }, Argument { name: "max", ..ARGUMENT }],
    handler: Handler::Run(zlexcount),
    ..COMMAND
};
fn zlexcount(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let range = lex_range(&args[2], &args[3])?;
    let sorted_set = context.data.sorted_set(&args[1])?;
    let count = sorted_set.map_or(0, |sorted_set| sorted_set.ranks_by_lex(&range).len());
    context.reply.integer(count as i64);
    Ok(Outcome::Done)
}

pub const ZRANK: CommandSpec = CommandSpec {
    name: "zrank",
    arity: -3,
    flags: flag::READONLY | flag::FAST,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "2.0.0",
    group: Group::SortedSet,
    complexity: "O(log(N))",
    summary: "Returns the place of a member, counted from the lowest score.",
    arguments: &[
        KEY,
        Argument { name: "member", ..ARGUMENT },
        Argument { name: "withscore", kind: Kind::PureToken, token: "WITHSCORE", optional: true, ..ARGUMENT },
    ],
    handler: Handler::Run(zrank),
    ..COMMAND
};
fn zrank(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    rank(context, args, false, "zrank")
}

pub const ZREVRANK: CommandSpec = CommandSpec {
    name: "zrevrank",
    arity: -3,
    flags: flag::READONLY | flag::FAST,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "2.0.0",
    group: Group::SortedSet,
    complexity: "O(log(N))",
    summary: "Returns the place of a member, counted from the highest score.",
    arguments: &[
        KEY,
        Argument { name: "member", ..ARGUMENT },
        Argument { name: "withscore", kind: Kind::PureToken, token: "WITHSCORE", optional: true, ..ARGUMENT },
    ],
    handler: Handler::Run(zrevrank),
    ..COMMAND
};
fn zrevrank(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    rank(context, args, true, "zrevrank")
}

fn rank(context: &mut Context<'_>, args: Args<'_>, from_highest: bool, command: &str) -> CommandResult {
    let with_score = match args.get(3) {
        _ if args.len() > 4 => return Err(CommandError::wrong_arity(command)),
        None => false,
        Some(word) if parse::is(word, "withscore") => true,
        Some(_) => return Err(CommandError::SYNTAX),
    };
    let sorted_set = context.data.sorted_set(&args[1])?;
    let found = sorted_set.and_then(|sorted_set| {
        let (rank, score) = sorted_set.rank(&args[2])?;
        Some((if from_highest { sorted_set.len() - 1 - rank } else { rank }, score))
    });
    let reply = &mut context.reply;
    match found {
        Some((rank, score)) if with_score => {
            reply.array(2);
            reply.integer(rank as i64);
            reply.double(score);
        }
        Some((rank, _)) => reply.integer(rank as i64),
        None if with_score => reply.null_array(),
        None => reply.null(),
    }
    Ok(Outcome::Done)
}
