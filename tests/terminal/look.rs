//! Verbs that only look: all on one cluster.

use super::cluster::Cluster;
use super::mask::Mask;
use super::snapshot::Form::{self, Colour, Json, Piped, Plain, Yaml};
use super::snapshot::Snapshots;
use crate::harness;

const ALL: &[Form] = &[Piped, Colour, Json];
const WITH_PLAIN: &[Form] = &[Piped, Colour, Plain, Json];

const OUTCOME: &[Mask] = &[Mask::Duration, Mask::Member("seconds")];
/// What changes while nobody does anything: commands a second, and offsets by the nodes' own pings.
const WATCH: &[Mask] = &[
    Mask::AfterWords("keys  ", " ops/s"),
    Mask::Columns(44, 51),
    Mask::Columns(52, 64),
    Mask::Told("ops/s"),
    Mask::Told("lag in bytes"),
    Mask::Member("unix_ms"),
    Mask::Member("ops"),
    Mask::Member("lag"),
    Mask::Member("used_memory_bytes"),
    Mask::Member("offset"),
];
const METRICS: &[Mask] = &[
    Mask::LastFigure("rcl_node_memory_"),
    Mask::LastFigure("rcl_node_clients"),
    Mask::LastFigure("rcl_node_ops_"),
    Mask::LastFigure("rcl_node_uptime_"),
    Mask::LastFigure("rcl_node_commands_"),
    Mask::LastFigure("rcl_node_connections_"),
    Mask::LastFigure("rcl_node_input_"),
    Mask::LastFigure("rcl_node_output_"),
    Mask::LastFigure("rcl_node_keyspace_"),
    Mask::LastFigure("rcl_node_replication_"),
    Mask::Member("value"),
];

/// The counter is one of chance.
const HOT: &[Mask] = &[Mask::Columns(0, 9), Mask::Member("uses")];

#[test]
fn verbs_that_look() {
    let cluster = Cluster::of_strangers("look", 6);
    cluster.create(6, "1");
    cluster.await_health();
    harness::fill(cluster.servers[0].port, 60);
    let mut client = harness::Client::new(cluster.servers[0].port);
    (0..1000).for_each(|_| assert!(client.get("key:1").is_ok()));
    let mut shots = Snapshots::new(cluster.known(), cluster.folder.join("state"));
    let entry = &*cluster.address(1);
    let memory = [Mask::Sizes, Mask::Member("memory_bytes"), Mask::Member("replication_offset")];

    shots.take("help", &[Piped], &["--help"], &[]);
    shots.take("help-of-a-verb", &[Piped, Colour], &["help", "key-slot"], &[]);
    shots.take("help-exit-codes", &[Piped], &["help", "exit-codes"], &[]);
    shots.take("help-environment", &[Piped, Colour], &["help", "environment"], &[]);
    shots.take("help-addresses", &[Piped, Colour], &["help", "addresses"], &[]);
    shots.take("info", &[Piped, Colour, Plain, Json, Yaml], &["info", entry], &memory);
    shots.take("nodes", WITH_PLAIN, &["nodes", entry], &memory);
    shots.take("check", ALL, &["check", entry], &[]);
    // How quick the machine is must not matter.
    shots.take("doctor", ALL, &["doctor", entry, "--ignore", "slow-answers"], &[]);
    shots.take("slot-info", WITH_PLAIN, &["slot-info", entry], &[]);
    shots.take(
        "key-slot",
        ALL,
        &["key-slot", "--entry", entry, "user:1001", "{user:1001}:cart", "a{}{b}"],
        &[],
    );
    shots.take("keys-in-slot", ALL, &["keys-in-slot", entry, "--of-key", "key:1"], &[]);
    shots.take("bigkeys", WITH_PLAIN, &["bigkeys", entry], &[]);
    shots.take("call", ALL, &["call", entry, "PING"], &[]);
    shots.take("call-an-error", ALL, &["call", entry, "--only-masters", "GET", "key:1"], &[]);
    shots.take("export", ALL, &["export", entry], &[]);
    shots.take("hash-tag-demo", ALL, &["hash-tag-demo"], &[]);
    shots.take("cross-slot-demo", ALL, &["cross-slot-demo"], &[]);
    shots.take("hotkeys", ALL, &["hotkeys", entry, "--top", "1"], HOT);
    shots.take("fix-of-what-is-well", ALL, &["fix", entry], OUTCOME);
    shots.take("jobs-of-none", ALL, &["jobs"], &[]);
    shots.take("watch", WITH_PLAIN, &["watch", entry, "--once"], WATCH);
    shots.take("metrics", &[Piped, Json], &["metrics", entry], METRICS);
    shots.take("error-unreachable", ALL, &["info", "127.0.0.1:1"], &[]);
    shots.take("error-usage", &[Piped], &["slot-info", entry, "--no-such"], &[]);
    shots.end();
}
