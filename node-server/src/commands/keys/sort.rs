//! SORT and SORT_RO: the elements of a list, a set or a sorted set, in another order.
//!
//! What an element is sorted by, and what is shown for it, may be looked up under other keys, whose names follow from the
//! element by a [`Pattern`]. Nobody can tell those keys before the command runs: a cluster refuses such patterns.

mod pattern;
mod request;

use std::cmp::Ordering;

use rcl_proto::resp::Args;
use rcl_store::types::{Element, End, Limits, List, Value, ValueRef};

use crate::command::arguments::{KEY, LIMIT, word};
use crate::command::parse::{self, is};
use crate::command::spec::{
    ARGUMENT, Argument, Begin, COMMAND, Find, KeyFlags, KeySpec, Kind, category, flag, key_flag,
};
use crate::command::{
    CommandError, CommandResult, CommandSpec, Context, Data, Handler, KeyPosition, Outcome, reply,
};
use crate::pubsub::EventClass;
use pattern::Pattern;
use request::{By, Request};

const NOT_NUMBERS: CommandError =
    CommandError::fixed("ERR One or more scores can't be converted into double");
const SOURCE_FLAGS: KeyFlags = key_flag::RO | key_flag::ACCESS;
const DESTINATION_FLAGS: KeyFlags = key_flag::OW | key_flag::UPDATE;

/// Keys that no one can tell from the arguments.
const fn unknown(flags: KeyFlags) -> KeySpec {
    KeySpec { begin: Begin::Unknown, find: Find::Unknown, flags, notes: "" }
}

const BY: Argument = Argument {
    name: "by-pattern",
    display: "pattern",
    kind: Kind::Pattern,
    token: "BY",
    key_spec: Some(1),
    optional: true,
    ..ARGUMENT
};
const GET: Argument = Argument {
    name: "get-pattern",
    display: "pattern",
    kind: Kind::Pattern,
    token: "GET",
    key_spec: Some(1),
    optional: true,
    multiple: true,
    multiple_token: true,
    ..ARGUMENT
};
const ORDER: Argument = Argument {
    name: "order",
    kind: Kind::OneOf,
    optional: true,
    arguments: &[word("asc", "ASC"), word("desc", "DESC")],
    ..ARGUMENT
};
const SORTING: Argument = Argument { optional: true, ..word("sorting", "ALPHA") };

pub const SORT: CommandSpec = CommandSpec {
    name: "sort",
    arity: -2,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::SET | category::SORTEDSET | category::LIST | category::DANGEROUS,
    keys: &[KeySpec::first(SOURCE_FLAGS), unknown(SOURCE_FLAGS), unknown(DESTINATION_FLAGS)],
    complexity: "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number of returned elements. When the elements are not sorted, complexity is O(N).",
    summary: "Sorts the elements of a list, a set or a sorted set, and returns or stores them.",
    arguments: &[
        KEY,
        BY,
        LIMIT,
        GET,
        ORDER,
        SORTING,
        Argument {
            name: "destination",
            kind: Kind::Key,
            token: "STORE",
            key_spec: Some(2),
            optional: true,
            ..ARGUMENT
        },
    ],
    own_keys: Some(keys_of),
    handler: Handler::Run(sort),
    ..COMMAND
};

fn sort(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    run(context, args, "sort")
}

pub const SORT_RO: CommandSpec = CommandSpec {
    name: "sort_ro",
    arity: -2,
    flags: flag::READONLY,
    categories: category::SET | category::SORTEDSET | category::LIST | category::DANGEROUS,
    keys: &[KeySpec::first(SOURCE_FLAGS), unknown(SOURCE_FLAGS)],
    since: "7.0.0",
    complexity: "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number of returned elements. When the elements are not sorted, complexity is O(N).",
    summary: "Returns the sorted elements of a list, a set or a sorted set.",
    arguments: &[KEY, BY, LIMIT, GET, ORDER, SORTING],
    own_keys: Some(|_| vec![KeyPosition { index: 1, flags: SOURCE_FLAGS }]),
    handler: Handler::Run(sort_ro),
    ..COMMAND
};

