//! MONITOR. What it shows is in the module `monitor`.

use rcl_proto::resp::Args;

use crate::command::spec::{COMMAND, Group, flag};
use crate::command::{CommandError, CommandResult, CommandSpec, Context, Handler, Outcome};

pub const MONITOR: CommandSpec = CommandSpec {
    name: "monitor",
    arity: 1,
    flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
    since: "1.0.0",
    group: Group::Server,
    summary: "Shows all that clients do from now on.",
    handler: Handler::Run(monitor),
    ..COMMAND
};

fn monitor(context: &mut Context<'_>, _args: Args<'_>) -> CommandResult {
    if !context.may_park {
        return Err(CommandError::fixed("ERR MONITOR isn't allowed for DENY BLOCKING client"));
    }
    // Said again it is not even answered.
    if context.node.monitors.add(context.session) {
        context.reply.ok();
    }
    Ok(Outcome::Done)
}
