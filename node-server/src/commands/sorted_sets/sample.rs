//! Some members of a sorted set: drawn at random, or piece by piece.

use rcl_proto::resp::{Args, ReplyWriter, format_double};
use rcl_store::types::SortedSetRef;

use crate::command::arguments::{COUNT, KEY, MATCH, WITHSCORES};
use crate::command::counts::Draw;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome, reply};
use crate::commands::keys::{scan_cursor, scan_options};
use crate::commands::scan_reply;

pub const ZRANDMEMBER: CommandSpec = CommandSpec {
    name: "zrandmember",
    arity: -2,
    flags: flag::READONLY,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(N) where N is the number of members returned",
    summary: "Returns random members of a sorted set.",
    arguments: &[
        KEY,
        Argument {
            name: "options",
            kind: Kind::Block,
            optional: true,
            arguments: &[Argument { name: "count", kind: Kind::Integer, ..ARGUMENT }, WITHSCORES],
            ..ARGUMENT
        },
    ],
    tips: &["nondeterministic_output"],
    handler: Handler::Run(zrandmember),
    ..COMMAND
};
fn zrandmember(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if args.len() == 2 {
        let found =
            context.data.sorted_set(&args[1])?.and_then(|sorted_set| sorted_set.random(&mut rand::rng()));
        reply::element_or_null(&mut context.reply, found.map(|(member, _)| member));
        return Ok(Outcome::Done);
    }
    let (draw, with_scores) = Draw::parse_with_pairs(args.from(2), "withscores")?;
    match context.data.sorted_set(&args[1])? {
        Some(sorted_set) => draw_members(&mut context.reply, sorted_set, draw, with_scores)?,
        None => context.reply.array(0),
    }
    Ok(Outcome::Done)
}

fn draw_members(
    reply: &mut ReplyWriter<'_>,
    sorted_set: SortedSetRef<'_>,
    draw: Draw,
    with_scores: bool,
) -> Result<(), CommandError> {
    let rng = &mut rand::rng();
    match draw {
        Draw::Distinct(count) if count >= sorted_set.len() => {
            reply::pairs(reply, sorted_set.len(), with_scores);
            sorted_set.iter().for_each(|(member, score)| reply::member(reply, member, score, with_scores));
        }
        Draw::Distinct(count) => {
            let drawn = sorted_set.random_distinct(count, rng);
            reply::pairs(reply, drawn.len(), with_scores);
            drawn.into_iter().for_each(|(member, score)| reply::member(reply, member, score, with_scores));
        }
        Draw::Repeated(count) => {
            reply::pairs(reply, count as usize, with_scores);
            reply::repeat(reply, count, |reply| {
                if let Some((member, score)) = sorted_set.random(rng) {
                    reply::member(reply, member, score, with_scores);
                }
            })?;
        }
    }
    Ok(())
}

pub const ZSCAN: CommandSpec = CommandSpec {
    name: "zscan",
    arity: -3,
    flags: flag::READONLY,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "2.8.0",
    group: Group::SortedSet,
    complexity: "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection.",
    summary: "Goes through the members and scores of a sorted set, a piece a call.",
    arguments: &[KEY, Argument { name: "cursor", kind: Kind::Integer, ..ARGUMENT }, MATCH, COUNT],
    tips: &["nondeterministic_output"],
    handler: Handler::Run(zscan),
    ..COMMAND
};
fn zscan(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let cursor = scan_cursor(&args[2])?;
    let Some(sorted_set) = context.data.sorted_set(&args[1])? else {
        scan_reply::write_empty(&mut context.reply);
        return Ok(Outcome::Done);
    };
    let options = scan_options(args.from(3), false)?;
    scan_reply::write(&mut context.reply, |reply| {
        let mut count = 0;
        let next = sorted_set.scan(cursor, options.count, &mut |member, score| {
            if options.fits(member.as_bytes(&mut itoa::Buffer::new())) {
                reply::element(reply, member);
                // A string in RESP3 too, unlike everywhere else.
                let mut text = Vec::new();
                format_double(score, &mut text);
                reply.bulk(&text);
                count += 2;
            }
        });
        (next, count)
    });
    Ok(Outcome::Done)
}
