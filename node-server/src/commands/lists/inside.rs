//! Elements by their place or value.

use rcl_proto::resp::Args;
use rcl_store::types::End;

use crate::command::arguments::{KEY, word};
use crate::command::counts::{at_least, negatable};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome, parse, reply};
use crate::pubsub::EventClass;

pub const LRANGE: CommandSpec = CommandSpec {
    name: "lrange",
    arity: 4,
    flags: flag::READONLY,
    categories: category::LIST,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "1.0.0",
    group: Group::List,
    complexity: "O(S+N) where S is the distance of start offset from HEAD for small lists, from nearest end (HEAD or TAIL) for large lists; and N is the number of elements in the specified range.",
    summary: "Returns the elements between two places.",
    arguments: &[
        KEY,
        Argument { name: "start", kind: Kind::Integer, ..ARGUMENT },
        Argument { name: "stop", kind: Kind::Integer, ..ARGUMENT },
    ],
    handler: Handler::Run(lrange),
    ..COMMAND
};
fn lrange(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (start, stop) = (parse::integer(&args[2])?, parse::integer(&args[3])?);
    let Some(list) = context.data.list(&args[1])? else {
        context.reply.array(0);
        return Ok(Outcome::Done);
    };
    context.reply.array(range_length(start, stop, list.len()));
    for element in list.range(start, stop) {
        reply::element(&mut context.reply, element);
    }
    Ok(Outcome::Done)
}

/// How many elements lie between two places, both included, negative ones counted from the end.
fn range_length(start: i64, stop: i64, length: usize) -> usize {
    let length = length as i64;
    let place = |place: i64| if place < 0 { length.saturating_add(place) } else { place };
    let (start, stop) = (place(start).max(0), place(stop).min(length - 1));
    if start > stop { 0 } else { (stop - start + 1) as usize }
}

pub const LLEN: CommandSpec = CommandSpec {
    name: "llen",
    arity: 2,
    flags: flag::READONLY | flag::FAST,
    categories: category::LIST,
    keys: &[KeySpec::first(key_flag::RO)],
    since: "1.0.0",
    group: Group::List,
    complexity: "O(1)",
    summary: "Returns the number of elements of a list.",
    arguments: &[KEY],
    handler: Handler::Run(llen),
    ..COMMAND
};
fn llen(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let length = context.data.list(&args[1])?.map_or(0, |list| list.len());
    context.reply.integer(length as i64);
    Ok(Outcome::Done)
}

pub const LINDEX: CommandSpec = CommandSpec {
    name: "lindex",
    arity: 3,
    flags: flag::READONLY,
    categories: category::LIST,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "1.0.0",
    group: Group::List,
    complexity: "O(N) where N is the number of elements to traverse to get to the element at index. This makes asking for the first or the last element of the list O(1).",
    summary: "Returns the element at a place.",
    arguments: &[KEY, Argument { name: "index", kind: Kind::Integer, ..ARGUMENT }],
    handler: Handler::Run(lindex),
    ..COMMAND
};
fn lindex(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let element = match context.data.list(&args[1])? {
        None => None,
        Some(list) => list.get(parse::integer(&args[2])?),
    };
    reply::element_or_null(&mut context.reply, element);
    Ok(Outcome::Done)
}

pub const LSET: CommandSpec = CommandSpec {
    name: "lset",
    arity: 4,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::LIST,
    keys: &[KeySpec::first(key_flag::RW | key_flag::UPDATE)],
    since: "1.0.0",
    group: Group::List,
    complexity: "O(N) where N is the length of the list. Setting either the first or the last element of the list is O(1).",
    summary: "Replaces the element at a place.",
    arguments: &[
        KEY,
        Argument { name: "index", kind: Kind::Integer, ..ARGUMENT },
        Argument { name: "element", ..ARGUMENT },
    ],
    handler: Handler::Run(lset),
    ..COMMAND
};
fn lset(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let data = &mut context.data;
    let limits = data.limits();
    let mut list = data.list_mut(&args[1])?.ok_or(CommandError::NO_SUCH_KEY)?;
    if !list.set(parse::integer(&args[2])?, &args[3], &limits) {
        return Err(CommandError::INDEX_OUT_OF_RANGE);
    }
    drop(list);
    data.changed(&args[1]);
    data.notify(EventClass::List, "lset", &args[1]);
    context.reply.ok();
    Ok(Outcome::Done)
}

