//! What is made of files, on a node in memory.

use std::fs;
use std::path::PathBuf;

use rcl_proto::resp::encode_request;

use super::*;
use crate::executor::in_memory::{Client, node_with};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &[u8])]) -> Folder {
        let folder = std::env::temp_dir().join(format!("rcl-aof-load-{}-{name}", std::process::id()));
        let files_folder = folder.join("appendonlydir");
        fs::create_dir_all(&files_folder).unwrap();
        for (name, bytes) in files {
            fs::write(files_folder.join(name), bytes).unwrap();
        }
        Folder(folder)
    }

    fn node(&self, cluster: &str) -> Arc<Node> {
        let dir = self.0.to_string_lossy().into_owned();
        node_with(&["--dir", &dir, "--appendonly", "yes", "--cluster-enabled", cluster], "")
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.join("appendonlydir").join(name)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const MANIFEST: (&str, &[u8]) = ("appendonly.aof.manifest", b"file a seq 1 type i\nfile b seq 2 type i\n");

fn commands(lines: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in lines {
        encode_request(&mut bytes, line.split(' ').map(str::as_bytes).collect::<Vec<_>>());
    }
    bytes
}

#[test]
fn many_commands_of_two_files_are_there_and_all_bytes_are_counted() {
    let lines: Vec<String> =
        (0..20_000).map(|number| format!("APPEND key:{} {number},", number % 100)).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let (one, other) = lines.split_at(lines.len() / 2);
    let (one, other) = (commands(one), commands(other));
    let total = (one.len() + other.len()) as u64;
    let folder = Folder::new("many", &[MANIFEST, ("a", &one), ("b", &other)]);
    let expected: String = (0..200).map(|turn| format!("{},", turn * 100 + 42)).collect();
    for cluster in ["no", "yes"] {
        let node = folder.node(cluster);
        assert!(load_at_start(&node).unwrap());
        let slot = if node.is_cluster() { rcl_proto::key_slot(b"key:42") } else { rcl_proto::Slot::MIN };
        let shard = node.shards.lock_slot(slot);
        let entry = shard.keyspace.find(0, &node.key(b"key:42")).unwrap();
        assert_eq!(
            entry.value().as_string().map(|value| value.to_vec()),
            Some(expected.clone().into_bytes())
        );
        let progress = &node.persistence.loading;
        let counted =
            [&progress.loaded_bytes, &progress.total_bytes].map(|bytes| bytes.load(Ordering::Relaxed));
        assert_eq!(counted, [total, total]);
    }
}

#[test]
fn only_the_end_of_the_last_file_is_cut_off() {
    let whole = commands(&["SET a 1", "MULTI", "SET a 2", "EXEC"]);
    let (torn, open) = (&whole[..whole.len() - 3], commands(&["SET a 1", "MULTI", "SET a 2"]));
    let good = commands(&["SET a 1"]);
    for (name, first, second, left) in [
        ("first torn", torn, &*whole, None),
        ("first open", &*open, &*whole, None),
        ("last torn", &*whole, torn, Some(&good)),
        ("last open", &*whole, &*open, Some(&good)),
        ("whole", &*whole, &*whole, Some(&whole)),
    ] {
        let folder = Folder::new(name, &[MANIFEST, ("a", first), ("b", second)]);
        let node = folder.node("no");
        assert_eq!(load_at_start(&node).is_ok(), left.is_some(), "{name}");
        assert_eq!(folder.bytes("a"), first, "{name}");
        assert_eq!(folder.bytes("b"), left.map_or(second, |left| left), "{name}");
        if left.is_some() {
            let value = if left == Some(&whole) { "$1 2" } else { "$1 1" };
            assert_eq!(Client::new(&node).ask("GET a"), value, "{name}");
        }
    }
}

#[test]
fn what_is_wrong_ends_the_load_and_what_comes_before_it_is_applied() {
    for wrong in ["!!!", "*1\r\n$7\r\nNOTHING\r\n"] {
        let bytes = [commands(&["SET a 1"]), wrong.as_bytes().to_vec(), commands(&["SET a 2"])].concat();
        let folder = Folder::new("wrong", &[MANIFEST, ("a", b""), ("b", &bytes)]);
        let node = folder.node("no");
        assert!(load_at_start(&node).is_err());
        assert_eq!(folder.bytes("b"), bytes);
        assert_eq!(Client::new(&node).ask("GET a"), "$1 1");
    }
}
