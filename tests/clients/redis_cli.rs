//! redis-cli 7.0, the real one, on our cluster: what operators type, and its own cluster manager.

use std::io::Write;
use std::process::{Command, Stdio};

use super::programs::{AtWork, answer, have, said, succeed};
use crate::harness::lab::Lab;
use crate::harness::{Kind, eventually, rcl, rcl_ok};

/// Under this name the machine has Redis's; ours answers to it as well, but is not in the PATH.
const REDIS_CLI: &str = "redis-cli";

fn cli(arguments: &[&str]) -> Command {
    let mut command = Command::new(REDIS_CLI);
    command.args(arguments).env_remove("REDISCLI_AUTH");
    command
}

/// Runs redis-cli with `input` to read; its stdout.
#[track_caller]
fn typed(arguments: &[&str], input: &str) -> String {
    let mut command = cli(arguments);
    let mut process =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = process.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    said(&output, &command).0
}

#[test]
fn redis_cli_finds_its_way_and_says_what_it_does() {
    if !have(REDIS_CLI, "redis-cli's own commands on our cluster") {
        return;
    }
    let lab = Lab::cluster(Kind::Ours);
    redirects(&lab);
    a_pipe_of_commands(&lab);
    scans_and_samples(&lab);
    mass_insertion(&lab);
    a_dump_by_replication(&lab);
}

fn redirects(lab: &Lab) {
    for number in 1..=6 {
        let port = lab.port(number).to_string();
        assert_eq!(succeed(&mut cli(&["-c", "-p", &port, "SET", "user:1001", "Ada"])), "OK\n");
        assert_eq!(succeed(&mut cli(&["-c", "-p", &port, "GET", "user:1001"])), "Ada\n");
    }
    let moved = succeed(&mut cli(&["-p", &lab.port(1).to_string(), "GET", "user:1001"]));
    assert_eq!(moved.trim(), format!("MOVED 5712 {}", lab.address(2)));
    // Slot 5712 is the second master's; its replica, the fifth node, answers whoever says READONLY.
    eventually("the replica answers", || {
        typed(&["-p", &lab.port(5).to_string()], "READONLY\nGET user:1001\n") == "OK\nAda\n"
    });
    let one_slot =
        succeed(&mut cli(&["-c", "-p", &lab.port(3).to_string(), "MSET", "{u}a", "1", "{u}b", "2"]));
    assert_eq!(one_slot, "OK\n");
    let cross = succeed(&mut cli(&["-c", "-p", &lab.port(3).to_string(), "MSET", "a", "1", "b", "2"]));
    assert_eq!(cross.trim(), "CROSSSLOT Keys in request don't hash to the same slot");
}

fn a_pipe_of_commands(lab: &Lab) {
    const KEYS: usize = 300;
    let writes: String = (0..KEYS).map(|index| format!("SET pipe:{index} \"value {index}\"\n")).collect();
    let answers = typed(&["-c", "-p", &lab.port(1).to_string()], &writes);
    let is_answer = |line: &&str| !line.starts_with("-> Redirected to slot");
    assert_eq!(answers.lines().filter(is_answer).collect::<Vec<_>>(), ["OK"; KEYS]);
    let reads: String = (0..KEYS).map(|index| format!("GET pipe:{index}\n")).collect();
    let answers = typed(&["-c", "-p", &lab.port(6).to_string()], &reads);
    let expected: Vec<String> = (0..KEYS).map(|index| format!("value {index}")).collect();
    assert_eq!(answers.lines().filter(is_answer).collect::<Vec<_>>(), expected);
    // A redirect in the middle of MULTI loses the transaction, on Redis as well: it is begun where its keys are.
    let owner = owner_of(lab, "{tx}a");
    let at_home = typed(&["-p", &lab.port(owner).to_string()], "MULTI\nSET {tx}a 1\nINCR {tx}a\nEXEC\n");
    assert_eq!(at_home, "OK\nQUEUED\nQUEUED\nOK\n2\n");
}

