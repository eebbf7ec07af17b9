//! From one list to another, and from the first of several lists that has something.

use rcl_proto::resp::{Args, OwnedArgs, ReplyWriter};
use rcl_store::types::End;

use super::end;
use super::ends::{pop_event, pop_several, push_event};
use crate::command::arguments::{COUNT, KEYS, NUMKEYS, word};
use crate::command::counts::{key_count, pop_count};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Data, Handler, Outcome};
use crate::pubsub::EventClass;

/// The keys of what moves an element.
pub const SOURCE_AND_DESTINATION: &[KeySpec] = &[
    KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::DELETE),
    KeySpec::at(2, key_flag::RW | key_flag::INSERT),
];
pub const SOURCE: Argument = Argument { name: "source", kind: Kind::Key, key_spec: Some(0), ..ARGUMENT };
pub const DESTINATION: Argument =
    Argument { name: "destination", kind: Kind::Key, key_spec: Some(1), ..ARGUMENT };
const LEFT_OR_RIGHT: Argument =
    Argument { kind: Kind::OneOf, arguments: &[word("left", "LEFT"), word("right", "RIGHT")], ..ARGUMENT };
pub const WHEREFROM: Argument = Argument { name: "wherefrom", ..LEFT_OR_RIGHT };
pub const WHERETO: Argument = Argument { name: "whereto", ..LEFT_OR_RIGHT };
pub const WHERE: Argument = Argument { name: "where", ..LEFT_OR_RIGHT };

pub const LMOVE: CommandSpec = CommandSpec {
    name: "lmove",
    arity: 5,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::LIST,
    keys: SOURCE_AND_DESTINATION,
    since: "6.2.0",
    group: Group::List,
    complexity: "O(1)",
    summary: "Takes an element from an end of a list, and puts it to an end of another.",
    arguments: &[SOURCE, DESTINATION, WHEREFROM, WHERETO],
    handler: Handler::Run(lmove),
    ..COMMAND
};
fn lmove(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (from, to) = (end(&args[3])?, end(&args[4])?);
    move_or_null(context, (&args[1], from), (&args[2], to))
}

pub const RPOPLPUSH: CommandSpec = CommandSpec {
    name: "rpoplpush",
    arity: 3,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::LIST,
    keys: SOURCE_AND_DESTINATION,
    since: "1.2.0",
    group: Group::List,
    complexity: "O(1)",
    summary: "Takes the last element of a list, and puts it before the first of another.",
    arguments: &[SOURCE, DESTINATION],
    deprecated: Some(("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments")),
    handler: Handler::Run(rpoplpush),
    ..COMMAND
};
fn rpoplpush(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    move_or_null(context, (&args[1], End::Tail), (&args[2], End::Head))
}

fn move_or_null(context: &mut Context<'_>, source: (&[u8], End), target: (&[u8], End)) -> CommandResult {
    if !move_element(&mut context.data, &mut context.reply, source, target)? {
        context.reply.null();
    }
    Ok(Outcome::Done)
}

/// Moves an element and writes it. False, with nothing written, when the source is not there.
pub fn move_element(
    data: &mut Data<'_>,
    reply: &mut ReplyWriter<'_>,
    source: (&[u8], End),
    target: (&[u8], End),
) -> Result<bool, CommandError> {
    let limits = data.limits();
    if data.list_mut(source.0)?.is_none() {
        return Ok(false);
    }
    // The target's type is looked at before anything is taken out.
    data.list_mut(target.0)?;
    let Some(element) = data.list_mut(source.0)?.and_then(|mut list| list.pop(source.1, &limits)) else {
        return Ok(false);
    };
    data.list_or_new(target.0)?.push(target.1, &element, &limits);
    data.changed_times(target.0, 0);
    data.notify(EventClass::List, push_event(target.1), target.0);
    data.changed(source.0);
    data.notify(EventClass::List, pop_event(source.1), source.0);
    // After the push, since both may be one list.
    data.remove_if_empty(source.0);
    reply.bulk(&element);
    Ok(true)
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
    arguments: &[NUMKEYS, KEYS, WHERE, COUNT],
    handler: Handler::Run(lmpop),
    ..COMMAND
};
fn lmpop(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let options = PopOptions::parse(args.from(1))?;
    for key in options.keys.iter() {
        if options.pop(&mut context.data, &mut context.reply, key)? {
            return Ok(Outcome::Done);
        }
    }
    context.reply.null_array();
    Ok(Outcome::Done)
}

/// `numkeys key [key …] LEFT|RIGHT [COUNT count]`
pub struct PopOptions<'a> {
    pub keys: Args<'a>,
    end: End,
    count: u64,
}

impl<'a> PopOptions<'a> {
    pub fn parse(args: Args<'a>) -> Result<PopOptions<'a>, CommandError> {
        let key_count = key_count(&args[0])?;
        let options = key_count.checked_add(1).map(|from| args.from(from)).ok_or(CommandError::SYNTAX)?;
        let end = end(options.get(0).ok_or(CommandError::SYNTAX)?)?;
        let count = pop_count(options.from(1))?;
        Ok(PopOptions { keys: args.from(1).first(key_count), end, count })
    }

    /// Takes from this key and writes what. False, with nothing written, when it is not there.
    pub fn pop(
        &self,
        data: &mut Data<'_>,
        reply: &mut ReplyWriter<'_>,
        key: &[u8],
    ) -> Result<bool, CommandError> {
        let limits = data.limits();
        let Some(mut list) = data.list_mut(key)? else { return Ok(false) };
        reply.array(2);
        reply.bulk(key);
        let popped = pop_several(reply, &mut list, self.end, self.count, &limits);
        drop(list);
        data.changed_times(key, popped);
        data.notify(EventClass::List, pop_event(self.end), key);
        data.remove_if_empty(key);
        data.effects.propagate_instead(OwnedArgs::new([
            pop_name(self.end),
            key,
            popped.to_string().as_bytes(),
        ]));
        Ok(true)
    }
}

/// The command that pops from this end.
pub fn pop_name(end: End) -> &'static [u8] {
    match end {
        End::Head => b"LPOP",
        End::Tail => b"RPOP",
    }
}
