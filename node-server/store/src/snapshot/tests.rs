//! The property that matters, a true point in time under any writes, is tested with the keyspace's model.

use super::*;
use crate::keyspace::{Key, KeyHasher, Layout, SetExpiry};
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

fn room() -> Arc<Room> {
    Arc::new(Room::new(1 << 20))
}

fn budget(entries: usize) -> WalkBudget {
    WalkBudget { entries, bytes: 1 << 20 }
}

fn complete(keyspace: &mut Keyspace) -> Vec<Entry> {
    let mut handed = Vec::new();
    while keyspace.walk_snapshot(budget(100), &mut handed).unwrap().state == WalkState::More {}
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
    keyspace.begin_snapshot(room()).unwrap();
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
    keyspace.begin_snapshot(room()).unwrap();
    let mut handed = Vec::new();
    let mut calls = 0;
    while keyspace.walk_snapshot(budget(50), &mut handed).unwrap().state == WalkState::More {
        assert!(handed.len() <= 100, "{}", handed.len());
        handed.clear();
        calls += 1;
    }
    assert!(calls >= 100, "{calls}");
}

#[test]
fn a_call_of_the_walker_is_bounded_while_the_table_grows_and_splits() {
    let mut keyspace = filled(10_000);
    let hasher = keyspace.hasher().clone();
    keyspace.begin_snapshot(room()).unwrap();
    let (mut handed, mut added, mut count) = (Vec::new(), 10_000, 0);
    loop {
        let walked = keyspace.walk_snapshot(budget(50), &mut handed).unwrap();
        assert!(walked.entries <= 100, "{walked:?}");
        count += handed.drain(..).flat_map(HandedOver::into_entries).count();
        if walked.state == WalkState::Done {
            break;
        }
        for number in added..added + 100 {
            let name = number.to_string();
            keyspace.upsert_string(0, &hasher.key(name.as_bytes()), b"new", SetExpiry::Clear, |_| true);
        }
        added += 100;
    }
    assert!(added > 20_000, "the table grew to {added}");
    assert_eq!(count, 10_000);
}

/// Each as large as a whole budget: one a call.
#[test]
fn a_call_of_the_walker_is_bounded_by_bytes_too() {
    let mut keyspace = filled(0);
    let hasher = keyspace.hasher().clone();
    for number in 0..100 {
        let name = number.to_string();
        keyspace.upsert_string(0, &hasher.key(name.as_bytes()), &[b'x'; 10_000], SetExpiry::Clear, |_| true);
    }
    keyspace.begin_snapshot(room()).unwrap();
    let tight = WalkBudget { entries: 1000, bytes: 10_000 };
    let mut handed = Vec::new();
    while handed.len() < 100 {
        let before = handed.len();
        let walked = keyspace.walk_snapshot(tight, &mut handed).unwrap();
        assert!(walked.bytes <= 10_200, "{walked:?}");
        assert_eq!(handed.len(), before + 1);
    }
    assert_eq!(complete(&mut keyspace).len(), 0);
}

#[test]
fn a_big_collection_is_shared_and_not_copied() {
    const ELEMENTS: usize = 200_000;
    let mut keyspace = filled(0);
    let hasher = keyspace.hasher().clone();
    let limits = Limits::default();
    let mut hash = Hash::new();
    for number in 0..ELEMENTS {
        hash.set(number.to_string().as_bytes(), b"a value of some length", &limits);
    }
    keyspace.insert(0, &hasher.key(b"h"), Value::Hash(hash), None);
    keyspace.begin_snapshot(room()).unwrap();
    let mut handed = Vec::new();
    let walked = keyspace.walk_snapshot(WalkBudget { entries: 10, bytes: 1000 }, &mut handed).unwrap();
    assert!(walked.bytes < ELEMENTS, "{walked:?}");
    assert_eq!(handed.len(), 1);
}

