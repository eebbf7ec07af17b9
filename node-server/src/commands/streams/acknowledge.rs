//! XACK.

use rcl_proto::resp::Args;

use super::{GROUP, IDS, count_changes, ids};
use crate::command::arguments::KEY;
use crate::command::spec::{self, COMMAND, KeySpec, category, flag, key_flag};
use crate::command::{CommandResult, CommandSpec, Context, Handler, Outcome};

pub const XACK: CommandSpec = CommandSpec {
    name: "xack",
    arity: -4,
    flags: flag::WRITE | flag::FAST,
    categories: category::STREAM,
    keys: &[KeySpec::first(key_flag::RW | key_flag::UPDATE)],
    since: "5.0.0",
    group: spec::Group::Stream,
    complexity: "O(1) for each message ID processed.",
    summary: "Takes entries off what is pending in a group, and tells how many were.",
    arguments: &[KEY, GROUP, IDS],
    handler: Handler::Run(xack),
    ..COMMAND
};
fn xack(context: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let data = &mut context.data;
    // It counts as a read first.
    data.stream(&args[1])?;
    let stream = data.stream_mut(&args[1])?;
    let mut acknowledged = 0;
    if let Some(group) = stream.and_then(|stream| stream.group_mut(&args[2])) {
        let ids = args.from(3).iter().map(ids::exact).collect::<Result<Vec<_>, _>>()?;
        acknowledged = ids.into_iter().filter(|id| group.acknowledge(*id)).count();
        count_changes(data, acknowledged as u64);
    }
    context.reply.integer(acknowledged as i64);
    Ok(Outcome::Done)
}
