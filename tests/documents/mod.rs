//! The workshop: its documents held against each other, and its guide walked through, command by command.

mod guide;
mod walk;

use std::collections::BTreeSet;
use std::path::Path;

use self::guide::{Block, Guide};
use rcl_proto::{SLOT_COUNT, key_hash, key_slot};
use serde_yaml::Value;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn compose() -> Value {
    let mut compose: Value = serde_yaml::from_str(&read("docker-compose.yml")).unwrap();
    compose.apply_merge().unwrap();
    compose
}

fn strings(value: &Value) -> Vec<String> {
    let items = value.as_sequence().map(Vec::as_slice).unwrap_or_default();
    items
        .iter()
        .map(|item| item.as_str().unwrap_or_else(|| panic!("not a string: {item:?}")).to_owned())
        .collect()
}

/// The targets of the Makefile.
fn targets() -> BTreeSet<String> {
    let makefile = read("Makefile");
    makefile.lines().filter_map(|line| line.strip_prefix(".PHONY: ").map(str::to_owned)).collect()
}

#[test]
fn the_compose_file_has_eight_nodes_where_the_workshop_says() {
    let compose = compose();
    let services = compose["services"].as_mapping().unwrap();
    assert_eq!(services.len(), 8);
    for number in 1..=8 {
        let name = format!("redis-{number}");
        let service = &compose["services"][name.as_str()];
        let (port, ip) = (format!("700{number}"), format!("172.30.0.1{number}"));
        assert_eq!(service["container_name"], name.as_str());
        assert_eq!(service["networks"]["cluster"]["ipv4_address"], ip.as_str());
        assert_eq!(strings(&service["ports"]), [format!("127.0.0.1:{port}:{port}")]);
        assert_eq!(strings(&service["healthcheck"]["test"]), ["CMD", "redis-cli", "-p", &port, "PING"]);
        assert_eq!(strings(&service["volumes"]), [format!("{name}:/data")]);
        assert!(
            !compose["volumes"][name.as_str()].is_null() || compose["volumes"].get(name.as_str()).is_some()
        );
        let profiles = match number {
            7 => vec!["scale-up"],
            8 => vec!["scale-add-replica"],
            _ => vec![],
        };
        assert_eq!(strings(&service["profiles"]), profiles);
        assert_eq!(service["image"], "rcl", "the anchor is merged");
        let command = strings(&service["command"]);
        assert_eq!(command[0], "node");
        let directive = |name: &str| {
            let place = command.iter().position(|word| word == name).unwrap_or_else(|| panic!("no {name}"));
            command[place + 1].clone()
        };
        assert_eq!(directive("--port"), port);
        assert_eq!(directive("--cluster-announce-ip"), ip);
        assert_eq!(directive("--cluster-enabled"), "yes");
        assert_eq!(directive("--cluster-node-timeout"), "5000");
    }
    let subnet = &compose["networks"]["cluster"]["ipam"]["config"][0]["subnet"];
    assert_eq!(subnet, "172.30.0.0/24");
}

#[test]
fn the_makefile_knows_the_compose_file_s_names() {
    let makefile = read("Makefile");
    for needed in [
        "172.30.0.$$((10 + $(1)))",
        "--profile scale-up --profile scale-add-replica",
        "docker exec redis-$(1) redis-cli",
        "docker stop redis-$(1)",
        "docker start redis-$(1)",
    ] {
        assert!(makefile.contains(needed), "the Makefile lacks {needed}");
    }
    let compose = compose();
    for number in 1..=8 {
        assert!(!compose["services"][format!("redis-{number}").as_str()].is_null());
    }
}

#[test]
fn the_image_holds_rcl_under_both_names() {
    let dockerfile = read("Dockerfile");
    for needed in ["FROM scratch", "+crt-static", "ln -s rcl /image/bin/redis-cli", "ENV PATH=/bin"] {
        assert!(dockerfile.contains(needed), "the Dockerfile lacks {needed}");
    }
    assert!(dockerfile.contains("ENTRYPOINT [\"/bin/rcl\"]"), "the compose file's commands begin with node");
}

#[test]
fn every_slot_in_the_guide_is_computed() {
    let guide = Guide::read(&read("docs/workshop.md"));
    let mut keys = BTreeSet::new();
    for row in &guide.key_rows {
        let key = row.key.as_bytes();
        assert_eq!((key_hash(key), key_slot(key).number()), (row.crc16, row.slot), "{}", row.key);
        // Slots are dealt evenly; the keys of the guide lie far from where one master's end.
        let master = key_slot(key).index() * 3 / SLOT_COUNT;
        assert_eq!(row.master, ["first", "second", "third"][master], "{}", row.key);
        keys.insert(row.key.clone());
    }
    for needed in ["user:1001", "event:123", "event:123:seats", "event:123:waitlist", "{test}:data"] {
        assert!(keys.contains(needed), "the guide has no slot for {needed}");
    }
}

#[test]
fn the_guide_s_targets_and_containers_exist() {
    let guide = Guide::read(&read("docs/workshop.md"));
    let (targets, compose) = (targets(), compose());
    let mut used = BTreeSet::new();
    for (block, command) in &guide.commands {
        let words: Vec<&str> = command.split_whitespace().collect();
        if let ["make", target, ..] = words.as_slice() {
            assert!(targets.contains(*target), "the Makefile has no target {target}");
            used.insert((*target).to_owned());
        }
        if *block == Block::Docker {
            let container = words.iter().find(|word| word.starts_with("redis-") && **word != "redis-cli");
            let container = container.unwrap_or_else(|| panic!("no container in: {command}"));
            assert!(!compose["services"][*container].is_null(), "no service {container}");
        }
    }
    for target in [
        "start",
        "stop",
        "clean",
        "cluster-info",
        "slot-info",
        "key-slot",
        "hash-tag-demo",
        "cross-slot-demo",
        "scale-up",
        "scale-add-replica",
        "scale-down",
        "failover",
        "recover",
        "watch-cluster",
    ] {
        assert!(used.contains(target), "the guide never uses make {target}");
    }
    for target in ["test", "check", "completions", "help"] {
        assert!(targets.contains(target), "the Makefile has no target {target}");
    }
}
