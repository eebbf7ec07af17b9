//! Taking out the members with the lowest or highest scores.

use rcl_proto::resp::{Args, OwnedArgs, Protocol, ReplyWriter};

use crate::command::arguments::{COUNT, KEY, KEYS, NUMKEYS, word};
use crate::command::counts::{key_count, pop_count};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Data, Handler, Outcome, parse};
use crate::pubsub::EventClass;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Lowest,
    Highest,
}

impl Side {
    /// The command that pops from this side.
    pub fn pop_name(self) -> &'static [u8] {
        match self {
            Side::Lowest => b"ZPOPMIN",
            Side::Highest => b"ZPOPMAX",
        }
    }

    /// What happens to a sorted set that loses a member at this side.
    fn pop_event(self) -> &'static str {
        match self {
            Side::Lowest => "zpopmin",
            Side::Highest => "zpopmax",
        }
    }
}

pub const ZPOPMIN: CommandSpec = CommandSpec {
    name: "zpopmin",
    arity: -2,
    flags: flag::WRITE | flag::FAST,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::DELETE)],
    since: "5.0.0",
    group: Group::SortedSet,
    complexity: "O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of elements popped.",
    summary: "Takes out the members with the lowest scores.",
    arguments: &[KEY, Argument { name: "count", kind: Kind::Integer, optional: true, ..ARGUMENT }],
    handler: Handler::Run(zpopmin),
    ..COMMAND
};
fn zpopmin(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    pop(context, args, Side::Lowest)
}

pub const ZPOPMAX: CommandSpec = CommandSpec {
    name: "zpopmax",
    arity: -2,
    flags: flag::WRITE | flag::FAST,
    categories: category::SORTEDSET,
    keys: &[KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::DELETE)],
    since: "5.0.0",
    group: Group::SortedSet,
    complexity: "O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of elements popped.",
    summary: "Takes out the members with the highest scores.",
    arguments: &[KEY, Argument { name: "count", kind: Kind::Integer, optional: true, ..ARGUMENT }],
    handler: Handler::Run(zpopmax),
    ..COMMAND
};
fn zpopmax(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    pop(context, args, Side::Highest)
}

fn pop(context: &mut Context<'_>, args: Args<'_>, side: Side) -> CommandResult {
    let count = match args.len() {
        2 => None,
        3 => Some(parse::positive(&args[2])?),
        _ => return Err(CommandError::SYNTAX),
    };
    let (data, reply) = (&mut context.data, &mut context.reply);
    let popped = take(data, &args[1], side, count.unwrap_or(1))?.unwrap_or_default();
    // Only an array that was asked for by a count is nested, and only in RESP3.
    let nested = count.is_some() && reply.protocol() == Protocol::Resp3;
    reply.array(if nested { popped.len() } else { popped.len() * 2 });
    write(reply, &popped, nested);
    Ok(Outcome::Done)
}

pub const WHERE: Argument = Argument {
    name: "where",
    kind: Kind::OneOf,
    arguments: &[word("min", "MIN"), word("max", "MAX")],
    ..ARGUMENT
};

pub const ZMPOP: CommandSpec = CommandSpec {
    name: "zmpop",
    arity: -4,
    flags: flag::WRITE,
    categories: category::SORTEDSET,
    keys: &[KeySpec::counted(1, key_flag::RW | key_flag::ACCESS | key_flag::DELETE)],
    since: "7.0.0",
    group: Group::SortedSet,
    complexity: "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the sorted set, and M being the number of elements popped.",
    summary: "Takes members out of the first of several sorted sets that is there.",
    arguments: &[NUMKEYS, KEYS, WHERE, COUNT],
    handler: Handler::Run(zmpop),
    ..COMMAND
};
fn zmpop(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let options = PopOptions::parse(args.from(1))?;
    for key in options.keys.iter() {
        if options.pop(&mut context.data, &mut context.reply, key)? {
            return Ok(Outcome::Done);
        }
    }
    context.reply.null_array();
    Ok(Outcome::Done)
}

/// `numkeys key [key …] MIN|MAX [COUNT count]`
pub struct PopOptions<'a> {
    pub keys: Args<'a>,
    side: Side,
    count: u64,
}

impl<'a> PopOptions<'a> {
    pub fn parse(args: Args<'a>) -> Result<PopOptions<'a>, CommandError> {
        let key_count = key_count(&args[0])?;
        let options = key_count.checked_add(1).map(|from| args.from(from)).ok_or(CommandError::SYNTAX)?;
        let side = match options.get(0) {
            Some(word) if parse::is(word, "min") => Side::Lowest,
            Some(word) if parse::is(word, "max") => Side::Highest,
            _ => return Err(CommandError::SYNTAX),
        };
        let count = pop_count(options.from(1))?;
        Ok(PopOptions { keys: args.from(1).first(key_count), side, count })
    }

    /// Takes from this key and writes what. False, with nothing written, when it is not there.
    pub fn pop(
        &self,
        data: &mut Data<'_>,
        reply: &mut ReplyWriter<'_>,
        key: &[u8],
    ) -> Result<bool, CommandError> {
        let Some(popped) = take(data, key, self.side, self.count)? else { return Ok(false) };
        reply.array(2);
        reply.bulk(key);
        reply.array(popped.len());
        write(reply, &popped, true);
        let count = popped.len().to_string();
        data.effects.propagate_instead(OwnedArgs::new([self.side.pop_name(), key, count.as_bytes()]));
        Ok(true)
    }
}

type Scored = (Vec<u8>, f64);

/// Takes out up to `count` members; `None` when there is no such key.
pub fn take(
    data: &mut Data<'_>,
    key: &[u8],
    side: Side,
    count: u64,
) -> Result<Option<Vec<Scored>>, CommandError> {
    let Some(mut sorted_set) = data.sorted_set_mut(key)? else { return Ok(None) };
    let pop = |_| match side {
        Side::Lowest => sorted_set.pop_lowest(),
        Side::Highest => sorted_set.pop_highest(),
    };
    let popped: Vec<Scored> = (0..count).map_while(pop).collect();
    let is_empty = sorted_set.is_empty();
    drop(sorted_set);
    if !popped.is_empty() {
        data.changed_times(key, popped.len() as u64);
        data.notify(EventClass::SortedSet, side.pop_event(), key);
        if is_empty {
            data.remove_if_empty(key);
        }
    }
    Ok(Some(popped))
}

pub fn write(reply: &mut ReplyWriter<'_>, popped: &[Scored], nested: bool) {
    for (member, score) in popped {
        if nested {
            reply.array(2);
        }
        reply.bulk(member);
        reply.double(*score);
    }
}
