//! The facts of a command, as one literal beside its handler.
//!
//! From this alone come arity checks, routing, ACL, COMMAND, COMMAND DOCS, COMMAND GETKEYS and the table in
//! the docs. A literal names what differs and takes the rest from [`COMMAND`]:
//!
//! ```ignore
//! pub const GET: CommandSpec = CommandSpec {
//!     name: "get",
//!     arity: 2,
//!     flags: flag::READONLY | flag::FAST,
//!     categories: category::STRING,
//!     keys: &[KeySpec::first(key_flag::RO | key_flag::ACCESS)],
//!     since: "1.0.0",
//!     group: Group::String,
//!     complexity: "O(1)",
//!     summary: "Returns the string at a key.",
//!     arguments: &[Argument { name: "key", kind: Kind::Key, key_spec: Some(0), ..ARGUMENT }],
//!     handler: Handler::Run(get),
//!     ..COMMAND
//! };
//! ```

use rcl_proto::resp::Args;

use super::{CommandResult, Context};

#[derive(Debug)]
pub struct CommandSpec {
    /// Lower case. A subcommand has its own part only (`list` of `client|list`).
    pub name: &'static str,
    /// How many arguments, the name included (for a subcommand, both words); `-n` means at least `n`.
    pub arity: i32,
    pub flags: Flags,
    /// The ACL categories that do not follow from the flags.
    pub categories: Categories,
    pub keys: &'static [KeySpec],
    pub channels: Channels,
    /// Finds the keys where the specs alone would find too much.
    pub own_keys: Option<fn(Args<'_>) -> Vec<super::KeyPosition>>,
    /// Which arguments nobody else may see.
    pub secrets: Option<fn(Args<'_>) -> Vec<usize>>,
    pub since: &'static str,
    pub group: Group,
    pub complexity: &'static str,
    pub summary: &'static str,
    pub arguments: &'static [Argument],
    pub tips: &'static [&'static str],
    /// The version since which something else is recommended, and what.
    pub deprecated: Option<(&'static str, &'static str)>,
    pub locks: Locks,
    pub handler: Handler,
    pub subcommands: &'static [CommandSpec],
}

/// What a literal takes the rest from.
pub const COMMAND: CommandSpec = CommandSpec {
    name: "",
    arity: 1,
    flags: 0,
    categories: 0,
    keys: &[],
    channels: Channels::None,
    own_keys: None,
    secrets: None,
    since: "1.0.0",
    group: Group::Generic,
    complexity: "",
    summary: "",
    arguments: &[],
    tips: &[],
    deprecated: None,
    locks: Locks::Keys,
    handler: Handler::Container,
    subcommands: &[],
};

pub enum Handler {
    Run(for<'a> fn(&mut Context<'_>, Args<'a>) -> CommandResult),
    /// A command that is only the first word of its subcommands.
    Container,
}

impl std::fmt::Debug for Handler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Handler::Run(_) => "Run",
            Handler::Container => "Container",
        })
    }
}

/// Which arguments are channels that a user must be allowed to publish or listen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channels {
    None,
    First,
    All,
    /// All of them are patterns of channels.
    AllPatterns,
}

/// Which shards a command's handler finds locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locks {
    /// The shard of its keys; none when it has no keys.
    Keys,
    /// None held; the handler visits the shards one by one (`Context::each_shard`).
    EachShard,
    /// All of them, while the handler acts and its effect is logged.
    AllShards,
    /// All of them, and before them the node's role: REPLICAOF, which a cluster refuses.
    Role,
    /// The shard of its declared keys, or all of them: EVAL, FCALL.
    Script,
    /// What the queued commands need, and the shards of the watched keys: EXEC.
    Transaction,
}

pub type Flags = u32;

pub mod flag {
    use super::Flags;

