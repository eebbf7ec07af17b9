//! Scripts and functions: EVAL, FCALL and their kin, SCRIPT, FUNCTION.

mod eval;
mod fcall;
mod function;
mod function_list;
mod script;
#[cfg(test)]
mod tests;

use std::sync::atomic::Ordering;

use rcl_proto::resp::Args;

use crate::command::spec::{ARGUMENT, Argument, Flags, KeySpec, Kind, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Outcome, Park, arguments, parse};
use crate::executor::Request;
use crate::node::Node;
use crate::scripting::engines::digest_of;
use crate::scripting::flags::{self, ScriptFlags};
use crate::scripting::run::{End, Run, RunName};
use crate::scripting::{Returned, digest, text_of};

pub const COMMANDS: &[CommandSpec] = &[
    eval::EVAL,
    eval::EVAL_RO,
    eval::EVALSHA,
    eval::EVALSHA_RO,
    fcall::FCALL,
    fcall::FCALL_RO,
    function::FUNCTION,
    script::SCRIPT,
];

const RUNS: Flags =
    flag::NOSCRIPT | flag::SKIP_MONITOR | flag::MAY_REPLICATE | flag::NO_MANDATORY_KEYS | flag::STALE;
const RUNS_READ_ONLY: Flags =
    flag::NOSCRIPT | flag::SKIP_MONITOR | flag::NO_MANDATORY_KEYS | flag::STALE | flag::READONLY;

const READS: KeySpec = KeySpec::counted(2, key_flag::RO | key_flag::ACCESS);
const WRITES: KeySpec = KeySpec::counted(2, key_flag::RW | key_flag::ACCESS | key_flag::UPDATE);

const fn with_notes(spec: KeySpec, notes: &'static str) -> KeySpec {
    KeySpec { notes, ..spec }
}

const READS_AT_MOST: KeySpec =
    with_notes(READS, "We cannot tell how the keys will be used so we assume the worst, RO and ACCESS");
const WRITES_AT_MOST: KeySpec =
    with_notes(WRITES, "We cannot tell how the keys will be used so we assume the worst, RW and UPDATE");

const KEYS: Argument = Argument { optional: true, ..arguments::KEYS };
const ARGUMENTS: Argument = Argument { name: "arg", optional: true, multiple: true, ..ARGUMENT };
const NUMKEYS: Argument = Argument { name: "numkeys", kind: Kind::Integer, ..ARGUMENT };

/// `ASYNC|SYNC`
const FLUSH_TYPE: Argument = Argument {
    name: "flush-type",
    kind: Kind::OneOf,
    optional: true,
    arguments: &[arguments::word("async", "ASYNC"), arguments::word("sync", "SYNC")],
    ..ARGUMENT
};

const CATEGORY: u32 = category::SCRIPTING;

/// What a script is given: its keys and its other arguments.
struct Given<'a> {
    keys: Args<'a>,
    arguments: Args<'a>,
}

