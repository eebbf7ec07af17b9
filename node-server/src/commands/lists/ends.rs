//! Pushing and popping at either end.

use rcl_proto::resp::{Args, ReplyWriter};
use rcl_store::types::{End, Limits, List};

use crate::command::arguments::KEY;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome, parse};
use crate::pubsub::EventClass;

pub const LPUSH: CommandSpec = CommandSpec {
    name: "lpush",
    arity: -3,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::LIST,
    keys: &[KeySpec::first(key_flag::RW | key_flag::INSERT)],
    since: "1.0.0",
    group: Group::List,
    complexity: "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
    summary: "Puts elements before the first of a list, one after the other; creates the list.",
    arguments: &[KEY, Argument { name: "element", multiple: true, ..ARGUMENT }],
    handler: Handler::Run(lpush),
    ..COMMAND
};
fn lpush(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    push(context, args, End::Head, false)
}

pub const RPUSH: CommandSpec = CommandSpec {
    name: "rpush",
    arity: -3,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::LIST,
    keys: &[KeySpec::first(key_flag::RW | key_flag::INSERT)],
    since: "1.0.0",
    group: Group::List,
    complexity: "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
    summary: "Puts elements behind the last of a list; creates the list.",
    arguments: &[KEY, Argument { name: "element", multiple: true, ..ARGUMENT }],
    handler: Handler::Run(rpush),
    ..COMMAND
};
fn rpush(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    push(context, args, End::Tail, false)
}

pub const LPUSHX: CommandSpec = CommandSpec {
    name: "lpushx",
    arity: -3,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::LIST,
    keys: &[KeySpec::first(key_flag::RW | key_flag::INSERT)],
    since: "2.2.0",
    group: Group::List,
    complexity: "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
    summary: "Puts elements before the first of a list that is there.",
    arguments: &[KEY, Argument { name: "element", multiple: true, ..ARGUMENT }],
    handler: Handler::Run(lpushx),
    ..COMMAND
};
fn lpushx(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    push(context, args, End::Head, true)
}

pub const RPUSHX: CommandSpec = CommandSpec {
    name: "rpushx",
    arity: -3,
    flags: flag::WRITE | flag::DENYOOM | flag::FAST,
    categories: category::LIST,
    keys: &[KeySpec::first(key_flag::RW | key_flag::INSERT)],
    since: "2.2.0",
    group: Group::List,
    complexity: "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
    summary: "Puts elements behind the last of a list that is there.",
    arguments: &[KEY, Argument { name: "element", multiple: true, ..ARGUMENT }],
    handler: Handler::Run(rpushx),
    ..COMMAND
};
fn rpushx(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    push(context, args, End::Tail, true)
}

fn push(context: &mut Context<'_>, args: Args<'_>, end: End, only_existing: bool) -> CommandResult {
    let data = &mut context.data;
    let limits = data.limits();
    let list = if only_existing { data.list_mut(&args[1])? } else { Some(data.list_or_new(&args[1])?) };
    let elements = args.from(2);
    let length = list.map(|mut list| {
        elements.iter().for_each(|element| list.push(end, element, &limits));
        list.len()
    });
    let Some(length) = length else {
        context.reply.integer(0);
        return Ok(Outcome::Done);
    };
    data.changed_times(&args[1], elements.len() as u64);
    data.notify(EventClass::List, push_event(end), &args[1]);
    context.reply.integer(length as i64);
    Ok(Outcome::Done)
}

pub const LPOP: CommandSpec = CommandSpec {
    name: "lpop",
    arity: -2,
    flags: flag::WRITE | flag::FAST,
    categories: category::LIST,
    keys: &[KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::DELETE)],
    since: "1.0.0",
    group: Group::List,
    complexity: "O(N) where N is the number of elements returned",
    summary: "Takes the first elements out of a list.",
    arguments: &[
        KEY,
        Argument { name: "count", kind: Kind::Integer, since: "6.2.0", optional: true, ..ARGUMENT },
    ],
    handler: Handler::Run(lpop),
    ..COMMAND
};
fn lpop(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    pop(context, args, End::Head, "lpop")
}

pub const RPOP: CommandSpec = CommandSpec {
    name: "rpop",
    arity: -2,
    flags: flag::WRITE | flag::FAST,
    categories: category::LIST,
    keys: &[KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::DELETE)],
    since: "1.0.0",
    group: Group::List,
    complexity: "O(N) where N is the number of elements returned",
    summary: "Takes the last elements out of a list.",
    arguments: &[
        KEY,
        Argument { name: "count", kind: Kind::Integer, since: "6.2.0", optional: true, ..ARGUMENT },
    ],
    handler: Handler::Run(rpop),
    ..COMMAND
};
fn rpop(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    pop(context, args, End::Tail, "rpop")
}

fn pop(context: &mut Context<'_>, args: Args<'_>, end: End, command: &str) -> CommandResult {
    if args.len() > 3 {
        return Err(CommandError::wrong_arity(command));
    }
    let count = args.get(2).map(parse::positive).transpose()?;
    let data = &mut context.data;
    let limits = data.limits();
    let reply = &mut context.reply;
    let Some(mut list) = data.list_mut(&args[1])? else {
        if count.is_some() {
            reply.null_array()
        } else {
            reply.null()
        }
        return Ok(Outcome::Done);
    };
    let popped = match count {
        Some(0) => {
            reply.array(0);
            return Ok(Outcome::Done);
        }
        Some(count) => pop_several(reply, &mut list, end, count, &limits),
        None => {
            let Some(element) = list.pop(end, &limits) else {
                reply.null();
                return Ok(Outcome::Done);
            };
            reply.bulk(&element);
            1
        }
    };
    let is_empty = list.is_empty();
    drop(list);
    data.changed_times(&args[1], popped);
    data.notify(EventClass::List, pop_event(end), &args[1]);
    if is_empty {
        data.remove_if_empty(&args[1]);
    }
    Ok(Outcome::Done)
}

/// What happens to a list that gets an element at this end.
pub fn push_event(end: End) -> &'static str {
    match end {
        End::Head => "lpush",
        End::Tail => "rpush",
    }
}

/// What happens to a list that loses an element at this end.
pub fn pop_event(end: End) -> &'static str {
    match end {
        End::Head => "lpop",
        End::Tail => "rpop",
    }
}

/// Takes out up to `count` elements and writes them as an array; how many they were.
pub fn pop_several(
    reply: &mut ReplyWriter<'_>,
    list: &mut List,
    end: End,
    count: u64,
    limits: &Limits,
) -> u64 {
    let count = count.min(list.len() as u64);
    reply.array(count as usize);
    for element in (0..count).map_while(|_| list.pop(end, limits)) {
        reply.bulk(&element);
    }
    count
}