/// The number of the master that does not send a client of this key elsewhere.
fn owner_of(lab: &Lab, key: &str) -> usize {
    (1..=3).find(|&number| !answer(lab, number, &["GET", key]).starts_with("MOVED")).unwrap()
}

fn scans_and_samples(lab: &Lab) {
    let mut seen: Vec<String> = Vec::new();
    for number in 1..=3 {
        let keys = succeed(&mut cli(&["-p", &lab.port(number).to_string(), "--scan", "--pattern", "pipe:*"]));
        seen.extend(keys.lines().map(str::to_owned));
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 300);
    for flag in ["--bigkeys", "--memkeys"] {
        let sampled = succeed(&mut cli(&["-p", &lab.port(1).to_string(), flag]));
        let count = answer(lab, 1, &["DBSIZE"]);
        assert!(sampled.contains(&format!("Sampled {} keys", count.trim())), "{flag}\n{sampled}");
        assert!(sampled.contains("Biggest string found"), "{flag}\n{sampled}");
    }
}

/// `--pipe` sends the protocol as it is and counts the replies.
fn mass_insertion(lab: &Lab) {
    let owner = owner_of(lab, "{mass}");
    let command = |index| {
        let key = format!("{{mass}}:{index}");
        format!("*3\r\n$3\r\nSET\r\n${}\r\n{key}\r\n$1\r\nx\r\n", key.len())
    };
    let commands: String = (0..5000).map(command).collect();
    let answer = typed(&["-p", &lab.port(owner).to_string(), "--pipe"], &commands);
    assert!(answer.contains("errors: 0, replies: 5000"), "{answer}");
}

