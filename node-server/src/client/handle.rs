//! What other threads may know of a client: what CLIENT LIST shows, and its mailbox.
//!
//! The client's own thread writes here, with plain relaxed stores; readers get a picture that may be a
//! moment old.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rcl_proto::resp::Protocol;

use super::Mailbox;
use super::rooms::MOST_REPLY_BYTES;
use crate::access::User;
use crate::command::{self, CommandId};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    Normal,
    Master,
    Replica,
    PubSub,
}

impl ClientKind {
    /// As CLIENT LIST TYPE and CLIENT KILL TYPE say it.
    pub fn name(self) -> &'static str {
        match self {
            ClientKind::Normal => "normal",
            ClientKind::Master => "master",
            ClientKind::Replica => "replica",
            ClientKind::PubSub => "pubsub",
        }
    }
}

/// Flags of a client, with the letters of CLIENT LIST.
pub mod client_flag {
    pub const MULTI: u32 = 1 << 0;
    pub const DIRTY: u32 = 1 << 1;
    pub const BLOCKED: u32 = 1 << 2;
    pub const PUBSUB: u32 = 1 << 3;
    pub const READONLY: u32 = 1 << 4;
    pub const UNIX_SOCKET: u32 = 1 << 5;
    pub const NO_EVICT: u32 = 1 << 6;
    pub const NO_TOUCH: u32 = 1 << 7;
    pub const REPLICA: u32 = 1 << 8;
    pub const MASTER: u32 = 1 << 9;
    pub const CLOSE_AFTER_REPLY: u32 = 1 << 10;
    pub const CLOSE_ASAP: u32 = 1 << 11;
    pub const MONITOR: u32 = 1 << 16;
    pub const TRACKING: u32 = 1 << 12;
    pub const TRACKING_BROADCAST: u32 = 1 << 13;
    /// The client to whom it redirects is gone.
    pub const TRACKING_BROKEN_REDIRECT: u32 = 1 << 14;
    /// It is not told of its own changes.
    pub const TRACKING_NO_LOOP: u32 = 1 << 15;

    pub const LETTERS: [(u32, char); 16] = [
        (MONITOR, 'O'),
        (MASTER, 'M'),
        (REPLICA, 'S'),
        (PUBSUB, 'P'),
        (MULTI, 'x'),
        (BLOCKED, 'b'),
        (TRACKING, 't'),
        (TRACKING_BROKEN_REDIRECT, 'R'),
        (TRACKING_BROADCAST, 'B'),
        (DIRTY, 'd'),
        (CLOSE_AFTER_REPLY, 'c'),
        (CLOSE_ASAP, 'A'),
        (UNIX_SOCKET, 'U'),
        (READONLY, 'r'),
        (NO_EVICT, 'e'),
        (NO_TOUCH, 'T'),
    ];
}

/// For [`ClientHandle::waits_in_shard`]: the client waits on no key.
pub const NO_SHARD: usize = usize::MAX;

/// For [`ClientHandle::last_command`]: none yet, or one that there is not.
pub const NO_COMMAND: CommandId = CommandId::MAX;

