//! What operators do to a cluster that runs: directives set everywhere, hosts freed of masters, the dead forgotten, nodes reset.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::harness::load::{Load, Size};
use crate::harness::*;

/// Three nodes that the others know at 127.0.0.1 and then three at 127.0.0.2; the first are the masters.
fn on_two_hosts(kind: Kind) -> Vec<Server> {
    let mut servers = Server::start_many(kind, 3, &[]);
    let second = ["--bind", "127.0.0.1", "127.0.0.2", "--cluster-announce-ip", "127.0.0.2"];
    servers.extend(Server::start_many(kind, 3, &second));
    create(&servers, 1);
    eventually("nothing is to be found", || findings(&servers[0]) == (0, vec![]));
    servers
}

fn directive(server: &Server, name: &str) -> String {
    match server.link().call(&["CONFIG", "GET", name]) {
        rcl_proto::resp::Reply::Array(pair) => text(&pair[1]),
        other => panic!("{other:?}"),
    }
}

fn masters(servers: &[Server]) -> Vec<bool> {
    let is_master =
        |server: &Server| text(&server.link().call(&["INFO", "replication"])).contains("role:master");
    servers.iter().map(is_master).collect()
}

#[test]
fn directives_are_set_on_all_or_on_none_and_masters_leave_a_host() {
    with_each_kind(|kind| {
        let servers = on_two_hosts(kind);
        let entry = servers[1].address();
        let of_all = |name: &str| servers.iter().map(|server| directive(server, name)).collect::<Vec<_>>();

        let plan = rcl_json(&["set", &entry, "maxmemory", "100mb", "--masters", "--dry-run"]);
        assert_eq!(plan["steps"].as_array().unwrap().len(), 3, "{plan}");
        assert_eq!(plan["steps"][0]["before"], "0", "{plan}");
        let done = rcl_json(&["set", &entry, "maxmemory", "100mb", "hz", "20"]);
        assert!(done["notes"][0].as_str().unwrap().contains("without a configuration file"), "{done}");
        assert_eq!(
            (of_all("maxmemory"), of_all("hz")),
            (vec!["104857600".to_owned(); 6], vec!["20".to_owned(); 6])
        );
        let again = rcl_json(&["set", &entry, "maxmemory", "104857600"]);
        assert_eq!(again["notes"][0], "nothing to do");
        rcl_ok(&["undo", "--entry", &entry, "--yes"]);
        assert_eq!((of_all("maxmemory"), of_all("hz")), (vec!["0".to_owned(); 6], vec!["10".to_owned(); 6]));

        // One node takes no CONFIG SET: nobody keeps what it was set.
        servers[4].link().call(&["ACL", "SETUSER", "default", "-config|set"]);
        rcl_refused(5, "put back (5)", &["set", &entry, "maxmemory", "100mb"]);
        assert_eq!(of_all("maxmemory"), ["0"; 6]);
        servers[4].link().call(&["ACL", "SETUSER", "default", "+@all"]);
        rcl_refused(3, "did you mean maxmemory", &["set", &entry, "maxmemroy", "1"]);
        rcl_refused(3, "is a secret", &["set", &entry, "requirepass", "x"]);
        rcl_refused(2, "has no value", &["set", &entry, "maxmemory", "1gb", "hz"]);
        rcl_ok(&["set-timeout", &entry, "2500"]);
        assert_eq!(of_all("cluster-node-timeout"), ["2500"; 6]);

        let answers = rcl_json(&["call", &entry, "--only", &entry, "CONFIG", "GET", "hz"]);
        assert_eq!(
            (&answers[0]["type"], &answers[0]["reply"]),
            (&"map".into(), &serde_json::json!({"hz": "10"}))
        );

        assert_eq!(masters(&servers), [true, true, true, false, false, false]);
        rcl_refused(
            3,
            "no node is on host 127.0.0.3",
            &["failover", "--host", "127.0.0.3", "--entry", &entry],
        );
        rcl_ok(&["failover", "--host", "127.0.0.1", "--entry", &entry]);
        assert_eq!(masters(&servers), [false, false, false, true, true, true]);
        assert_eq!(findings(&servers[0]).0, 0);
        // Back by zones, of which the nodes themselves say nothing.
        let zones = ["--zones", "127.0.0.1=one,127.0.0.2=two", "--entry", &entry];
        rcl_ok(&[&["failover", "--zone", "two"], &zones[..]].concat());
        assert_eq!(masters(&servers), [true, true, true, false, false, false]);
    });
}

