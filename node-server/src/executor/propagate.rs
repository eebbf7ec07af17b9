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
    /// How much it is (a SELECT before it left aside), if that was to be measured.
    pub bytes: u64,
}

/// Appends what the command left to be logged, as one contiguous piece; several commands as a transaction.
pub fn append_effects(context: &mut Context<'_>, measure: bool) -> Option<Logged> {
    if context.log.is_empty() {
        return None;
    }
    let log = std::mem::take(&mut context.log);
    let slot = context.data.logged_slot();
    let database = log[0].0;
    let commands = with_selects(log);
    let one = commands.len() == 1;
    let (multi, exec) = (OwnedArgs::new([b"MULTI".as_slice()]), OwnedArgs::new([b"EXEC".as_slice()]));
    let first = (!one).then(|| multi.as_args());
    let last = (!one).then(|| exec.as_args());
    let all: Vec<Args<'_>> =
        first.into_iter().chain(commands.iter().map(OwnedArgs::as_args)).chain(last).collect();
    let bytes =
        if measure { all.iter().map(|command| request_len(command.iter())).sum::<usize>() } else { 0 };
    let end = context.node.replication.append_of_client(database, slot, all.into_iter());
    Some(Logged { end, bytes: bytes as u64 })
}

/// A transaction may SELECT between its commands; the log goes back to the first database in the end.
fn with_selects(log: Vec<(usize, OwnedArgs)>) -> Vec<OwnedArgs> {
    let first = log.first().map_or(0, |(database, _)| *database);
    let mut current = first;
    let mut commands = Vec::with_capacity(log.len());
    let select = |database: usize| OwnedArgs::new([b"SELECT".as_slice(), database.to_string().as_bytes()]);
    for (database, command) in log {
        if database != current {
            commands.push(select(database));
            current = database;
        }
        commands.push(command);
    }
    if current != first {
        commands.push(select(first));
    }
    commands
}