/// Shared between a client's own thread and all others.
#[derive(Debug)]
pub struct ClientHandle {
    pub id: u64,
    pub mailbox: Arc<Mailbox>,
    /// `None` for a unix socket, whose path is in `local`.
    pub peer: Option<SocketAddr>,
    pub local: String,
    pub file_descriptor: i32,
    pub created_ms: i64,
    pub last_active_ms: AtomicI64,
    pub flags: AtomicU32,
    pub database: AtomicUsize,
    pub protocol: AtomicU32,
    pub channels: AtomicUsize,
    pub patterns: AtomicUsize,
    pub shard_channels: AtomicUsize,
    /// Queued commands, or -1 outside MULTI.
    pub queued: AtomicI64,
    /// What came and was not run yet: complete arguments of a request, and the rest.
    pub argument_bytes: AtomicUsize,
    pub input_bytes: AtomicUsize,
    pub input_capacity: AtomicUsize,
    /// The most that it held of requests since the cron looked last.
    pub(super) input_peak: AtomicUsize,
    /// How long the request will be that has not come whole yet; 0 when that is not known.
    pub(super) input_awaited: AtomicUsize,
    pub output_bytes: AtomicUsize,
    pub output_capacity: AtomicUsize,
    /// Room that is made for its replies before its requests run.
    pub reply_room: AtomicUsize,
    /// The most bytes of replies in one batch, since the time below.
    pub(super) reply_peak: AtomicUsize,
    pub(super) reply_peak_reset_ms: AtomicI64,
    /// Since when its output is over the soft limit, Unix time in milliseconds; 0 when it is not.
    pub over_soft_limit_since_ms: AtomicI64,
    pub multi_bytes: AtomicUsize,
    pub watched_bytes: AtomicUsize,
    /// The prefixes of CLIENT TRACKING … BCAST.
    pub prefix_bytes: AtomicUsize,
    /// Its part in the sum that `maxmemory-clients` limits.
    pub(super) counted_bytes: AtomicUsize,
    /// It waits, and its time will be up.
    pub has_deadline: AtomicBool,
    /// The command that it asked for last, or [`NO_COMMAND`].
    pub last_command: AtomicU16,
    pub texts: Mutex<ClientTexts>,
    /// The shard on whose keys the client waits, or [`NO_SHARD`].
    pub waits_in_shard: AtomicUsize,
    /// Who gets its invalidations: the number of another client, or 0 for itself.
    pub tracking_redirect: AtomicU64,
}

#[derive(Clone, Debug, Default)]
pub struct ClientTexts {
    pub name: String,
    /// Whom it acts as; there once it has a session.
    pub user: Option<Arc<User>>,
    pub library_name: String,
    pub library_version: String,
}

impl ClientHandle {
    pub fn new(
        id: u64,
        peer: Option<SocketAddr>,
        local: String,
        file_descriptor: i32,
        now_ms: i64,
    ) -> ClientHandle {
        ClientHandle {
            id,
            mailbox: Arc::default(),
            peer,
            local,
            file_descriptor,
            created_ms: now_ms,
            last_active_ms: AtomicI64::new(now_ms),
            flags: AtomicU32::new(if peer.is_none() { client_flag::UNIX_SOCKET } else { 0 }),
            database: AtomicUsize::new(0),
            protocol: AtomicU32::new(2),
            channels: AtomicUsize::new(0),
            patterns: AtomicUsize::new(0),
            shard_channels: AtomicUsize::new(0),
            queued: AtomicI64::new(-1),
            argument_bytes: AtomicUsize::new(0),
            input_bytes: AtomicUsize::new(0),
            input_capacity: AtomicUsize::new(0),
            input_peak: AtomicUsize::new(0),
            input_awaited: AtomicUsize::new(0),
            output_bytes: AtomicUsize::new(0),
            output_capacity: AtomicUsize::new(0),
            reply_room: AtomicUsize::new(MOST_REPLY_BYTES),
            reply_peak: AtomicUsize::new(MOST_REPLY_BYTES),
            reply_peak_reset_ms: AtomicI64::new(now_ms),
            over_soft_limit_since_ms: AtomicI64::new(0),
            multi_bytes: AtomicUsize::new(0),
            watched_bytes: AtomicUsize::new(0),
            prefix_bytes: AtomicUsize::new(0),
            counted_bytes: AtomicUsize::new(0),
            has_deadline: AtomicBool::new(false),
            last_command: AtomicU16::new(NO_COMMAND),
            texts: Mutex::default(),
            waits_in_shard: AtomicUsize::new(NO_SHARD),
            tracking_redirect: AtomicU64::new(0),
        }
    }

    /// `ip:port`, or the unix socket's path with `:0`.
    pub fn address(&self) -> String {
        match self.peer {
            Some(peer) if peer.is_ipv6() => format!("[{}]:{}", peer.ip(), peer.port()),
            Some(peer) => peer.to_string(),
            None => format!("{}:0", self.local),
        }
    }

