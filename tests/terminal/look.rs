//! Verbs that only look: all on one cluster.

use crate::cluster::Cluster;
use crate::harness;
use crate::mask::Mask;
use crate::snapshot::Form::{Colour, Json, Piped, Yaml};
use crate::snapshot::Snapshots;

const ALL: &[crate::snapshot::Form] = &[Piped, Colour, Json];

#[test]
fn verbs_that_look() {
    let cluster = Cluster::of_strangers("look", 6);
    cluster.create(6);
    harness::fill(cluster.servers[0].port, 60);
    let mut shots = Snapshots::new(cluster.known(), cluster.folder.join("state"));
    let entry = &*cluster.address(1);
    let memory = [Mask::Sizes, Mask::Member("memory_bytes"), Mask::Member("replication_offset")];

    shots.take("help", &[Piped], &["--help"], &[]);
    shots.take("help-of-a-verb", &[Piped, Colour], &["help", "key-slot"], &[]);
    shots.take("help-exit-codes", &[Piped], &["help", "exit-codes"], &[]);
    shots.take("help-environment", &[Piped, Colour], &["help", "environment"], &[]);
    shots.take("help-addresses", &[Piped, Colour], &["help", "addresses"], &[]);
    shots.take("info", &[Piped, Colour, Json, Yaml], &["info", entry], &memory);
    shots.take("nodes", ALL, &["nodes", entry], &memory);
    shots.take("check", ALL, &["check", entry], &[]);
    // How quick the machine is must not matter.
    shots.take("doctor", ALL, &["doctor", entry, "--ignore", "slow-answers"], &[]);
    shots.take("slot-info", ALL, &["slot-info", entry], &[]);
    shots.take(
        "key-slot",
        ALL,
        &["key-slot", "--entry", entry, "user:1001", "{user:1001}:cart", "a{}{b}"],
        &[],
    );
    shots.take("keys-in-slot", ALL, &["keys-in-slot", entry, "--of-key", "key:1"], &[]);
    shots.take("bigkeys", ALL, &["bigkeys", entry], &[]);
    shots.take("call", ALL, &["call", entry, "PING"], &[]);
    shots.take("call-an-error", ALL, &["call", entry, "--only-masters", "GET", "key:1"], &[]);
    shots.take("export", ALL, &["export", entry], &[]);
    shots.take("hash-tag-demo", ALL, &["hash-tag-demo"], &[]);
    shots.take("cross-slot-demo", ALL, &["cross-slot-demo"], &[]);
    shots.end();
}
