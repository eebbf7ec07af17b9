//! One run of a script: what its commands work with and what it did so far.
//!
//! While it runs, its thread knows it, and redis.call and its kin get at it there ([`with_current`]). What a script may
//! not survive (it was killed; it needs other locks) makes it *end*: the reason is noted, nothing can be caught any more,
//! and every further instruction is an error.

use std::cell::Cell;
use std::fmt;
use std::ptr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcl_proto::Slot;
use rcl_proto::resp::{Protocol, ReplyWriter};

use super::debugger::Mode;
use super::digest::{self, Digest};
use super::flags::ScriptFlags;
use super::glue::Called;
use super::slow::SlowScript;
use crate::clock;
use crate::command::{CommandError, Context, Park, replicated};
use crate::executor::{MASTER_DOWN, TOO_FEW_REPLICAS, node_state};

/// Whether it came by EVAL or FCALL: SCRIPT KILL ends the one, FUNCTION KILL the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunKind {
    Script,
    Function,
}

/// What runs.
#[derive(Clone, Copy, Debug)]
pub enum RunName<'r> {
    Script(&'r Digest),
    Function(&'r str),
}

impl RunName<'_> {
    pub fn kind(self) -> RunKind {
        match self {
            RunName::Script(_) => RunKind::Script,
            RunName::Function(_) => RunKind::Function,
        }
    }
}

impl fmt::Display for RunName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunName::Script(digest) => f.write_str(&digest::hex(digest)),
            RunName::Function(name) => f.write_str(name),
        }
    }
}

/// Why a script is ended in its midst.
#[derive(Debug)]
pub enum End {
    Killed,
    /// It touched what it had not declared: it is run again with all shards locked.
    NeedsAllShards,
    /// It has to wait (for the end of a pause, for a key that is on its way to another node), and is run again then.
    Waits(Park),
}

pub struct Run<'r, 'c> {
    pub context: &'r mut Context<'c>,
    pub name: RunName<'r>,
    pub request: rcl_proto::resp::Args<'r>,
    /// The version of the protocol in which its commands answer.
    pub protocol: Protocol,
    pub may_write: bool,
    pub allows_oom: bool,
    pub may_cross_slots: bool,
    /// The slot that it is bound to, in a cluster: of its declared keys, else of the first key that it touched.
    pub slot: Option<Slot>,
    /// It goes beyond the shards that it held when it began: the next time it holds all of them.
    pub needs_all_shards: bool,
    /// Memory was over `maxmemory` when it began.
    pub was_out_of_memory: bool,
    /// A command was called that may write.
    pub wrote: bool,
    pub replicated: u8,
    pub end: Option<End>,
    /// A debugger may look on.
    pub is_debugged: bool,
    /// How much was to be logged, and how long the client's output was, when it began.
    log_start: usize,
    pub(super) reply_start: usize,
    began: Instant,
    slow: Option<Arc<SlowScript>>,
}

impl<'r, 'c> Run<'r, 'c> {
    /// Checks whether a script with these flags may run here and now.
    pub fn prepare(
        context: &'r mut Context<'c>,
        name: RunName<'r>,
        request: rcl_proto::resp::Args<'r>,
        flags: ScriptFlags,
        read_only: bool,
    ) -> Result<Run<'r, 'c>, CommandError> {
        let was_out_of_memory = context.node.is_out_of_memory();
        check_state(context, flags, read_only, was_out_of_memory)?;
        let is_debugged = context.session.debugger != Mode::Off;
        let declared = !flags.has(ScriptFlags::UNDECLARED);
        Ok(Run {
            slot: context.declared_slot,
            log_start: context.log.len(),
            reply_start: context.reply.position(),
            context,
            name,
            request,
            protocol: Protocol::Resp2,
            may_write: !read_only && !flags.has(ScriptFlags::NO_WRITES),
            allows_oom: flags.has(ScriptFlags::ALLOW_OOM),
            may_cross_slots: !declared || flags.has(ScriptFlags::ALLOW_CROSS_SLOT),
            needs_all_shards: false,
            was_out_of_memory,
            wrote: false,
            replicated: replicated::ALL,
            end: None,
            is_debugged,
            began: clock::monotonic(),
            slow: None,
        })
    }

    /// Called from time to time while it runs: whether it is to end.
    pub fn look_around(&mut self) -> bool {
        if self.slow.is_none() {
            let threshold_ms = self.context.node.settings().busy_reply_threshold_ms;
            if threshold_ms <= 0 || self.began.elapsed() < Duration::from_millis(threshold_ms as u64) {
                return false;
            }
            let scripts = &self.context.node.scripting.slow;
            let request = self.request;
            self.slow = Some(scripts.begin(self.context, self.name, request, self.began, self.wrote));
        }
        let is_killed = self.slow.as_ref().is_some_and(|slow| slow.is_killed());
        if is_killed {
            self.end = Some(End::Killed);
        }
        is_killed
    }

