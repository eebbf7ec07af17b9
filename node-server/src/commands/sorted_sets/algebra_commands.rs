//! Returning, counting and storing unions, intersections and differences.

use rcl_proto::resp::Args;
use rcl_store::types::{Limits, SortedSet, Value};

use super::algebra::{self, Aggregate, Source};
use crate::command::arguments::{AGGREGATE, DESTINATION, KEYS, KEYS_TO_STORE, NUMKEYS, WEIGHTS, WITHSCORES};
use crate::command::counts::at_least;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{
    CommandError, CommandResult, CommandSpec, Context, Data, Handler, Outcome, parse, reply,
};
use crate::pubsub::EventClass;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Union,
    Intersection,
    Difference,
}

/// What is done with the result, which decides which options there are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Show,
    Count,
    Store,
}

pub const ZUNION: CommandSpec = CommandSpec {
    name: "zunion",
    arity: -3,
    flags: flag::READONLY,
    categories: category::SORTEDSET,
    keys: &[KeySpec::counted(1, key_flag::RO | key_flag::ACCESS)],
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(N)+O(M*log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of elements in the resulting sorted set.",
    summary: "Returns the members that any of several sorted sets has.",
    arguments: &[NUMKEYS, KEYS, WEIGHTS, AGGREGATE, WITHSCORES],
    handler: Handler::Run(zunion),
    ..COMMAND
};
fn zunion(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    show(context, args, Operation::Union, "zunion")
}

pub const ZUNIONSTORE: CommandSpec = CommandSpec {
    name: "zunionstore",
    arity: -4,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::SORTEDSET,
    keys: &[
        KeySpec::first(key_flag::OW | key_flag::UPDATE),
        KeySpec::counted(2, key_flag::RO | key_flag::ACCESS),
    ],
    since: "2.0.0",
    group: Group::SortedSet,
    complexity: "O(N)+O(M log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of elements in the resulting sorted set.",
    summary: "Stores the members that any of several sorted sets has.",
    arguments: &[DESTINATION, NUMKEYS, KEYS_TO_STORE, WEIGHTS, AGGREGATE],
    handler: Handler::Run(zunionstore),
    ..COMMAND
};
fn zunionstore(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    store(context, args, Operation::Union, "zunionstore")
}

pub const ZINTER: CommandSpec = CommandSpec {
    name: "zinter",
    arity: -3,
    flags: flag::READONLY,
    categories: category::SORTEDSET,
    keys: &[KeySpec::counted(1, key_flag::RO | key_flag::ACCESS)],
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input sorted sets and M being the number of elements in the resulting sorted set.",
    summary: "Returns the members that all of several sorted sets have.",
    arguments: &[NUMKEYS, KEYS, WEIGHTS, AGGREGATE, WITHSCORES],
    handler: Handler::Run(zinter),
    ..COMMAND
};
fn zinter(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    show(context, args, Operation::Intersection, "zinter")
}

pub const ZINTERSTORE: CommandSpec = CommandSpec {
    name: "zinterstore",
    arity: -4,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::SORTEDSET,
    keys: &[
        KeySpec::first(key_flag::OW | key_flag::UPDATE),
        KeySpec::counted(2, key_flag::RO | key_flag::ACCESS),
    ],
    since: "2.0.0",
    group: Group::SortedSet,
    complexity: "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input sorted sets and M being the number of elements in the resulting sorted set.",
    summary: "Stores the members that all of several sorted sets have.",
    arguments: &[DESTINATION, NUMKEYS, KEYS_TO_STORE, WEIGHTS, AGGREGATE],
    handler: Handler::Run(zinterstore),
    ..COMMAND
};
fn zinterstore(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    store(context, args, Operation::Intersection, "zinterstore")
}

pub const ZDIFF: CommandSpec = CommandSpec {
    name: "zdiff",
    arity: -3,
    flags: flag::READONLY,
    categories: category::SORTEDSET,
    keys: &[KeySpec::counted(1, key_flag::RO | key_flag::ACCESS)],
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the first set, and K is the size of the result set.",
    summary: "Returns the members of a sorted set that no other of several has.",
    arguments: &[NUMKEYS, KEYS, WITHSCORES],
    handler: Handler::Run(zdiff),
    ..COMMAND
};
fn zdiff(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    show(context, args, Operation::Difference, "zdiff")
}

pub const ZDIFFSTORE: CommandSpec = CommandSpec {
    name: "zdiffstore",
    arity: -4,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::SORTEDSET,
    keys: &[
        KeySpec::first(key_flag::OW | key_flag::UPDATE),
        KeySpec::counted(2, key_flag::RO | key_flag::ACCESS),
    ],
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the first set, and K is the size of the result set.",
    summary: "Stores the members of a sorted set that no other of several has.",
    arguments: &[DESTINATION, NUMKEYS, KEYS_TO_STORE],
    handler: Handler::Run(zdiffstore),
    ..COMMAND
};
fn zdiffstore(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    store(context, args, Operation::Difference, "zdiffstore")
}

pub const ZINTERCARD: CommandSpec = CommandSpec {
    name: "zintercard",
    arity: -3,
    flags: flag::READONLY,
    categories: category::SORTEDSET,
    keys: &[KeySpec::counted(1, key_flag::RO | key_flag::ACCESS)],
    since: "7.0.0",
    group: Group::SortedSet,
    complexity: "O(N*K) worst case with N being the smallest input sorted set, K being the number of input sorted sets.",
    summary: "Returns how many members all of several sorted sets have, counting up to a limit.",
    arguments: &[
        NUMKEYS,
        KEYS,
        Argument { name: "limit", kind: Kind::Integer, token: "LIMIT", optional: true, ..ARGUMENT },
    ],
    handler: Handler::Run(zintercard),
    ..COMMAND
};
fn zintercard(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let request =
        Request::parse(&mut context.data, args.from(1), Operation::Intersection, Use::Count, "zintercard")?;
    let count = algebra::count_intersection(request.sources, request.limit);
    context.reply.integer(count as i64);
    Ok(Outcome::Done)
}

fn show(context: &mut Context<'_>, args: Args<'_>, operation: Operation, command: &str) -> CommandResult {
    let limits = context.data.limits();
    let request = Request::parse(&mut context.data, args.from(1), operation, Use::Show, command)?;
    let with_scores = request.with_scores;
    let result = request.compute(operation, &limits);
    let reply = &mut context.reply;
    reply::pairs(reply, result.len(), with_scores);
    result.view().iter().for_each(|(member, score)| reply::member(reply, member, score, with_scores));
    Ok(Outcome::Done)
}

fn store(context: &mut Context<'_>, args: Args<'_>, operation: Operation, command: &str) -> CommandResult {
    let limits = context.data.limits();
    let request = Request::parse(&mut context.data, args.from(2), operation, Use::Store, command)?;
    let result = request.compute(operation, &limits);
    let count = result.len();
    let result = (count > 0).then_some(Value::SortedSet(result));
    context.data.store_result(&args[1], result, EventClass::SortedSet, command);
    context.reply.integer(count as i64);
    Ok(Outcome::Done)
}

/// `numkeys key… [WEIGHTS w…] [AGGREGATE SUM|MIN|MAX] [WITHSCORES] [LIMIT n]`
struct Request<'a> {
    sources: Vec<Source<'a>>,
    aggregate: Aggregate,
    with_scores: bool,
    limit: u64,
}

