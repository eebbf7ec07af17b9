//! The property that matters, a true point in time under any writes, is tested with the keyspace's model.

use super::*;
use crate::keyspace::{Key, KeyHasher, Layout, SetExpiry};
use crate::types::{
    AddCondition, End, Hash, Limits, List, Set, SortedSet, Stream, StreamId, Value, ValueRef,
};

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

fn entries(handed: &Handed) -> Vec<Entry> {
    handed.iter().flat_map(HandedOver::entries).cloned().collect()
}

fn complete(keyspace: &mut Keyspace) -> Vec<Entry> {
    let mut handed = Handed::default();
    while keyspace.walk_snapshot(budget(100), &mut handed).unwrap().state == WalkState::More {}
    keyspace.finish_snapshot().unwrap();
    entries(&handed)
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
    let mut handed = Handed::default();
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
    let (mut handed, mut added, mut count) = (Handed::default(), 10_000, 0);
    loop {
        let walked = keyspace.walk_snapshot(budget(50), &mut handed).unwrap();
        assert!(walked.entries <= 100, "{walked:?}");
        count += entries(&handed).len();
        handed.clear();
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
    let mut handed = Handed::default();
    while handed.len() < 100 {
        let before = handed.len();
        let walked = keyspace.walk_snapshot(tight, &mut handed).unwrap();
        assert!(walked.bytes <= 10_200, "{walked:?}");
        assert_eq!(handed.len(), before + 1);
    }
    assert_eq!(complete(&mut keyspace).len(), 0);
}

/// One of each kind of value that does not lie in its entry's block, most of them big.
fn big_values() -> Vec<Value> {
    const ELEMENTS: usize = 50_000;
    let limits = Limits::default();
    let text = |number: usize| format!("an element, and its number is {number}").into_bytes();
    // Of zeros that nobody has touched: they take no memory.
    let string = Value::String(vec![0; 512 << 20]);
    let (mut hash, mut timed, mut set, mut sorted_set) =
        (Hash::new(), Hash::new(), Set::new(), SortedSet::new());
    let (mut list, mut one_long, mut stream) = (List::new(), List::new(), Stream::new());
    for number in 0..ELEMENTS {
        hash.set(&text(number), b"value", &limits);
        set.add(&text(number), &limits);
        sorted_set.add(number as f64, &text(number), AddCondition::default(), &limits).unwrap();
        list.push(End::Tail, &text(number), &limits);
        let (id, value) = (StreamId { ms: number as u64 + 1, seq: 0 }, text(number));
        stream.log.append(id, std::iter::once((&b"field"[..], &value[..])), &limits).unwrap();
    }
    for number in 0..1000 {
        timed.set(&text(number), b"value", &limits);
        timed.set_expiry(&text(number), 1 + number as i64, &limits);
    }
    one_long.push(End::Tail, &vec![b'x'; 8 << 20], &limits);
    let mut packed = Hash::new();
    packed.set(b"field", &[b'x'; 2000], &Limits { hash_max_listpack_value: 10_000, ..limits });
    vec![
        string,
        Value::Hash(hash),
        Value::Hash(timed),
        Value::Hash(packed),
        Value::Set(set),
        Value::SortedSet(sorted_set),
        Value::List(list),
        Value::List(one_long),
        Value::Stream(Box::new(stream)),
    ]
}

/// Whatever there is: what is copied under the lock are blocks, and one at most after the budget is used up.
#[test]
fn no_value_makes_a_call_of_the_walker_long() {
    const LONGEST_KEY: usize = 20;
    const LARGEST_BLOCK: usize = 24 + LONGEST_KEY + Entry::LONGEST_STRING_WITHIN + 128;
    let mut keyspace = filled(1000);
    let hasher = keyspace.hasher().clone();
    for (number, value) in big_values().into_iter().enumerate() {
        keyspace.insert(0, &hasher.key(format!("big:{number}").as_bytes()), value, Some(77));
    }
    for number in 0..300 {
        let (name, text) = (format!("text:{number}"), vec![b'x'; number * 15]);
        keyspace.upsert_string(0, &hasher.key(name.as_bytes()), &text, SetExpiry::Clear, |_| true);
    }
    for budget in [(1, 1), (64, 1), (64, 1000), (64, 64 * 1024), (1000, 1 << 20)] {
        let budget = WalkBudget { entries: budget.0, bytes: budget.1 };
        keyspace.begin_snapshot(room()).unwrap();
        let (mut handed, mut all) = (Handed::default(), Vec::new());
        loop {
            let walked = keyspace.walk_snapshot(budget, &mut handed).unwrap();
            assert!(walked.entries <= 2 * budget.entries + 24, "{walked:?} of {budget:?}");
            assert!(walked.bytes <= budget.bytes + LARGEST_BLOCK, "{walked:?} of {budget:?}");
            let given = entries(&handed);
            handed.clear();
            // Beyond the budget there is one at most that is shared, and nothing after it.
            if let Some((_, before)) = given.split_last() {
                let before: usize = before.iter().map(Entry::shared_in_one_piece_bytes).sum();
                assert!(before < budget.bytes, "{walked:?} of {budget:?}");
            }
            all.extend(given);
            if walked.state == WalkState::Done {
                break;
            }
        }
        keyspace.finish_snapshot().unwrap();
        assert_eq!(all.len(), 1309);
        for entry in all {
            let own = keyspace.find(0, &hasher.key(entry.key())).unwrap();
            assert_eq!(entry.shared_place(), own.shared_place());
            let is_within = match own.value() {
                ValueRef::String(bytes) => bytes.len() <= Entry::LONGEST_STRING_WITHIN,
                _ => false,
            };
            assert_eq!(entry.shared_place().is_none(), is_within);
        }
    }
}

/// `meanwhile` is done once the walk has a long string, or before if it comes `first`.
fn walk_with_a_long_string(first: bool, meanwhile: impl FnOnce(&mut Keyspace, &Key<'_>)) {
    let mut keyspace = filled(300);
    let hasher = keyspace.hasher().clone();
    let key = hasher.key(b"long");
    let text: Vec<u8> = (0..100_000u32).map(|number| (number * 7) as u8).collect();
    keyspace.upsert_string(0, &key, &text, SetExpiry::At(77), |_| true);
    keyspace.begin_snapshot(room()).unwrap();
    let (mut handed, mut meanwhile) = (Handed::default(), Some(meanwhile));
    loop {
        let is_there = handed.iter().flat_map(HandedOver::entries).any(|entry| entry.key() == b"long");
        if (first || is_there)
            && let Some(meanwhile) = meanwhile.take()
        {
            meanwhile(&mut keyspace, &key);
        }
        if keyspace.walk_snapshot(budget(10), &mut handed).unwrap().state == WalkState::Done {
            break;
        }
    }
    keyspace.finish_snapshot().unwrap();
    let entries = entries(&handed);
    assert_eq!(entries.len(), 301);
    let long: Vec<&Entry> = entries.iter().filter(|entry| entry.key() == b"long").collect();
    let [long] = long[..] else { panic!("{} of them", long.len()) };
    assert_eq!(long.expiry(), Some(77));
    assert!(matches!(long.value(), ValueRef::String(bytes) if bytes == text));
}

#[test]
fn a_long_string_that_changes_while_it_is_shared_is_handed_over_as_it_was() {
    for first in [true, false] {
        walk_with_a_long_string(first, |keyspace, key| {
            keyspace.find_mut(0, key).unwrap().edit_string(|bytes| bytes.truncate(5)).unwrap();
        });
        walk_with_a_long_string(first, |keyspace, key| {
            keyspace.find_mut(0, key).unwrap().string_bytes_mut().unwrap().fill(1);
        });
        walk_with_a_long_string(first, |keyspace, key| {
            keyspace.upsert_string(0, key, b"short", SetExpiry::Clear, |_| true);
        });
        walk_with_a_long_string(first, |keyspace, key| assert!(keyspace.remove(0, key).existed()));
        walk_with_a_long_string(first, |keyspace, key| {
            let text = keyspace.take(0, key).unwrap().into_value();
            drop(text);
        });
        walk_with_a_long_string(first, |keyspace, _| drop(keyspace.flush_all()));
        walk_with_a_long_string(first, |keyspace, key| {
            drop(keyspace.flush_all());
            keyspace.upsert_string(0, key, &[0; 200_000], SetExpiry::Clear, |_| true);
        });
    }
}

#[test]
fn the_order_of_calls_is_checked() {
    let mut keyspace = filled(10);
    assert_eq!(keyspace.walk_snapshot(budget(1), &mut Handed::default()), Err(SnapshotError::NotRunning));
    assert_eq!(keyspace.finish_snapshot(), Err(SnapshotError::NotRunning));
    keyspace.begin_snapshot(room()).unwrap();
    assert_eq!(keyspace.begin_snapshot(room()), Err(SnapshotError::AlreadyRunning));
    assert_eq!(keyspace.finish_snapshot(), Err(SnapshotError::Unfinished));
    let _ = keyspace.flush_all();
    let mut handed = Handed::default();
    let walked = keyspace.walk_snapshot(budget(1), &mut handed).unwrap();
    assert_eq!(walked, Walked { state: WalkState::Done, entries: 0, bytes: 0, shared_bytes: 0 });
    assert_eq!(entries(&handed).len(), 10);
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
    let mut handed = Handed::default();
    keyspace.drain_snapshot(&mut handed);
    assert_eq!(handed.len(), 2);
    room.release(handed.clear());
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
    assert_eq!(keyspace.walk_snapshot(budget(10), &mut Handed::default()), Err(SnapshotError::Overrun));
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
        keyspace.walk_snapshot(budget(20), &mut Handed::default()).unwrap();
        keyspace.abort_snapshot();
    }
    keyspace.begin_stamping().unwrap();
    let mut handed = Handed::default();
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
        keyspace.walk_snapshot(budget(7), &mut Handed::default()).unwrap();
        keyspace.abort_snapshot();
    }
    keyspace.begin_snapshot(room()).unwrap();
    assert_eq!(complete(&mut keyspace).len(), 500);
    for _ in 0..600 {
        keyspace.begin_snapshot(room()).unwrap();
        assert_eq!(complete(&mut keyspace).len(), 500);
    }
}