    /// A script that has written goes on to another shard: it cannot be run again, but it can take what nobody else holds at
    /// this moment, out of order too, since it does not wait. False when that is not so.
    pub fn hold_one_more(&mut self, shard: usize) -> bool {
        // Others are told which shards a slow one holds.
        if !self.wrote || !self.context.may_park || self.slow.is_some() {
            return false;
        }
        self.needs_all_shards = true;
        self.context.data.try_hold_one_more(shard)
    }

    /// A command comes that may write; false when the script was killed before.
    pub fn begin_write(&mut self) -> bool {
        let may_write = self.wrote || self.slow.as_ref().is_none_or(|slow| slow.may_write());
        self.wrote |= may_write;
        may_write
    }

    /// What its last command wrote.
    pub fn replied(&self) -> Called {
        Called::Replied(self.context.reply.written_since(self.reply_start))
    }

    /// Takes the reply of its last command away.
    pub fn rewind_reply(&mut self) {
        self.context.reply.rewind(self.reply_start);
    }

    /// It is through. What it wrote before it was ended for good is logged nowhere.
    pub fn finish(&mut self, is_answered: bool) {
        if !is_answered {
            self.rewind_reply();
        }
        if matches!(self.end, Some(End::Killed)) {
            self.context.log.truncate(self.log_start);
        }
        if let Some(slow) = self.slow.take() {
            self.context.node.scripting.slow.end(self.context.node, &slow);
        }
    }
}

fn check_state(
    context: &Context<'_>,
    flags: ScriptFlags,
    read_only: bool,
    is_out_of_memory: bool,
) -> Result<(), CommandError> {
    let state = context.node.state();
    let obeys = context.session.is_master_link;
    let is = |bit| state & bit != 0 && !obeys;
    if flags.has(ScriptFlags::UNDECLARED) {
        return if is(node_state::STALE) { Err(MASTER_DOWN) } else { Ok(()) };
    }
    if flags.has(ScriptFlags::NO_CLUSTER) && context.node.is_cluster() {
        return Err(CommandError::fixed("ERR Can not run script on cluster, 'no-cluster' flag is set."));
    }
    if is(node_state::STALE) && !flags.has(ScriptFlags::ALLOW_STALE) {
        return Err(CommandError::fixed(
            "MASTERDOWN Link with MASTER is down, replica-serve-stale-data is set to 'no' and 'allow-stale' flag is not \
             set on the script.",
        ));
    }
    if !flags.has(ScriptFlags::NO_WRITES) {
        if is(node_state::READ_ONLY_REPLICA) {
            return Err(CommandError::fixed(
                "READONLY Can not run script with write flag on readonly replica",
            ));
        }
        if is(node_state::SAVE_FAILED) {
            return Err(CommandError::fixed(
                "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Writable \
                 scripts are blocked. Use 'no-writes' flag for read only scripts.",
            ));
        }
        if read_only {
            return Err(CommandError::fixed(
                "ERR Can not execute a script with write flag using *_ro command.",
            ));
        }
        if is(node_state::TOO_FEW_REPLICAS) {
            return Err(TOO_FEW_REPLICAS);
        }
    }
    let needs_memory = !flags.has(ScriptFlags::ALLOW_OOM.with(ScriptFlags::NO_WRITES));
    if needs_memory && is_out_of_memory && !obeys {
        return Err(CommandError::fixed(
            "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'",
        ));
    }
    Ok(())
}

thread_local! {
    static CURRENT: Cell<*mut Run<'static, 'static>> = const { Cell::new(ptr::null_mut()) };
}

/// Does `work`, which may get at the run by [`with_current`].
pub fn as_current<R>(run: &mut Run<'_, '_>, work: impl FnOnce() -> R) -> R {
    struct Reset(*mut Run<'static, 'static>);
    impl Drop for Reset {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    let _reset = Reset(CURRENT.replace(ptr::from_mut(run).cast()));
    work()
}

/// Shows the run of this thread's script to `look`; `None` when there is none (or it is being looked at).
pub fn with_current<R>(look: impl FnOnce(&mut Run<'_, '_>) -> R) -> Option<R> {
    struct PutBack(*mut Run<'static, 'static>);
    impl Drop for PutBack {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    let current = CURRENT.replace(ptr::null_mut());
    if current.is_null() {
        return None;
    }
    let _put_back = PutBack(current);
    // SAFETY: the pointer comes from the `&mut Run` of `as_current`, which has not returned: it takes the pointer away
    // when it does, and nobody else uses the run meanwhile. While `look` has it the pointer is not there for another
    // one. `look` takes any lifetimes, so it cannot keep what it sees.
    Some(look(unsafe { &mut *current }))
}

/// The script of this thread is through: where its reply goes, and the version of the protocol that it chose.
pub fn begin_answer() -> Option<(*mut ReplyWriter<'static>, Protocol)> {
    with_current(|run| {
        run.rewind_reply();
        (ptr::from_mut(&mut run.context.reply).cast(), run.protocol)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_a_script_there_is_no_run() {
        assert_eq!(with_current(|run| run.wrote), None);
    }
}
