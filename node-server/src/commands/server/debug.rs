//! DEBUG SLEEP and MEMORY USAGE. (More of DEBUG and MEMORY is not there yet.)

use std::time::Duration;

use rcl_proto::resp::Args;

use crate::command::arguments::KEY;
use crate::command::parse::{self, is};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, Kind, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};

use crate::config::ProtectedAction;

pub const DEBUG: CommandSpec = CommandSpec {
    name: "debug",
    arity: -2,
    flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::PROTECTED,
    since: "1.0.0",
    group: Group::Server,
    complexity: "Depends on subcommand.",
    summary: "Does what is of use only to who looks for faults.",
    handler: Handler::Run(debug),
    ..COMMAND
};

fn debug(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let allowed = match context.node.settings().enable_debug_command {
        ProtectedAction::Yes => true,
        ProtectedAction::No => false,
        ProtectedAction::Local => context.session.handle.is_local(),
    };
    if !allowed {
        return Err(CommandError::fixed(
            "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
        ));
    }
    match (args.get(1), args.len()) {
        (Some(word), 3) if is(word, "SLEEP") => {
            let seconds = parse::double(&args[2])?.clamp(0.0, 3600.0);
            // As Redis: the thread stands still, and so do the clients it serves.
            std::thread::sleep(Duration::from_secs_f64(seconds));
            context.reply.ok();
            Ok(Outcome::Done)
        }
        (Some(word), 2) if is(word, "HELP") => {
            super::super::help(
                context,
                "DEBUG",
                &[("SLEEP <seconds>", "Stand still for so long. Decimals are allowed.")],
            );
            Ok(Outcome::Done)
        }
        (word, _) => {
            let word = String::from_utf8_lossy(word.unwrap_or_default()).into_owned();
            Err(CommandError::new(format!(
                "ERR unknown subcommand or wrong number of arguments for '{word}'. Try DEBUG HELP."
            )))
        }
    }
}

pub const MEMORY: CommandSpec = CommandSpec {
    name: "memory",
    arity: -2,
    since: "4.0.0",
    group: Group::Server,
    complexity: "Depends on subcommand.",
    summary: "Tells what takes how much memory.",
    subcommands: &[
        CommandSpec {
            name: "usage",
            arity: -3,
            flags: flag::READONLY,
            keys: &[KeySpec::at(2, key_flag::RO)],
            since: "4.0.0",
            group: Group::Server,
            complexity: "O(N) where N is the number of samples.",
            summary: "Estimates how many bytes a key and its value take.",
            arguments: &[
                KEY,
                Argument { name: "count", kind: Kind::Integer, token: "SAMPLES", optional: true, ..ARGUMENT },
            ],
            handler: Handler::Run(usage),
            ..COMMAND
        },
        CommandSpec {
            name: "help",
            arity: 2,
            flags: flag::LOADING | flag::STALE,
            since: "4.0.0",
            group: Group::Server,
            complexity: "O(1)",
            summary: "Explains MEMORY.",
            handler: Handler::Run(help),
            ..COMMAND
        },
    ],
    ..COMMAND
};

fn usage(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let mut index = 3;
    while let Some(word) = args.get(index) {
        let number = args.get(index + 1).ok_or(CommandError::SYNTAX)?;
        if !is(word, "SAMPLES") || parse::integer(number)? < 0 {
            return Err(CommandError::SYNTAX);
        }
        // Sizes are known without samples.
        index += 2;
    }
    match context.data.peek(&args[2]) {
        Some(entry) => context.reply.integer(entry.memory_usage() as i64),
        None => context.reply.null(),
    }
    Ok(Outcome::Done)
}

fn help(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    let usage =
        ("USAGE <key> [SAMPLES <count>]", "Return an estimate of the bytes that <key> and its value take.");
    super::super::help(context, "MEMORY", &[usage]);
    Ok(Outcome::Done)
}
