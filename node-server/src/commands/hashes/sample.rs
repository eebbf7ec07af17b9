//! Some fields of a hash: drawn at random, or piece by piece.

use rcl_proto::resp::{Args, ReplyWriter};
use rcl_store::types::{Element, LiveHash};

use crate::command::arguments::{COUNT, KEY, MATCH};
use crate::command::counts::Draw;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome, reply};
use crate::commands::keys::{scan_cursor, scan_options};
use crate::commands::scan_reply;

pub const HRANDFIELD: CommandSpec = CommandSpec {
    name: "hrandfield",
    arity: -2,
    flags: flag::READONLY,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "6.2.0",
    group: Group::Hash,
    complexity: "O(N) where N is the number of fields returned",
    summary: "Returns random fields of a hash.",
    arguments: &[
        KEY,
        Argument {
            name: "options",
            kind: Kind::Block,
            optional: true,
            arguments: &[
                Argument { name: "count", kind: Kind::Integer, ..ARGUMENT },
                Argument {
                    name: "withvalues",
                    kind: Kind::PureToken,
                    token: "WITHVALUES",
                    optional: true,
                    ..ARGUMENT
                },
            ],
            ..ARGUMENT
        },
    ],
    tips: &["nondeterministic_output"],
    handler: Handler::Run(hrandfield),
    ..COMMAND
};
fn hrandfield(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    context.data.expire_any_fields(&args[1]);
    if args.len() == 2 {
        let field = context.data.hash(&args[1])?.and_then(|hash| hash.random(&mut rand::rng()));
        reply::element_or_null(&mut context.reply, field.map(|(field, _)| field));
        return Ok(Outcome::Done);
    }
    let (draw, with_values) = Draw::parse_with_pairs(args.from(2), "withvalues")?;
    match context.data.hash(&args[1])? {
        Some(hash) if !hash.is_empty() => draw_fields(&mut context.reply, hash, draw, with_values)?,
        _ => context.reply.array(0),
    }
    Ok(Outcome::Done)
}

fn draw_fields(
    reply: &mut ReplyWriter<'_>,
    hash: LiveHash<'_>,
    draw: Draw,
    with_values: bool,
) -> Result<(), CommandError> {
    let rng = &mut rand::rng();
    match draw {
        Draw::Distinct(count) if count >= hash.len() => {
            reply::pairs(reply, hash.len(), with_values);
            hash.iter().for_each(|pair| write_pair(reply, pair, with_values));
        }
        Draw::Distinct(count) => {
            let drawn = hash.random_distinct(count, rng);
            reply::pairs(reply, drawn.len(), with_values);
            drawn.into_iter().for_each(|pair| write_pair(reply, pair, with_values));
        }
        Draw::Repeated(count) => {
            reply::pairs(reply, count as usize, with_values);
            reply::repeat(reply, count, |reply| {
                if let Some(pair) = hash.random(rng) {
                    write_pair(reply, pair, with_values);
                }
            })?;
        }
    }
    Ok(())
}

fn write_pair(reply: &mut ReplyWriter<'_>, (field, value): (Element<'_>, Element<'_>), with_values: bool) {
    reply::begin_pair(reply, with_values);
    reply::element(reply, field);
    if with_values {
        reply::element(reply, value);
    }
}

pub const HSCAN: CommandSpec = CommandSpec {
    name: "hscan",
    arity: -3,
    flags: flag::READONLY,
    categories: category::HASH,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "2.8.0",
    group: Group::Hash,
    complexity: "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection.",
    summary: "Goes through the fields and values of a hash, a piece a call.",
    arguments: &[KEY, Argument { name: "cursor", kind: Kind::Integer, ..ARGUMENT }, MATCH, COUNT],
    tips: &["nondeterministic_output"],
    handler: Handler::Run(hscan),
    ..COMMAND
};
fn hscan(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let cursor = scan_cursor(&args[2])?;
    let Some(hash) = context.data.hash(&args[1])? else {
        scan_reply::write_empty(&mut context.reply);
        return Ok(Outcome::Done);
    };
    let options = scan_options(args.from(3), false)?;
    scan_reply::write(&mut context.reply, |reply| {
        let mut count = 0;
        let next = hash.scan(cursor, options.count, &mut |field, value| {
            if options.fits(field.as_bytes(&mut itoa::Buffer::new())) {
                reply::element(reply, field);
                reply::element(reply, value);
                count += 2;
            }
        });
        (next, count)
    });
    Ok(Outcome::Done)
}
