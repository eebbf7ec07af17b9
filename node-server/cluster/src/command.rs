//! The CLUSTER commands that read or change the cluster's state, typed, and what they answer.
//!
//! Parsing of arguments (ranges, options, arity) and RESP rendering belong to the node's command table;
//! whatever depends on the cluster's state, with its error text as Redis words it, is decided here.

use rcl_proto::{NodeId, Slot, SlotRange, SlotSet};

/// A CLUSTER subcommand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// → [`Reply::Text`]
    Info,
    /// → [`Reply::Text`]
    Nodes,
    /// → [`Reply::Slots`]
    Slots,
    /// → [`Reply::Shards`]
    Shards,
    /// → [`Reply::Links`]
    Links,
    /// → [`Reply::Id`]
    MyId,
    /// → [`Reply::Id`]
    MyShardId,
    /// CLUSTER REPLICAS and SLAVES → [`Reply::Lines`]
    Replicas {
        node: Vec<u8>,
    },
    /// CLUSTER COUNT-FAILURE-REPORTS → [`Reply::Integer`]
    CountFailureReports {
        node: Vec<u8>,
    },
    /// CLUSTER MEET ip port [bus-port]; the ports already checked to be 1–65535. → [`Reply::Ok`]
    Meet {
        ip: String,
        port: u16,
        bus_port: Option<u16>,
    },
    Forget {
        node: Vec<u8>,
    },
    /// CLUSTER ADDSLOTS and ADDSLOTSRANGE, in the order given (a slot named twice is an error).
    AddSlots(Vec<SlotRange>),
    /// CLUSTER DELSLOTS and DELSLOTSRANGE.
    DelSlots(Vec<SlotRange>),
    /// `keyspace_empty`: our database holds no key.
    FlushSlots {
        keyspace_empty: bool,
    },
    SetSlot {
        slot: Slot,
        what: SetSlot,
        facts: SlotFacts,
        stage: SetSlotStage,
    },
    /// `keyspace_empty`: our database holds no key.
    Replicate {
        node: Vec<u8>,
        keyspace_empty: bool,
    },
    Failover(FailoverMode),
    /// `keyspace_empty`: our database holds no key.
    Reset {
        hard: bool,
        keyspace_empty: bool,
    },
    BumpEpoch,
    SetConfigEpoch(u64),
    SaveConfig,
    /// Answered when every shard acts by all that was decided and configured before.
    AwaitMap,
    /// DEBUG CLUSTERLINK KILL
    KillLinks {
        node: Vec<u8>,
        direction: LinkDirection,
    },
    /// DEBUG DROP-CLUSTER-PACKET-FILTER: packets of this number on the wire are dropped.
    DropPackets(i64),
    /// DEBUG CLOSE-CLUSTER-LINK-ON-PACKET-DROP
    CloseLinkOnDrop(bool),
    /// Which slots hold keys, at start and after loading: slots that hold keys and have no owner are taken,
    /// those that another node owns are marked as importing (what Redis does when it loads a data set).
    AdoptSlotsWithKeys(Box<SlotSet>),
}

/// CLUSTER SETSLOT's forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetSlot {
    Migrating(Vec<u8>),
    Importing(Vec<u8>),
    Stable,
    Node(Vec<u8>),
}

/// How far a SETSLOT goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SetSlotStage {
    /// Its preconditions are looked at, nothing more: it goes to the replicas first.
    Check,
    #[default]
    Run,
    /// Our master sent it down the replication stream.
    FromMaster,
}

/// What the data plane says of the slot that a command is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotFacts {
    pub holds_keys: bool,
}

/// CLUSTER FAILOVER's forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailoverMode {
    /// The master pauses its writes and we take over at its last offset: nothing is lost.
    Graceful,
    /// Without the master's consent, by election.
    Force,
    /// Without the master's and the other masters' consent.
    Takeover,
}

/// Which of a pair's two links, seen from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkDirection {
    To,
    From,
    All,
}

/// A command's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Ok,
    Integer(u64),
    /// A simple string: `BUMPED 5`.
    Status(String),
    /// A bulk string (with RESP3 a verbatim one for INFO and NODES).
    Text(String),
    /// An array of bulk strings.
    Lines(Vec<String>),
    Id(NodeId),
    Slots(Vec<SlotsEntry>),
    Shards(Vec<ShardView>),
    Links(Vec<LinkView>),
    /// An error, with its code and without the leading dash: `ERR Slot 5 is already busy`.
    Error(String),
}

/// One range of CLUSTER SLOTS: its owner first, then the owner's replicas that have not failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotsEntry {
    pub range: SlotRange,
    pub nodes: Vec<NodeView>,
}

/// A node in CLUSTER SLOTS and SHARDS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeView {
    pub id: NodeId,
    pub is_myself: bool,
    /// Empty when unknown.
    pub ip: String,
    pub hostname: String,
    /// Its availability zone; empty when it says none.
    pub zone: String,
    pub port: u16,
    pub second_port: u16,
    pub is_master: bool,
    pub replication_offset: u64,
    /// `online`, `fail` or `loading`.
    pub health: &'static str,
}

/// A master with its replicas in CLUSTER SHARDS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardView {
    pub slots: SlotSet,
    pub nodes: Vec<NodeView>,
}

/// A link in CLUSTER LINKS. The driver knows the buffers: it adds them by `link`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkView {
    pub link: crate::LinkId,
    pub outbound: bool,
    pub node: NodeId,
    pub created_ms: u64,
}
