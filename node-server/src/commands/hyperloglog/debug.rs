//! Looking into a HyperLogLog: PFDEBUG, PFSELFTEST.

use rcl_proto::resp::Args;
use rcl_store::types::hyperloglog::{self, Corrupt, Form};

use super::{corrupt, of_entry};
use crate::command::arguments::KEY;
use crate::command::parse::is;
use crate::command::spec::{ARGUMENT, Argument, COMMAND, Group, KeySpec, category, flag, key_flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};

pub const PFDEBUG: CommandSpec = CommandSpec {
    name: "pfdebug",
    arity: 3,
    flags: flag::WRITE | flag::DENYOOM | flag::ADMIN,
    categories: category::HYPERLOGLOG,
    keys: &[KeySpec::at(2, key_flag::RW | key_flag::ACCESS)],
    since: "2.8.9",
    group: Group::HyperLogLog,
    complexity: "N/A",
    summary: "Shows what is inside of a HyperLogLog.",
    arguments: &[Argument { name: "subcommand", ..ARGUMENT }, KEY],
    handler: Handler::Run(pfdebug),
    ..COMMAND
};

fn pfdebug(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (subcommand, key) = (&args[1], &args[2]);
    let Some(entry) = context.data.find_mut(key) else {
        return Err(CommandError::fixed("ERR The specified key does not exist"));
    };
    let (bytes, form) = of_entry(entry)?;
    if is(subcommand, "ENCODING") {
        context.reply.simple(if form == Form::Dense { "dense" } else { "sparse" });
    } else if is(subcommand, "DECODE") {
        if form == Form::Dense {
            return Err(CommandError::fixed("ERR HLL encoding is not sparse"));
        }
        context.reply.bulk(hyperloglog::decode(bytes).map_err(corrupt)?.as_bytes());
    } else if is(subcommand, "TODENSE") {
        let converted = make_dense(context, key)?;
        context.reply.integer(i64::from(converted));
    } else if is(subcommand, "GETREG") {
        make_dense(context, key)?;
        let Some(entry) = context.data.find_mut(key) else { return Err(CommandError::NO_SUCH_KEY) };
        let (bytes, _) = of_entry(entry)?;
        context.reply.array(hyperloglog::REGISTERS);
        for register in hyperloglog::dense_registers(bytes) {
            context.reply.integer(i64::from(register));
        }
    } else {
        let subcommand = String::from_utf8_lossy(subcommand);
        return Err(CommandError::new(format!("ERR Unknown PFDEBUG subcommand '{subcommand}'")));
    }
    Ok(Outcome::Done)
}

fn make_dense(context: &mut Context<'_>, key: &[u8]) -> Result<bool, CommandError> {
    let entry = context.data.find_mut(key);
    let converted = entry.and_then(|entry| entry.edit_string(hyperloglog::make_dense));
    let converted = converted.unwrap_or(Err(Corrupt)).map_err(corrupt)?;
    if converted {
        context.data.changed(key);
    }
    Ok(converted)
}

pub const PFSELFTEST: CommandSpec = CommandSpec {
    name: "pfselftest",
    arity: 1,
    flags: flag::ADMIN,
    categories: category::HYPERLOGLOG,
    keys: &[],
    since: "2.8.9",
    group: Group::HyperLogLog,
    complexity: "N/A",
    summary: "Checks that the HyperLogLog of this node counts well.",
    arguments: &[],
    handler: Handler::Run(pfselftest),
    ..COMMAND
};

fn pfselftest(context: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let max_sparse_bytes = context.node.settings().hll_sparse_max_bytes;
    hyperloglog::self_test(max_sparse_bytes, &mut rand::rng())
        .map_err(|why| CommandError::new(format!("ERR TESTFAILED {why}")))?;
    context.reply.ok();
    Ok(Outcome::Done)
}