/// `--rdb` is a replica for as long as a full sync takes.
fn a_dump_by_replication(lab: &Lab) {
    let file = std::env::temp_dir().join(format!("rcl-clients-{}-{}.rdb", std::process::id(), lab.port(1)));
    let path = file.display().to_string();
    succeed(&mut cli(&["-p", &lab.port(1).to_string(), "--rdb", &path]));
    let keys = answer(lab, 1, &["DBSIZE"]);
    if have("redis-check-rdb", "what redis-cli --rdb got from our node, checked") {
        let verdict = succeed(Command::new("redis-check-rdb").arg(&file));
        assert!(verdict.contains(&format!("{} keys read", keys.trim())), "{keys}\n{verdict}");
        assert!(verdict.contains("RDB looks OK!"), "{verdict}");
    }
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn redis_cli_subscribes_and_publishes_on_any_node() {
    if !have(REDIS_CLI, "redis-cli's pub/sub on our cluster") {
        return;
    }
    let lab = Lab::cluster(Kind::Ours);
    let mut subscriber = AtWork::start(&mut cli(&["-p", &lab.port(4).to_string(), "SUBSCRIBE", "news"]));
    let mut by_pattern = AtWork::start(&mut cli(&["-p", &lab.port(1).to_string(), "PSUBSCRIBE", "n*"]));
    assert_eq!([subscriber.line(), subscriber.line(), subscriber.line()], ["subscribe", "news", "1"]);
    assert_eq!([by_pattern.line(), by_pattern.line(), by_pattern.line()], ["psubscribe", "n*", "1"]);
    for number in 1..=6 {
        let text = format!("from node {number}");
        succeed(&mut cli(&["-p", &lab.port(number).to_string(), "PUBLISH", "news", &text]));
        assert_eq!([subscriber.line(), subscriber.line(), subscriber.line()], ["message", "news", &text]);
        let got = [by_pattern.line(), by_pattern.line(), by_pattern.line(), by_pattern.line()];
        assert_eq!(got, ["pmessage", "n*", "news", &text]);
    }
    // Slot 5712 is the second master's: a sharded channel is sent there, and is heard by its replica too.
    let mut sharded = AtWork::start(&mut cli(&["-p", &lab.port(2).to_string(), "SSUBSCRIBE", "{user:1001}"]));
    assert_eq!([sharded.line(), sharded.line(), sharded.line()], ["ssubscribe", "{user:1001}", "1"]);
    let publish = ["-c", "-p", &lab.port(1).to_string(), "SPUBLISH", "{user:1001}", "hello"];
    assert_eq!(succeed(&mut cli(&publish)), "1\n");
    assert_eq!([sharded.line(), sharded.line(), sharded.line()], ["smessage", "{user:1001}", "hello"]);
}

#[test]
fn the_cluster_manager_of_redis_cli_creates_checks_and_reshapes_our_cluster() {
    if !have(REDIS_CLI, "redis-cli --cluster on our nodes") {
        return;
    }
    let lab = Lab::start(&[Kind::Ours; 6], 6);
    let addresses = lab.addresses();
    let entry = addresses[0].as_str();
    let manage = |command: &str, more: &[&str]| {
        let said = succeed(&mut cli(&[&["--cluster", command, entry][..], more].concat()));
        assert!(!said.contains("[ERR]"), "{command}\n{said}");
        said
    };
    let mut more: Vec<&str> = addresses[1..].iter().map(String::as_str).collect();
    more.extend(["--cluster-replicas", "1", "--cluster-yes"]);
    let created = manage("create", &more);
    assert!(created.contains("[OK] All 16384 slots covered."), "{created}");
    lab.await_service();

    let writes: String = (0..400).map(|index| format!("SET key:{index} {index}\n")).collect();
    typed(&["-c", "-p", &lab.port(1).to_string()], &writes);
    let all_well = |what: &str| {
        eventually(&format!("redis-cli finds the cluster well after {what}"), || {
            let output = cli(&["--cluster", "check", entry]).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            output.status.success()
                && rcl(&["check", entry]).0 == 0
                && text.contains("[OK] All nodes agree about slots configuration.")
                && text.contains("[OK] All 16384 slots covered.")
                && text.contains("[OK] 400 keys in 3 masters.")
        });
    };
    all_well("create");

    let ids: Vec<String> =
        (1..=3).map(|number| answer(&lab, number, &["CLUSTER", "MYID"]).trim().to_owned()).collect();
    let (from, to) = (ids[0].as_str(), ids[1].as_str());
    let wish = ["--cluster-from", from, "--cluster-to", to, "--cluster-slots", "500", "--cluster-yes"];
    manage("reshard", &wish);
    all_well("reshard");
    let info = manage("info", &[]);
    assert!(info.contains("5962 slots") && info.contains("4961 slots"), "{info}");
    manage("rebalance", &[]);
    all_well("rebalance");
    let info = manage("info", &[]);
    assert!(!info.contains("5962 slots"), "{info}");
    for index in 0..400 {
        let (key, port) = (format!("key:{index}"), lab.port(4).to_string());
        assert_eq!(rcl_ok(&["redis-cli", "-c", "-p", &port, "GET", &key]).trim(), index.to_string());
    }

    let called = manage("call", &["PING"]);
    assert_eq!(called.matches(": PONG").count(), 6, "{called}");

    // A replica goes out and comes back.
    let id = answer(&lab, 6, &["CLUSTER", "MYID"]);
    manage("del-node", &[id.trim()]);
    eventually("the node is forgotten", || {
        (1..=5).all(|number| !answer(&lab, number, &["CLUSTER", "NODES"]).contains(id.trim()))
    });
    let newcomer = addresses[5].as_str();
    let added = succeed(&mut cli(&["--cluster", "add-node", newcomer, entry, "--cluster-slave"]));
    assert!(added.contains("[OK] New node added correctly."), "{added}");
    lab.await_service();
    all_well("add-node");
    let master = (1..=3)
        .find(|&number| answer(&lab, number, &["INFO", "replication"]).contains(&lab.port(6).to_string()))
        .unwrap();
    let keys = answer(&lab, master, &["DBSIZE"]);
    eventually("the replica that came back has its master's keys", || answer(&lab, 6, &["DBSIZE"]) == keys);
}