    pub const WRITE: Flags = 1 << 0;
    pub const READONLY: Flags = 1 << 1;
    /// Refused while memory is over `maxmemory`.
    pub const DENYOOM: Flags = 1 << 2;
    pub const ADMIN: Flags = 1 << 3;
    pub const PUBSUB: Flags = 1 << 4;
    pub const NOSCRIPT: Flags = 1 << 5;
    pub const BLOCKING: Flags = 1 << 6;
    /// Allowed while a dataset is loading.
    pub const LOADING: Flags = 1 << 7;
    /// Allowed on a replica that lost its master.
    pub const STALE: Flags = 1 << 8;
    pub const SKIP_MONITOR: Flags = 1 << 9;
    pub const SKIP_SLOWLOG: Flags = 1 << 10;
    /// Acts as if ASKING came before it.
    pub const ASKING: Flags = 1 << 11;
    pub const FAST: Flags = 1 << 12;
    /// Allowed before authentication.
    pub const NO_AUTH: Flags = 1 << 13;
    /// May put things into the replication stream although it writes no key.
    pub const MAY_REPLICATE: Flags = 1 << 14;
    pub const NO_MANDATORY_KEYS: Flags = 1 << 15;
    pub const PROTECTED: Flags = 1 << 16;
    pub const NO_ASYNC_LOADING: Flags = 1 << 17;
    /// Not allowed inside MULTI.
    pub const NO_MULTI: Flags = 1 << 18;
    pub const ALLOW_BUSY: Flags = 1 << 19;
    /// `COMMAND INFO` says that its keys are not where the first, last and step say.
    pub const MOVABLE_KEYS: Flags = 1 << 20;

    /// With the names that COMMAND INFO shows, in its order.
    pub const NAMES: [(Flags, &str); 21] = [
        (WRITE, "write"),
        (READONLY, "readonly"),
        (DENYOOM, "denyoom"),
        (ADMIN, "admin"),
        (PUBSUB, "pubsub"),
        (NOSCRIPT, "noscript"),
        (BLOCKING, "blocking"),
        (LOADING, "loading"),
        (STALE, "stale"),
        (SKIP_MONITOR, "skip_monitor"),
        (SKIP_SLOWLOG, "skip_slowlog"),
        (ASKING, "asking"),
        (FAST, "fast"),
        (NO_AUTH, "no_auth"),
        (MAY_REPLICATE, "may_replicate"),
        (NO_MANDATORY_KEYS, "no_mandatory_keys"),
        (PROTECTED, "protected"),
        (NO_ASYNC_LOADING, "no_async_loading"),
        (NO_MULTI, "no_multi"),
        (ALLOW_BUSY, "allow_busy"),
        (MOVABLE_KEYS, "movablekeys"),
    ];
}

pub type Categories = u32;

pub mod category {
    use super::{Categories, CommandSpec, flag};

    pub const KEYSPACE: Categories = 1 << 0;
    pub const READ: Categories = 1 << 1;
    pub const WRITE: Categories = 1 << 2;
    pub const SET: Categories = 1 << 3;
    pub const SORTEDSET: Categories = 1 << 4;
    pub const LIST: Categories = 1 << 5;
    pub const HASH: Categories = 1 << 6;
    pub const STRING: Categories = 1 << 7;
    pub const BITMAP: Categories = 1 << 8;
    pub const HYPERLOGLOG: Categories = 1 << 9;
    pub const GEO: Categories = 1 << 10;
    pub const STREAM: Categories = 1 << 11;
    pub const PUBSUB: Categories = 1 << 12;
    pub const ADMIN: Categories = 1 << 13;
    pub const FAST: Categories = 1 << 14;
    pub const SLOW: Categories = 1 << 15;
    pub const BLOCKING: Categories = 1 << 16;
    pub const DANGEROUS: Categories = 1 << 17;
    pub const CONNECTION: Categories = 1 << 18;
    pub const TRANSACTION: Categories = 1 << 19;
    pub const SCRIPTING: Categories = 1 << 20;

