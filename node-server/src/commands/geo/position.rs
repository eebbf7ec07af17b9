//! Where members are: GEODIST, GEOHASH, GEOPOS.

use rcl_proto::resp::{Args, ReplyWriter};
use rcl_store::types::geo::{Place, hash_text};

use super::arguments::{MEMBERS, UNIT};
use super::{reply_distance, reply_place, unit_in_metres};
use crate::command::arguments::KEY;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};

pub const GEODIST: CommandSpec = CommandSpec {
    name: "geodist",
    arity: -4,
    flags: flag::READONLY,
    categories: category::GEO,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "3.2.0",
    group: Group::Geo,
    complexity: "O(1)",
    summary: "Returns the distance between two members.",
    arguments: &[
        KEY,
        Argument { name: "member1", ..ARGUMENT },
        Argument { name: "member2", ..ARGUMENT },
        Argument { optional: true, ..UNIT },
    ],
    handler: Handler::Run(geodist),
    ..COMMAND
};

fn geodist(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let unit = match args.len() {
        4 => 1.0,
        5 => unit_in_metres(&args[4])?,
        _ => return Err(CommandError::SYNTAX),
    };
    let sorted_set = context.data.sorted_set(&args[1])?;
    let place = |member: &[u8]| Some(Place::of_score(sorted_set?.score(member)?));
    match place(&args[2]).zip(place(&args[3])) {
        Some((from, to)) => reply_distance(&mut context.reply, from.distance(to) / unit),
        None => context.reply.null(),
    }
    Ok(Outcome::Done)
}

pub const GEOHASH: CommandSpec = CommandSpec {
    name: "geohash",
    arity: -2,
    flags: flag::READONLY,
    categories: category::GEO,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "3.2.0",
    group: Group::Geo,
    complexity: "O(1) for each member requested.",
    summary: "Returns the geohashes of members as text.",
    arguments: &[KEY, MEMBERS],
    handler: Handler::Run(geohash),
    ..COMMAND
};

fn geohash(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    reply_each(context, args, |reply, score| match score {
        Some(score) => reply.bulk(hash_text(score).as_bytes()),
        None => reply.null(),
    })
}

pub const GEOPOS: CommandSpec = CommandSpec {
    name: "geopos",
    arity: -2,
    flags: flag::READONLY,
    categories: category::GEO,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "3.2.0",
    group: Group::Geo,
    complexity: "O(1) for each member requested.",
    summary: "Returns the longitudes and latitudes of members.",
    arguments: &[KEY, MEMBERS],
    handler: Handler::Run(geopos),
    ..COMMAND
};

fn geopos(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    reply_each(context, args, |reply, score| match score {
        Some(score) => reply_place(reply, Place::of_score(score)),
        None => reply.null_array(),
    })
}

/// One element for each member, by its score.
fn reply_each(
    context: &mut Context<'_>,
    args: Args<'_>,
    write: impl Fn(&mut ReplyWriter<'_>, Option<f64>),
) -> CommandResult {
    let sorted_set = context.data.sorted_set(&args[1])?;
    let members = args.from(2);
    context.reply.array(members.len());
    for member in members.iter() {
        write(&mut context.reply, sorted_set.and_then(|sorted_set| sorted_set.score(member)));
    }
    Ok(Outcome::Done)
}
