//! What a command causes besides its reply. A handler leaves these values in its context; the executor acts
//! on them while the shard is still locked.

use rcl_proto::resp::OwnedArgs;

use crate::control::ControlMessage;

/// Who gets what a command does; the bits of redis.set_repl.
pub mod replicated {
    pub const NONE: u8 = 0;
    pub const FILE: u8 = 1;
    pub const REPLICAS: u8 = 2;
    pub const ALL: u8 = FILE | REPLICAS;
}

/// A command for the log.
#[derive(Debug)]
pub struct Logged {
    pub database: usize,
    pub command: OwnedArgs,
    /// Who gets it.
    pub replicated: u8,
}

/// What commands left to be done when they end. It is empty between any two of them, and used by one after the other for the
/// room that it has.
#[derive(Default)]
pub struct Leftovers {
    pub log: Vec<Logged>,
    pub publications: Vec<ControlMessage>,
    pub new_keys: Vec<(usize, Box<[u8]>)>,
}

/// How a write goes into the replication log.
#[derive(Debug, Default)]
pub enum Propagation {
    /// As the client sent it, if anything changed.
    #[default]
    AsReceived,
    /// These commands in its place: its effect, made deterministic.
    Instead(Vec<OwnedArgs>),
    Nothing,
}

/// Filled in by handlers.
#[derive(Debug, Default)]
pub struct Effects {
    /// How many changes were made to the data set; none means there is nothing to propagate.
    pub changes: u64,
    pub propagation: Propagation,
    /// It is propagated although it changed nothing.
    pub always: bool,
    /// Commands that go before it, with their databases: the deletion of keys found expired, also where a command looks into
    /// another database.
    pub before: Vec<(usize, OwnedArgs)>,
}

impl Effects {
    /// The command changed nothing, and says nothing of what is to be propagated.
    #[inline]
    pub fn is_nothing(&self) -> bool {
        self.changes == 0 && !self.always && self.is_plain()
    }

    /// All that would be propagated is the command as it came.
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.before.is_empty() && matches!(self.propagation, Propagation::AsReceived)
    }

    /// The command's effect is this command instead of what the client sent.
    pub fn propagate_instead(&mut self, command: OwnedArgs) {
        match &mut self.propagation {
            Propagation::Instead(commands) => commands.push(command),
            other => *other = Propagation::Instead(vec![command]),
        }
    }

    pub fn propagate_nothing(&mut self) {
        self.propagation = Propagation::Nothing;
    }
}
