//! The words that a family's arguments are drawn from, where the usual ones would rarely mean anything.

use rcl_node::command::CommandSpec;
use rcl_node::command::spec::Group;

/// For the argument of this name of this command.
pub fn for_argument(spec: &CommandSpec, name: &str) -> Option<&'static [&'static str]> {
    match spec.group {
        Group::Bitmap => for_bits(name),
        Group::HyperLogLog if name == "subcommand" => {
            Some(&["GETREG", "DECODE", "ENCODING", "ENCODING", "DECODE", "TODENSE", "x"])
        }
        Group::Geo => for_places(name),
        Group::Generic => for_keys(spec.name, name),
        Group::Stream => super::streams::words(name),
        _ => None,
    }
}

fn for_places(name: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "longitude" => &[
            "13.361389",
            "15.087269",
            "14",
            "13.5",
            "0",
            "-180",
            "180",
            "179.99",
            "-0.1",
            "2.2",
            "181",
            "1e-9",
            "nan",
            "-180.0001",
        ],
        "latitude" => {
            &["38.115556", "37.502669", "38", "37.9", "0", "85.05", "-85", "81", "67", "-1", "86", "inf"]
        }
        "radius" | "width" | "height" => {
            &["0", "1", "50", "200", "200", "1000", "6000", "20000", "0.5", "1e7", "-1", "inf", "x"]
        }
        "count" => &["1", "2", "3", "5", "100", "0", "-1", "9223372036854775807", "x"],
        _ => return None,
    })
}

fn for_bits(name: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "encoding" => &["u1", "i1", "u8", "i8", "u5", "i13", "u63", "i64", "i32", "u64", "i0", "x"],
        "offset" => &[
            "0",
            "1",
            "7",
            "8",
            "13",
            "63",
            "64",
            "100",
            "1000",
            "#0",
            "#1",
            "#3",
            "-1",
            "4294967296",
            "#",
            "9223372036854775807",
            "#9223372036854775807",
        ],
        "bit" => &["0", "1", "0", "1", "2"],
        "value" | "increment" => &[
            "0",
            "1",
            "1",
            "0",
            "5",
            "-1",
            "-128",
            "127",
            "255",
            "9223372036854775807",
            "-9223372036854775808",
            "-9223372036854775807",
            "-9223372036854771711",
            "9223372036854775808",
            "4611686018427387904",
        ],
        "start" | "end" => &[
            "0",
            "1",
            "2",
            "7",
            "8",
            "9",
            "20",
            "-1",
            "-2",
            "-9",
            "-100",
            "100",
            "10000",
            "9223372036854775807",
            "-9223372036854775808",
        ],
        _ => return None,
    })
}

fn for_keys(command: &str, name: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "ttl" => &["0", "0", "0", "0", "100000000", "9999999999999", "-1", "x"],
        // Redis's clock of accesses goes round a second sooner than ours.
        "seconds" if command == "restore" => &["0", "1", "100000", "10000000", "-1", "x"],
        "frequency" => &["0", "10", "255", "256", "-1"],
        "type" if command == "scan" => &["string", "list", "set", "zset", "hash", "stream", "LIST"],
        "by-pattern" => &["k*", "h*->a", "h*->1", "*", "x*->b", "nosort", "#"],
        "get-pattern" => &["#", "k*", "h*->a", "h*->", "*", "fixed"],
        _ => return None,
    })
}