pub const LINSERT: CommandSpec = CommandSpec {
    name: "linsert",
    arity: 5,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::LIST,
    keys: &[KeySpec::first(key_flag::RW | key_flag::INSERT)],
    since: "2.2.0",
    group: Group::List,
    complexity: "O(N) where N is the number of elements to traverse before seeing the value pivot. This means that inserting somewhere on the left end on the list (head) can be considered O(1) and inserting somewhere on the right end (tail) is O(N).",
    summary: "Puts an element before or behind the first one that equals another.",
    arguments: &[
        KEY,
        Argument {
            name: "where",
            kind: Kind::OneOf,
            arguments: &[word("before", "BEFORE"), word("after", "AFTER")],
            ..ARGUMENT
        },
        Argument { name: "pivot", ..ARGUMENT },
        Argument { name: "element", ..ARGUMENT },
    ],
    handler: Handler::Run(linsert),
    ..COMMAND
};
fn linsert(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let side = if parse::is(&args[2], "before") {
        End::Head
    } else if parse::is(&args[2], "after") {
        End::Tail
    } else {
        return Err(CommandError::SYNTAX);
    };
    let data = &mut context.data;
    let limits = data.limits();
    let length = match data.list_mut(&args[1])? {
        None => 0,
        Some(mut list) => match list.insert_beside(side, &args[3], &args[4], &limits) {
            true => list.len() as i64,
            false => -1,
        },
    };
    if length > 0 {
        data.changed(&args[1]);
        data.notify(EventClass::List, "linsert", &args[1]);
    }
    context.reply.integer(length);
    Ok(Outcome::Done)
}

pub const LREM: CommandSpec = CommandSpec {
    name: "lrem",
    arity: 4,
    flags: flag::WRITE,
    categories: category::LIST,
    keys: &[KeySpec::first(key_flag::RW | key_flag::DELETE)],
    since: "1.0.0",
    group: Group::List,
    complexity: "O(N+M) where N is the length of the list and M is the number of elements removed.",
    summary: "Removes elements that equal another, from the head or the tail on.",
    arguments: &[
        KEY,
        Argument { name: "count", kind: Kind::Integer, ..ARGUMENT },
        Argument { name: "element", ..ARGUMENT },
    ],
    handler: Handler::Run(lrem),
    ..COMMAND
};
fn lrem(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let count = parse::integer(&args[2])?;
    let data = &mut context.data;
    let limits = data.limits();
    let removed = data.list_mut(&args[1])?.map_or(0, |mut list| list.remove(count, &args[3], &limits));
    if removed > 0 {
        data.changed_times(&args[1], removed as u64);
        data.notify(EventClass::List, "lrem", &args[1]);
        data.remove_if_empty(&args[1]);
    }
    context.reply.integer(removed as i64);
    Ok(Outcome::Done)
}

