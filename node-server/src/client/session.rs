//! What a client has said about itself and what it is in the middle of. Only its own thread touches it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rcl_proto::Slot;
use rcl_proto::resp::{OwnedArgs, Protocol};

use super::{ClientHandle, WakeHandle, client_flag};
use crate::access::User;
use crate::command::Known;
use crate::command::spec::Flags;
use crate::pubsub::Subscriptions;
use crate::scripting::debugger::Mode;
use crate::tracking::TrackingMode;

/// One for each connection (and one for the replication stream that a replica applies).
#[derive(Debug)]
pub struct Session {
    pub handle: Arc<ClientHandle>,
    /// Whom it acts as; always there, so that the gate asks one question only.
    pub user: Arc<User>,
    pub authenticated: bool,
    pub database: usize,
    pub protocol: Protocol,
    pub reply_mode: ReplyMode,
    pub transaction: Option<Transaction>,
    pub watched: Vec<WatchedKey>,
    /// Set from other threads when a watched key changes.
    pub watch_broken: Arc<AtomicBool>,
    pub subscriptions: Subscriptions,
    /// CLIENT TRACKING is on.
    pub tracking: Option<Box<TrackingMode>>,
    /// MONITOR was said: it is shown what all clients do.
    pub monitors: bool,
    /// ASKING holds for the next command only.
    pub asking: bool,
    /// READONLY was said: a replica may answer reads of its master's slots.
    pub readonly: bool,
    /// SCRIPT DEBUG: its next EVAL is debugged.
    pub debugger: Mode,
    /// Its commands are the replication stream of this node's master.
    pub is_master_link: bool,
    /// What it is sent at once may be so many bytes: more, and it is closed without an answer.
    pub output_limit: usize,
    /// Where the replication log ended after its last write: what WAIT waits for.
    pub last_write: u64,
    /// What a replica told with REPLCONF, and where it is.
    pub replica: Option<Box<crate::replication::ReplicaSession>>,
    /// Replicas that its transaction kills: when all that it does is logged, so that they come back to a log that has it.
    pub kills: Vec<Arc<ClientHandle>>,
    /// The number of its last wait; see [`WakeHandle`].
    wait: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplyMode {
    #[default]
    On,
    Off,
    /// The next command's reply is left out, then `On` again. First the command that said so passes.
    SkipNext,
    Skip,
}

/// What MULTI opened.
#[derive(Debug, Default)]
pub struct Transaction {
    pub commands: Vec<Queued>,
    /// A command could not be queued, so EXEC will refuse.
    pub broken: bool,
    /// The slot of the keys queued so far.
    pub slot: Option<Slot>,
    /// They lie in several slots, which only a master's may: what a script did there.
    pub cross_slot: bool,
    pub bytes: usize,
}

/// A command of a transaction, waiting for EXEC.
#[derive(Debug)]
pub struct Queued {
    pub command: Known,
    /// What the executor takes for the command's flags.
    pub flags: Flags,
    /// Of its keys.
    pub slot: Option<Slot>,
    pub args: OwnedArgs,
}

#[derive(Clone, Debug)]
pub struct WatchedKey {
    pub database: usize,
    pub key: Box<[u8]>,
    pub slot: Slot,
}

impl Session {
    pub fn new(handle: Arc<ClientHandle>, user: Arc<User>, authenticated: bool) -> Session {
        handle.with_texts(|texts| texts.user = Some(user.clone()));
        Session {
            handle,
            user,
            authenticated,
            database: 0,
            protocol: Protocol::Resp2,
            reply_mode: ReplyMode::On,
            transaction: None,
            watched: Vec::new(),
            watch_broken: Arc::default(),
            subscriptions: Subscriptions::default(),
            tracking: None,
            monitors: false,
            asking: false,
            readonly: false,
            debugger: Mode::Off,
            is_master_link: false,
            output_limit: usize::MAX,
            last_write: 0,
            replica: None,
            kills: Vec::new(),
            wait: 0,
        }
    }

    pub fn id(&self) -> u64 {
        self.handle.id
    }

    /// Something may be posted to it that it did not ask for just now.
    pub fn gets_messages(&self) -> bool {
        self.tracking.is_some() || self.monitors || !self.subscriptions.is_empty()
    }

    /// RESP2 has no push messages, so a subscriber may say only a few things there.
    pub fn in_resp2_pubsub(&self) -> bool {
        self.protocol == Protocol::Resp2 && !self.subscriptions.is_empty()
    }

    /// What CLIENT LIST shows of its subscriptions, brought up to date.
    pub fn show_subscriptions(&self) {
        let handle = &self.handle;
        handle.channels.store(self.subscriptions.channels.len(), Ordering::Relaxed);
        handle.patterns.store(self.subscriptions.patterns.len(), Ordering::Relaxed);
        handle.shard_channels.store(self.subscriptions.shard_channels.len(), Ordering::Relaxed);
        handle.set_flag(client_flag::PUBSUB, !self.subscriptions.is_empty());
    }

    /// A session that is nobody's: what a connection keeps when its client was handed over.
    pub fn nobody() -> Session {
        let handle = ClientHandle::new(0, None, String::new(), -1, 0);
        Session::new(Arc::new(handle), User::superuser(), false)
    }

    /// A handle that ends the wait which the client is about to begin.
    pub fn begin_wait(&mut self) -> WakeHandle {
        self.wait += 1;
        WakeHandle::new(self.handle.mailbox.clone(), self.wait)
    }

    pub fn current_wait(&self) -> u64 {
        self.wait
    }

    pub fn set_database(&mut self, database: usize) {
        self.database = database;
        self.handle.database.store(database, Ordering::Relaxed);
    }

    pub fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
        let number = if protocol == Protocol::Resp3 { 3 } else { 2 };
        self.handle.protocol.store(number, Ordering::Relaxed);
    }

    pub fn set_user(&mut self, user: Arc<User>) {
        self.handle.with_texts(|texts| texts.user = Some(user.clone()));
        self.user = user;
        self.authenticated = true;
    }

    pub fn in_transaction(&self) -> bool {
        self.transaction.is_some()
    }

    /// What CLIENT LIST shows of its state, brought up to date.
    pub fn show_state(&self) {
        let handle = &self.handle;
        let queued = self.transaction.as_ref().map_or(-1, |transaction| transaction.commands.len() as i64);
        handle.queued.store(queued, Ordering::Relaxed);
        let bytes = self.transaction.as_ref().map_or(0, |transaction| transaction.bytes);
        handle.multi_bytes.store(bytes, Ordering::Relaxed);
        if self.watched.is_empty() {
            handle.watched_bytes.store(0, Ordering::Relaxed);
        }
        handle.set_flag(client_flag::MULTI, self.in_transaction());
        handle.set_flag(client_flag::READONLY, self.readonly);
    }
}