    pub const NAMES: [(Categories, &str); 21] = [
        (KEYSPACE, "keyspace"),
        (READ, "read"),
        (WRITE, "write"),
        (SET, "set"),
        (SORTEDSET, "sortedset"),
        (LIST, "list"),
        (HASH, "hash"),
        (STRING, "string"),
        (BITMAP, "bitmap"),
        (HYPERLOGLOG, "hyperloglog"),
        (GEO, "geo"),
        (STREAM, "stream"),
        (PUBSUB, "pubsub"),
        (ADMIN, "admin"),
        (FAST, "fast"),
        (SLOW, "slow"),
        (BLOCKING, "blocking"),
        (DANGEROUS, "dangerous"),
        (CONNECTION, "connection"),
        (TRANSACTION, "transaction"),
        (SCRIPTING, "scripting"),
    ];

    /// The category of this name, whatever its case.
    pub fn by_name(name: &[u8]) -> Option<Categories> {
        let mut names = NAMES.iter();
        names.find(|(_, known)| name.eq_ignore_ascii_case(known.as_bytes())).map(|(bit, _)| *bit)
    }

    /// All categories of a command: those it names, and those that follow from its flags.
    pub fn of(spec: &CommandSpec) -> Categories {
        let mut all = spec.categories;
        let has = |flags| spec.flags & flags != 0;
        if has(flag::WRITE) {
            all |= WRITE;
        }
        if has(flag::READONLY) && all & SCRIPTING == 0 {
            all |= READ;
        }
        if has(flag::ADMIN) {
            all |= ADMIN | DANGEROUS;
        }
        if has(flag::PUBSUB) {
            all |= PUBSUB;
        }
        if has(flag::BLOCKING) {
            all |= BLOCKING;
        }
        all | if has(flag::FAST) { FAST } else { SLOW }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Generic,
    String,
    List,
    Set,
    SortedSet,
    Hash,
    PubSub,
    Transactions,
    Connection,
    Server,
    Scripting,
    HyperLogLog,
    Cluster,
    Geo,
    Stream,
    Bitmap,
}

impl Group {
    /// As COMMAND DOCS says it.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Generic => "generic",
            Group::String => "string",
            Group::List => "list",
            Group::Set => "set",
            Group::SortedSet => "sorted-set",
            Group::Hash => "hash",
            Group::PubSub => "pubsub",
            Group::Transactions => "transactions",
            Group::Connection => "connection",
            Group::Server => "server",
            Group::Scripting => "scripting",
            Group::HyperLogLog => "hyperloglog",
            Group::Cluster => "cluster",
            Group::Geo => "geo",
            Group::Stream => "stream",
            Group::Bitmap => "bitmap",
        }
    }
}

/// Where some of a command's keys are, and what is done with them.
#[derive(Clone, Copy, Debug)]
pub struct KeySpec {
    pub begin: Begin,
    pub find: Find,
    pub flags: KeyFlags,
    pub notes: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub enum Begin {
    /// At this argument.
    Index(i32),
    /// After this word, which is looked for from that argument on (from the end when negative).
    Keyword {
        word: &'static str,
        from: i32,
    },
    Unknown,
}

#[derive(Clone, Copy, Debug)]
pub enum Find {
    /// From the beginning to `last` after it (from the end of the arguments when negative, and then only
    /// the `1/limit`th part of them), every `step`th.
    Range {
        last: i32,
        step: i32,
        limit: i32,
    },
    /// The number of keys stands `number` after the beginning, the first key `first` after it.
    KeyNumber {
        number: i32,
        first: i32,
        step: i32,
    },
    Unknown,
}

impl KeySpec {
    /// One key, at argument `position`.
    pub const fn at(position: i32, flags: KeyFlags) -> KeySpec {
        KeySpec::range(position, 0, 1, flags)
    }

    /// One key, the first argument.
    pub const fn first(flags: KeyFlags) -> KeySpec {
        KeySpec::at(1, flags)
    }

    /// From `position` to `last` after it (`-1`: to the end), every `step`th.
    pub const fn range(position: i32, last: i32, step: i32, flags: KeyFlags) -> KeySpec {
        KeySpec {
            begin: Begin::Index(position),
            find: Find::Range { last, step, limit: 0 },
            flags,
            notes: "",
        }
    }

