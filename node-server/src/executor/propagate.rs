//! What a command did goes into the replication log, while its shards are still locked.

use rcl_proto::resp::{Args, OwnedArgs, request_len};

use crate::command::Context;
use crate::replication::LogPosition;

/// Sends what was published to the other nodes; a transaction's messages together, at its end.
pub fn publish(context: &mut Context<'_>) {
    let Some(control) = context.node.control.get() else { return };
    for message in context.publications.drain(..) {
        // Fails when the control thread has ended; then there is no bus either.
        control.send(message);
    }
}

/// What went into the log.
#[derive(Clone, Copy, Debug)]
pub struct Logged {
    /// Where the log ends now.
    pub end: LogPosition,
    /// How much it is (SELECT left aside), if that was to be measured.
    pub bytes: u64,
}

/// Appends what the command left to be logged, as one contiguous piece; several commands as a transaction, which
/// goes from database to database as they do.
pub fn append_effects(context: &mut Context<'_>, measure: bool) -> Option<Logged> {
    if context.log.is_empty() {
        return None;
    }
    let log = std::mem::take(&mut context.log);
    let slot = context.data.logged_slot();
    let (multi, exec) = (OwnedArgs::new([b"MULTI".as_slice()]), OwnedArgs::new([b"EXEC".as_slice()]));
    let around = |command| (log.len() > 1).then_some((None, command));
    let commands = log.iter().map(|(database, command)| (Some(*database), command.as_args()));
    let all: Vec<(Option<usize>, Args<'_>)> =
        around(multi.as_args()).into_iter().chain(commands).chain(around(exec.as_args())).collect();
    let bytes =
        if measure { all.iter().map(|(_, command)| request_len(command.iter())).sum::<usize>() } else { 0 };
    let end = context.node.replication.append_of_client(slot, all.into_iter());
    Some(Logged { end, bytes: bytes as u64 })
}