impl<'a> Request<'a> {
    fn parse(
        data: &'a mut Data<'_>,
        args: Args<'_>,
        operation: Operation,
        use_: Use,
        command: &str,
    ) -> Result<Request<'a>, CommandError> {
        let key_count = parse::integer(args.name())?;
        if key_count < 1 {
            return Err(CommandError::new(format!(
                "ERR at least 1 input key is needed for '{command}' command"
            )));
        }
        let key_count = key_count as usize;
        let keys = args.from(1).first(key_count);
        if keys.len() < key_count {
            return Err(CommandError::SYNTAX);
        }
        // The types of the keys are looked at before the options, as Redis does.
        let entries = data.find_all(keys, Source::may_be)?;
        let sources = entries.into_iter().map(Source::new).collect::<Result<_, _>>()?;
        let mut request = Request { sources, aggregate: Aggregate::Sum, with_scores: false, limit: 0 };
        request.parse_options(args.from(1 + key_count), operation, use_)?;
        Ok(request)
    }

    fn parse_options(
        &mut self,
        options: Args<'_>,
        operation: Operation,
        use_: Use,
    ) -> Result<(), CommandError> {
        let combines_scores = operation != Operation::Difference && use_ != Use::Count;
        let mut index = 0;
        while let Some(word) = options.get(index) {
            let left = options.len() - index - 1;
            if combines_scores && left >= self.sources.len() && parse::is(word, "weights") {
                for source in &mut self.sources {
                    index += 1;
                    let weight = options.get(index).and_then(parse::parse_double);
                    source.weight = weight.ok_or(CommandError::fixed("ERR weight value is not a float"))?;
                }
            } else if combines_scores && left >= 1 && parse::is(word, "aggregate") {
                index += 1;
                self.aggregate = parse_aggregate(&options[index])?;
            } else if use_ == Use::Show && parse::is(word, "withscores") {
                self.with_scores = true;
            } else if use_ == Use::Count && left >= 1 && parse::is(word, "limit") {
                index += 1;
                self.limit = at_least(&options[index], 0, "ERR LIMIT can't be negative")? as u64;
            } else {
                return Err(CommandError::SYNTAX);
            }
            index += 1;
        }
        Ok(())
    }

    fn compute(self, operation: Operation, limits: &Limits) -> SortedSet {
        match operation {
            Operation::Union => algebra::union(self.sources, self.aggregate, limits),
            Operation::Intersection => algebra::intersection(self.sources, self.aggregate, limits),
            Operation::Difference => algebra::difference(&self.sources, limits),
        }
    }
}

fn parse_aggregate(word: &[u8]) -> Result<Aggregate, CommandError> {
    [("sum", Aggregate::Sum), ("min", Aggregate::Min), ("max", Aggregate::Max)]
        .into_iter()
        .find_map(|(name, aggregate)| parse::is(word, name).then_some(aggregate))
        .ok_or(CommandError::SYNTAX)
}
