//! EVAL and EVALSHA: a script by its text, or by the digest of one that is in the cache.

use rcl_proto::resp::Args;

use super::{
    ARGUMENTS, CATEGORY, Given, KEYS, NUMKEYS, READS, READS_AT_MOST, RUNS, RUNS_READ_ONLY, Ran, WRITES,
    WRITES_AT_MOST, answer,
};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, Locks};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler};
use crate::scripting::debugger::{self, Mode};
use crate::scripting::digest::{self, Digest};
use crate::scripting::engine::{Engine, NO_SCRIPT};
use crate::scripting::engines::{Of, with_engine};
use crate::scripting::run::{Run, RunName};

const SCRIPT: Argument = Argument { name: "script", ..ARGUMENT };
const SHA1: Argument = Argument { name: "sha1", ..ARGUMENT };

pub const EVAL: CommandSpec = CommandSpec {
    name: "eval",
    arity: -3,
    flags: RUNS,
    categories: CATEGORY,
    keys: &[WRITES_AT_MOST],
    since: "2.6.0",
    group: Group::Scripting,
    complexity: "Depends on the script that is executed.",
    summary: "Runs a script.",
    arguments: &[SCRIPT, NUMKEYS, KEYS, ARGUMENTS],
    locks: Locks::Script,
    handler: Handler::Run(|context, args| by_text(context, args, false)),
    ..COMMAND
};

pub const EVAL_RO: CommandSpec = CommandSpec {
    name: "eval_ro",
    flags: RUNS_READ_ONLY,
    keys: &[READS_AT_MOST],
    since: "7.0.0",
    summary: "Runs a script that only reads.",
    handler: Handler::Run(|context, args| by_text(context, args, true)),
    ..EVAL
};

pub const EVALSHA: CommandSpec = CommandSpec {
    name: "evalsha",
    keys: &[WRITES],
    summary: "Runs a script by its SHA1 digest.",
    arguments: &[SHA1, NUMKEYS, KEYS, ARGUMENTS],
    handler: Handler::Run(|context, args| by_digest(context, args, false)),
    ..EVAL
};

pub const EVALSHA_RO: CommandSpec = CommandSpec {
    name: "evalsha_ro",
    flags: RUNS_READ_ONLY,
    keys: &[READS],
    since: "7.0.0",
    summary: "Runs a script that only reads, by its SHA1 digest.",
    handler: Handler::Run(|context, args| by_digest(context, args, true)),
    ..EVALSHA
};

fn by_text(context: &mut Context<'_>, args: Args<'_>, read_only: bool) -> CommandResult {
    let (node, is_debugged) = (context.node, context.session.debugger != Mode::Off);
    if is_debugged && !debugger::is_at_work() {
        return debugger::hand_over(context, args);
    }
    let given = Given::of(args, CommandError::NOT_INTEGER)?;
    // Nobody steps through a script twice.
    context.may_park &= !is_debugged;
    let work = |engine: &mut Engine| {
        let digest = engine.digest_of(&args[1]);
        run(context, engine, args, given, digest, Some(&args[1]), read_only)
    };
    if is_debugged { debugger::with_engine(node, work) } else { with_engine(node, Of::Scripts, work) }
}

fn by_digest(context: &mut Context<'_>, args: Args<'_>, read_only: bool) -> CommandResult {
    if args[1].len() != 40 {
        return Err(NO_SCRIPT);
    }
    if context.session.debugger != Mode::Off {
        return Err(CommandError::fixed("ERR Please use EVAL instead of EVALSHA for debugging"));
    }
    let given = Given::of(args, CommandError::NOT_INTEGER)?;
    let digest = digest::parse(&args[1]).ok_or(NO_SCRIPT)?;
    with_engine(context.node, Of::Scripts, |engine| {
        run(context, engine, args, given, digest, None, read_only)
    })
}

fn run(
    context: &mut Context<'_>,
    engine: &mut Engine,
    args: Args<'_>,
    given: Given<'_>,
    digest: Digest,
    body: Option<&[u8]>,
    read_only: bool,
) -> CommandResult {
    let node = context.node;
    let flags = engine.prepare_script(node, &digest, body)?;
    let (database, name) = (context.session.database, RunName::Script(&digest));
    let mut run = Run::prepare(context, name, args, flags, read_only)?;
    let returned = engine.run_script(&mut run, &digest, given.keys, given.arguments);
    let ran = Ran::of(&mut run, returned);
    context.end_script(database);
    if ran.needs_all_shards {
        engine.note_wide(&digest);
        node.scripting.note_wide();
    }
    answer(context, ran, name)
}
