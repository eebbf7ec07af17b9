//! The arguments that several of these commands have.

use crate::command::arguments::word;
use crate::command::spec::{ARGUMENT, Argument, Kind};

pub const UNIT: Argument = Argument {
    name: "unit",
    kind: Kind::OneOf,
    arguments: &[word("m", "m"), word("km", "km"), word("ft", "ft"), word("mi", "mi")],
    ..ARGUMENT
};
pub const LONGITUDE: Argument = Argument { name: "longitude", kind: Kind::Double, ..ARGUMENT };
pub const LATITUDE: Argument = Argument { name: "latitude", kind: Kind::Double, ..ARGUMENT };
pub const RADIUS: Argument = Argument { name: "radius", kind: Kind::Double, ..ARGUMENT };
pub const MEMBERS: Argument = Argument { name: "member", optional: true, multiple: true, ..ARGUMENT };

/// `FROMMEMBER member | FROMLONLAT longitude latitude`
pub const FROM: Argument = Argument {
    name: "from",
    kind: Kind::OneOf,
    arguments: &[
        Argument { name: "member", token: "FROMMEMBER", ..ARGUMENT },
        Argument {
            name: "fromlonlat",
            kind: Kind::Block,
            token: "FROMLONLAT",
            arguments: &[LONGITUDE, LATITUDE],
            ..ARGUMENT
        },
    ],
    ..ARGUMENT
};
/// `BYRADIUS radius unit | BYBOX width height unit`
pub const BY: Argument = Argument {
    name: "by",
    kind: Kind::OneOf,
    arguments: &[
        Argument {
            name: "circle",
            kind: Kind::Block,
            arguments: &[Argument { token: "BYRADIUS", ..RADIUS }, UNIT],
            ..ARGUMENT
        },
        Argument {
            name: "box",
            kind: Kind::Block,
            arguments: &[
                Argument { name: "width", kind: Kind::Double, token: "BYBOX", ..ARGUMENT },
                Argument { name: "height", kind: Kind::Double, ..ARGUMENT },
                UNIT,
            ],
            ..ARGUMENT
        },
    ],
    ..ARGUMENT
};

const COUNT: Argument = Argument { name: "count", kind: Kind::Integer, token: "COUNT", ..ARGUMENT };
const ANY: Argument = Argument { optional: true, ..word("any", "ANY") };
/// `COUNT count [ANY]`
pub const COUNT_BLOCK: Argument =
    Argument { name: "count-block", kind: Kind::Block, optional: true, arguments: &[COUNT, ANY], ..ARGUMENT };
/// The same where ANY is newer than the command.
pub const COUNT_BLOCK_WITH_NEWER_ANY: Argument =
    Argument { arguments: &[COUNT, Argument { since: "6.2.0", ..ANY }], ..COUNT_BLOCK };
pub const ORDER: Argument = Argument {
    name: "order",
    kind: Kind::OneOf,
    optional: true,
    arguments: &[word("asc", "ASC"), word("desc", "DESC")],
    ..ARGUMENT
};
pub const WITHCOORD: Argument = Argument { optional: true, ..word("withcoord", "WITHCOORD") };
pub const WITHDIST: Argument = Argument { optional: true, ..word("withdist", "WITHDIST") };
pub const WITHHASH: Argument = Argument { optional: true, ..word("withhash", "WITHHASH") };
/// `STORE key | STOREDIST key`
pub const STORE: Argument = Argument {
    name: "store",
    kind: Kind::OneOf,
    optional: true,
    arguments: &[
        Argument {
            name: "storekey",
            display: "key",
            kind: Kind::Key,
            token: "STORE",
            key_spec: Some(1),
            ..ARGUMENT
        },
        Argument {
            name: "storedistkey",
            display: "key",
            kind: Kind::Key,
            token: "STOREDIST",
            key_spec: Some(2),
            ..ARGUMENT
        },
    ],
    ..ARGUMENT
};
