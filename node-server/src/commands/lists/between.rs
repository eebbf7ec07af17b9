//! From one list to another, and from the first of several lists that has something.

use rcl_proto::resp::{Args, OwnedArgs};
use rcl_store::types::End;

use super::end;
use super::ends::pop_several;
use crate::command::arguments::{COUNT, KEYS, NUMKEYS, word};
use crate::command::counts::{key_count, pop_count};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};

pub const LMOVE: CommandSpec = CommandSpec {
    name: "lmove",
    arity: 5,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::LIST,
    keys: &[
        KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::DELETE),
        KeySpec::at(2, key_flag::RW | key_flag::INSERT),
    ],
    since: "6.2.0",
    group: Group::List,
    complexity: "O(1)",
    summary: "Takes an element from an end of a list, and puts it to an end of another.",
    arguments: &[
        Argument { name: "source", kind: Kind::Key, key_spec: Some(0), ..ARGUMENT },
        Argument { name: "destination", kind: Kind::Key, key_spec: Some(1), ..ARGUMENT },
        Argument {
            name: "wherefrom",
            kind: Kind::OneOf,
            arguments: &[word("left", "LEFT"), word("right", "RIGHT")],
            ..ARGUMENT
        },
        Argument {
            name: "whereto",
            kind: Kind::OneOf,
            arguments: &[word("left", "LEFT"), word("right", "RIGHT")],
            ..ARGUMENT
        },
    ],
    handler: Handler::Run(lmove),
    ..COMMAND
};
fn lmove(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (from, to) = (end(&args[3])?, end(&args[4])?);
    move_element(context, (&args[1], from), (&args[2], to))
}

pub const RPOPLPUSH: CommandSpec = CommandSpec {
    name: "rpoplpush",
    arity: 3,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::LIST,
    keys: &[
        KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::DELETE),
        KeySpec::at(2, key_flag::RW | key_flag::INSERT),
    ],
    since: "1.2.0",
    group: Group::List,
    complexity: "O(1)",
    summary: "Takes the last element of a list, and puts it before the first of another.",
    arguments: &[
        Argument { name: "source", kind: Kind::Key, key_spec: Some(0), ..ARGUMENT },
        Argument { name: "destination", kind: Kind::Key, key_spec: Some(1), ..ARGUMENT },
    ],
    deprecated: Some(("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments")),
    handler: Handler::Run(rpoplpush),
    ..COMMAND
};
fn rpoplpush(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    move_element(context, (&args[1], End::Tail), (&args[2], End::Head))
}

fn move_element(context: &mut Context<'_>, source: (&[u8], End), target: (&[u8], End)) -> CommandResult {
    let data = &mut context.data;
    let limits = data.limits();
    if data.list_mut(source.0)?.is_none() {
        context.reply.null();
        return Ok(Outcome::Done);
    }
    // The target's type is looked at before anything is taken out.
    data.list_mut(target.0)?;
    let Some(element) = data.list_mut(source.0)?.and_then(|list| list.pop(source.1, &limits)) else {
        context.reply.null();
        return Ok(Outcome::Done);
    };
    data.list_or_new(target.0)?.push(target.1, &element, &limits);
    // After the push, since both may be one list.
    data.remove_if_empty(source.0);
    data.changed_times(target.0, 0);
    data.changed(source.0);
    context.reply.bulk(&element);
    Ok(Outcome::Done)
}

pub const LMPOP: CommandSpec = CommandSpec {
    name: "lmpop",
    arity: -4,
    flags: flag::WRITE,
    categories: category::LIST,
    keys: &[KeySpec::counted(1, key_flag::RW | key_flag::ACCESS | key_flag::DELETE)],
    since: "7.0.0",
    group: Group::List,
    complexity: "O(N+M) where N is the number of provided keys and M is the number of elements returned.",
    summary: "Takes elements out of the first of several lists that is there.",
    arguments: &[
        NUMKEYS,
        KEYS,
        Argument {
            name: "where",
            kind: Kind::OneOf,
            arguments: &[word("left", "LEFT"), word("right", "RIGHT")],
            ..ARGUMENT
        },
        COUNT,
    ],
    handler: Handler::Run(lmpop),
    ..COMMAND
};
fn lmpop(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key_count = key_count(&args[1])?;
    let options = key_count.checked_add(2).map(|from| args.from(from)).ok_or(CommandError::SYNTAX)?;
    let end = end(options.get(0).ok_or(CommandError::SYNTAX)?)?;
    let count = pop_count(options.from(1))?;
    let data = &mut context.data;
    let limits = data.limits();
    for key in args.from(2).iter().take(key_count) {
        let Some(list) = data.list_mut(key)? else { continue };
        context.reply.array(2);
        context.reply.bulk(key);
        let popped = pop_several(&mut context.reply, list, end, count, &limits);
        data.remove_if_empty(key);
        data.changed_times(key, popped);
        let name: &[u8] = if end == End::Head { b"LPOP" } else { b"RPOP" };
        data.effects.propagate_instead(OwnedArgs::new([name, key, popped.to_string().as_bytes()]));
        return Ok(Outcome::Done);
    }
    context.reply.null_array();
    Ok(Outcome::Done)
}