pub const LTRIM: CommandSpec = CommandSpec {
    name: "ltrim",
    arity: 4,
    flags: flag::WRITE,
    categories: category::LIST,
    keys: &[KeySpec::first(key_flag::RW | key_flag::DELETE)],
    since: "1.0.0",
    group: Group::List,
    complexity: "O(N) where N is the number of elements to be removed by the operation.",
    summary: "Keeps only the elements between two places.",
    arguments: &[
        KEY,
        Argument { name: "start", kind: Kind::Integer, ..ARGUMENT },
        Argument { name: "stop", kind: Kind::Integer, ..ARGUMENT },
    ],
    handler: Handler::Run(ltrim),
    ..COMMAND
};
fn ltrim(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (start, stop) = (parse::integer(&args[2])?, parse::integer(&args[3])?);
    let data = &mut context.data;
    let limits = data.limits();
    let removed = data.list_mut(&args[1])?.map(|mut list| {
        let before = list.len();
        list.trim(start, stop, &limits);
        before - list.len()
    });
    if let Some(removed) = removed {
        data.changed_times(&args[1], removed as u64);
        data.notify(EventClass::List, "ltrim", &args[1]);
        data.remove_if_empty(&args[1]);
    }
    context.reply.ok();
    Ok(Outcome::Done)
}

/// LPOS's options, with what holds when they are not given.
struct Search {
    rank: i64,
    /// `None`: the first place alone is wanted, not an array.
    count: Option<usize>,
    max_length: usize,
}

pub const LPOS: CommandSpec = CommandSpec {
    name: "lpos",
    arity: -3,
    flags: flag::READONLY,
    categories: category::LIST,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "6.0.6",
    group: Group::List,
    complexity: "O(N) where N is the number of elements in the list, for the average case. When searching for elements near the head or the tail of the list, or when the MAXLEN option is provided, the command may run in constant time.",
    summary: "Returns where elements that equal another are.",
    arguments: &[
        KEY,
        Argument { name: "element", ..ARGUMENT },
        Argument { name: "rank", kind: Kind::Integer, token: "RANK", optional: true, ..ARGUMENT },
        Argument { name: "num-matches", kind: Kind::Integer, token: "COUNT", optional: true, ..ARGUMENT },
        Argument { name: "len", kind: Kind::Integer, token: "MAXLEN", optional: true, ..ARGUMENT },
    ],
    handler: Handler::Run(lpos),
    ..COMMAND
};
fn lpos(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let search = parse_search(args.from(3))?;
    let list = context.data.list(&args[1])?;
    let places = list.map_or_else(Vec::new, |list| {
        list.positions(&args[2], search.rank, search.count.unwrap_or(1), search.max_length)
    });
    let reply = &mut context.reply;
    match (search.count, places.first()) {
        (Some(_), _) => {
            reply.array(places.len());
            places.iter().for_each(|place| reply.integer(*place as i64));
        }
        (None, Some(place)) => reply.integer(*place as i64),
        (None, None) => reply.null(),
    }
    Ok(Outcome::Done)
}

fn parse_search(options: Args<'_>) -> Result<Search, CommandError> {
    let mut search = Search { rank: 1, count: None, max_length: 0 };
    let mut rest = options.iter();
    while let Some(word) = rest.next() {
        let value = rest.next().ok_or(CommandError::SYNTAX)?;
        if parse::is(word, "rank") {
            search.rank = negatable(value)?;
            if search.rank == 0 {
                return Err(CommandError::fixed(
                    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use \
                     negative to start from the end of the list",
                ));
            }
        } else if parse::is(word, "count") {
            search.count = Some(at_least(value, 0, "ERR COUNT can't be negative")? as usize);
        } else if parse::is(word, "maxlen") {
            search.max_length = at_least(value, 0, "ERR MAXLEN can't be negative")? as usize;
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    Ok(search)
}

#[cfg(test)]
mod tests {
    use super::range_length;

    #[test]
    fn the_length_of_a_range() {
        for ((start, stop, length), expected) in [
            ((0, -1, 3), 3),
            ((1, 1, 3), 1),
            ((-2, -1, 3), 2),
            ((-100, 100, 3), 3),
            ((2, 1, 3), 0),
            ((3, 5, 3), 0),
            ((0, -4, 3), 0),
            ((i64::MIN, i64::MAX, 3), 3),
            ((i64::MAX, i64::MIN, 3), 0),
        ] {
            assert_eq!(range_length(start, stop, length), expected, "{start} {stop} {length}");
        }
    }
}
