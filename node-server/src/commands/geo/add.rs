//! GEOADD, which is ZADD with geohashes for scores.

use rcl_proto::resp::{Args, OwnedArgs};
use rcl_store::types::AddCondition;

use super::arguments::{LATITUDE, LONGITUDE};
use super::place;
use crate::command::arguments::{KEY, word};
use crate::command::parse::is;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler};
use crate::commands::sorted_sets::add;

pub const GEOADD: CommandSpec = CommandSpec {
    name: "geoadd",
    arity: -5,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::GEO,
    keys: &[KeySpec::first(key_flag::RW | key_flag::UPDATE)],
    since: "3.2.0",
    group: Group::Geo,
    complexity: "O(log(N)) for each item added, where N is the number of elements in the sorted set.",
    summary: "Adds members at places on earth to a sorted set.",
    arguments: &[
        KEY,
        Argument {
            name: "condition",
            kind: Kind::OneOf,
            since: "6.2.0",
            optional: true,
            arguments: &[word("nx", "NX"), word("xx", "XX")],
            ..ARGUMENT
        },
        Argument {
            name: "change",
            kind: Kind::PureToken,
            token: "CH",
            since: "6.2.0",
            optional: true,
            ..ARGUMENT
        },
        Argument {
            name: "data",
            kind: Kind::Block,
            multiple: true,
            arguments: &[LONGITUDE, LATITUDE, Argument { name: "member", ..ARGUMENT }],
            ..ARGUMENT
        },
    ],
    handler: Handler::Run(geoadd),
    ..COMMAND
};

fn geoadd(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let mut condition = AddCondition::default();
    let mut count_changed = false;
    let mut index = 2;
    while let Some(word) = args.get(index) {
        match () {
            () if is(word, "NX") => condition.only_new = true,
            () if is(word, "XX") => condition.only_existing = true,
            () if is(word, "CH") => count_changed = true,
            () => break,
        }
        index += 1;
    }
    let places = args.from(index);
    if places.is_empty() || !places.len().is_multiple_of(3) || (condition.only_new && condition.only_existing)
    {
        return Err(CommandError::SYNTAX);
    }
    let mut members = Vec::with_capacity(places.len() / 3);
    for index in (0..places.len()).step_by(3) {
        members.push((place(places.from(index))?.score(), &places[index + 2]));
    }
    let outcome = add(context, &args[1], condition, count_changed, members.iter().copied())?;
    if context.data.effects.changes > 0 {
        // A replica may compute with another library of mathematics.
        let scores: Vec<String> = members.iter().map(|(score, _)| score.to_string()).collect();
        let pairs = scores.iter().zip(&members).flat_map(|(score, (_, member))| [score.as_bytes(), *member]);
        let words = [b"ZADD".as_slice()].into_iter().chain((1..index).map(|index| &args[index])).chain(pairs);
        context.data.effects.propagate_instead(OwnedArgs::new(words));
    }
    Ok(outcome)
}
