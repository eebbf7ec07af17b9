//! Scripts that run for longer than `busy-reply-threshold`.
//!
//! ```text
//!               SCRIPT KILL, FUNCTION KILL
//!   running ──────────────────────────────▶ killed      it ends at its next look
//!      └── its first write ──▶ wrote                    it cannot be killed any more
//! ```
//!
//! Which of the two comes first is decided once, so a script that wrote anything is never killed half-way. SHUTDOWN NOSAVE
//! ends it all the same: what it wrote is in no log and on no disk.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rcl_proto::resp::{Args, OwnedArgs};

use super::run::{RunKind, RunName};
use crate::command::{CommandError, Context};
use crate::executor::node_state;
use crate::net;
use crate::node::Node;

const RUNNING: u8 = 0;
const KILLED: u8 = 1;
const WROTE: u8 = 2;

#[derive(Debug)]
pub struct SlowScript {
    pub kind: RunKind,
    pub name: String,
    pub request: OwnedArgs,
    pub began: Instant,
    /// It came in the stream of this node's master.
    of_master: bool,
    state: AtomicU8,
    ends_anyway: AtomicBool,
    /// The shards that it holds.
    shards: Vec<usize>,
}

/// What other clients are told meanwhile.
pub const BUSY_SCRIPT: CommandError = CommandError::fixed(
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
);
pub const BUSY_FUNCTION: CommandError = CommandError::fixed(
    "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
);

impl SlowScript {
    /// Whether it is to end.
    pub fn is_killed(&self) -> bool {
        self.state.load(Ordering::Acquire) == KILLED || self.ends_anyway.load(Ordering::Acquire)
    }

    /// It is about to write for the first time; false when it was killed before.
    pub fn may_write(&self) -> bool {
        let changed = self.state.compare_exchange(RUNNING, WROTE, Ordering::AcqRel, Ordering::Acquire);
        changed.is_ok_and(|_| !self.ends_anyway.load(Ordering::Acquire)) || changed == Err(WROTE)
    }

    fn kill(&self) -> Result<(), CommandError> {
        if self.of_master {
            return Err(CommandError::fixed(
                "UNKILLABLE The busy script was sent by a master instance in the context of replication and cannot be \
                 killed.",
            ));
        }
        match self.state.compare_exchange(RUNNING, KILLED, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) | Err(KILLED) => Ok(()),
            Err(_) => Err(CommandError::fixed(
                "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the \
                 script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.",
            )),
        }
    }

    fn busy(&self) -> CommandError {
        if self.kind == RunKind::Script { BUSY_SCRIPT } else { BUSY_FUNCTION }
    }
}

/// Those that run at this moment.
#[derive(Debug, Default)]
pub struct SlowScripts {
    scripts: Mutex<Vec<Arc<SlowScript>>>,
    /// The node goes down: those that come to be slow from now on end too.
    ends_all: AtomicBool,
}

