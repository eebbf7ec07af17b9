//! The arguments that many commands have, as COMMAND DOCS describes them.

use super::spec::{ARGUMENT, Argument, Kind};

pub const KEY: Argument = Argument { name: "key", kind: Kind::Key, key_spec: Some(0), ..ARGUMENT };
pub const KEYS: Argument = Argument { multiple: true, ..KEY };
pub const NUMKEYS: Argument = Argument { name: "numkeys", kind: Kind::Integer, ..ARGUMENT };

/// In seconds, 0 for ever: how long to wait on the keys.
pub const TIMEOUT: Argument = Argument { name: "timeout", kind: Kind::Double, ..ARGUMENT };

/// `EX seconds`, `PX milliseconds`, `EXAT unix-time-seconds`, `PXAT unix-time-milliseconds`
pub const EX: Argument = Argument { name: "seconds", kind: Kind::Integer, token: "EX", ..ARGUMENT };
pub const PX: Argument = Argument { name: "milliseconds", kind: Kind::Integer, token: "PX", ..ARGUMENT };
pub const EXAT: Argument =
    Argument { name: "unix-time-seconds", kind: Kind::UnixTime, token: "EXAT", ..ARGUMENT };
pub const PXAT: Argument =
    Argument { name: "unix-time-milliseconds", kind: Kind::UnixTime, token: "PXAT", ..ARGUMENT };

/// Where a command that ends in STORE puts its result, and what it makes it of.
pub const DESTINATION: Argument = Argument { name: "destination", ..KEY };
pub const KEYS_TO_STORE: Argument = Argument { key_spec: Some(1), ..KEYS };

/// `LIMIT offset count`
pub const LIMIT: Argument = Argument {
    name: "limit",
    kind: Kind::Block,
    token: "LIMIT",
    optional: true,
    arguments: &[
        Argument { name: "offset", kind: Kind::Integer, ..ARGUMENT },
        Argument { name: "count", kind: Kind::Integer, ..ARGUMENT },
    ],
    ..ARGUMENT
};

/// `MATCH pattern`
pub const MATCH: Argument =
    Argument { name: "pattern", kind: Kind::Pattern, token: "MATCH", optional: true, ..ARGUMENT };
/// `COUNT count`
pub const COUNT: Argument =
    Argument { name: "count", kind: Kind::Integer, token: "COUNT", optional: true, ..ARGUMENT };

pub const WITHSCORES: Argument = Argument { optional: true, ..word("withscores", "WITHSCORES") };

/// `WEIGHTS weight [weight ...]`
pub const WEIGHTS: Argument = Argument {
    name: "weight",
    kind: Kind::Integer,
    token: "WEIGHTS",
    optional: true,
    multiple: true,
    ..ARGUMENT
};
/// `AGGREGATE SUM|MIN|MAX`
pub const AGGREGATE: Argument = Argument {
    name: "aggregate",
    kind: Kind::OneOf,
    token: "AGGREGATE",
    optional: true,
    arguments: &[word("sum", "SUM"), word("min", "MIN"), word("max", "MAX")],
    ..ARGUMENT
};

/// `NX|XX|GT|LT`, of EXPIRE and its kin.
pub const EXPIRY_CONDITION: Argument = Argument {
    name: "condition",
    kind: Kind::OneOf,
    since: "7.0.0",
    optional: true,
    arguments: &[word("nx", "NX"), word("xx", "XX"), word("gt", "GT"), word("lt", "LT")],
    ..ARGUMENT
};

/// An argument that is just this word.
pub const fn word(name: &'static str, token: &'static str) -> Argument {
    Argument { name, kind: Kind::PureToken, token, ..ARGUMENT }
}
