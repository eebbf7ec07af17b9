//! Adding members and changing their scores.

use rcl_proto::resp::Args;
use rcl_store::entry::Edit;
use rcl_store::types::{AddCondition, AddError, AddOutcome, Limits, SortedSet};

use crate::command::arguments::{KEY, word};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome, parse};
use crate::pubsub::EventClass;

pub const ZADD: CommandSpec = CommandSpec {
    name: "zadd",
    arity: -4,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RW | key_flag::UPDATE)],
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(log(N)) for each item added, where N is the number of elements in the sorted set.",
    summary: "Adds members with their scores, or changes scores; creates the sorted set.",
    arguments: &[
        KEY,
        Argument {
            name: "condition",
            kind: Kind::OneOf,
            since: "3.0.2",
            optional: true,
            arguments: &[word("nx", "NX"), word("xx", "XX")],
            ..ARGUMENT
        },
        Argument {
            name: "comparison",
            kind: Kind::OneOf,
            since: "6.2.0",
            optional: true,
            arguments: &[word("gt", "GT"), word("lt", "LT")],
            ..ARGUMENT
        },
        Argument {
            name: "change",
            kind: Kind::PureToken,
            token: "CH",
            since: "3.0.2",
            optional: true,
            ..ARGUMENT
        },
        Argument {
            name: "increment",
            kind: Kind::PureToken,
            token: "INCR",
            since: "3.0.2",
            optional: true,
            ..ARGUMENT
        },
        Argument {
            name: "data",
            kind: Kind::Block,
            multiple: true,
            arguments: &[
                Argument { name: "score", kind: Kind::Double, ..ARGUMENT },
                Argument { name: "member", ..ARGUMENT },
            ],
            ..ARGUMENT
        },
    ],
    handler: Handler::Run(zadd),
    ..COMMAND
};
fn zadd(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (condition, count_changed, pairs) = parse_options(args)?;
    let scores = parse_scores(pairs)?;
    let members = pairs.iter().skip(1).step_by(2);
    add(context, &args[1], condition, count_changed, scores.into_iter().zip(members))
}

pub const ZINCRBY: CommandSpec = CommandSpec {
    name: "zincrby",
    arity: 4,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)],
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(log(N)) where N is the number of elements in the sorted set.",
    summary: "Adds to the score of a member; a member that is not there counts as 0.",
    arguments: &[
        KEY,
        Argument { name: "increment", kind: Kind::Integer, ..ARGUMENT },
        Argument { name: "member", ..ARGUMENT },
    ],
    handler: Handler::Run(zincrby),
    ..COMMAND
};
fn zincrby(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    // ZADD's options are looked for here too, as Redis does, so that an increment named NX is a syntax error.
    let (condition, _, pairs) = parse_options(args)?;
    let scores = parse_scores(pairs)?;
    let members = scores.into_iter().zip(pairs.iter().skip(1).step_by(2));
    add(context, &args[1], AddCondition { increment: true, ..condition }, false, members)
}

/// ZADD's conditions, whether CH is given, and the scores and members that follow.
fn parse_options(args: Args<'_>) -> Result<(AddCondition, bool, Args<'_>), CommandError> {
    let mut condition = AddCondition::default();
    let mut count_changed = false;
    let mut index = 2;
    while let Some(word) = args.get(index) {
        let option = match word.to_ascii_lowercase().as_slice() {
            b"nx" => &mut condition.only_new,
            b"xx" => &mut condition.only_existing,
            b"gt" => &mut condition.only_greater,
            b"lt" => &mut condition.only_less,
            b"incr" => &mut condition.increment,
            b"ch" => &mut count_changed,
            _ => break,
        };
        *option = true;
        index += 1;
    }
    let pairs = args.from(index);
    if pairs.is_empty() || !pairs.len().is_multiple_of(2) {
        return Err(CommandError::SYNTAX);
    }
    let AddCondition { only_new, only_existing, only_greater, only_less, increment } = condition;
    if only_new && only_existing {
        return Err(CommandError::fixed("ERR XX and NX options at the same time are not compatible"));
    }
    if [only_new, only_greater, only_less].into_iter().filter(|is_given| *is_given).count() > 1 {
        return Err(CommandError::fixed("ERR GT, LT, and/or NX options at the same time are not compatible"));
    }
    if increment && pairs.len() > 2 {
        return Err(CommandError::fixed("ERR INCR option supports a single increment-element pair"));
    }
    Ok((condition, count_changed, pairs))
}

/// All of them before anything is added: the command acts as a whole or not at all.
fn parse_scores(pairs: Args<'_>) -> Result<Vec<f64>, CommandError> {
    pairs.iter().step_by(2).map(parse::double).collect()
}

/// What came of adding several members.
#[derive(Default)]
struct Tally {
    added: u64,
    updated: u64,
    /// The score of the last member, unless a condition forbade changing it.
    last: Option<f64>,
}

/// Adds members with their scores, as ZADD does it and says it.
pub fn add<'m>(
    context: &mut Context<'_>,
    key: &[u8],
    condition: AddCondition,
    count_changed: bool,
    members: impl Iterator<Item = (f64, &'m [u8])>,
) -> CommandResult {
    let data = &mut context.data;
    let limits = data.limits();
    let sorted_set =
        if condition.only_existing { data.sorted_set_mut(key)? } else { Some(data.sorted_set_or_new(key)?) };
    let tally = sorted_set.map(|mut sorted_set| add_all(&mut sorted_set, members, condition, &limits));
    let tally = tally.transpose()?.unwrap_or_default();
    if tally.added + tally.updated > 0 {
        data.changed_times(key, tally.added + tally.updated);
        data.notify(EventClass::SortedSet, if condition.increment { "zincr" } else { "zadd" }, key);
    }
    let reply = &mut context.reply;
    match tally.last {
        Some(score) if condition.increment => reply.double(score),
        None if condition.increment => reply.null(),
        _ if count_changed => reply.integer((tally.added + tally.updated) as i64),
        _ => reply.integer(tally.added as i64),
    }
    Ok(Outcome::Done)
}

fn add_all<'m>(
    sorted_set: &mut Edit<'_, SortedSet>,
    members: impl Iterator<Item = (f64, &'m [u8])>,
    condition: AddCondition,
    limits: &Limits,
) -> Result<Tally, CommandError> {
    let mut tally = Tally::default();
    for (score, member) in members {
        let outcome = sorted_set.add(score, member, condition, limits).map_err(|AddError::NotANumber| {
            CommandError::fixed("ERR resulting score is not a number (NaN)")
        })?;
        tally.last = match outcome {
            AddOutcome::Added(score) => {
                tally.added += 1;
                Some(score)
            }
            AddOutcome::Updated(score) => {
                tally.updated += 1;
                Some(score)
            }
            AddOutcome::Unchanged(score) => Some(score),
            AddOutcome::Refused => None,
        };
    }
    Ok(tally)
}
