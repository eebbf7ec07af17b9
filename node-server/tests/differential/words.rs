//! The words that any command's arguments are drawn from: few keys and members, so that requests meet the same ones, and
//! numbers and texts at the edges.

use rcl_node::command::spec::Group;

/// The keys that a group's commands work on.
pub fn keys(group: Group) -> &'static [&'static str] {
    match group {
        Group::Hash => &["h0", "h1"],
        Group::List => &["l0", "l1"],
        Group::Set => &["s0", "s1", "s2"],
        Group::SortedSet => &["z0", "z1", "z2"],
        Group::String | Group::Bitmap => &["k0", "k1", "k2"],
        Group::HyperLogLog => &["p0", "p1", "p2"],
        Group::Geo => &["g0", "g1"],
        Group::Stream => &["t0", "t1"],
        _ => &["h0", "l0", "s0", "z0", "k0", "t0", "p0", "h1", "l1", "s1", "z1", "k1"],
    }
}

/// Keys of other types, or of none, or with a name that is no text.
pub const OTHER_KEYS: &[&[u8]] = &[
    b"h0",
    b"h1",
    b"l0",
    b"s0",
    b"z0",
    b"k0",
    b"p0",
    b"t0",
    b"g0",
    b"missing",
    b"",
    b"\x00\xff\r\n",
    b"{k}0",
];

/// What stands where something else should. (No zero bytes: C takes a number's text to end there, ours is none then.)
pub const JUNK: &[&str] = &[
    "",
    "x y",
    "NX",
    "XX",
    "GT",
    "LT",
    "INCR",
    "CH",
    "LIMIT",
    "COUNT",
    "WITHSCORES",
    "MATCH",
    "STORE",
    "BY",
    "GET",
    "*",
    "0",
    "1",
    "-1",
    "007",
    "+1",
    "1.5",
    "abc",
    "nan",
    "inf",
    "(1",
    "[a",
    // No large negative number but one that is refused: a server would go on drawing members for ever.
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "0x10",
    "s0",
    "l0",
    "h0",
    "z0",
    "k0",
    "LEFT",
    "KEEPTTL",
    "BYSCORE",
    "BYLEX",
    "REV",
    "FIELDS",
];

pub const NUMBERS: &[&str] = &["0", "1", "2", "3", "5", "-1", "-2", "-3", "10", "100", "1", "0"];

/// Integers at the edges, and what is none.
pub const EDGE_NUMBERS: &[&str] = &[
    "9223372036854775807",
    "-9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "4611686018427387904",
    "4294967295",
    "4294967296",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "1000000",
    "-1000000",
    "",
    " 1",
    "1 ",
    "+1",
    "-0",
    "01",
    "1.0",
    "1e3",
    "0x1",
    "nan",
];

/// As [`EDGE_NUMBERS`], where as many bytes are made or as many members drawn as the number says.
pub const HARMLESS_EDGE_NUMBERS: &[&str] =
    &["9223372036854775807", "-9223372036854775808", "9223372036854775808", "", " 1", "+1", "-0", "1.0", "x"];

pub const SCORES: &[&str] =
    &["0", "1", "2", "3", "1.5", "-1", "0.1", "1e3", "inf", "-inf", "3.141592653589793", "1", "2"];

/// (None that is too large or too small for a double: it leaves C's errno set, by which Redis's next SORT fails.)
pub const EDGE_SCORES: &[&str] = &[
    "nan",
    "-nan",
    "+inf",
    "Infinity",
    "-0",
    "1e308",
    "-1.7976931348623157e308",
    "9007199254740993",
    "123456789012345678",
    "-9223372036854775808",
    "1e17",
    "1e21",
    "0.30000000000000004",
    "0x1p3",
    "",
    " 1",
    "1 ",
    "1.",
    ".5",
    "1e",
    "--1",
];

pub const INCREMENTS: &[&str] = &[
    "1",
    "0.1",
    "-2.5",
    "1e2",
    "3.0",
    "abc",
    "inf",
    "1",
    "-1",
    "1e17",
    "1e-10",
    "5.0e3",
    "nan",
    "-inf",
    "1e400",
    "0.000000000000000001",
    "1 ",
    "",
];

pub const TEXTS: &[&str] =
    &["a", "b", "c", "d", "e", "foo", "bar", "1", "2", "3", "10", "-5", "0.5", "007", "", "a", "b", "c"];

/// Texts that are none, and integers at the edges of the widths that encodings have.
pub const EDGE_TEXTS: &[&[u8]] = &[
    b"\x00",
    b"\xff\xfe",
    b"\r\n",
    b"a\x00b",
    b"\xc3\xa9",
    b"*",
    b"127",
    b"128",
    b"4095",
    b"4096",
    b"-4097",
    b"32767",
    b"-32769",
    b"8388608",
    b"2147483647",
    b"-2147483649",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"9223372036854775808",
    b"9999",
    b"10000",
    b"-0",
    b"+1",
    b" 1",
    b"1e3",
    b"inf",
    b"nan",
];

/// Around where encodings change: strings within their object, listpack entries, hashes and sorted sets, and nodes of lists.
pub const LENGTHS: &[usize] = &[7, 8, 9, 12, 13, 44, 45, 63, 64, 65, 100, 127, 128, 255, 256, 4095, 4096];

/// Beyond a node of a list, and beyond what a listpack's shorter lengths tell.
pub const BIG_LENGTHS: &[usize] = &[8191, 8192, 8193, 16400, 20000];

/// How many elements come at once: around where encodings change.
pub const COUNTS: &[usize] = &[20, 64, 127, 128, 129, 130, 200, 511, 512, 513];

pub const PATTERNS: &[&[u8]] =
    &[b"*", b"a*", b"?", b"[a-c]", b"h*", b"nothing", b"", b"[^a]*", b"\\*", b"[", b"*0", b"??", b"[z-a]*"];
