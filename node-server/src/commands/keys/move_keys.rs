//! Giving keys other names and places on this node: RENAME, COPY, MOVE.

use rcl_proto::resp::Args;

use super::super::connection::database_index;
use crate::command::arguments::KEY;
use crate::command::parse::is;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};
use crate::pubsub::EventClass;

pub const RENAME: CommandSpec = CommandSpec {
    name: "rename",
    arity: 3,
    flags: flag::WRITE,
    categories: category::KEYSPACE,
    keys: &[
        KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::DELETE),
        KeySpec::at(2, key_flag::OW | key_flag::UPDATE),
    ],
    since: "1.0.0",
    group: Group::Generic,
    complexity: "O(1)",
    summary: "Gives a key another name; what had that name is replaced.",
    arguments: &[KEY, Argument { name: "newkey", kind: Kind::Key, key_spec: Some(1), ..ARGUMENT }],
    handler: Handler::Run(rename),
    ..COMMAND
};

fn rename(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    rename_key(context, &args[1], &args[2], true)?;
    context.reply.ok();
    Ok(Outcome::Done)
}

pub const RENAMENX: CommandSpec = CommandSpec {
    name: "renamenx",
    arity: 3,
    flags: flag::WRITE | flag::FAST,
    categories: category::KEYSPACE,
    keys: &[
        KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::DELETE),
        KeySpec::at(2, key_flag::OW | key_flag::INSERT),
    ],
    since: "1.0.0",
    group: Group::Generic,
    complexity: "O(1)",
    summary: "Gives a key another name if nothing has that name.",
    arguments: &[KEY, Argument { name: "newkey", kind: Kind::Key, key_spec: Some(1), ..ARGUMENT }],
    handler: Handler::Run(renamenx),
    ..COMMAND
};

fn renamenx(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let renamed = rename_key(context, &args[1], &args[2], false)?;
    context.reply.integer(i64::from(renamed));
    Ok(Outcome::Done)
}

fn rename_key(
    context: &mut Context<'_>,
    from: &[u8],
    to: &[u8],
    replace: bool,
) -> Result<bool, CommandError> {
    if !context.data.exists(from) {
        return Err(CommandError::NO_SUCH_KEY);
    }
    if from == to {
        return Ok(false);
    }
    // Looked for in any case: what is past its time there goes as such.
    if context.data.exists(to) && !replace {
        return Ok(false);
    }
    let database = context.data.database;
    context.data.rename(from, database, to);
    context.data.changed(from);
    context.data.changed(to);
    context.data.notify(EventClass::Generic, "rename_from", from);
    context.data.notify(EventClass::Generic, "rename_to", to);
    // One change, as Redis counts it.
    context.data.effects.changes -= 1;
    Ok(true)
}

pub const COPY: CommandSpec = CommandSpec {
    name: "copy",
    arity: -3,
    flags: flag::WRITE | flag::DENYOOM,
    categories: category::KEYSPACE,
    keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS), KeySpec::at(2, key_flag::OW | key_flag::UPDATE)],
    since: "6.2.0",
    group: Group::Generic,
    complexity: "O(N) worst case for collections, where N is the number of nested items. O(1) for string values.",
    summary: "Copies a key to another name.",
    arguments: &[
        Argument { name: "source", kind: Kind::Key, key_spec: Some(0), ..ARGUMENT },
        Argument { name: "destination", kind: Kind::Key, key_spec: Some(1), ..ARGUMENT },
        Argument { name: "destination-db", kind: Kind::Integer, token: "DB", optional: true, ..ARGUMENT },
        Argument { name: "replace", kind: Kind::PureToken, token: "REPLACE", optional: true, ..ARGUMENT },
    ],
    handler: Handler::Run(copy),
    ..COMMAND
};

fn copy(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (from, to) = (&args[1], &args[2]);
    let database = context.data.database;
    let mut target = database;
    let mut replace = false;
    let mut index = 3;
    while let Some(word) = args.get(index) {
        if is(word, "REPLACE") {
            replace = true;
        } else if let (true, Some(number)) = (is(word, "DB"), args.get(index + 1)) {
            target = other_database(context, number)?;
            index += 1;
        } else {
            return Err(CommandError::SYNTAX);
        }
        index += 1;
    }
    if target == database && from == to {
        return Err(CommandError::fixed("ERR source and destination objects are the same"));
    }
    let copied = context.data.find(from).is_some()
        && (replace || !context.data.in_database(target, |data| data.exists(to)))
        && context.data.copy(from, target, to);
    if copied {
        context.data.in_database(target, |data| {
            data.changed(to);
            data.notify(EventClass::Generic, "copy_to", to);
        });
    }
    context.reply.integer(i64::from(copied));
    Ok(Outcome::Done)
}

fn other_database(context: &Context<'_>, number: &[u8]) -> Result<usize, CommandError> {
    let index = database_index(number)?;
    if context.node.is_cluster() && index != 0 {
        return Err(CommandError::fixed("ERR Copying to another database is not allowed in cluster mode"));
    }
    if index >= context.node.settings().databases as usize {
        return Err(CommandError::fixed("ERR DB index is out of range"));
    }
    Ok(index)
}

pub const MOVE: CommandSpec = CommandSpec {
    name: "move",
    arity: 3,
    flags: flag::WRITE | flag::FAST,
    categories: category::KEYSPACE,
    keys: &[KeySpec::first(key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)],
    since: "1.0.0",
    group: Group::Generic,
    complexity: "O(1)",
    summary: "Moves a key to another database.",
    arguments: &[KEY, Argument { name: "db", kind: Kind::Integer, ..ARGUMENT }],
    handler: Handler::Run(move_to_database),
    ..COMMAND
};

fn move_to_database(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if context.node.is_cluster() {
        return Err(CommandError::fixed("ERR MOVE is not allowed in cluster mode"));
    }
    let key = &args[1];
    let target = database_index(&args[2])?;
    if target >= context.node.settings().databases as usize {
        return Err(CommandError::fixed("ERR DB index is out of range"));
    }
    if target == context.data.database {
        return Err(CommandError::fixed("ERR source and destination objects are the same"));
    }
    let moved = context.data.exists(key)
        && !context.data.in_database(target, |data| data.exists(key))
        && context.data.rename(key, target, key);
    if moved {
        context.data.changed(key);
        context.data.notify(EventClass::Generic, "move_from", key);
        context.data.in_database(target, |data| {
            data.changed(key);
            data.notify(EventClass::Generic, "move_to", key);
        });
        context.data.effects.changes -= 1;
    }
    context.reply.integer(i64::from(moved));
    Ok(Outcome::Done)
}
