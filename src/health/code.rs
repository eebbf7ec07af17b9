//! The words for what can be found, stable for scripts. The doc comment of each is what `rcl check --help` says of it.

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// Slots that nobody owns
    UncoveredSlots,
    /// A master that does not answer, and no replica of its that does
    LostShard,
    /// A master that does not answer, and a replica that could take over
    MasterSilent,
    /// Slots that two masters take for theirs
    TwoOwners,
    /// A move of slots that stopped on its way
    UnfinishedMove,
    /// Slots marked in a way that no single move explains
    OpenSlot,
    /// Keys on a node that does not own their slot: no client can see them
    OrphanKeys,
    /// A node says that the cluster is not ok
    StateDown,
    /// A node without slots that does not answer
    NodeSilent,
    /// A dead node that some have forgotten and others have not
    GhostNode,
    /// Nodes differ on who owns a slot
    ViewsDifferOwner,
    /// A node does not know another
    ViewsDifferUnknown,
    /// Nodes differ on who is a master
    ViewsDifferRole,
    /// A node cannot reach the bus port of another
    LinkDown,
    /// A node has been introduced and does not come
    StuckHandshake,
    /// Two masters have the same configuration epoch
    EpochCollision,
    /// A master without a replica that answers
    NoReplica,
    /// A replica on its master's host, though there are other hosts
    ReplicaBesideMaster,
    /// A replica in its master's zone, though there are other zones
    ReplicaInMasterZone,
    /// A replica that does not follow its master
    ReplicaLinkDown,
    /// A replica further behind than its master's backlog reaches
    ReplicaLag,
    /// A replica of a node that is no master
    ChainedReplica,
    /// Servers of different versions
    VersionSkew,
    /// An announced address where no client gets through, or another node answers
    AnnouncedAddress,
    /// A bus port that cannot be reached from here
    BusPortBlocked,
    /// Whoever reaches a bus port can join the cluster
    BusUnauthenticated,
    /// Whoever reaches a node may do everything
    NoPassword,
    /// A replica could not log in at a master after a failover
    MasterauthMissing,
    /// Commands that rcl needs, and that a node does not know or let us use
    CommandMissing,
    /// A node does not let us see its settings
    SettingsHidden,
    /// A node may take all memory of its machine
    NoMaxmemory,
    /// A node is nearly at its memory limit
    MemoryNearlyFull,
    /// All nodes of a shard keep nothing on disk
    NoPersistence,
    /// A node could not write to its disk
    PersistenceFailed,
    /// Writes of a short break do not fit in the replication backlog
    BacklogSmall,
    /// Replicas that are fed less than a backlog behind are cut off
    ReplicaBufferSmall,
    /// A master that is cut off takes writes that are lost later
    MinReplicas,
    /// One uncovered slot stops the whole cluster
    FullCoverage,
    /// A node timeout that is too short or too long
    NodeTimeout,
    /// A replication timeout that a quiet master exceeds
    ReplTimeout,
    /// Connections of clients that went away stay for ever
    Keepalive,
    /// Settings that ought to be the same everywhere and are not
    SettingsDiffer,
    /// A node takes long to answer
    SlowAnswers,
}