fn sort_ro(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    run(context, args, "sort_ro")
}

/// The key to sort, and the last destination; what other options take is no option.
fn keys_of(args: Args<'_>) -> Vec<KeyPosition> {
    let mut keys = vec![KeyPosition { index: 1, flags: SOURCE_FLAGS }];
    let mut index = 2;
    while index < args.len() {
        let option = &args[index];
        if is(option, "LIMIT") {
            index += 2;
        } else if is(option, "GET") || is(option, "BY") {
            index += 1;
        } else if is(option, "STORE") && index + 1 < args.len() {
            index += 1;
            keys.truncate(1);
            keys.push(KeyPosition { index, flags: DESTINATION_FLAGS });
        }
        index += 1;
    }
    keys
}

fn run(context: &mut Context<'_>, args: Args<'_>, command: &str) -> CommandResult {
    let request = Request::parse(context, args, command)?;
    let must_be_certain = request.destination.is_some() || context.in_script;
    let sorted = sorted(&mut context.data, &args[1], &request, must_be_certain)?;
    match request.destination {
        None => show(context, &request, &sorted),
        Some(destination) => store(context, &request, &sorted, destination),
    }
    Ok(Outcome::Done)
}

fn show(context: &mut Context<'_>, request: &Request<'_>, sorted: &[Vec<u8>]) {
    let Context { data, reply, .. } = context;
    reply.array(sorted.len() * request.get.len().max(1));
    for element in sorted {
        if request.get.is_empty() {
            reply.bulk(element);
        }
        for pattern in &request.get {
            reply::element_or_null(reply, pattern.look_up(data, element));
        }
    }
}

fn store(context: &mut Context<'_>, request: &Request<'_>, sorted: &[Vec<u8>], destination: &[u8]) {
    let (data, limits) = (&mut context.data, context.node.limits());
    let list = stored(data, request, sorted, &limits);
    let count = list.len();
    if list.is_empty() {
        data.store_nothing(destination);
    } else {
        data.put(destination, Value::List(list), None);
        data.changed_times(destination, count as u64);
        data.notify(EventClass::List, "sortstore", destination);
    }
    context.reply.integer(count as i64);
}

/// What is not there is stored as an empty string.
fn stored(data: &mut Data<'_>, request: &Request<'_>, sorted: &[Vec<u8>], limits: &Limits) -> List {
    let mut list = List::new();
    for element in sorted {
        if request.get.is_empty() {
            list.push(End::Tail, element, limits);
        }
        for pattern in &request.get {
            let found = pattern.look_up(data, element).map(|found| found.to_vec());
            list.push(End::Tail, &found.unwrap_or_default(), limits);
        }
    }
    list
}

/// The elements in their new order, as many as are wanted.
fn sorted(
    data: &mut Data<'_>,
    key: &[u8],
    request: &Request<'_>,
    must_be_certain: bool,
) -> Result<Vec<Vec<u8>>, CommandError> {
    let source = data.find(key).map(|entry| entry.value());
    let is_set = matches!(source, Some(ValueRef::Set(_)));
    // What is stored, or goes on in a script, must not hang on the order in which a set happens to be kept.
    let by_itself = request.by == By::Nothing && is_set && must_be_certain;
    if request.by == By::Nothing && !by_itself {
        return unsorted(source, request);
    }
    let elements: Vec<Vec<u8>> = match source {
        None => Vec::new(),
        Some(ValueRef::List(list)) => list.iter().map(|element| element.to_vec()).collect(),
        Some(ValueRef::Set(set)) => set.iter().map(|element| element.to_vec()).collect(),
        Some(ValueRef::SortedSet(sorted_set)) => {
            sorted_set.iter().map(|(member, _)| member.to_vec()).collect()
        }
        Some(_) => return Err(CommandError::WRONG_TYPE),
    };
    let window = request.window(elements.len());
    let mut sorted = match &request.by {
        By::Pattern(pattern) if request.alpha => sort_by_texts(data, elements, pattern, request.descending),
        By::Pattern(pattern) => sort_by_numbers(elements, request.descending, |element| {
            pattern.look_up(data, element).map_or(Some(0.0), number)
        })?,
        By::Element if !request.alpha => {
            sort_by_numbers(elements, request.descending, |element| number(Element::Bytes(element)))?
        }
        By::Element | By::Nothing => {
            let mut elements = elements;
            elements.sort_by(|left, right| directed(left.cmp(right), request.descending));
            elements
        }
    };
    sorted.truncate(window.end);
    sorted.drain(..window.start);
    Ok(sorted)
}

