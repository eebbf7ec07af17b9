//! GEOSEARCH, GEOSEARCHSTORE.

use rcl_proto::resp::Args;

use super::arguments::{BY, COUNT_BLOCK, FROM, ORDER, WITHCOORD, WITHDIST, WITHHASH};
use super::request::Form;
use super::run::run;
use crate::command::arguments::{DESTINATION, KEY, word};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandResult, CommandSpec, Context, Handler};

pub const GEOSEARCH: CommandSpec = CommandSpec {
    name: "geosearch",
    arity: -7,
    flags: flag::READONLY,
    categories: category::GEO,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
    since: "6.2.0",
    group: Group::Geo,
    complexity: "O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area around the shape provided as the filter and M is the number of items inside the shape",
    summary: "Returns the members within a circle or a box.",
    arguments: &[KEY, FROM, BY, ORDER, COUNT_BLOCK, WITHCOORD, WITHDIST, WITHHASH],
    handler: Handler::Run(geosearch),
    ..COMMAND
};

fn geosearch(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    run(context, args, Form::Search, false)
}

pub const GEOSEARCHSTORE: CommandSpec = CommandSpec {
    name: "geosearchstore",
    arity: -8,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::GEO,
    keys: &[KeySpec::first(key_flag::OW | key_flag::UPDATE), KeySpec::at(2, key_flag::RO | key_flag::ACCESS)],
    since: "6.2.0",
    group: Group::Geo,
    complexity: "O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area around the shape provided as the filter and M is the number of items inside the shape",
    summary: "Stores the members within a circle or a box.",
    arguments: &[
        DESTINATION,
        Argument { name: "source", kind: Kind::Key, key_spec: Some(1), ..ARGUMENT },
        FROM,
        BY,
        ORDER,
        COUNT_BLOCK,
        Argument { optional: true, ..word("storedist", "STOREDIST") },
    ],
    handler: Handler::Run(geosearchstore),
    ..COMMAND
};

fn geosearchstore(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    run(context, args, Form::SearchAndStore, false)
}
