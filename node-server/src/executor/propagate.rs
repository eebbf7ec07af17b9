//! What a command did goes into the replication log, while its shards are still locked.

use rcl_proto::resp::{Args, OwnedArgs, request_len};

use crate::command::Context;
use crate::replication::LogPosition;

/// Sends what was published to the other nodes; a transaction's messages together, at its end.
#[inline]
pub fn publish(context: &mut Context<'_>) {
    if !context.publications.is_empty() {
        publish_all(context);
    }
}

fn publish_all(context: &mut Context<'_>) {
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
#[inline]
pub fn append_effects(context: &mut Context<'_>, measure: bool) -> Option<Logged> {
    if context.log.is_empty() { None } else { Some(append_log(context, measure)) }
}

fn append_log(context: &mut Context<'_>, measure: bool) -> Logged {
    let log = std::mem::take(&mut context.log);
    // One command, which most are, is logged as it is.
    let around = |word: &'static [u8]| (log.len() > 1).then(|| OwnedArgs::new([word]));
    let (multi, exec) = (around(b"MULTI"), around(b"EXEC"));
    let all = || {
        let commands = log.iter().map(|(database, command)| (Some(*database), command.as_args()));
        multi.iter().map(in_any).chain(commands).chain(exec.iter().map(in_any))
    };
    let bytes =
        if measure { all().map(|(_, command)| request_len(command.iter())).sum::<usize>() } else { 0 };
    let end = context.node.replication.append_of_client(all());
    Logged { end, bytes: bytes as u64 }
}

/// A command whose database does not matter.
fn in_any(command: &OwnedArgs) -> (Option<usize>, Args<'_>) {
    (None, command.as_args())
}
