//! A backup of a cluster under load, restored into one of another size, and compared.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::keys::{fill, load, padding};
use crate::harness::*;

/// Keys that nobody writes to meanwhile. `RCL_BACKUP_KEYS` says how many instead.
const KEYS: usize = 4000;

/// A folder that goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("rcl-backup-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Scratch(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const LIBRARY: &str = "#!lua name=lib\nredis.register_function('answer', function() return 42 end)";

fn keys() -> usize {
    std::env::var("RCL_BACKUP_KEYS").ok().and_then(|text| text.parse().ok()).unwrap_or(KEYS)
}

#[test]
fn a_loaded_cluster_of_three_is_restored_into_one_of_five() {
    with_each_kind(|kind| {
        let (from, to) = (Server::start_many(kind, 3, &[]), Server::start_many(kind, 5, &[]));
        create(&from, 0);
        create(&to, 0);
        from.iter()
            .for_each(|server| assert_eq!(text(&server.link().call(&["FUNCTION", "LOAD", LIBRARY])), "lib"));
        let (first, second) = (from[0].address(), to[0].address());
        fill(&from, keys());
        let stop = Arc::new(AtomicBool::new(false));
        let load = load(from[0].port, Arc::clone(&stop));
        for (name, compress) in [("plain", None), ("gzip", Some("--compress"))] {
            let scratch = Scratch::new(&format!("{kind:?}-{name}"));
            let arguments: Vec<&str> =
                ["backup", &first, scratch.path()].into_iter().chain(compress).collect();
            let made = rcl_json(&arguments);
            assert!(made["keys"].as_u64().unwrap() >= keys() as u64, "{made}");
            assert_eq!(made["files"].as_array().unwrap().len(), 3);
            check_files(&scratch.0, compress.is_some());
            assert!(!scratch.file("INCOMPLETE").exists());
            if compress.is_some() {
                rcl_refused(3, "--into-non-empty", &["restore", scratch.path(), &second, "--yes"]);
                rcl_ok(&["call", &second, "--only-masters", "FLUSHALL"]);
            }
            let restored = rcl_json(&["restore", scratch.path(), &second, "--yes"]);
            assert_eq!(restored["keys"], made["keys"], "{restored}");
            eprintln!(
                "{kind:?}, {name}: {} keys, backup {} s ({} bytes), restore {} s",
                made["keys"], made["seconds"], made["bytes"], restored["seconds"]
            );
            // The keys under load were written since; what is not, is the same on all three.
            let compared = rcl_json(&["verify", scratch.path(), &second]);
            assert_eq!(
                (&compared["same"], &compared["compared"]),
                (&true.into(), &made["keys"]),
                "{compared}"
            );
            let compared = rcl_json(&["verify", &first, &second, "--pattern", "key:*"]);
            assert_eq!(
                (&compared["same"], &compared["compared"]),
                (&true.into(), &keys().into()),
                "{compared}"
            );
        }
        stop.store(true, Ordering::Relaxed);
        assert!(load.join().unwrap() > 100);
        let answer = to[4].link().call(&["FCALL", "answer", "0"]);
        assert_eq!(answer, rcl_proto::resp::Reply::Integer(42));
    });
}