/// The elements as they are, of a list or sorted set also backwards.
fn unsorted(source: Option<ValueRef<'_>>, request: &Request<'_>) -> Result<Vec<Vec<u8>>, CommandError> {
    let of = |length: usize| {
        let window = request.window(length);
        if request.descending { length - window.end..length - window.start } else { window }
    };
    let mut elements: Vec<Vec<u8>> = match source {
        None => Vec::new(),
        Some(ValueRef::List(list)) => {
            let window = of(list.len());
            let (start, count) = (window.start as i64, window.len());
            list.range(start, -1).take(count).map(|element| element.to_vec()).collect()
        }
        Some(ValueRef::SortedSet(sorted_set)) => {
            let members = sorted_set.iter_ranks(of(sorted_set.len()));
            members.map(|(member, _)| member.to_vec()).collect()
        }
        Some(ValueRef::Set(set)) => {
            let window = request.window(set.len());
            let members = set.iter().skip(window.start).take(window.len());
            return Ok(members.map(|member| member.to_vec()).collect());
        }
        Some(_) => return Err(CommandError::WRONG_TYPE),
    };
    if request.descending {
        elements.reverse();
    }
    Ok(elements)
}

/// Elements with equal numbers are in the order of their bytes. All are looked up, also behind one that is no number.
fn sort_by_numbers(
    elements: Vec<Vec<u8>>,
    descending: bool,
    mut number: impl FnMut(&[u8]) -> Option<f64>,
) -> Result<Vec<Vec<u8>>, CommandError> {
    let weighted = elements.into_iter().map(|element| (number(&element), element));
    let weighted: Vec<(Option<f64>, Vec<u8>)> = weighted.collect();
    let numbers = weighted.into_iter().map(|(number, element)| Some((number?, element)));
    let mut weighted = numbers.collect::<Option<Vec<(f64, Vec<u8>)>>>().ok_or(NOT_NUMBERS)?;
    weighted.sort_by(|(left, left_element), (right, right_element)| {
        directed(left.total_cmp(right).then_with(|| left_element.cmp(right_element)), descending)
    });
    Ok(weighted.into_iter().map(|(_, element)| element).collect())
}

/// What has no text comes first; with equal texts the order stays.
fn sort_by_texts(
    data: &mut Data<'_>,
    elements: Vec<Vec<u8>>,
    pattern: &Pattern<'_>,
    descending: bool,
) -> Vec<Vec<u8>> {
    let with_text = |element: Vec<u8>| {
        let text = pattern.look_up(data, &element).map(|found| found.to_vec());
        (text, element)
    };
    let mut weighted: Vec<(Option<Vec<u8>>, Vec<u8>)> = elements.into_iter().map(with_text).collect();
    weighted.sort_by(|(left, _), (right, _)| directed(left.cmp(right), descending));
    weighted.into_iter().map(|(_, element)| element).collect()
}

fn directed(ordering: Ordering, descending: bool) -> Ordering {
    if descending { ordering.reverse() } else { ordering }
}

/// As C reads a number: up to a zero byte, spaces may come first, and nothing at all is 0. Both zeroes are equal.
fn number(text: Element<'_>) -> Option<f64> {
    match text {
        Element::Int(number) => Some(number as f64),
        Element::Bytes([] | [0, ..]) => Some(0.0),
        Element::Bytes(text) => {
            let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
            parse::parse_double(text[..end].trim_ascii_start()).map(|number| number + 0.0)
        }
    }
}

#[cfg(test)]
mod tests;