impl<'a> Given<'a> {
    /// `… … numkeys key… argument…`
    fn of(args: Args<'a>, not_a_number: CommandError) -> Result<Given<'a>, CommandError> {
        let count = parse::integer(&args[2]).map_err(|_| not_a_number)?;
        let rest = args.from(3);
        if count > rest.len() as i64 {
            return Err(CommandError::fixed("ERR Number of keys can't be greater than number of args"));
        }
        let count = usize::try_from(count)
            .map_err(|_| CommandError::fixed("ERR Number of keys can't be negative"))?;
        Ok(Given { keys: rest.first(count), arguments: rest.from(count) })
    }
}

/// What came of a script, as the command's answer.
fn answer(context: &mut Context<'_>, ran: Ran, name: RunName<'_>) -> CommandResult {
    match ran.end {
        Some(End::NeedsAllShards) => {
            let wait = context.session.begin_wait();
            wait.retry();
            return Ok(Outcome::Park(Park::until(wait)));
        }
        Some(End::Waits(park)) => return Ok(Outcome::Park(park)),
        Some(End::Killed) => return Err(killed(&ran.returned, name)?),
        None => {}
    }
    match ran.returned {
        Ok(Returned::Replied) => Ok(Outcome::Done),
        Ok(Returned::Error(value)) => match failure(&value, None)? {
            Some(failed) => failed.answer(context),
            None => Err(CommandError::fixed("ERR unknown error")),
        },
        Ok(Returned::Failure(value)) => match failure(&value, Some(name))? {
            Some(failed) => failed.answer(context),
            None => {
                let text = text_of(&value).unwrap_or_else(|| "execution failure".to_owned());
                Err(CommandError::new(format!("ERR Error running script {name}, {text}")))
            }
        },
        Err(error) => Err(CommandError::new(format!("ERR Error running script {name}, {error}"))),
    }
}

fn killed(returned: &mlua::Result<Returned>, name: RunName<'_>) -> Result<CommandError, CommandError> {
    let place = match returned {
        Ok(Returned::Failure(mlua::Value::Table(table))) => place(table, name)?,
        _ => String::new(),
    };
    Ok(CommandError::new(format!("ERR Script killed by user with SCRIPT KILL...{place}")))
}

/// Where in the script an error was raised, as its text says it.
fn place(error: &mlua::Table, name: RunName<'_>) -> Result<String, CommandError> {
    let field = |field: &str| {
        let value = error.raw_get::<mlua::Value>(field);
        value.map(|value| text_of(&value)).map_err(|error| CommandError::new(format!("ERR {error}")))
    };
    Ok(match (field("source")?, field("line")?) {
        (Some(source), Some(line)) => format!(" script: {name}, on {source}:{line}."),
        _ => String::new(),
    })
}

/// How a run ended.
struct Ran {
    returned: mlua::Result<Returned>,
    end: Option<End>,
    /// Henceforth it is run with all shards locked.
    needs_all_shards: bool,
}

impl Ran {
    fn of(run: &mut Run<'_, '_>, returned: mlua::Result<Returned>) -> Ran {
        Ran { returned, end: run.end.take(), needs_all_shards: run.needs_all_shards }
    }
}

/// An error that a script returned or raised.
struct Failed {
    text: String,
    /// It was counted when the script's command failed.
    is_counted: bool,
}

impl Failed {
    fn answer(self, context: &mut Context<'_>) -> CommandResult {
        if !self.is_counted {
            return Err(CommandError::new(self.text));
        }
        context.reply.error(&self.text);
        Ok(Outcome::Done)
    }
}

/// The error that a value is, if it is a table with a text `err`. A raised one (`script` is its name) says where it was
/// raised.
fn failure(value: &mlua::Value, script: Option<RunName<'_>>) -> Result<Option<Failed>, CommandError> {
    let broken = |error: mlua::Error| CommandError::new(format!("ERR {error}"));
    let mlua::Value::Table(table) = value else { return Ok(None) };
    let field = |name: &str| table.raw_get::<mlua::Value>(name).map_err(broken);
    let err = field("err")?;
    let text = match (&err, script) {
        (mlua::Value::String(_), _) => text_of(&err),
        (_, Some(_)) => Some(text_of(&err).unwrap_or_else(|| "ERR unknown error".to_owned())),
        (_, None) => None,
    };
    let Some(text) = text else { return Ok(None) };
    let mut text = text.trim_end_matches(['\r', '\n']).to_owned();
    if let Some(script) = script {
        text.push_str(&place(table, script)?);
    }
    let is_counted = field("ignore_error_stats_update")? == mlua::Value::Boolean(true);
    Ok(Some(Failed { text, is_counted }))
}

/// The flags of a command that runs a script: those that the script itself declares, as far as it is known.
pub fn flags_of(node: &Node, request: &Request<'_>) -> Flags {
    let of_command = request.spec.flags;
    declared(node, request).map_or(of_command, |flags| flags.command_flags(of_command))
}

fn declared(node: &Node, request: &Request<'_>) -> Option<ScriptFlags> {
    let name = request.args.get(1)?;
    match request.spec.name {
        "eval" | "eval_ro" => flags::of_script(name).ok().map(|(flags, _)| flags),
        "evalsha" | "evalsha_ro" if node.scripting.cache.has_declared() => {
            node.scripting.cache.get(&digest::parse(name)?).map(|script| script.flags)
        }
        "fcall" | "fcall_ro" => node.scripting.functions().function(name).map(|(_, info)| info.flags),
        _ => None,
    }
}

/// Whether the script that a request is about was seen to need all shards.
pub fn is_wide(node: &Node, spec: &CommandSpec, args: Args<'_>) -> bool {
    let Some(name) = args.get(1).filter(|_| node.scripting.has_wide()) else { return false };
    let of_script = |digest| {
        node.scripting.cache.get(&digest).is_some_and(|script| script.is_wide.load(Ordering::Acquire))
    };
    match spec.name {
        "eval" | "eval_ro" => of_script(digest_of(name)),
        "evalsha" | "evalsha_ro" => digest::parse(name).is_some_and(of_script),
        _ => {
            let functions = node.scripting.functions();
            functions.function(name).is_some_and(|(library, _)| library.is_wide.load(Ordering::Acquire))
        }
    }
}

/// `[ASYNC|SYNC]` at the end of a FLUSH: either way is the same here, since nothing that is freed is large.
fn check_flush_type(args: Args<'_>, error: &'static str) -> Result<(), CommandError> {
    match args.get(2) {
        None => Ok(()),
        Some(word) if args.len() == 3 && (parse::is(word, "sync") || parse::is(word, "async")) => Ok(()),
        Some(_) => Err(CommandError::fixed(error)),
    }
}
