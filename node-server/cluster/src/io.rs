//! What goes into a [`Member`](crate::Member) and what comes out of it.

use std::num::NonZeroU64;
use std::sync::Arc;

use rcl_proto::{NodeId, SlotSet};

use crate::command::{Command, Reply};
use crate::config::Config;
use crate::map::ClusterMap;

/// One TCP connection of the bus. The driver numbers the inbound ones (any number below
/// [`LinkId::FIRST_OUTBOUND`], never used twice), the core the outbound ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(NonZeroU64);

impl LinkId {
    /// Outbound links, which the core names in [`Output::Connect`], count up from here.
    pub const FIRST_OUTBOUND: u64 = 1 << 63;

    /// Kept one higher, so that no link takes no more room than one. The last number of all is none.
    pub const fn new(number: u64) -> LinkId {
        LinkId(NonZeroU64::MIN.saturating_add(number))
    }

    pub const fn number(self) -> u64 {
        self.0.get() - 1
    }

    pub const fn is_outbound(self) -> bool {
        self.number() >= LinkId::FIRST_OUTBOUND
    }
}

/// How a link ended, as far as it tells something about the process at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkEnd {
    /// It could not be opened: the peer's host refused the connection, so it is up and nobody listens there.
    Refused,
    /// It was open, and the peer's host closed it in order: its process did, or is gone.
    Lost,
    /// It was open, and a reset ended it: from the peer's host, or from a firewall.
    Reset,
    /// We closed it: more waited to be sent than is allowed. The process is there, and slow.
    Full,
    /// Anything else (no answer, no route): it may be the network, or us.
    Failed,
}

/// What happened outside.
#[derive(Clone, Debug)]
pub enum Input {
    /// Time passed: [`Member::next_deadline`](crate::Member::next_deadline) was reached.
    Tick,
    /// An outbound connection that [`Output::Connect`] asked for is up. `local_ip` is our end of it.
    LinkOpened { link: LinkId, local_ip: String },
    /// A link could not be opened, broke, or was closed by the peer or because its send buffer grew past the
    /// limit. Not sent for links that the core closed by [`Output::Close`].
    LinkClosed { link: LinkId, end: LinkEnd },
    /// A peer connected to our bus port. Both are bare IP addresses, ours being what the peer connected to.
    InboundAccepted { link: LinkId, peer_ip: String, local_ip: String },
    /// One whole packet, cut out of the stream by [`packet::frame_length`](crate::packet::frame_length).
    Packet { link: LinkId, bytes: Vec<u8> },
    /// Everything up to [`Output::Persist`] number `seq` is on the disk (written, renamed, synced).
    Persisted { seq: u64 },
    /// Every shard of the data plane acts by map `version` or a later one.
    Applied { version: u64 },
    /// Whether this node still reads its data from the disk. It starts with its data, unless this says otherwise right
    /// after.
    Loading(bool),
    /// How replication stands. Send it whenever the link to the master goes up or down, and otherwise as
    /// often as is cheap (at least every 100 ms while anything changes, and every millisecond while
    /// [`Member::is_catching_up`](crate::Member::is_catching_up)): elections and manual failovers read it.
    Replication(ReplicationFacts),
    /// The answer to [`Output::PauseWrites`]: no write is running or will start, and this is our final
    /// replication offset.
    WritesPaused { offset: u64 },
    /// A local CLUSTER command. Its answer is [`Output::CommandReply`] with the same token: at once, or,
    /// where the command changed something, when that is durable and applied.
    Command { token: u64, command: Box<Command> },
    /// PUBLISH or SPUBLISH was called here: spread it.
    Publish { channel: Vec<u8>, message: Vec<u8>, sharded: bool },
    /// CONFIG SET changed something.
    Configure(Config),
}

/// How replication stands on this node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplicationFacts {
    /// As a master: bytes written to the replication log. As a replica: bytes of it applied.
    pub offset: u64,
    /// As a replica: the link to the master is up and the initial sync done.
    pub master_link_up: bool,
    /// As a replica: when the last byte from the master came while the link is up, or when the link went down
    /// (Unix milliseconds). `None` before the first contact with the master that we follow now: what came from
    /// another says nothing of how much of this one's data we have.
    pub last_master_contact_ms: Option<u64>,
}

/// How much a log line matters; the driver maps it to its own levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    Debug,
    Notice,
    Warning,
}

/// What is to be done outside, in this order.
#[derive(Clone, Debug)]
pub enum Output {
    /// Open a TCP connection (with TLS when the bus has it) and report by [`Input::LinkOpened`] or
    /// [`Input::LinkClosed`]. The core gives it up by itself ([`Output::Close`]) when it takes too long.
    Connect { link: LinkId, ip: String, port: u16 },
    /// Queue these bytes on an open link, in or outbound. Never sent to a link that is not open.
    Send { link: LinkId, bytes: Arc<[u8]> },
    /// Close, after what was queued is flushed or dropped at the driver's choice. Nothing is reported back.
    Close { link: LinkId },
    /// Make `text` the content of nodes.conf, atomically and synced, then say [`Input::Persisted`]. A later
    /// one replaces an earlier one: the driver may skip to the newest and acknowledge only that, but it never
    /// lets an earlier one overwrite a later one. If it can't be written it must try again: in a big cluster
    /// there may be no other one before it is.
    Persist { seq: u64, text: String },
    /// Give this map to every shard, then say [`Input::Applied`]. A later one replaces an earlier one, which need
    /// not be acknowledged then.
    PublishMap(Arc<ClusterMap>),
    /// We are a replica of `node` from now on; its client endpoint is `ip:port`. Repeated when the address
    /// changes.
    ReplicateFrom { node: NodeId, ip: String, port: u16 },
    /// We are a master from now on (promoted, or reset): stop replicating and keep the data.
    StopReplicating,
    /// Refuse or park writes, at the latest until `until_ms`; stop expiry and eviction. When no write is
    /// running any more, answer by [`Input::WritesPaused`], once.
    PauseWrites { until_ms: u64 },
    /// The pause is over (the failover ended, or was given up).
    ResumeWrites,
    /// These slots went to another master by a newer claim: the keys that we have in them are to be deleted.
    DropSlots(Box<SlotSet>),
    /// Empty the whole keyspace: CLUSTER RESET of a replica that held data.
    FlushData,
    /// A message published on another node, for our subscribers.
    DeliverPublish { channel: Vec<u8>, message: Vec<u8>, sharded: bool },
    /// For the node's log. What an outsider can trigger is rate-limited already.
    Log { level: LogLevel, text: String },
    /// The answer to [`Input::Command`].
    CommandReply { token: u64, reply: Reply },
}
