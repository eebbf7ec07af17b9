//! Verbs about data: a backup and its way back, and what comes from a server that is no cluster.

use super::cluster::Cluster;
use super::mask::Mask;
use super::snapshot::Form::{Colour, Json, Piped};
use super::snapshot::Snapshots;
use crate::harness::{self, Kind, Server};

const DONE: &[Mask] = &[
    Mask::Seconds,
    Mask::Rate,
    Mask::Sizes,
    Mask::Member("seconds"),
    Mask::Member("bytes"),
    Mask::Member("replication_offset"),
    Mask::Member("taken_ms"),
    Mask::Member("point_ms"),
    Mask::Member("ended_ms"),
    Mask::Member("rdb_bytes"),
    Mask::Text("sha256"),
    Mask::Text("rdb_crc64"),
    Mask::Text("replication_id"),
    Mask::Offset,
];

#[test]
fn verbs_about_data() {
    let cluster = Cluster::of_strangers("data", 3);
    let addresses: Vec<String> = (1..=3).map(|number| cluster.address(number)).collect();
    cluster.create(3, "0");
    harness::fill(cluster.servers[0].port, 60);
    let server = Server::start(Kind::Ours, &["--cluster-enabled", "no"]);
    for index in 0..10 {
        server.link().call(&["SET", &format!("other:{index}"), "value"]);
    }
    let mut known = cluster.known();
    known.push((server.port.to_string(), "17009".into()));
    let folder = cluster.folder.join("backup").display().to_string();
    let (entry, source) = (&*addresses[0], &*server.address());
    let mut shots = Snapshots::new(known, cluster.folder.join("state"));

    shots.take("backup", &[Piped], &["backup", entry, &folder], DONE);
    let another = cluster.folder.join("another").display().to_string();
    shots.take("backup", &[Json], &["backup", entry, &another], DONE);
    shots.take("backup-again", &[Piped, Json], &["backup", entry, &folder], DONE);
    shots.take("verify", &[Piped, Colour, Json], &["verify", &folder, entry], DONE);
    shots.take("restore-refused", &[Piped, Colour, Json], &["restore", &folder, entry, "--dry-run"], DONE);
    let restore = ["restore", &*folder, entry, "--replace"];
    shots.take("restore-plan", &[Piped, Colour, Json], &[&restore[..], &["--dry-run"]].concat(), DONE);
    shots.take("restore", &[Piped, Json], &[&restore[..], &["--yes"]].concat(), DONE);
    let import = ["import", source, entry];
    shots.take("import-plan", &[Piped, Colour, Json], &[&import[..], &["--dry-run"]].concat(), DONE);
    shots.take("import", &[Piped], &[&import[..], &["--yes"]].concat(), DONE);
    shots.take("import-again", &[Json], &[&import[..], &["--yes"]].concat(), DONE);
    shots.take(
        "verify-of-two-that-differ",
        &[Piped, Colour, Json],
        &["verify", source, entry, "--show", "0"],
        DONE,
    );
    shots.end();
}