    /// The number of keys at argument `position`, and the keys right after it.
    pub const fn counted(position: i32, flags: KeyFlags) -> KeySpec {
        let find = Find::KeyNumber { number: 0, first: 1, step: 1 };
        KeySpec { begin: Begin::Index(position), find, flags, notes: "" }
    }
}

impl KeySpec {
    /// It tells where a sharded channel is, not a key.
    pub fn is_channel(&self) -> bool {
        self.flags & key_flag::NOT_KEY != 0
    }
}

pub type KeyFlags = u32;

pub mod key_flag {
    use super::KeyFlags;

    pub const RO: KeyFlags = 1 << 0;
    pub const RW: KeyFlags = 1 << 1;
    pub const OW: KeyFlags = 1 << 2;
    pub const RM: KeyFlags = 1 << 3;
    pub const ACCESS: KeyFlags = 1 << 4;
    pub const UPDATE: KeyFlags = 1 << 5;
    pub const INSERT: KeyFlags = 1 << 6;
    pub const DELETE: KeyFlags = 1 << 7;
    /// Not a key of the keyspace, but routed like one (a sharded channel).
    pub const NOT_KEY: KeyFlags = 1 << 8;
    pub const INCOMPLETE: KeyFlags = 1 << 9;
    pub const VARIABLE_FLAGS: KeyFlags = 1 << 10;

    /// With the names that COMMAND INFO shows, in its order.
    pub const NAMES: [(KeyFlags, &str); 11] = [
        (RO, "RO"),
        (RW, "RW"),
        (OW, "OW"),
        (RM, "RM"),
        (ACCESS, "access"),
        (UPDATE, "update"),
        (INSERT, "insert"),
        (DELETE, "delete"),
        (NOT_KEY, "not_key"),
        (INCOMPLETE, "incomplete"),
        (VARIABLE_FLAGS, "variable_flags"),
    ];
}

/// One argument, as COMMAND DOCS describes it.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    pub name: &'static str,
    /// What is shown to people, where it is not the name.
    pub display: &'static str,
    pub kind: Kind,
    /// The word that comes before it, or that it is.
    pub token: &'static str,
    /// Which of the command's key specs it belongs to.
    pub key_spec: Option<usize>,
    pub since: &'static str,
    pub optional: bool,
    pub multiple: bool,
    /// Repeated with its token.
    pub multiple_token: bool,
    pub arguments: &'static [Argument],
}

/// What an argument's literal takes the rest from.
pub const ARGUMENT: Argument = Argument {
    name: "",
    display: "",
    kind: Kind::String,
    token: "",
    key_spec: None,
    since: "",
    optional: false,
    multiple: false,
    multiple_token: false,
    arguments: &[],
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    String,
    Integer,
    Double,
    Key,
    Pattern,
    UnixTime,
    PureToken,
    OneOf,
    Block,
}

impl Kind {
    /// As COMMAND DOCS says it.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::Integer => "integer",
            Kind::Double => "double",
            Kind::Key => "key",
            Kind::Pattern => "pattern",
            Kind::UnixTime => "unix-time",
            Kind::PureToken => "pure-token",
            Kind::OneOf => "oneof",
            Kind::Block => "block",
        }
    }
}

impl CommandSpec {
    pub fn is_write(&self) -> bool {
        self.flags & flag::WRITE != 0
    }

    pub fn has(&self, flags: Flags) -> bool {
        self.flags & flags != 0
    }

    /// True when this many arguments (the name included) fit.
    pub fn accepts(&self, count: usize) -> bool {
        let count = count as i64;
        let arity = i64::from(self.arity);
        if arity >= 0 { count == arity } else { count >= -arity }
    }

    /// Which of so many arguments names the member (or field) of a collection that a quick command is about. For who asks the
    /// cache for it, it is no harm if that is something else.
    pub fn likely_member(&self, count: usize) -> Option<usize> {
        if count < 3 || !self.has(flag::FAST) {
            return None;
        }
        match self.group {
            Group::Hash | Group::Set => Some(2),
            Group::SortedSet => Some(count - 1),
            _ => None,
        }
    }
}
