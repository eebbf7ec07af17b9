//! Jobs: what `rcl` writes down, goes on with, and takes back; and that two do not change one cluster at a time.

use std::path::PathBuf;
use std::process::Stdio;

use crate::harness::*;

/// A folder of its own for the journals of a test.
struct State(PathBuf);

impl State {
    fn new(name: &str) -> State {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        State(path)
    }

    fn with<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        ["--state-dir", self.0.to_str().unwrap()].iter().chain(arguments).copied().collect()
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        rcl_ok(&self.with(arguments))
    }

    /// The newest first.
    fn jobs(&self) -> Vec<serde_json::Value> {
        rcl_json(&self.with(&["jobs"])).as_array().unwrap().clone()
    }

    fn states(&self) -> Vec<String> {
        self.jobs().iter().map(|job| job["state"].as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for State {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn owners(server: &Server) -> Vec<(String, String)> {
    let nodes = rcl_json(&["nodes", &server.address()]);
    let word = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap().to_owned();
    let mut owners: Vec<_> =
        nodes.as_array().unwrap().iter().map(|row| (word(row, "address"), word(row, "slots"))).collect();
    owners.sort();
    owners
}

fn is_alone(server: &Server) -> bool {
    text(&server.link().call(&["CLUSTER", "NODES"])).lines().count() == 1
}

#[test]
fn what_is_done_is_listed_and_taken_back() {
    with_each_kind(|kind| {
        let state = State::new(&format!("undo-{kind:?}"));
        let servers = Server::start_many(kind, 4, &[]);
        let addresses: Vec<String> = servers.iter().map(Server::address).collect();
        let a: Vec<&str> = addresses.iter().map(String::as_str).collect();
        assert_eq!(state.ok(&["jobs"]).trim(), "no jobs");

        // A new cluster without keys is dissolved.
        state.ok(&["create", a[0], a[1], a[2], "--yes"]);
        state.ok(&["undo", "--yes"]);
        assert!(servers[..3].iter().all(is_alone));
        state.ok(&["create", a[0], a[1], a[2], "--yes"]);
        fill(servers[0].port, 2000);

        let before = owners(&servers[0]);
        state.ok(&["reshard", a[0], "--to", a[1], "--slots", "500", "--yes"]);
        assert_ne!(owners(&servers[0]), before);
        let job = state.jobs()[0].clone();
        assert_eq!((job["state"].as_str(), job["moved_slots"].as_u64()), (Some("done"), Some(500)), "{job}");
        let plan = rcl_json(&state.with(&["undo", "--dry-run"]));
        assert_eq!(plan["cost"]["slots"], 500, "{plan}");
        state.ok(&["undo", job["job"].as_str().unwrap(), "--yes"]);
        assert_eq!(owners(&servers[0]), before);
        verify(servers[0].port, 2000);
        assert_eq!(state.states(), ["undone", "done", "undone"]);

        // Who joined leaves again; but not once there are slots on it.
        state.ok(&["add-node", a[3], a[0], "--yes"]);
        state.ok(&["undo", "--yes"]);
        assert!(is_alone(&servers[3]));
        state.ok(&["add-node", a[3], a[0], "--yes"]);
        let joined = state.jobs()[0]["job"].as_str().unwrap().to_owned();
        state.ok(&["rebalance", a[0], "--use-empty-masters", "--yes"]);
        rcl_refused(3, "rcl scale-down", &state.with(&["undo", &joined, "--yes"]));
        state.ok(&["scale-down", a[3], "--entry", a[0], "--yes"]);
        rcl_refused(3, "what it was is gone", &state.with(&["undo", "--yes"]));
        rcl_refused(3, "no job is unfinished", &state.with(&["resume", "--yes"]));
        rcl_refused(3, "no job '7'", &state.with(&["resume", "7", "--yes"]));
        let done = state.jobs()[0]["job"].as_str().unwrap().to_owned();
        rcl_refused(3, "is done", &state.with(&["resume", &done, "--yes"]));
        for line in state.ok(&["jobs"]).lines() {
            assert!(line.chars().count() <= 80 || line.starts_with("  "), "{line}");
        }
        verify(servers[0].port, 2000);
        assert_eq!(findings(&servers[0]).0, 0);
    });
}

#[test]
fn while_one_changes_a_cluster_a_second_is_refused_and_a_killed_one_holds_nobody() {
    let state = State::new("turns");
    let servers = Server::start_many(Kind::Ours, 3, &[]);
    create(&servers, 0);
    fill(servers[0].port, 3000);
    let (entry, to) = (servers[0].address(), servers[1].address());
    let reshard =
        ["reshard", &entry, "--to", &to, "--slots", "3000", "--yes", "--max-keys-per-second", "200"];
    let mut first =
        rcl_command(&state.with(&reshard)).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("it is at work", || state.states() == ["running"]);
    let job = state.jobs()[0]["job"].as_str().unwrap().to_owned();
    for second in [&reshard[..], &["resume", &job, "--yes"], &["undo", &job, "--yes"]] {
        rcl_refused(3, "another rcl", &state.with(second));
    }
    // Looking is free, and a dry run is looking.
    state.ok(&["nodes", &entry]);
    state.ok(&["reshard", &entry, "--to", &to, "--slots", "1", "--dry-run"]);
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(state.states(), ["interrupted"]);
    state.ok(&["resume", "--yes"]);
    assert_eq!(state.states(), ["done"]);
    assert_eq!(state.jobs()[0]["moved_slots"], 3000);
    verify(servers[0].port, 3000);
    assert_eq!(findings(&servers[0]).0, 0);
}

/// A Redis that won an election holds none for four seconds more, and for the first two of them takes the votes of then for new ones.
/// An order it keeps for five. To take the node out takes two seconds, to put it in again less than one.
#[test]
fn a_promotion_that_comes_when_its_rcl_is_dead_already_is_taken_back_too() {
    with_each_kind(|kind| {
        let state = State::new(&format!("late-promotion-{kind:?}"));
        let servers = Server::start_many(kind, 4, &["--cluster-node-timeout", "1000"]);
        create(&servers[..3], 0);
        fill(servers[0].port, 500);
        let before = owners(&servers[0]);
        let (old, new) = (&servers[0], &servers[3]);
        rcl_ok(&["add-replica", &new.address(), &old.address(), "--master", &old.id()]);
        rcl_ok(&["failover", &new.address()]);
        rcl_ok(&["failover", &old.address()]);
        rcl_ok(&["scale-down", &new.address(), "--entry", &old.address()]);
        let orders = || new.log().matches("Manual failover user request accepted").count();
        let first = orders();
        let (old_address, new_address) = (old.address(), new.address());
        let replace = ["replace-node", &old_address, &new_address, "--yes"];
        let mut running =
            rcl_command(&state.with(&replace)).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        eventually("the promotion is ordered", || orders() > first);
        running.kill().unwrap();
        running.wait().unwrap();
        state.ok(&["undo", "--yes"]);
        assert_eq!(state.states(), ["undone"]);
        assert!(is_alone(new));
        assert_eq!(owners(old), before);
        assert_eq!(findings(old).0, 0);
        verify(old.port, 500);
    });
}

#[test]
fn a_node_that_others_came_to_follow_is_forgotten_by_all_or_by_none() {
    with_each_kind(|kind| {
        let state = State::new(&format!("followed-{kind:?}"));
        let servers = Server::start_many(kind, 5, &[]);
        create(&servers[..3], 0);
        let (leaving, other) = (&servers[3], &servers[4]);
        let entry = servers[0].address();
        for new in [leaving, other] {
            rcl_ok(&["add-node", &new.address(), &entry]);
        }
        let address = leaving.address();
        let scale_down = state.with(&["scale-down", &address, "--yes"]);
        let running = rcl_command(&scale_down).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // It waits for clients that have to be redirected.
        eventually("it is at work", || state.states() == ["running"]);
        assert_eq!(other.link().call(&["CLUSTER", "REPLICATE", &leaving.id()]), ok());
        let (code, _, stderr) = outcome(running.wait_with_output().unwrap());
        assert!(code == 5 && stderr.contains("no node was told to forget it"), "{code}: {stderr}");
        assert!(stderr.contains(&other.address()), "who follows is named: {stderr}");
        for server in &servers {
            assert!(text(&server.link().call(&["CLUSTER", "NODES"])).contains(&leaving.id()));
        }
        state.ok(&["resume", "--yes"]);
        assert!(is_alone(leaving));
        let role = text(&other.link().call(&["INFO", "replication"]));
        assert!(role.contains("role:master"), "as before: {role}");
        eventually("all is well", || findings(&servers[0]).0 == 0);
    });
}

#[test]
fn a_folder_that_cannot_be_written_to_is_said_before_anything_is_touched() {
    let servers = Server::start_many(Kind::Ours, 3, &[]);
    create(&servers, 0);
    let (entry, to) = (servers[0].address(), servers[1].address());
    let file = State::new("no-folder");
    std::fs::write(&file.0, "").unwrap();
    let reshard = ["reshard", &entry, "--to", &to, "--slots", "10", "--yes"];
    rcl_refused(3, "--state-dir", &file.with(&reshard));
    assert_eq!(owners(&servers[0])[0].1, "0-5460");
    let mut without: Vec<&str> = reshard.to_vec();
    without.push("--no-journal");
    rcl_ok(&without);
    rcl_refused(2, "no folder with journals", &["undo", "--no-journal", "--yes"]);
    std::fs::remove_file(&file.0).unwrap();
}