    pub fn kind(&self) -> ClientKind {
        let flags = self.flags.load(Ordering::Relaxed);
        if flags & client_flag::MASTER != 0 {
            ClientKind::Master
        } else if flags & client_flag::REPLICA != 0 {
            ClientKind::Replica
        } else if flags & client_flag::PUBSUB != 0 {
            ClientKind::PubSub
        } else {
            ClientKind::Normal
        }
    }

    pub fn set_flag(&self, flag: u32, on: bool) {
        if on {
            self.flags.fetch_or(flag, Ordering::Relaxed);
        } else {
            self.flags.fetch_and(!flag, Ordering::Relaxed);
        }
    }

    pub fn has_flag(&self, flag: u32) -> bool {
        self.flags.load(Ordering::Relaxed) & flag != 0
    }

    /// An ordinary client that is in the middle of nothing.
    pub fn may_be_closed_when_idle(&self) -> bool {
        const BUSY: u32 =
            client_flag::PUBSUB | client_flag::REPLICA | client_flag::MASTER | client_flag::BLOCKED;
        !self.has_flag(BUSY)
    }

    pub fn speaks(&self) -> Protocol {
        match self.protocol.load(Ordering::Relaxed) {
            3 => Protocol::Resp3,
            _ => Protocol::Resp2,
        }
    }

    /// As CLIENT LIST and CLIENT GETREDIR say it: -1 when it tracks nothing.
    pub fn redirects_to(&self) -> i64 {
        if self.has_flag(client_flag::TRACKING) {
            self.tracking_redirect.load(Ordering::Relaxed) as i64
        } else {
            -1
        }
    }

    /// The client is on this machine.
    pub fn is_local(&self) -> bool {
        self.peer.is_none_or(|peer| peer.ip().to_canonical().is_loopback())
    }

    pub fn is_replica(&self) -> bool {
        self.has_flag(client_flag::REPLICA)
    }

    pub fn acts_as(&self, user: &Arc<User>) -> bool {
        self.texts().user.is_some_and(|own| Arc::ptr_eq(&own, user))
    }

    pub fn texts(&self) -> ClientTexts {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn with_texts<R>(&self, change: impl FnOnce(&mut ClientTexts) -> R) -> R {
        change(&mut self.texts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The client's line in CLIENT LIST, without its newline.
    pub fn line(&self, now_ms: i64) -> String {
        let get = |value: &AtomicUsize| value.load(Ordering::Relaxed);
        let flags = self.flags.load(Ordering::Relaxed);
        let mut letters: String = client_flag::LETTERS
            .iter()
            .filter(|(flag, _)| flags & flag != 0)
            .map(|(_, letter)| letter)
            .collect();
        if letters.is_empty() {
            letters.push('N');
        }
        let texts = self.texts();
        let seconds = |since: i64| (now_ms - since).max(0) / 1000;
        let input = get(&self.input_bytes);
        let arguments = get(&self.argument_bytes);
        let output = self.waiting_output();
        let multi = get(&self.multi_bytes);
        let total = self.memory_bytes();
        let last = self.last_command.load(Ordering::Relaxed);
        let last = command::by_id(last).map_or_else(|| "NULL".to_owned(), |known| known.full_name());
        let user = texts.user.map_or_else(|| "(superuser)".to_owned(), |user| user.shown_name());
        format!(
            "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={letters} db={} sub={} psub={} ssub={} \
             multi={} qbuf={input} qbuf-free={} argv-mem={arguments} multi-mem={multi} rbs={} rbp={} \
             obl=0 oll={} omem={output} tot-mem={total} events=r cmd={last} user={user} redir={} resp={} lib-name={} lib-ver={}",
            self.id,
            self.address(),
            self.local,
            self.file_descriptor,
            texts.name,
            seconds(self.created_ms),
            seconds(self.last_active_ms.load(Ordering::Relaxed)),
            get(&self.database),
            get(&self.channels),
            get(&self.patterns),
            get(&self.shard_channels),
            self.queued.load(Ordering::Relaxed),
            self.input_room(input + arguments, now_ms),
            get(&self.reply_room),
            get(&self.reply_peak),
            usize::from(output > 0),
            self.redirects_to(),
            self.protocol.load(Ordering::Relaxed),
            texts.library_name,
            texts.library_version,
        )
    }
}
