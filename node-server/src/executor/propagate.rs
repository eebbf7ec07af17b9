//! What a command did goes into the replication log, while its shards are still locked.

use rcl_proto::resp::{Args, OwnedArgs};

use crate::command::Context;

/// Appends what the command left to be logged, as one contiguous piece; several commands as a transaction.
pub fn append_effects(context: &mut Context<'_>) {
    if context.log.is_empty() {
        return;
    }
    let commands = std::mem::take(&mut context.log);
    let slot = context.data.logged_slot();
    let database = context.data.database;
    let one = commands.len() == 1;
    let (multi, exec) = (OwnedArgs::new([b"MULTI".as_slice()]), OwnedArgs::new([b"EXEC".as_slice()]));
    let first = (!one).then(|| multi.as_args());
    let last = (!one).then(|| exec.as_args());
    let all: Vec<Args<'_>> =
        first.into_iter().chain(commands.iter().map(OwnedArgs::as_args)).chain(last).collect();
    context.session.last_write = context.node.replication.append(database, slot, all.into_iter());
}