/// The sums of the manifest are those of the tools that everybody has.
fn check_files(folder: &Path, compressed: bool) {
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    assert_eq!((&manifest["format"], &manifest["version"]), (&"rcl-backup".into(), &1.into()));
    for file in manifest["files"].as_array().unwrap() {
        let path = folder.join(file["name"].as_str().unwrap());
        let sum = std::process::Command::new("sha256sum").arg(&path).output().unwrap();
        assert_eq!(text_of(&sum.stdout).split(' ').next().unwrap(), file["sha256"]);
        let path = if compressed {
            let plain = path.with_extension("");
            let zcat = std::process::Command::new("zcat").arg(&path).output().unwrap();
            std::fs::write(&plain, zcat.stdout).unwrap();
            plain
        } else {
            path
        };
        if let Ok(checked) = std::process::Command::new("redis-check-rdb").arg(&path).output() {
            let said = text_of(&checked.stdout);
            assert!(said.contains("RDB looks OK"), "{said}");
            assert!(said.contains(&format!("{} keys read", file["keys"])), "{said}");
        }
    }
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn every_difference_is_found_and_named() {
    with_each_kind(|kind| {
        let (from, to) = (Server::start_many(kind, 3, &[]), Server::start_many(kind, 3, &[]));
        create(&from, 0);
        create(&to, 0);
        fill(&from, 1100);
        let (first, second) = (from[0].address(), to[0].address());
        let scratch = Scratch::new(&format!("{kind:?}-differences"));
        rcl_ok(&["backup", &first, scratch.path()]);
        rcl_ok(&["restore", scratch.path(), &second, "--yes"]);
        let mut client = Client::new(to[0].port);
        let (member, scored) = (format!("member 5{}", padding()), format!("m600{}", padding()));
        // Big ones (of 700 elements, and a long string), which are compared piece by piece, and small ones.
        for (key, words) in [
            ("key:0", vec!["APPEND", "key:0", "x"]),
            ("key:1", vec!["LSET", "key:1", "350", "other"]),
            ("key:2", vec!["SREM", "key:2", &member]),
            ("key:3", vec!["HSET", "key:3", "f600", "other"]),
            ("key:4", vec!["ZADD", "key:4", "9", &scored]),
            ("key:5", vec!["XGROUP", "CREATECONSUMER", "key:5", "group", "bob"]),
            ("key:11", vec!["XACK", "key:11", "group", "5-1"]),
            ("key:20", vec!["SADD", "key:20", "one more"]),
            ("key:12", vec!["DEL", "key:12"]),
            ("key:18", vec!["DEL", "key:18"]),
            ("key:18", vec!["RPUSH", "key:18", "a list now"]),
            ("key:14", vec!["PEXPIREAT", "key:14", "4102444803000"]),
            ("key:15", vec!["PEXPIREAT", "key:15", "4102444800000"]),
            ("key:21", vec!["PEXPIREAT", "key:21", "4102444800900"]),
            ("new", vec!["SET", "new", "v"]),
        ] {
            client.call(key, &words).unwrap();
        }
        for source in [first.as_str(), scratch.path()] {
            let (code, stdout, stderr) = rcl(&["-o", "json", "verify", source, &second]);
            assert_eq!(code, 1, "{stdout}{stderr}");
            let found: serde_json::Value = serde_json::from_str(&stdout).unwrap();
            let named = |difference: &str| {
                let keys = found["differences"][difference]["keys"].as_array().unwrap();
                let mut keys: Vec<&str> = keys.iter().map(|key| key.as_str().unwrap()).collect();
                keys.sort_unstable();
                keys.join(" ")
            };
            assert_eq!(named("value"), "key:0 key:1 key:11 key:2 key:20 key:3 key:4 key:5", "{found}");
            assert_eq!(named("missing"), "key:12");
            assert_eq!(named("extra"), "new");
            assert_eq!(named("type"), "key:18");
            assert_eq!(named("time-to-live"), "key:14 key:15");
        }
        let sampled = rcl(&["-o", "json", "verify", &first, &second, "--sample", "100"]).1;
        let sampled: serde_json::Value = serde_json::from_str(&sampled).unwrap();
        assert_eq!(sampled["sampled_one_of"], 11);
        assert!((50..200).contains(&sampled["compared"].as_u64().unwrap()), "{sampled}");

        rcl_ok(&["restore", scratch.path(), &second, "--yes", "--replace"]);
        let (code, stdout, _) = rcl(&["-o", "json", "verify", scratch.path(), &second]);
        let found: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!((code, found["differences"].as_object().unwrap().len()), (1, 1), "{found}");
        assert_eq!(found["differences"]["extra"]["count"], 1);
    });
}

#[test]
fn what_is_not_whole_is_no_backup() {
    with_each_kind(|kind| {
        let mut servers = Server::start_many(kind, 3, &[]);
        create(&servers, 0);
        fill(&servers, 300);
        let address = servers[0].address();
        let scratch = Scratch::new(&format!("{kind:?}-whole"));
        rcl_ok(&["backup", &address, scratch.path()]);
        rcl_refused(3, "is not empty", &["backup", &address, scratch.path()]);

        let manifest = std::fs::read_to_string(scratch.file("manifest.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
        let file = scratch.file(manifest["files"][1]["name"].as_str().unwrap());
        let mut bytes = std::fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&file, bytes).unwrap();
        rcl_refused(3, "SHA-256", &["restore", scratch.path(), &address, "--yes", "--replace"]);

        let torn = Scratch::new(&format!("{kind:?}-torn"));
        std::fs::create_dir_all(&torn.0).unwrap();
        std::fs::write(torn.file("INCOMPLETE"), "").unwrap();
        rcl_refused(3, "is not whole", &["restore", torn.path(), &address, "--yes", "--replace"]);

        let moving = half_moved::leave_half_moved(&servers);
        let open = Scratch::new(&format!("{kind:?}-open"));
        rcl_refused(3, "on their way", &["backup", &address, open.path()]);
        assert!(!open.0.exists(), "nothing was begun");
        rcl_ok(&["fix", &address, "--yes"]);
        let _ = moving;

        // A master that is gone: the others' copies are worth nothing, and the folder says so.
        servers[2].kill();
        let gone = Scratch::new(&format!("{kind:?}-gone"));
        let (code, stdout, stderr) = rcl(&["backup", &address, gone.path()]);
        assert_eq!((code, stdout.as_str()), (4, ""), "{stderr}");
        assert!(!gone.file("manifest.json").exists());
    });
}

#[test]
fn an_interrupted_restore_goes_on_and_keys_that_are_over_stay_away() {
    let servers = Server::start_many(Kind::Ours, 3, &[]);
    create(&servers, 0);
    fill(&servers, 600);
    let address = servers[0].address();
    let mut client = Client::new(servers[0].port);
    client.call("short", &["SET", "short", "v", "PX", "400"]).unwrap();
    let scratch = Scratch::new("goes-on");
    rcl_ok(&["backup", &address, scratch.path()]);
    eventually("the short-lived key is over", || client.get("short").unwrap().is_none());
    rcl_ok(&["call", &address, "FLUSHALL"]);
    // As a run leaves it that was interrupted.
    client.call("key:6", &["SET", "key:6", "value 6"]).unwrap();
    client.call("key:12", &["SET", "key:12", "newer"]).unwrap();
    let restored = rcl_json(&["restore", scratch.path(), &address, "--yes", "--into-non-empty"]);
    assert_eq!((&restored["keys"], &restored["kept"]), (&598.into(), &2.into()), "{restored}");
    assert_eq!(restored["expired"], 1);
    assert_eq!(client.get("key:12").unwrap().as_deref(), Some("newer"));
    let plan = rcl_json(&["restore", scratch.path(), &address, "--dry-run", "--replace"]);
    assert_eq!((&plan["keys"], &plan["target_keys"]), (&601.into(), &600.into()), "{plan}");
}

#[test]
fn a_replica_gives_its_master_s_data() {
    with_each_kind(|kind| {
        let servers = Server::start_many(kind, 6, &["--repl-diskless-sync", "no"]);
        create(&servers, 1);
        fill(&servers[..3], 300);
        let address = servers[0].address();
        eventually("the replicas are in sync", || findings(&servers[0]) == (0, vec![]));
        let scratch = Scratch::new(&format!("{kind:?}-replica"));
        eventually("the replicas have all keys", || {
            let _ = std::fs::remove_dir_all(&scratch.0);
            rcl_json(&["backup", &address, scratch.path(), "--from-replicas"])["keys"] == 300
        });
        let manifest = std::fs::read_to_string(scratch.file("manifest.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
        for file in manifest["files"].as_array().unwrap() {
            let asked = file["taken_from"].as_str().unwrap().split(' ').next().unwrap();
            assert!(servers[3..].iter().any(|server| server.address() == asked), "{file}");
        }
        assert_eq!(rcl_json(&["verify", scratch.path(), &address])["same"], true);
    });
}

#[test]
fn newer_forms_of_redis_are_restored_into_older_servers_and_the_other_way_round() {
    if !have_server() {
        return;
    }
    let (ours, redis) = (Server::start_many(Kind::Ours, 3, &[]), Server::start_many(Kind::Redis, 3, &[]));
    create(&ours, 0);
    create(&redis, 0);
    fill(&redis, 600);
    let scratch = Scratch::new("forms");
    rcl_ok(&["backup", &redis[0].address(), scratch.path()]);
    rcl_ok(&["restore", scratch.path(), &ours[0].address(), "--yes"]);
    assert_eq!(rcl_json(&["verify", &redis[0].address(), &ours[0].address()])["same"], true);

    // Fields that end are not known to Redis 7.0: refused by name before anything is written.
    rcl_ok(&["call", &redis[0].address(), "FLUSHALL"]);
    let mut client = Client::new(ours[0].port);
    client.call("key:3", &["HEXPIRE", "key:3", "1000", "FIELDS", "1", "field"]).unwrap();
    let scratch = Scratch::new("newer-forms");
    rcl_ok(&["backup", &ours[0].address(), scratch.path()]);
    rcl_refused(3, "'key:3'", &["restore", scratch.path(), &redis[0].address(), "--yes"]);
    assert_eq!(rcl_json(&["info", &redis[0].address()])["keys"], 0);
}
