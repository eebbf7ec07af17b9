//! Files of many runs, in memory: what several threads make of them, and which of their errors is told.

use std::io::{BufRead, BufReader, Cursor, Read};

use rcl_store::rdb::{FileEncoder, FileInfo, FileSum, KeyInfo};
use rcl_store::types::ValueRef;

use super::*;
use crate::executor::in_memory::node_with;

const KEYS: usize = 20_000;

fn encoder(out: &mut Vec<u8>) -> FileEncoder {
    let info = FileInfo {
        redis_version: "7.2.6",
        created_at_s: 1,
        used_memory_bytes: 1,
        field_expiries: false,
        aof_base: false,
        replication: None,
    };
    let encoder = FileEncoder::start(true, &info, out);
    encoder.database(0, KEYS as u64, 0, out);
    encoder
}

fn key(number: usize) -> Vec<u8> {
    format!("key:{number}").into_bytes()
}

/// Of some runs; `more` adds keys, called with how many there are so far.
fn file_with(mut more: impl FnMut(usize, &FileEncoder, &mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    let encoder = encoder(&mut out);
    for number in 0..KEYS {
        more(number, &encoder, &mut out);
        let value = format!("the value of the key with the number {number}");
        encoder.key(&key(number), ValueRef::String(value.as_bytes()), KeyInfo::default(), &mut out);
    }
    encoder.finish(FileSum::default(), &mut out);
    out
}

fn load(node: &Node, source: impl BufRead) -> Result<Loaded, LoadError> {
    node.persistence.loading.begin(0);
    Loader::new(node, source, true).load_all(|| Ok(()))
}

fn key_count(node: &Node) -> usize {
    (0..node.shards.count()).map(|index| node.shards.lock(index).keyspace.key_count(0)).sum()
}

#[test]
fn all_keys_of_all_runs_and_not_a_byte_more() {
    let file = file_with(|_, _, _| {});
    for (cluster, capacity) in [("no", 1 << 20), ("yes", 1 << 20), ("no", 1000), ("yes", 64 * 1024)] {
        let node = node_with(&["--cluster-enabled", cluster], "");
        let behind = b"what follows is not the file's";
        let mut source = BufReader::with_capacity(capacity, Cursor::new([&file[..], behind].concat()));
        let loaded = load(&node, &mut source).unwrap();
        assert_eq!((loaded.keys, key_count(&node)), (KEYS as u64, KEYS));
        let mut rest = Vec::new();
        source.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, behind);
        let slot =
            |key: &[u8]| if node.is_cluster() { rcl_proto::key_slot(key) } else { rcl_proto::Slot::MIN };
        for number in (0..KEYS).step_by(997) {
            let key = key(number);
            let shard = node.shards.lock_slot(slot(&key));
            let entry = shard.keyspace.find(0, &shard.keyspace.hasher().key_in_slot(&key, slot(&key)));
            let value = entry.and_then(|entry| entry.value().as_string().map(|value| value.to_vec()));
            assert_eq!(value, Some(format!("the value of the key with the number {number}").into_bytes()));
        }
    }
}

#[test]
fn a_key_that_is_too_long_for_a_run() {
    // Not to be compressed: each four bytes are other ones.
    let long: Vec<u8> =
        (0..2_400_000_u32).flat_map(|number| number.wrapping_mul(0x9E37_79B1).to_le_bytes()).collect();
    let file = file_with(|number, encoder, out| {
        if number == KEYS / 2 {
            encoder.key(b"long", ValueRef::String(&long), KeyInfo::default(), out);
        }
    });
    assert!(file.len() > 9_600_000);
    let node = node_with(&[], "");
    assert_eq!(load(&node, BufReader::with_capacity(READ_BYTES, &file[..])).unwrap().keys, KEYS as u64 + 1);
    let shard = node.shards.lock(0);
    let place = shard.keyspace.hasher().key_in_slot(b"long", rcl_proto::Slot::MIN);
    let value = shard.keyspace.find(0, &place).unwrap().value().as_string().unwrap().to_vec();
    assert!(value == long);
}