impl SlowScripts {
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<SlowScript>>> {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The script that runs in this context turns out to be slow: others are told from now on, and its thread's other
    /// connections go on on another thread.
    pub fn begin(
        &self,
        context: &Context<'_>,
        name: RunName<'_>,
        request: Args<'_>,
        began: Instant,
        wrote: bool,
    ) -> Arc<SlowScript> {
        let node = context.node;
        let kill = if name.kind() == RunKind::Script { "SCRIPT KILL" } else { "FUNCTION KILL" };
        tracing::warn!(
            "Slow script detected: still in execution after {} milliseconds. You can try killing the script using the \
             {kill} command. Script name is: {name}.",
            began.elapsed().as_millis()
        );
        let slow = Arc::new(SlowScript {
            kind: name.kind(),
            name: name.to_string(),
            request: request.to_owned(),
            began,
            of_master: context.session.is_master_link,
            state: AtomicU8::new(if wrote { WROTE } else { RUNNING }),
            ends_anyway: AtomicBool::new(self.ends_all.load(Ordering::Acquire)),
            shards: context.data.held_shards(),
        });
        slow.shards.iter().for_each(|&shard| node.shards.set_held_long(shard, true));
        {
            let mut scripts = self.lock();
            scripts.push(slow.clone());
            node.set_state(node_state::BUSY, true);
        }
        net::let_others_work();
        slow
    }

    pub fn end(&self, node: &Node, slow: &Arc<SlowScript>) {
        slow.shards.iter().for_each(|&shard| node.shards.set_held_long(shard, false));
        let mut scripts = self.lock();
        scripts.retain(|other| !Arc::ptr_eq(other, slow));
        if scripts.is_empty() {
            node.set_state(node_state::BUSY, false);
        }
    }

    /// The one that has run longest.
    pub fn first(&self) -> Option<Arc<SlowScript>> {
        self.lock().first().cloned()
    }

    /// What a client is told that cannot be served because of one of them.
    pub fn busy(&self) -> CommandError {
        self.first().map_or(BUSY_SCRIPT, |slow| slow.busy())
    }

    /// Ends all of a kind that have written nothing.
    pub fn kill(&self, kind: RunKind) -> Result<(), CommandError> {
        let scripts = self.lock();
        let mut refused = None;
        let mut killed = 0;
        for script in scripts.iter().filter(|script| script.kind == kind) {
            match script.kill() {
                Ok(()) => killed += 1,
                Err(error) => refused = Some(error),
            }
        }
        match (killed, refused, scripts.first()) {
            (1.., _, _) => Ok(()),
            (_, Some(error), _) => Err(error),
            (_, None, Some(other)) => Err(other.busy()),
            (_, None, None) => Err(CommandError::fixed("NOTBUSY No scripts in execution right now.")),
        }
    }

    /// Ends all of them, whatever they have written: the node goes down without saving.
    pub fn end_all(&self) {
        self.ends_all.store(true, Ordering::Release);
        self.lock().iter().for_each(|script| script.ends_anyway.store(true, Ordering::Release));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::NO_COMMAND;
    use crate::clock;
    use crate::executor::in_memory::{Client, node_with};

    fn script(kind: RunKind, wrote: bool, of_master: bool) -> Arc<SlowScript> {
        Arc::new(SlowScript {
            kind,
            name: "f".to_owned(),
            request: OwnedArgs::default(),
            began: clock::monotonic(),
            of_master,
            state: AtomicU8::new(if wrote { WROTE } else { RUNNING }),
            ends_anyway: AtomicBool::new(false),
            shards: Vec::new(),
        })
    }

    /// It cannot be told that the node is busy: what the master did would be missing here.
    #[test]
    fn the_master_s_stream_waits_for_a_script() {
        let node = node_with(&["--busy-reply-threshold", "1"], "");
        let mut master = Client::new(&node);
        master.session.is_master_link = true;
        let handle = master.session.handle.clone();
        std::thread::scope(|scope| {
            let script =
                scope.spawn(|| Client::new(&node).ask_words(&["EVAL", "while true do end", "1", "k"]));
            while node.scripting.slow.first().is_none() {
                std::thread::yield_now();
            }
            let write = scope.spawn(move || master.ask("SET k v"));
            while handle.last_command.load(Ordering::Relaxed) == NO_COMMAND {
                std::thread::yield_now();
            }
            assert_eq!(Client::new(&node).ask("GET k").split(' ').next(), Some("-BUSY"));
            assert_eq!(Client::new(&node).ask("SCRIPT KILL"), "+OK");
            assert!(script.join().unwrap().contains("Script killed by user"));
            assert_eq!(write.join().unwrap(), "+OK");
        });
    }

    fn code(result: Result<(), CommandError>) -> String {
        result.map_or_else(|error| error.code().to_owned(), |()| "OK".to_owned())
    }

    #[test]
    fn only_what_has_not_written_is_killed() {
        let scripts = SlowScripts::default();
        assert_eq!(code(scripts.kill(RunKind::Script)), "NOTBUSY");
        let (reading, writing) =
            (script(RunKind::Script, false, false), script(RunKind::Script, true, false));
        scripts.lock().push(writing.clone());
        assert_eq!(code(scripts.kill(RunKind::Script)), "UNKILLABLE");
        assert_eq!(code(scripts.kill(RunKind::Function)), "BUSY");
        scripts.lock().push(reading.clone());
        assert_eq!(code(scripts.kill(RunKind::Script)), "OK");
        assert!(reading.is_killed() && !reading.may_write());
        assert!(!writing.is_killed() && writing.may_write());
        scripts.end_all();
        assert!(writing.is_killed());
    }

    #[test]
    fn what_the_master_sent_is_not_killed() {
        let of_master = script(RunKind::Function, false, true);
        assert_eq!(code(of_master.kill()), "UNKILLABLE");
        assert!(of_master.may_write());
        assert_eq!(code(of_master.kill()), "UNKILLABLE");
    }
}
