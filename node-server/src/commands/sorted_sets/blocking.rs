//! Taking from sorted sets that may have nothing yet: the commands that wait.

use rcl_proto::resp::{Args, OwnedArgs, ReplyWriter};

use super::pop::{PopOptions, Side, WHERE, take, write};
use crate::command::arguments::{COUNT, KEYS, NUMKEYS, TIMEOUT};
use crate::command::spec::{COMMAND, Group, KeySpec, category, flag, key_flag};
use crate::command::waiting::{NULL_ARRAY, Serve, Waiting};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Data, Handler};
use crate::shard::Wanted;

pub const BZPOPMIN: CommandSpec = CommandSpec {
    name: "bzpopmin",
    arity: -3,
    flags: flag::WRITE | flag::FAST | flag::BLOCKING,
    categories: category::SORTEDSET,
    keys: &[KeySpec::range(1, -2, 1, key_flag::RW | key_flag::ACCESS | key_flag::DELETE)],
    since: "5.0.0",
    group: Group::SortedSet,
    complexity: "O(log(N)) with N being the number of elements in the sorted set.",
    summary: "Takes the member with the lowest score out of the first sorted set that has one; waits until one has.",
    arguments: &[KEYS, TIMEOUT],
    handler: Handler::Run(bzpopmin),
    ..COMMAND
};
fn bzpopmin(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    context.pop_or_wait(args, &BZPOPMIN, Wanted::SortedSet, |data, reply, key, _| {
        pop(data, reply, key, Side::Lowest)
    })
}

pub const BZPOPMAX: CommandSpec = CommandSpec {
    name: "bzpopmax",
    summary: "Takes the member with the highest score out of the first sorted set that has one; waits until one has.",
    handler: Handler::Run(bzpopmax),
    ..BZPOPMIN
};
fn bzpopmax(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    context.pop_or_wait(args, &BZPOPMAX, Wanted::SortedSet, |data, reply, key, _| {
        pop(data, reply, key, Side::Highest)
    })
}

fn pop(
    data: &mut Data<'_>,
    reply: &mut ReplyWriter<'_>,
    key: &[u8],
    side: Side,
) -> Result<bool, CommandError> {
    let popped = take(data, key, side, 1)?.unwrap_or_default();
    if popped.is_empty() {
        return Ok(false);
    }
    reply.array(3);
    reply.bulk(key);
    write(reply, &popped, false);
    data.effects.propagate_instead(OwnedArgs::new([side.pop_name(), key]));
    Ok(true)
}

pub const BZMPOP: CommandSpec = CommandSpec {
    name: "bzmpop",
    arity: -5,
    flags: flag::WRITE | flag::BLOCKING,
    categories: category::SORTEDSET,
    keys: &[KeySpec::counted(2, key_flag::RW | key_flag::ACCESS | key_flag::DELETE)],
    since: "7.0.0",
    group: Group::SortedSet,
    complexity: "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the sorted set, and M being the number of elements popped.",
    summary: "Takes members out of the first of several sorted sets that has some; waits until one has.",
    arguments: &[TIMEOUT, NUMKEYS, KEYS, WHERE, COUNT],
    handler: Handler::Run(bzmpop),
    ..COMMAND
};
fn bzmpop(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let keys = PopOptions::parse(args.from(2))?.keys;
    let serve: Serve = |data, reply, key, args| PopOptions::parse(args.from(2))?.pop(data, reply, key);
    context.serve_or_wait(
        args,
        Waiting {
            spec: &BZMPOP,
            keys,
            timeout: &args[1],
            wanted: Wanted::SortedSet,
            serve,
            nothing: NULL_ARRAY,
        },
    )
}
