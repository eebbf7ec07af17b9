//! What a command did goes into the replication log, while its shards are still locked.

use rcl_proto::resp::{Args, OwnedArgs, request_len};

use crate::command::{Context, Logged, replicated};
use crate::replication::LogPosition;

/// Room for so many is kept from command to command.
const KEPT_COMMANDS: usize = 16;

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
pub struct Appended {
    /// Where the log ends now.
    pub end: LogPosition,
    /// How much it is (SELECT left aside), if that was to be measured.
    pub bytes: u64,
}

/// Appends what the command left to be logged, as one contiguous piece; several commands as a transaction, which
/// goes from database to database as they do.
#[inline]
pub fn append_effects(context: &mut Context<'_>, measure: bool) -> Option<Appended> {
    if context.log.is_empty() { None } else { Some(append_log(context, measure)) }
}

/// The same inside a transaction, for what it did up to here: what it does from here on is another piece.
pub fn log_what_was_done(context: &mut Context<'_>) {
    if let Some(logged) = append_effects(context, false) {
        context.session.last_write = logged.end;
    }
}

fn append_log(context: &mut Context<'_>, measure: bool) -> Appended {
    let mut log = std::mem::take(context.log);
    // One command, which most are, is logged as it is.
    let around = |word: &'static [u8]| (log.len() > 1).then(|| OwnedArgs::new([word]));
    let (multi, exec) = (around(b"MULTI"), around(b"EXEC"));
    let part = |whose| in_transaction(&log, whose, [&multi, &exec]);
    let all = || part(replicated::ALL);
    let bytes =
        if measure { all().map(|(_, command)| request_len(command.iter())).sum::<usize>() } else { 0 };
    let replication = &context.node.replication;
    let end = if log.iter().all(|logged| logged.replicated == replicated::ALL) {
        replication.append_of_client(all())
    } else {
        replication.append_parted(part(replicated::REPLICAS), part(replicated::FILE))
    };
    log.clear();
    if log.capacity() <= KEPT_COMMANDS {
        *context.log = log;
    }
    Appended { end, bytes: bytes as u64 }
}

/// What of it is for `whose`, each command in its database; several as a transaction, whose ends are in any.
fn in_transaction<'a>(
    log: &'a [Logged],
    whose: u8,
    [multi, exec]: [&'a Option<OwnedArgs>; 2],
) -> impl Iterator<Item = (Option<usize>, Args<'a>)> {
    let commands = log.iter().filter(move |logged| logged.replicated & whose != 0);
    let are_several = commands.clone().nth(1).is_some();
    let around = move |word: &'a Option<OwnedArgs>| {
        word.iter().filter(move |_| are_several).map(|word| (None, word.as_args()))
    };
    let commands = commands.map(|logged| (Some(logged.database), logged.command.as_args()));
    around(multi).chain(commands).chain(around(exec))
}
