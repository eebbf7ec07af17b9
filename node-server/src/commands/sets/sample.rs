//! Some members of a set: taken out or drawn at random, or piece by piece.

use rcl_proto::resp::{Args, OwnedArgs};
use rcl_store::entry::Edit;
use rcl_store::types::Set;

use crate::command::arguments::{COUNT, KEY, MATCH};
use crate::command::counts::Draw;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome, parse, reply};
use crate::commands::keys::{scan_cursor, scan_options};
use crate::commands::scan_reply;
use crate::executor::internal;
use crate::pubsub::EventClass;

/// A SREM in the replication log names no more members than this.
const MEMBERS_PER_SREM: usize = 1024;

pub const SPOP: CommandSpec = CommandSpec {
    name: "spop",
    arity: -2,
    flags: flag::WRITE | flag::FAST,
    categories: category::SET,
    keys: &[KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::DELETE)],
    since: "1.0.0",
    group: Group::Set,
    complexity: "Without the count argument O(1), otherwise O(N) where N is the value of the passed count.",
    summary: "Takes random members out of a set.",
    arguments: &[
        KEY,
        Argument { name: "count", kind: Kind::Integer, since: "3.2.0", optional: true, ..ARGUMENT },
    ],
    tips: &["nondeterministic_output"],
    handler: Handler::Run(spop),
    ..COMMAND
};
fn spop(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    match args.len() {
        2 => pop_one(context, &args[1]),
        3 => pop_several(context, &args[1], parse::positive(&args[2])?),
        _ => Err(CommandError::SYNTAX),
    }
}

fn pop_one(context: &mut Context<'_>, key: &[u8]) -> CommandResult {
    let data = &mut context.data;
    let pop = |mut set: Edit<'_, Set>| set.pop(&mut rand::rng()).map(|member| (member, set.is_empty()));
    let Some((member, is_empty)) = data.set_mut(key)?.and_then(pop) else {
        context.reply.null();
        return Ok(Outcome::Done);
    };
    data.changed(key);
    data.notify(EventClass::Set, "spop", key);
    if is_empty {
        data.remove_if_empty(key);
    }
    if data.is_logging() {
        data.effects.propagate_instead(OwnedArgs::new([b"SREM".as_slice(), key, &member]));
    }
    context.reply.bulk(&member);
    Ok(Outcome::Done)
}

fn pop_several(context: &mut Context<'_>, key: &[u8], count: u64) -> CommandResult {
    let data = &mut context.data;
    let Some(mut set) = data.set_mut(key)?.filter(|_| count > 0) else {
        context.reply.set(0);
        return Ok(Outcome::Done);
    };
    if count >= set.len() as u64 {
        let size = set.len();
        context.reply.set(size);
        set.view().iter().for_each(|member| reply::element(&mut context.reply, member));
        drop(set);
        data.remove(key);
        data.changed_times(key, size as u64);
        data.notify(EventClass::Set, "spop", key);
        data.notify(EventClass::Generic, "del", key);
        let command = internal::deletion(context.node.settings().lazyfree_lazy_server_del);
        data.effects.propagate_instead(OwnedArgs::new([command, key]));
        return Ok(Outcome::Done);
    }
    let rng = &mut rand::rng();
    let members: Vec<Vec<u8>> = (0..count).map_while(|_| set.pop(rng)).collect();
    drop(set);
    data.changed_times(key, members.len() as u64);
    data.notify(EventClass::Set, "spop", key);
    for some in members.chunks(MEMBERS_PER_SREM) {
        let words = [b"SREM".as_slice(), key].into_iter().chain(some.iter().map(Vec::as_slice));
        data.effects.propagate_instead(OwnedArgs::new(words));
    }
    context.reply.set(members.len());
    members.iter().for_each(|member| context.reply.bulk(member));
    Ok(Outcome::Done)
}

pub const SRANDMEMBER: CommandSpec = CommandSpec {
    name: "srandmember",
    arity: -2,
    flags: flag::READONLY,
    categories: category::SET,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "1.0.0",
    group: Group::Set,
    complexity: "Without the count argument O(1), otherwise O(N) where N is the absolute value of the passed count.",
    summary: "Returns random members of a set.",
    arguments: &[
        KEY,
        Argument { name: "count", kind: Kind::Integer, since: "2.6.0", optional: true, ..ARGUMENT },
    ],
    tips: &["nondeterministic_output"],
    handler: Handler::Run(srandmember),
    ..COMMAND
};
fn srandmember(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let draw = match args.len() {
        2 => {
            let member = context.data.set(&args[1])?.and_then(|set| set.random(&mut rand::rng()));
            reply::element_or_null(&mut context.reply, member);
            return Ok(Outcome::Done);
        }
        3 => Draw::parse(&args[2])?,
        _ => return Err(CommandError::SYNTAX),
    };
    let Some(set) = context.data.set(&args[1])? else {
        context.reply.array(0);
        return Ok(Outcome::Done);
    };
    let (reply, rng) = (&mut context.reply, &mut rand::rng());
    match draw {
        Draw::Distinct(count) if count >= set.len() => {
            reply.array(set.len());
            set.iter().for_each(|member| reply::element(reply, member));
        }
        Draw::Distinct(count) => {
            let drawn = set.random_distinct(count, rng);
            reply.array(drawn.len());
            drawn.into_iter().for_each(|member| reply::element(reply, member));
        }
        Draw::Repeated(count) => {
            reply.array(count as usize);
            reply::repeat(reply, count, |reply| {
                if let Some(member) = set.random(rng) {
                    reply::element(reply, member);
                }
            })?;
        }
    }
    Ok(Outcome::Done)
}

pub const SSCAN: CommandSpec = CommandSpec {
    name: "sscan",
    arity: -3,
    flags: flag::READONLY,
    categories: category::SET,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "2.8.0",
    group: Group::Set,
    complexity: "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection.",
    summary: "Goes through the members of a set, a piece a call.",
    arguments: &[KEY, Argument { name: "cursor", kind: Kind::Integer, ..ARGUMENT }, MATCH, COUNT],
    tips: &["nondeterministic_output"],
    handler: Handler::Run(sscan),
    ..COMMAND
};
fn sscan(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let cursor = scan_cursor(&args[2])?;
    let Some(set) = context.data.set(&args[1])? else {
        scan_reply::write_empty(&mut context.reply);
        return Ok(Outcome::Done);
    };
    let options = scan_options(args.from(3), false)?;
    scan_reply::write(&mut context.reply, |reply| {
        let mut count = 0;
        let next = set.scan(cursor, options.count, &mut |member| {
            if options.fits(member.as_bytes(&mut itoa::Buffer::new())) {
                reply::element(reply, member);
                count += 1;
            }
        });
        (next, count)
    });
    Ok(Outcome::Done)
}
