//! Taking from lists that may have nothing yet: the commands that wait.

use rcl_proto::resp::{Args, OwnedArgs, ReplyWriter};
use rcl_store::types::End;

use super::between::{
    DESTINATION, PopOptions, SOURCE, SOURCE_AND_DESTINATION, WHERE, WHEREFROM, WHERETO, move_element,
    pop_name,
};
use super::end;
use super::ends::pop_event;
use crate::command::arguments::{COUNT, KEYS, NUMKEYS, TIMEOUT};
use crate::command::spec::{COMMAND, Group, KeySpec, category, flag, key_flag};
use crate::command::waiting::{NULL_ARRAY, Serve, Waiting};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Data, Handler};
use crate::pubsub::EventClass;
use crate::shard::Wanted;

pub const BLPOP: CommandSpec = CommandSpec {
    name: "blpop",
    arity: -3,
    flags: flag::WRITE | flag::BLOCKING,
    categories: category::LIST,
    keys: &[KeySpec::range(1, -2, 1, key_flag::RW | key_flag::ACCESS | key_flag::DELETE)],
    since: "2.0.0",
    group: Group::List,
    complexity: "O(N) where N is the number of provided keys.",
    summary: "Takes the first element of the first list that has one; waits until one has.",
    arguments: &[KEYS, TIMEOUT],
    handler: Handler::Run(blpop),
    ..COMMAND
};
fn blpop(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    context.pop_or_wait(args, &BLPOP, Wanted::List, |data, reply, key, _| pop(data, reply, key, End::Head))
}

pub const BRPOP: CommandSpec = CommandSpec {
    name: "brpop",
    summary: "Takes the last element of the first list that has one; waits until one has.",
    handler: Handler::Run(brpop),
    ..BLPOP
};
fn brpop(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    context.pop_or_wait(args, &BRPOP, Wanted::List, |data, reply, key, _| pop(data, reply, key, End::Tail))
}

fn pop(data: &mut Data<'_>, reply: &mut ReplyWriter<'_>, key: &[u8], end: End) -> Result<bool, CommandError> {
    let limits = data.limits();
    let Some(element) = data.list_mut(key)?.and_then(|mut list| list.pop(end, &limits)) else {
        return Ok(false);
    };
    reply.array(2);
    reply.bulk(key);
    reply.bulk(&element);
    data.changed(key);
    data.notify(EventClass::List, pop_event(end), key);
    data.remove_if_empty(key);
    data.effects.propagate_instead(OwnedArgs::new([pop_name(end), key]));
    Ok(true)
}

pub const BLMPOP: CommandSpec = CommandSpec {
    name: "blmpop",
    arity: -5,
    flags: flag::WRITE | flag::BLOCKING,
    categories: category::LIST,
    keys: &[KeySpec::counted(2, key_flag::RW | key_flag::ACCESS | key_flag::DELETE)],
    since: "7.0.0",
    group: Group::List,
    complexity: "O(N+M) where N is the number of provided keys and M is the number of elements returned.",
    summary: "Takes elements out of the first of several lists that has some; waits until one has.",
    arguments: &[TIMEOUT, NUMKEYS, KEYS, WHERE, COUNT],
    handler: Handler::Run(blmpop),
    ..COMMAND
};
fn blmpop(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let keys = PopOptions::parse(args.from(2))?.keys;
    let serve: Serve = |data, reply, key, args| PopOptions::parse(args.from(2))?.pop(data, reply, key);
    context.serve_or_wait(
        args,
        Waiting { spec: &BLMPOP, keys, timeout: &args[1], wanted: Wanted::List, serve, nothing: NULL_ARRAY },
    )
}

pub const BLMOVE: CommandSpec = CommandSpec {
    name: "blmove",
    arity: 6,
    flags: flag::WRITE | flag::DENYOOM | flag::BLOCKING,
    categories: category::LIST,
    keys: SOURCE_AND_DESTINATION,
    since: "6.2.0",
    group: Group::List,
    complexity: "O(1)",
    summary: "Takes an element from an end of a list, and puts it to an end of another; waits until there is one.",
    arguments: &[SOURCE, DESTINATION, WHEREFROM, WHERETO, TIMEOUT],
    handler: Handler::Run(blmove),
    ..COMMAND
};
fn blmove(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    end(&args[3])?;
    end(&args[4])?;
    move_or_wait(context, args, &BLMOVE, |data, reply, _, args| {
        let (source, target) = ((&args[1], end(&args[3])?), (&args[2], end(&args[4])?));
        let moved = move_element(data, reply, source, target)?;
        if moved {
            let words = [b"LMOVE", &args[1], &args[2], &args[3], &args[4]];
            data.effects.propagate_instead(OwnedArgs::new(words));
        }
        Ok(moved)
    })
}

pub const BRPOPLPUSH: CommandSpec = CommandSpec {
    name: "brpoplpush",
    arity: 4,
    flags: flag::WRITE | flag::DENYOOM | flag::BLOCKING,
    categories: category::LIST,
    keys: SOURCE_AND_DESTINATION,
    since: "2.2.0",
    group: Group::List,
    complexity: "O(1)",
    summary: "Takes the last element of a list, and puts it before the first of another; waits until there is one.",
    arguments: &[SOURCE, DESTINATION, TIMEOUT],
    deprecated: Some(("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments")),
    handler: Handler::Run(brpoplpush),
    ..COMMAND
};
fn brpoplpush(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    move_or_wait(context, args, &BRPOPLPUSH, |data, reply, _, args| {
        let moved = move_element(data, reply, (&args[1], End::Tail), (&args[2], End::Head))?;
        if moved {
            data.effects.propagate_instead(OwnedArgs::new([b"RPOPLPUSH", &args[1], &args[2]]));
        }
        Ok(moved)
    })
}

fn move_or_wait(
    context: &mut Context<'_>,
    args: Args<'_>,
    spec: &'static CommandSpec,
    serve: Serve,
) -> CommandResult {
    let (keys, timeout) = (args.from(1).first(1), &args[args.len() - 1]);
    context.serve_or_wait(
        args,
        Waiting { spec, keys, timeout, wanted: Wanted::List, serve, nothing: |reply| reply.null() },
    )
}
