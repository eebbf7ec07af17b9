//! GEORADIUS and its kin, the older searches.

use rcl_proto::resp::Args;

use super::arguments::{
    COUNT_BLOCK, COUNT_BLOCK_WITH_NEWER_ANY, LATITUDE, LONGITUDE, ORDER, RADIUS, STORE, UNIT, WITHCOORD,
    WITHDIST, WITHHASH,
};
use super::request::Form;
use super::run::run;
use crate::command::arguments::KEY;
use crate::command::parse::is;
use crate::command::spec::{
    ARGUMENT, Argument, Begin, COMMAND, Find, Group, KeyFlags, KeySpec, category, flag, key_flag,
};
use crate::command::{CommandResult, CommandSpec, Context, Handler, KeyPosition};

const MEMBER: Argument = Argument { name: "member", ..ARGUMENT };
const SOURCE_FLAGS: KeyFlags = key_flag::RO | key_flag::ACCESS;
const DESTINATION_FLAGS: KeyFlags = key_flag::OW | key_flag::UPDATE;

/// The key behind this word.
const fn after(word: &'static str, from: i32) -> KeySpec {
    KeySpec {
        begin: Begin::Keyword { word, from },
        find: Find::Range { last: 0, step: 1, limit: 0 },
        flags: DESTINATION_FLAGS,
        notes: "",
    }
}

/// Of several destinations the last one counts.
fn keys_of(args: Args<'_>) -> Vec<KeyPosition> {
    let mut keys = vec![KeyPosition { index: 1, flags: SOURCE_FLAGS }];
    let mut index = 5;
    while index + 1 < args.len() {
        if is(&args[index], "STORE") || is(&args[index], "STOREDIST") {
            index += 1;
            keys.truncate(1);
            keys.push(KeyPosition { index, flags: DESTINATION_FLAGS });
        }
        index += 1;
    }
    keys
}

pub const GEORADIUS: CommandSpec = CommandSpec {
    name: "georadius",
    arity: -6,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::GEO,
    keys: &[KeySpec::first(SOURCE_FLAGS), after("STORE", 6), after("STOREDIST", 6)],
    since: "3.2.0",
    group: Group::Geo,
    complexity: "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by center and radius and M is the number of items inside the index.",
    summary: "Finds the members around a place, and returns or stores them.",
    arguments: &[
        KEY,
        LONGITUDE,
        LATITUDE,
        RADIUS,
        UNIT,
        WITHCOORD,
        WITHDIST,
        WITHHASH,
        COUNT_BLOCK_WITH_NEWER_ANY,
        ORDER,
        STORE,
    ],
    deprecated: Some(("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument")),
    own_keys: Some(keys_of),
    handler: Handler::Run(georadius),
    ..COMMAND
};

fn georadius(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    run(context, args, Form::AroundPlace, true)
}

pub const GEORADIUS_RO: CommandSpec = CommandSpec {
    name: "georadius_ro",
    arity: -6,
    flags: flag::READONLY,
    categories: category::GEO,
    keys: &[KeySpec::first(SOURCE_FLAGS)],
    since: "3.2.10",
    group: Group::Geo,
    complexity: "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by center and radius and M is the number of items inside the index.",
    summary: "Returns the members around a place.",
    arguments: &[
        KEY,
        LONGITUDE,
        LATITUDE,
        RADIUS,
        UNIT,
        WITHCOORD,
        WITHDIST,
        WITHHASH,
        COUNT_BLOCK_WITH_NEWER_ANY,
        ORDER,
    ],
    deprecated: Some(("6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument")),
    handler: Handler::Run(georadius_ro),
    ..COMMAND
};

fn georadius_ro(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    run(context, args, Form::AroundPlace, false)
}

pub const GEORADIUSBYMEMBER: CommandSpec = CommandSpec {
    name: "georadiusbymember",
    arity: -5,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::GEO,
    keys: &[KeySpec::first(SOURCE_FLAGS), after("STORE", 5), after("STOREDIST", 5)],
    since: "3.2.0",
    group: Group::Geo,
    complexity: "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by center and radius and M is the number of items inside the index.",
    summary: "Finds the members around a member, and returns or stores them.",
    arguments: &[KEY, MEMBER, RADIUS, UNIT, WITHCOORD, WITHDIST, WITHHASH, COUNT_BLOCK, ORDER, STORE],
    deprecated: Some((
        "6.2.0",
        "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
    )),
    own_keys: Some(keys_of),
    handler: Handler::Run(georadiusbymember),
    ..COMMAND
};

fn georadiusbymember(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    run(context, args, Form::AroundMember, true)
}

pub const GEORADIUSBYMEMBER_RO: CommandSpec = CommandSpec {
    name: "georadiusbymember_ro",
    arity: -5,
    flags: flag::READONLY,
    categories: category::GEO,
    keys: &[KeySpec::first(SOURCE_FLAGS)],
    since: "3.2.10",
    group: Group::Geo,
    complexity: "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by center and radius and M is the number of items inside the index.",
    summary: "Returns the members around a member.",
    arguments: &[KEY, MEMBER, RADIUS, UNIT, WITHCOORD, WITHDIST, WITHHASH, COUNT_BLOCK, ORDER],
    deprecated: Some(("6.2.0", "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments")),
    handler: Handler::Run(georadiusbymember_ro),
    ..COMMAND
};

fn georadiusbymember_ro(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    run(context, args, Form::AroundMember, false)
}