#[test]
fn the_dead_are_forgotten_also_those_that_only_some_still_know() {
    with_each_kind(|kind| {
        let mut servers = Server::start_many(kind, 6, &[]);
        create(&servers, 1);
        let entry = servers[0].address();
        eventually("nothing is to be found", || findings(&servers[0]) == (0, vec![]));
        let ids: Vec<String> = servers.iter().map(Server::id).collect();
        let knows = |server: &Server, id: &str| text(&server.link().call(&["CLUSTER", "NODES"])).contains(id);

        rcl_refused(3, "scale-down", &["forget", &ids[5], "--entry", &entry, "--yes"]);
        rcl_refused(3, "--lose-slots", &["reset", &entry, "--yes"]);
        assert_eq!(rcl_json(&["forget", "--dead", "--entry", &entry, "--yes"])["notes"][0], "nothing to do");
        for dead in [4, 5] {
            servers[dead].kill();
        }
        let failed = |server: &Server, id: &str| {
            let nodes = text(&server.link().call(&["CLUSTER", "NODES"]));
            nodes.lines().any(|line| line.starts_with(id) && line.contains("fail") && !line.contains("fail?"))
        };
        eventually("the dead are called dead", || {
            servers[..4].iter().all(|server| failed(server, &ids[4]) && failed(server, &ids[5]))
        });
        if kind == Kind::Redis {
            // The entry has forgotten one; the others have not. (Since 7.2 nodes tell each other whom they were told to forget.)
            servers[0].link().call(&["CLUSTER", "FORGET", &ids[4]]);
        }
        let (_, _, said) = rcl(&["forget", &ids[4][..10], "--entry", &entry, "--yes"]);
        assert!(said.contains("cannot be told"), "{said}");
        assert!(servers[..4].iter().all(|server| !knows(server, &ids[4]) && knows(server, &ids[5])));
        rcl_ok(&["forget", "--dead", "--entry", &entry, "--yes"]);
        assert!(servers[..4].iter().all(|server| !knows(server, &ids[5])));
        assert_eq!(findings(&servers[0]), (0, vec!["no-replica".to_owned(); 2]));

        rcl_ok(&["reset", &servers[3].address(), "--soft", "--yes"]);
        assert_eq!(text(&servers[3].link().call(&["CLUSTER", "NODES"])).lines().count(), 1);
        assert_eq!(servers[3].id(), ids[3], "a soft reset keeps the id");
        assert!(servers[..3].iter().all(|server| !knows(server, &ids[3])));
        rcl_refused(3, "what it was is gone", &["undo", "--entry", &entry, "--yes"]);
    });
}

/// Restarts servers as files ask for it, until told to stop: `restart-PORT` in the folder.
fn restart_as_asked(
    mut servers: Vec<Server>,
    folder: PathBuf,
    stop: Arc<AtomicBool>,
) -> std::thread::JoinHandle<Vec<Server>> {
    std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            for server in &mut servers {
                let asked = folder.join(format!("restart-{}", server.port));
                if asked.exists() {
                    server.kill();
                    server.start_again();
                    std::fs::remove_file(asked).unwrap();
                }
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        servers
    })
}

#[test]
fn all_nodes_are_restarted_under_load_and_clients_see_nothing_but_redirects() {
    let kind = if have_server() { Kind::Redis } else { Kind::Ours };
    const KEYS: usize = 1000;
    let servers = Server::start_many(kind, 6, &[]);
    create(&servers, 1);
    eventually("nothing is to be found", || findings(&servers[0]) == (0, vec![]));
    let (entry, port) = (servers[0].address(), servers[0].port);
    let processes = |servers: &[Server]| servers.iter().map(Server::pid).collect::<Vec<_>>();
    let before = processes(&servers);
    fill(port, KEYS);
    rcl_refused(2, "there is no {hosts}", &["rolling-restart", &entry, "--hook", "ssh {hosts} x"]);
    let failing = ["rolling-restart", &entry, "--hook", "sh -c 'echo why {port}; exit 3'", "--yes"];
    rcl_refused(5, &format!(" | why {}", servers[3].port), &failing);
    let plan = rcl_json(&["rolling-restart", &entry, "--hook", "true {port}", "--dry-run"]);
    let restarts = plan["steps"].as_array().unwrap().iter().filter(|step| step["step"] == "restart").count();
    assert_eq!(restarts, 6, "{plan}");

    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("restart-{kind:?}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let load = Load::start_of(
        Size { items_per_worker: 40, rate: 600 },
        &servers[..3].iter().map(|server| server.port).collect::<Vec<_>>(),
    );
    let stop = Arc::new(AtomicBool::new(false));
    let hand = restart_as_asked(servers, folder.clone(), Arc::clone(&stop));
    let hook = format!("touch {}/restart-{{port}}", folder.display());
    let done = rcl_json(&["rolling-restart", &entry, "--hook", &hook, "--yes"]);
    stop.store(true, Ordering::Relaxed);
    let servers = hand.join().unwrap();
    let phase = load.end_phase();
    assert!(phase.lost == 0 && phase.wrong == 0 && phase.errors.is_empty(), "{done}\n{phase}");
    let (phase, _) = load.stop();
    assert!(phase.lost == 0 && phase.wrong == 0, "{phase}");
    assert!(before.iter().zip(processes(&servers)).all(|(old, new)| *old != new), "each is another process");
    assert_eq!(masters(&servers), [true, true, true, false, false, false], "as it was");
    verify(port, KEYS);
    assert_eq!(findings(&servers[0]).0, 0);
    std::fs::remove_dir_all(&folder).unwrap();
}