#[test]
fn of_many_errors_the_first_in_the_file_is_told() {
    let mut file = file_with(|_, _, _| {});
    // Each value's compressed text ends early now: in whichever thread that is found first.
    let first = file.windows(9).position(|bytes| bytes == b"key:10000").unwrap();
    for wrong in ["key:10000", "key:12000", "key:19000"] {
        let at = file.windows(9).position(|bytes| bytes == wrong.as_bytes()).unwrap();
        // The value's length byte: a string encoding that there is not.
        file[at + 9] = 0xC5;
    }
    for _ in 0..10 {
        let node = node_with(&[], "");
        let error = load(&node, &file[..]).unwrap_err().to_string();
        let expected = format!("at byte {}: expected a string encoding from 0 to 3", first + 9);
        assert!(error.contains(&expected), "{error}");
    }
}

#[test]
fn a_torn_file_and_a_wrong_checksum() {
    let file = file_with(|_, _, _| {});
    for length in [0, 5, 9, 300, file.len() / 2, file.len() - 9, file.len() - 8, file.len() - 1] {
        let error = load(&node_with(&[], ""), &file[..length]).unwrap_err().to_string();
        assert!(error.contains(&format!("end at byte {length}")), "{length}: {error}");
    }
    let mut wrong = file.clone();
    // A letter of a value.
    let at = file.windows(9).position(|bytes| bytes == b"key:15000").unwrap() + 12;
    wrong[at] ^= 1;
    let error = load(&node_with(&[], ""), &wrong[..]).unwrap_err().to_string();
    assert!(error.contains("CRC error"), "{error}");
    let unchecked = node_with(&["--rdbchecksum", "no"], "");
    assert_eq!(load(&unchecked, &wrong[..]).unwrap().keys, KEYS as u64);
}

#[test]
fn a_key_that_is_there_twice() {
    let file = file_with(|number, encoder, out| {
        if number == KEYS - 5 {
            encoder.key(&key(7), ValueRef::Int(7), KeyInfo::default(), out);
        }
    });
    let places: Vec<usize> =
        file.windows(6).enumerate().filter(|(_, bytes)| *bytes == b"\x05key:7").map(|(at, _)| at).collect();
    assert_eq!(places.len(), 2);
    let error = load(&node_with(&[], ""), &file[..]).unwrap_err();
    let LoadError::Refused { offset, why: Refusal::KeyIsThere { key }, .. } = &error else {
        panic!("{error}")
    };
    // By whoever comes to it second; the type byte is before the key.
    assert!(places.contains(&(*offset as usize + 1)), "{offset}: {places:?}");
    assert_eq!(key, b"key:7");
    assert_eq!(error.to_string(), format!("at byte {offset}: there is a key 'key:7' already"));
}

/// What is said of a database's size is believed only as far as the file is long.
#[test]
fn a_size_that_is_not_true() {
    let mut out = Vec::new();
    let encoder = encoder(&mut out);
    encoder.database(0, u64::MAX, u64::MAX, &mut out);
    encoder.key(b"k", ValueRef::Int(7), KeyInfo::default(), &mut out);
    encoder.finish(FileSum::default(), &mut out);
    let node = node_with(&[], "");
    node.persistence.loading.begin(out.len() as u64);
    assert_eq!(Loader::new(&node, &out[..], true).load_all(|| Ok(())).unwrap().keys, 1);
    assert!(node.shards.lock(0).keyspace.table_bytes(0) < 1000);
}

#[test]
fn who_comes_in_the_first_moments_of_a_load_waits_for_its_end() {
    use crate::executor::in_memory::Client;
    let node = node_with(&[], "");
    node.persistence.loading.begin(0);
    node.set_state(node_state::LOADING, true);
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| Client::new(&node).ask("GET k"));
        node.set_state(node_state::LOADING, false);
        assert_eq!(asked.join().unwrap(), "$-1");
    });
    // This one lasts.
    let long_ago_ms = clock::now_ms() - SHORT.as_millis() as i64;
    node.persistence.loading.started_ms.store(long_ago_ms, Ordering::Relaxed);
    node.set_state(node_state::LOADING, true);
    assert!(Client::new(&node).ask("GET k").starts_with("-LOADING"));
}
