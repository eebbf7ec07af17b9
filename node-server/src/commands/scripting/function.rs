//! FUNCTION: the libraries of functions. They are a part of the data set: changes hold all shards, go to the replicas as
//! they came, and are in what is saved.

use std::sync::Arc;

use rcl_proto::resp::Args;
use rcl_store::rdb;

use super::function_list::{list, stats};
use super::{CATEGORY, FLUSH_TYPE, check_flush_type};
use crate::command::arguments::word;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, Kind, Locks, flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome, parse};
use crate::commands::help;
use crate::scripting::engines::{Of, with_engine};
use crate::scripting::functions::{Functions, Header, Policy};
use crate::scripting::run::RunKind;

/// A library that a client sends must have registered its functions within this time.
const LOAD_TIMEOUT_MS: u64 = 500;

/// What its subcommands have in common.
const OF_FUNCTION: CommandSpec = CommandSpec {
    arity: 2,
    flags: flag::NOSCRIPT,
    categories: CATEGORY,
    since: "7.0.0",
    group: Group::Scripting,
    complexity: "O(1)",
    ..COMMAND
};

const CHANGES: CommandSpec = CommandSpec {
    flags: flag::NOSCRIPT | flag::WRITE,
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    locks: Locks::AllShards,
    ..OF_FUNCTION
};

pub const FUNCTION: CommandSpec = CommandSpec {
    name: "function",
    arity: -2,
    since: "7.0.0",
    group: Group::Scripting,
    complexity: "Depends on subcommand.",
    summary: "Manages the libraries of functions.",
    subcommands: &[
        CommandSpec {
            name: "delete",
            arity: 3,
            summary: "Deletes a library and its functions.",
            arguments: &[Argument { name: "library-name", ..ARGUMENT }],
            handler: Handler::Run(delete),
            ..CHANGES
        },
        CommandSpec {
            name: "dump",
            complexity: "O(N) where N is the number of functions",
            summary: "Returns all libraries as one payload.",
            handler: Handler::Run(dump),
            ..OF_FUNCTION
        },
        CommandSpec {
            name: "flush",
            arity: -2,
            complexity: "O(N) where N is the number of functions deleted",
            summary: "Deletes all libraries.",
            arguments: &[FLUSH_TYPE],
            handler: Handler::Run(flush),
            ..CHANGES
        },
        CommandSpec {
            name: "help",
            flags: flag::LOADING | flag::STALE,
            summary: "Explains FUNCTION.",
            handler: Handler::Run(show_help),
            ..OF_FUNCTION
        },
        CommandSpec {
            name: "kill",
            flags: flag::NOSCRIPT | flag::ALLOW_BUSY,
            summary: "Ends a function that runs too long, if it has written nothing.",
            tips: &["request_policy:all_shards", "response_policy:one_succeeded"],
            handler: Handler::Run(kill),
            ..OF_FUNCTION
        },
        CommandSpec {
            name: "list",
            arity: -2,
            complexity: "O(N) where N is the number of functions",
            summary: "Tells of libraries and their functions.",
            arguments: &[
                Argument { name: "library-name-pattern", token: "LIBRARYNAME", optional: true, ..ARGUMENT },
                Argument { optional: true, ..word("withcode", "WITHCODE") },
            ],
            tips: &["nondeterministic_output_order"],
            handler: Handler::Run(list),
            ..OF_FUNCTION
        },
        CommandSpec {
            name: "load",
            arity: -3,
            flags: flag::NOSCRIPT | flag::WRITE | flag::DENYOOM,
            complexity: "O(1) (considering compilation time is redundant)",
            summary: "Creates a library.",
            arguments: &[
                Argument { optional: true, ..word("replace", "REPLACE") },
                Argument { name: "function-code", ..ARGUMENT },
            ],
            handler: Handler::Run(load),
            ..CHANGES
        },
        CommandSpec {
            name: "restore",
            arity: -3,
            flags: flag::NOSCRIPT | flag::WRITE | flag::DENYOOM,
            complexity: "O(N) where N is the number of functions on the payload",
            summary: "Creates the libraries of a payload.",
            arguments: &[
                Argument { name: "serialized-value", ..ARGUMENT },
                Argument {
                    name: "policy",
                    kind: Kind::OneOf,
                    optional: true,
                    arguments: &[
                        word("flush", "FLUSH"),
                        word("append", "APPEND"),
                        word("replace", "REPLACE"),
                    ],
                    ..ARGUMENT
                },
            ],
            handler: Handler::Run(restore),
            ..CHANGES
        },
        CommandSpec {
            name: "stats",
            flags: flag::NOSCRIPT | flag::ALLOW_BUSY,
            summary: "Tells which function runs too long, and how many there are.",
            tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
            handler: Handler::Run(stats),
            ..OF_FUNCTION
        },
    ],
    ..COMMAND
};