/// A string of a hundred pieces among short ones; `meanwhile` is done after half of the pieces.
fn walk_with_a_long_string(meanwhile: impl FnOnce(&mut Keyspace, &Key<'_>)) {
    let mut keyspace = filled(300);
    let hasher = keyspace.hasher().clone();
    let key = hasher.key(b"long");
    let text: Vec<u8> = (0..100_000u32).map(|number| (number * 7) as u8).collect();
    keyspace.upsert_string(0, &key, &text, SetExpiry::At(77), |_| true);
    keyspace.begin_snapshot(room()).unwrap();
    let tight = WalkBudget { entries: 1000, bytes: 1000 };
    let (mut handed, mut pieces, mut meanwhile) = (Vec::new(), 0, Some(meanwhile));
    loop {
        let walked = keyspace.walk_snapshot(tight, &mut handed).unwrap();
        assert!(walked.bytes <= 1200, "{walked:?}");
        if walked.state == WalkState::Done {
            break;
        }
        pieces += 1;
        if pieces == 70
            && let Some(meanwhile) = meanwhile.take()
        {
            meanwhile(&mut keyspace, &key);
        }
    }
    keyspace.finish_snapshot().unwrap();
    let entries: Vec<Entry> = handed.into_iter().flat_map(HandedOver::into_entries).collect();
    assert_eq!(entries.len(), 301);
    let long: Vec<&Entry> = entries.iter().filter(|entry| entry.key() == b"long").collect();
    let [long] = long[..] else { panic!("{} of them", long.len()) };
    assert_eq!(long.expiry(), Some(77));
    assert!(matches!(long.value(), ValueRef::String(bytes) if bytes == text));
}

#[test]
fn a_long_string_is_copied_piece_by_piece() {
    walk_with_a_long_string(|_, _| {});
}

#[test]
fn a_long_string_that_changes_while_it_is_copied_is_handed_over_as_it_was() {
    walk_with_a_long_string(|keyspace, key| {
        keyspace.find_mut(0, key).unwrap().edit_string(|bytes| bytes.truncate(5)).unwrap();
    });
    walk_with_a_long_string(|keyspace, key| {
        keyspace.upsert_string(0, key, b"short", SetExpiry::Clear, |_| true);
    });
    walk_with_a_long_string(|keyspace, key| assert!(matches!(keyspace.remove(0, key), Removed::HandedOver)));
    walk_with_a_long_string(|keyspace, _| drop(keyspace.flush_all()));
    walk_with_a_long_string(|keyspace, key| {
        drop(keyspace.flush_all());
        keyspace.upsert_string(0, key, &[0; 200_000], SetExpiry::Clear, |_| true);
    });
}

#[test]
fn the_order_of_calls_is_checked() {
    let mut keyspace = filled(10);
    assert_eq!(keyspace.walk_snapshot(budget(1), &mut Vec::new()), Err(SnapshotError::NotRunning));
    assert_eq!(keyspace.finish_snapshot(), Err(SnapshotError::NotRunning));
    keyspace.begin_snapshot(room()).unwrap();
    assert_eq!(keyspace.begin_snapshot(room()), Err(SnapshotError::AlreadyRunning));
    assert_eq!(keyspace.finish_snapshot(), Err(SnapshotError::Unfinished));
    let _ = keyspace.flush_all();
    let mut handed = Vec::new();
    let walked = keyspace.walk_snapshot(budget(1), &mut handed).unwrap();
    assert_eq!(walked, Walked { state: WalkState::Done, entries: 0, bytes: 0 });
    assert_eq!(handed.into_iter().flat_map(HandedOver::into_entries).count(), 10);
    keyspace.finish_snapshot().unwrap();
    assert!(!keyspace.snapshot_is_running());
}

#[test]
fn what_writers_hand_over_takes_room_until_it_is_gone() {
    let mut keyspace = filled(10);
    let room = room();
    keyspace.begin_snapshot(room.clone()).unwrap();
    let hasher = keyspace.hasher().clone();
    assert!(matches!(keyspace.remove(0, &hasher.key(b"3")), Removed::HandedOver));
    keyspace.find_mut(0, &hasher.key(b"4")).unwrap();
    // A new one's changes concern nobody.
    keyspace.upsert_string(0, &hasher.key(b"3"), b"new", SetExpiry::Clear, |_| true);
    keyspace.remove(0, &hasher.key(b"3"));
    let share = room.writers_share();
    assert_eq!((share.entries, share.bytes), (2, room.used_bytes() as u64));
    assert!(share.largest_bytes > 8 && share.largest_bytes < room.used_bytes());
    let mut handed = Vec::new();
    keyspace.drain_snapshot(&mut handed);
    assert_eq!(handed.len(), 2);
    handed.drain(..).for_each(|piece| room.release(piece.room_bytes()));
    assert_eq!(room.used_bytes(), 0);
    assert_eq!(room.writers_share().most_waiting_bytes as u64, share.bytes);
}

#[test]
fn a_snapshot_that_is_overrun_is_lost_and_takes_no_more_memory() {
    let mut keyspace = filled(1000);
    let hasher = keyspace.hasher().clone();
    let room = Arc::new(Room::new(5000));
    keyspace.begin_snapshot(room.clone()).unwrap();
    for number in 0..1000 {
        keyspace.remove(0, &hasher.key(number.to_string().as_bytes()));
        assert!(room.used_bytes() <= 5000);
    }
    assert!(room.is_overrun());
    assert!(room.used_bytes() > 4000);
    assert_eq!(keyspace.key_count(0), 0);
    assert_eq!(keyspace.walk_snapshot(budget(10), &mut Vec::new()), Err(SnapshotError::Overrun));
    keyspace.abort_snapshot();
    // The next one begins anew.
    keyspace.upsert_string(0, &hasher.key(b"1"), b"value", SetExpiry::Clear, |_| true);
    keyspace.begin_snapshot(self::room()).unwrap();
    assert_eq!(complete(&mut keyspace).len(), 1);
}

#[test]
fn a_stamping_walk_is_bounded_and_hands_nothing_over() {
    let mut keyspace = filled(5000);
    let hasher = keyspace.hasher().clone();
    while !keyspace.needs_stamping() {
        keyspace.begin_snapshot(room()).unwrap();
        keyspace.walk_snapshot(budget(20), &mut Vec::new()).unwrap();
        keyspace.abort_snapshot();
    }
    keyspace.begin_stamping().unwrap();
    let mut handed = Vec::new();
    loop {
        let walked = keyspace.walk_snapshot(budget(50), &mut handed).unwrap();
        assert!(walked.entries <= 100 && walked.bytes == 0, "{walked:?}");
        keyspace.find_mut(0, &hasher.key(b"77")).unwrap();
        if walked.state == WalkState::Done {
            break;
        }
    }
    keyspace.finish_snapshot().unwrap();
    assert!(handed.is_empty() && !keyspace.needs_stamping());
    keyspace.begin_snapshot(room()).unwrap();
    assert_eq!(complete(&mut keyspace).len(), 5000);
}

#[test]
fn epochs_do_not_run_out_when_snapshots_are_given_up() {
    let mut keyspace = filled(500);
    for _ in 0..600 {
        keyspace.begin_snapshot(room()).unwrap();
        keyspace.walk_snapshot(budget(7), &mut Vec::new()).unwrap();
        keyspace.abort_snapshot();
    }
    keyspace.begin_snapshot(room()).unwrap();
    assert_eq!(complete(&mut keyspace).len(), 500);
    for _ in 0..600 {
        keyspace.begin_snapshot(room()).unwrap();
        assert_eq!(complete(&mut keyspace).len(), 500);
    }
}
