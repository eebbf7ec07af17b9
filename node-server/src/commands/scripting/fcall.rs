//! FCALL: a function of a library.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rcl_proto::resp::Args;

use super::{
    ARGUMENTS, CATEGORY, Given, KEYS, NUMKEYS, READS_AT_MOST, RUNS, RUNS_READ_ONLY, Ran, WRITES_AT_MOST,
    answer,
};
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, Locks};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler};
use crate::scripting::engines::{Of, with_engine};
use crate::scripting::loaded::FUNCTION_NOT_FOUND;
use crate::scripting::run::{Run, RunName};

pub const FCALL: CommandSpec = CommandSpec {
    name: "fcall",
    arity: -3,
    flags: RUNS,
    categories: CATEGORY,
    keys: &[WRITES_AT_MOST],
    since: "7.0.0",
    group: Group::Scripting,
    complexity: "Depends on the function that is executed.",
    summary: "Calls a function.",
    arguments: &[Argument { name: "function", ..ARGUMENT }, NUMKEYS, KEYS, ARGUMENTS],
    locks: Locks::Script,
    handler: Handler::Run(|context, args| fcall(context, args, false)),
    ..COMMAND
};

pub const FCALL_RO: CommandSpec = CommandSpec {
    name: "fcall_ro",
    flags: RUNS_READ_ONLY,
    keys: &[READS_AT_MOST],
    summary: "Calls a function that only reads.",
    handler: Handler::Run(|context, args| fcall(context, args, true)),
    ..FCALL
};

fn fcall(context: &mut Context<'_>, args: Args<'_>, read_only: bool) -> CommandResult {
    let node = context.node;
    let functions = Arc::clone(&node.scripting.functions());
    let (library, info) = functions.function(&args[1]).ok_or(FUNCTION_NOT_FOUND)?;
    let given = Given::of(args, CommandError::fixed("ERR Bad number of keys provided"))?;
    with_engine(node, Of::Functions, |engine| {
        let function = engine.function(&functions, library, &info.name)?;
        let name = String::from_utf8_lossy(&info.name);
        let database = context.session.database;
        let mut run = Run::prepare(context, RunName::Function(&name), args, info.flags, read_only)?;
        let returned = engine.run_function(&mut run, function, given.keys, given.arguments);
        let ran = Ran::of(&mut run, returned);
        context.end_script(database);
        if ran.needs_all_shards {
            library.is_wide.store(true, Ordering::Release);
            node.scripting.note_wide();
        }
        answer(context, ran, RunName::Function(&name))
    })
}
