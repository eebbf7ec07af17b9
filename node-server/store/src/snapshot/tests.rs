//! The property that matters, a true point in time under any writes, is tested with the keyspace's model.

use super::*;
use crate::keyspace::{KeyHasher, Layout, SetExpiry};
use crate::types::{Hash, Limits, Value, ValueRef};

fn filled(count: usize) -> Keyspace {
    let mut keyspace = Keyspace::new(Layout::Standalone, 1, KeyHasher::new(1));
    let hasher = keyspace.hasher().clone();
    for number in 0..count {
        let name = number.to_string();
        keyspace.upsert_string(0, &hasher.key(name.as_bytes()), b"value", SetExpiry::Clear, |_| true);
    }
    keyspace
}

fn complete(keyspace: &mut Keyspace) -> Vec<Entry> {
    let mut handed = Vec::new();
    while keyspace.walk_snapshot(100, &mut handed).unwrap() == WalkState::More {}
    keyspace.finish_snapshot().unwrap();
    handed.into_iter().flat_map(HandedOver::into_entries).collect()
}

#[test]
fn a_collection_is_handed_over_as_it_was() {
    let mut keyspace = filled(0);
    let key = keyspace.hasher().clone().key(b"h");
    let limits = Limits::default();
    let mut hash = Hash::new();
    for number in 0..1000 {
        hash.set(number.to_string().as_bytes(), b"before", &limits);
    }
    keyspace.insert(0, &key, Value::Hash(hash), None);
    keyspace.begin_snapshot().unwrap();
    for number in 500..2000 {
        let mut hash = keyspace.find_mut(0, &key).and_then(Entry::edit::<Hash>).unwrap();
        hash.set(number.to_string().as_bytes(), b"after", &limits);
    }
    let entries = complete(&mut keyspace);
    let [entry] = &entries[..] else { panic!("{} entries", entries.len()) };
    let ValueRef::Hash(hash) = entry.value() else { panic!("{:?}", entry.value()) };
    assert_eq!(hash.len(), 1000);
    assert!(
        (0..1000).all(|n| hash.get(n.to_string().as_bytes()).is_some_and(|value| value.equals(b"before")))
    );
}

#[test]
fn a_call_of_the_walker_is_bounded() {
    let mut keyspace = filled(10_000);
    keyspace.begin_snapshot().unwrap();
    let mut handed = Vec::new();
    while keyspace.walk_snapshot(50, &mut handed).unwrap() == WalkState::More {
        assert!(handed.len() <= 100, "{}", handed.len());
        handed.clear();
    }
}

#[test]
fn the_order_of_calls_is_checked() {
    let mut keyspace = filled(10);
    assert_eq!(keyspace.walk_snapshot(1, &mut Vec::new()), Err(SnapshotError::NotRunning));
    assert_eq!(keyspace.finish_snapshot(), Err(SnapshotError::NotRunning));
    keyspace.begin_snapshot().unwrap();
    assert_eq!(keyspace.begin_snapshot(), Err(SnapshotError::AlreadyRunning));
    assert_eq!(keyspace.finish_snapshot(), Err(SnapshotError::Unfinished));
    let _ = keyspace.flush_all();
    let mut handed = Vec::new();
    assert_eq!(keyspace.walk_snapshot(1, &mut handed), Ok(WalkState::Done));
    assert_eq!(handed.into_iter().flat_map(HandedOver::into_entries).count(), 10);
    keyspace.finish_snapshot().unwrap();
    assert!(!keyspace.snapshot_is_running());
}

#[test]
fn the_queue_tells_its_size() {
    let mut keyspace = filled(10);
    keyspace.begin_snapshot().unwrap();
    assert_eq!(keyspace.snapshot_queue_bytes(), 0);
    let key = keyspace.hasher().clone().key(b"3");
    assert!(matches!(keyspace.remove(0, &key), Removed::HandedOver));
    assert!(keyspace.snapshot_queue_bytes() > 8);
    keyspace.drain_snapshot(&mut Vec::new());
    assert_eq!(keyspace.snapshot_queue_bytes(), 0);
}

#[test]
fn epochs_do_not_run_out_when_snapshots_are_given_up() {
    let mut keyspace = filled(500);
    for _ in 0..600 {
        keyspace.begin_snapshot().unwrap();
        keyspace.walk_snapshot(7, &mut Vec::new()).unwrap();
        keyspace.abort_snapshot();
    }
    keyspace.begin_snapshot().unwrap();
    assert_eq!(complete(&mut keyspace).len(), 500);
    for _ in 0..600 {
        keyspace.begin_snapshot().unwrap();
        assert_eq!(complete(&mut keyspace).len(), 500);
    }
}