/// More arguments than the subcommand takes.
fn wrong_count(subcommand: &str) -> CommandError {
    CommandError::new(format!(
        "ERR unknown subcommand or wrong number of arguments for '{subcommand}'. Try FUNCTION HELP."
    ))
}

/// Puts the changed libraries in place of those that are there, and has the command replicated.
fn change(context: &mut Context<'_>, functions: Functions) {
    context.node.scripting.set_functions(functions);
    context.data.effects.changes += 1;
}

fn load(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let last = args.len() - 1;
    let mut replace = false;
    for option in args.from(2).first(last - 2).iter() {
        if !parse::is(option, "replace") {
            let option = String::from_utf8_lossy(option);
            return Err(CommandError::new(format!("ERR Unknown option given: {option}")));
        }
        replace = true;
    }
    let code = &args[last];
    let timeout_ms = (!context.session.is_master_link).then_some(LOAD_TIMEOUT_MS);
    let before = Arc::clone(&context.node.scripting.functions());
    let (functions, name) = with_engine(context.node, Of::Functions, |engine| {
        let header = Header::of(code)?;
        let name = header.name.clone();
        if !replace {
            before.may_add(&name)?;
        }
        let library = engine.create_library(header, code, timeout_ms)?;
        Ok((before.with(library, replace)?, name))
    })?;
    change(context, functions);
    context.reply.bulk(name.as_bytes());
    Ok(Outcome::Done)
}

fn delete(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let functions = Arc::clone(&context.node.scripting.functions());
    let name = std::str::from_utf8(&args[2]).unwrap_or_default();
    let changed = functions.without(name).ok_or(CommandError::fixed("ERR Library not found"))?;
    change(context, changed);
    context.reply.ok();
    Ok(Outcome::Done)
}

fn flush(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if args.len() > 3 {
        return Err(wrong_count("flush"));
    }
    check_flush_type(args, "ERR FUNCTION FLUSH only supports SYNC|ASYNC option")?;
    change(context, Functions::default());
    context.reply.ok();
    Ok(Outcome::Done)
}

fn dump(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let functions = context.node.scripting.functions();
    let payload = rdb::dump_functions(functions.libraries().map(|library| &*library.code));
    context.reply.bulk(&payload);
    Ok(Outcome::Done)
}

fn restore(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let policy = match args.get(3) {
        None => Policy::Append,
        Some(_) if args.len() > 4 => return Err(wrong_count("restore")),
        Some(word) if parse::is(word, "append") => Policy::Append,
        Some(word) if parse::is(word, "replace") => Policy::Replace,
        Some(word) if parse::is(word, "flush") => Policy::Flush,
        Some(_) => {
            return Err(CommandError::fixed(
                "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.",
            ));
        }
    };
    let codes =
        rdb::restore_functions(&args[2]).map_err(|error| CommandError::new(format!("ERR {error}")))?;
    let before = Arc::clone(&context.node.scripting.functions());
    let timeout_ms = (!context.session.is_master_link).then_some(LOAD_TIMEOUT_MS);
    let functions = with_engine(context.node, Of::Functions, |engine| {
        let load = |code: &Vec<u8>| engine.create_library(Header::of(code)?, code, timeout_ms);
        before.restored(codes.iter().map(load).collect::<Result<_, _>>()?, policy)
    })?;
    change(context, functions);
    context.reply.ok();
    Ok(Outcome::Done)
}

fn kill(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    context.node.scripting.slow.kill(RunKind::Function)?;
    context.reply.ok();
    Ok(Outcome::Done)
}

fn show_help(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let subcommands = [
        ("LOAD [REPLACE] <FUNCTION CODE>", "Create a library; its name is in the first line of the code."),
        ("DELETE <LIBRARY NAME>", "Delete a library."),
        ("LIST [LIBRARYNAME PATTERN] [WITHCODE]", "Tell of all libraries, or of those that fit the pattern."),
        ("STATS", "Tell which function runs too long, and how many libraries and functions there are."),
        ("KILL", "End the function that runs too long, if it has written nothing."),
        ("FLUSH [ASYNC|SYNC]", "Delete all libraries."),
        ("DUMP", "Return all libraries as one payload, which FUNCTION RESTORE takes."),
        (
            "RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]",
            "Create the libraries of a payload; those that are there are deleted, must not collide, or are replaced.",
        ),
    ];
    help(context, "FUNCTION", &subcommands);
    Ok(Outcome::Done)
}
