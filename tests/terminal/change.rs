//! Verbs that change a cluster, one after the other on one: first the plan (`--dry-run`), then the deed.

use std::process::Stdio;

use super::cluster::Cluster;
use super::mask::Mask;
use super::snapshot::Form::{Colour, Json, Piped, Plain};
use super::snapshot::{Form, Snapshots};
use crate::harness::{self, half_moved};

const PLAN: &[Mask] = &[Mask::Sizes, Mask::Member("bytes"), Mask::Job];
const OUTCOME: &[Mask] = &[
    Mask::Progress,
    Mask::Duration,
    Mask::After,
    Mask::Rate,
    Mask::Sizes,
    Mask::Member("seconds"),
    Mask::Member("moved_bytes"),
    Mask::Job,
];

struct Stage {
    cluster: Cluster,
    shots: Snapshots,
}

impl Stage {
    fn plan(&mut self, name: &str, arguments: &[&str]) {
        let mut all = arguments.to_vec();
        all.push("--dry-run");
        self.shots.know(self.cluster.known());
        self.shots.take(&format!("{name}-plan"), &[Piped, Colour, Json], &all, PLAN);
    }

    /// In one form, since it can be done but once.
    fn deed(&mut self, name: &str, form: Form, arguments: &[&str]) {
        let mut all = arguments.to_vec();
        all.push("--yes");
        self.shots.know(self.cluster.known());
        self.shots.take(name, &[form], &all, OUTCOME);
    }

    fn both(&mut self, name: &str, form: Form, arguments: &[&str]) {
        self.plan(name, arguments);
        self.deed(name, form, arguments);
        self.cluster.await_no_errors();
    }
}

impl Stage {
    /// By a file.
    fn described(&mut self) {
        let file = self.cluster.folder.join("cluster.yaml");
        let described = harness::rcl_ok(&["export", &self.cluster.address(1)]);
        std::fs::write(&file, described.replacen("settings:\n", "settings:\n  hz: '20'\n", 1)).unwrap();
        let file = file.display().to_string();
        self.shots.take("plan", &[Piped, Colour, Json], &["plan", &file], PLAN);
        self.both("apply", Piped, &["apply", &file]);
        self.shots.take("plan-of-what-is-so", &[Piped, Json], &["plan", &file], PLAN);
    }

    /// A slot that was left open.
    fn mended(&mut self) {
        half_moved::leave_half_moved(&self.cluster.servers[..3]);
        let entry = self.cluster.address(1);
        self.shots.take("check-of-an-open-slot", &[Piped, Colour, Json], &["check", &entry], &[]);
        self.both("fix", Piped, &["fix", &entry]);
    }

    /// A move that was killed with its slot open, and goes on.
    fn interrupted(&mut self) {
        let slot = rcl_proto::key_slot(b"{half}").number();
        let owner = (1..=3).find(|number| {
            let keys = self.cluster.servers[number - 1].link().call(&[
                "CLUSTER",
                "COUNTKEYSINSLOT",
                &slot.to_string(),
            ]);
            keys != rcl_proto::resp::Reply::Integer(0)
        });
        let (owner, entry) = (owner.unwrap(), self.cluster.address(1));
        let target = self.cluster.address(owner % 3 + 1);
        let state = self.cluster.folder.join("state").display().to_string();
        let mut process = harness::rcl_command(&["move-slots", &slot.to_string(), "--to", &target, "--yes"])
            .args(["--max-keys-per-second", "1", "--state-dir", &state])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = &self.cluster.servers[owner - 1];
        harness::eventually("the slot is open", || {
            harness::text(&server.link().call(&["CLUSTER", "NODES"])).contains(&format!("[{slot}->-"))
        });
        process.kill().unwrap();
        process.wait().unwrap();
        let jobs = [Mask::Job, Mask::Member("began_ms")];
        self.shots.take("jobs", &[Piped, Colour, Plain, Json], &["jobs", "--entry", &entry], &jobs);
        self.both("resume", Piped, &["resume"]);
    }

    /// The node that took the fourth one's place dies.
    fn forgotten(&mut self) {
        self.cluster.servers[8].kill();
        let one = &self.cluster.servers[0];
        harness::eventually("the others call it failed", || {
            let nodes = harness::text(&one.link().call(&["CLUSTER", "NODES"]));
            nodes.lines().any(|line| line.contains("fail") && !line.contains("fail?"))
        });
        let entry = self.cluster.address(1);
        self.shots.take(
            "nodes-with-a-dead-one",
            &[Piped, Colour],
            &["nodes", &entry],
            &[Mask::LastFigure("")],
        );
        self.both("forget", Piped, &["forget", "--dead", "--entry", &entry]);
    }
}

#[test]
fn verbs_that_change() {
    let cluster = Cluster::of_strangers("change", 9);
    let addresses: Vec<String> = (1..=9).map(|number| cluster.address(number)).collect();
    let node: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let [one, two, four, seven, eight, nine] = [node[0], node[1], node[3], node[6], node[7], node[8]];
    let shots = Snapshots::new(cluster.known(), cluster.folder.join("state"));
    let mut stage = Stage { cluster, shots };

    let mut create = vec!["create"];
    create.extend(&node[..6]);
    create.extend(["--replicas", "1"]);
    stage.both("create", Piped, &create);
    harness::fill(stage.cluster.servers[0].port, 60);

    stage.both("move-slots", Piped, &["move-slots", "0-99", "--to", two]);
    stage.both("undo", Piped, &["undo"]);
    stage.both("reshard", Piped, &["reshard", one, "--from", one, "--to", two, "--slots", "100"]);
    stage.both("rebalance", Json, &["rebalance", one]);
    stage.deed("rebalance-of-what-is-even", Piped, &["rebalance", one]);
    stage.both("add-node", Piped, &["add-node", seven, one]);
    stage.both("add-replica", Piped, &["add-replica", eight, one, "--master", seven]);
    stage.both("rebalance-onto-empty", Colour, &["rebalance", one, "--use-empty-masters"]);
    stage.both("failover", Piped, &["failover", eight]);
    stage.both("drain", Piped, &["drain", eight]);
    stage.both("scale-down", Piped, &["scale-down", eight, "--entry", one]);
    stage.both("replace-node", Piped, &["replace-node", four, nine]);
    stage.both("set", Piped, &["set", one, "maxmemory", "1gb", "--no-rewrite"]);
    stage.both("set-timeout", Piped, &["set-timeout", one, "3000"]);
    let hook = "systemctl restart redis@{port}";
    stage.plan("rolling-restart", &["rolling-restart", one, "--hook", hook]);
    stage.described();
    stage.mended();
    stage.interrupted();
    stage.both("reset", Piped, &["reset", seven, "--entry", one]);
    stage.forgotten();
    stage.shots.end();
}
