//! The keyspace against plain maps, and snapshots of it while it is written to.

use super::*;
use crate::snapshot::{Handed, Room, WalkBudget, WalkState};
use crate::types::{Element, Hash, Limits, ValueRef};
use proptest::prelude::*;
use rand::{SeedableRng, rngs::StdRng};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn shard(databases: usize) -> Keyspace {
    Keyspace::new(Layout::Shard { shard_index: 0, shard_count: 1 }, databases, KeyHasher::new(42))
}

fn set(keyspace: &mut Keyspace, db: usize, key: &[u8], value: &[u8], expiry: SetExpiry) -> Upserted {
    let key = keyspace.hasher().key(key);
    keyspace.upsert_string(db, &key, value, expiry, |_| true)
}

fn get(keyspace: &Keyspace, db: usize, key: &[u8]) -> Option<Vec<u8>> {
    keyspace.find(db, &keyspace.hasher().key(key)).map(text)
}

fn text(entry: &Entry) -> Vec<u8> {
    entry.value().as_string().map(|element| element.to_vec()).unwrap_or_default()
}

fn name(number: usize) -> Vec<u8> {
    format!("key:{number}").into_bytes()
}

#[test]
fn set_creates_replaces_and_may_decline() {
    let mut keyspace = shard(1);
    assert_eq!(set(&mut keyspace, 0, b"k", b"one", SetExpiry::At(50)), Upserted::Created);
    assert_eq!(set(&mut keyspace, 0, b"k", b"two", SetExpiry::Keep), Upserted::Replaced);
    let key = keyspace.hasher().clone().key(b"k");
    assert_eq!(keyspace.find(0, &key).and_then(Entry::expiry), Some(50));
    let absent_only = |entry: Option<&Entry>| entry.is_none();
    assert_eq!(keyspace.upsert_string(0, &key, b"3", SetExpiry::Clear, absent_only), Upserted::Declined);
    assert_eq!(get(&keyspace, 0, b"k"), Some(b"two".to_vec()));
    assert_eq!((keyspace.key_count(0), keyspace.volatile_key_count(0)), (1, 1));
    set(&mut keyspace, 0, b"k", b"two", SetExpiry::Clear);
    assert_eq!((keyspace.key_count(0), keyspace.volatile_key_count(0)), (1, 0));
}

#[test]
fn a_shard_holds_every_slot_that_is_its_own() {
    let count = 64;
    for index in [0, 1, 63] {
        let layout = Layout::Shard { shard_index: index, shard_count: count };
        let mut keyspace = Keyspace::new(layout, 1, KeyHasher::new(1));
        let hasher = keyspace.hasher().clone();
        for slot in Slot::all().filter(|slot| slot.index() % count == index) {
            keyspace.insert(
                0,
                &hasher.key_in_slot(b"same name", slot),
                Value::Int(slot.index() as i64),
                None,
            );
        }
        assert_eq!(keyspace.key_count(0), SLOT_COUNT / count);
        let mut walked = Vec::new();
        let mut cursor = Some(ScanCursor::START);
        while let Some(at) = cursor {
            cursor = keyspace.scan(0, at, 5, |entry| match entry.value() {
                ValueRef::Int(slot) => walked.push(slot as usize),
                other => panic!("{other:?}"),
            });
        }
        assert!(walked.is_sorted() && walked.len() == SLOT_COUNT / count, "slots are walked in order");
        assert!(walked.iter().all(|slot| slot % count == index));
    }
}

#[test]
fn renaming_takes_value_expiry_and_access_along() {
    let mut keyspace = shard(2);
    let hasher = keyspace.hasher().clone();
    let (from, to) = (hasher.key(b"{t}from"), hasher.key(b"{t}to"));
    set(&mut keyspace, 0, b"{t}from", b"value", SetExpiry::At(99));
    set(&mut keyspace, 1, b"{t}to", b"old", SetExpiry::Clear);
    keyspace.find_and_touch(0, &from, |_| 77);
    assert!(matches!(keyspace.rename(0, &from, 1, &to), Some(Removed::Entry(old)) if text(&old) == b"old"));
    assert!(keyspace.rename(0, &from, 1, &to).is_none());
    let entry = keyspace.find(1, &to).unwrap();
    assert_eq!((text(entry), entry.expiry(), entry.access_clock()), (b"value".to_vec(), Some(99), 77));
    assert_eq!((keyspace.key_count(0), keyspace.volatile_key_count(0)), (0, 0));
    assert_eq!((keyspace.key_count(1), keyspace.volatile_key_count(1)), (1, 1));
    assert!(matches!(keyspace.rename(1, &to, 1, &to), Some(Removed::Absent)));
    assert_eq!(keyspace.key_count(1), 1);
}

#[test]
fn writes_set_the_access_bits_as_the_policy_wants() {
    let mut keyspace = shard(1);
    let key = keyspace.hasher().clone().key(b"k");
    let clock = |keyspace: &Keyspace| keyspace.find(0, &key).map(Entry::access_clock);
    for snapshot in [false, true] {
        if snapshot {
            keyspace.begin_snapshot(Arc::new(Room::new(1 << 20))).unwrap();
        }
        keyspace.set_write_access(WriteAccess { clock: 5, overwrite_keeps: false });
        set(&mut keyspace, 0, b"k", b"1", SetExpiry::Clear);
        assert_eq!(clock(&keyspace), Some(5));
        keyspace.set_write_access(WriteAccess { clock: 6, overwrite_keeps: true });
        set(&mut keyspace, 0, b"k", b"text", SetExpiry::Clear);
        assert_eq!(clock(&keyspace), Some(5));
        keyspace.insert(0, &key, Value::Int(1), None);
        assert_eq!(clock(&keyspace), Some(6));
    }
}

#[test]
fn a_copy_is_independent() {
    let mut keyspace = shard(1);
    let hasher = keyspace.hasher().clone();
    let (from, to) = (hasher.key(b"{t}a"), hasher.key(b"{t}b"));
    let mut hash = Hash::new();
    hash.set(b"f", b"1", &Limits::default());
    keyspace.insert(0, &from, Value::Hash(hash), Some(5));
    assert!(matches!(keyspace.copy(0, &from, 0, &to), Some(Removed::Absent)));
    keyspace.find_mut(0, &to).unwrap().edit::<Hash>().unwrap().set(b"g", b"2", &Limits::default());
    let lens = [&from, &to].map(|key| match keyspace.find(0, key).map(Entry::value) {
        Some(ValueRef::Hash(hash)) => hash.len(),
        other => panic!("{other:?}"),
    });
    assert_eq!((lens, keyspace.volatile_key_count(0)), ([1, 2], 2));
}

#[test]
fn the_expiry_cycle_finds_all_that_is_due_and_nothing_else() {
    let mut keyspace = shard(2);
    for number in 0..20_000 {
        let expiry = match number % 20 {
            0 => SetExpiry::At(100),
            1 => SetExpiry::At(200),
            _ => SetExpiry::Clear,
        };
        set(&mut keyspace, number % 2, &name(number), b"v", expiry);
    }
    let mut found = BTreeSet::new();
    loop {
        let cycle = keyspace.expire_cycle(150, 20);
        // All of one table's entries with an expiry at most, beyond the budget.
        assert!(cycle.examined <= 60, "{}", cycle.examined);
        for expired in cycle.expired {
            assert_eq!(rcl_proto::key_slot(&expired.key), expired.slot);
            assert!(expired.entry.is_some_and(|entry| entry.is_expired(150)));
            assert!(found.insert((expired.db, expired.key.into_vec())));
        }
        if cycle.wrapped {
            break;
        }
    }
    assert_eq!(found, (0..20_000).step_by(20).map(|number| (number % 2, name(number))).collect());
    assert_eq!(keyspace.volatile_key_count(0) + keyspace.volatile_key_count(1), 1000);
    assert_eq!(keyspace.key_count(0) + keyspace.key_count(1), 19_000);
    assert!(shard(1).expire_cycle(0, 20).wrapped);
}

#[test]
fn random_keys_are_even_over_keys_and_not_over_slots() {
    let mut keyspace = shard(1);
    // Half of the keys share one slot.
    let names: Vec<Vec<u8>> = (0..400)
        .map(|n| if n % 2 == 0 { format!("{{one}}{n}") } else { format!("{n}") }.into_bytes())
        .collect();
    for name in &names {
        set(&mut keyspace, 0, name, b"v", SetExpiry::Clear);
    }
    let mut rng = StdRng::seed_from_u64(3);
    let mut drawn: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
    for _ in 0..400 * 100 {
        *drawn.entry(keyspace.random_entry(0, &mut rng).unwrap().key().to_vec()).or_default() += 1;
    }
    assert_eq!(drawn.len(), 400);
    assert!(drawn.values().all(|&times| (40..=160).contains(&times)), "{drawn:?}");
    assert!(shard(1).random_entry(0, &mut rng).is_none());
}

#[test]
fn random_keys_with_an_expiry_are_drawn_evenly_by_key_and_no_other() {
    for (standalone, every) in [(false, 2), (true, 2), (true, 50)] {
        let mut model = Model::new(standalone, 1);
        (0..200).for_each(|key| model.apply(key, Operation::Insert(0, key, (key % every == 0).then_some(9))));
        let mut rng = StdRng::seed_from_u64(3);
        let mut drawn: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
        let volatile = 200 / every;
        for _ in 0..volatile * 100 {
            let entry = model.keyspace.random_volatile_entry(0, &mut rng).unwrap();
            assert!(entry.expiry().is_some());
            *drawn.entry(entry.key().to_vec()).or_default() += 1;
        }
        assert_eq!(drawn.len(), volatile);
        assert!(every > 2 || drawn.values().all(|&times| (50..=160).contains(&times)), "{drawn:?}");
    }
    assert!(shard(1).random_volatile_entry(0, &mut StdRng::seed_from_u64(1)).is_none());
}

#[test]
fn one_key_with_an_expiry_is_found_among_many() {
    let mut model = Model::new(true, 1);
    (0..3000).for_each(|key| model.apply(key, Operation::Insert(0, key, (key == 77).then_some(9))));
    let mut rng = StdRng::seed_from_u64(4);
    for _ in 0..50 {
        assert!(model.keyspace.random_volatile_entry(0, &mut rng).unwrap().expiry().is_some());
    }
}

/// Shards go to whatever thread holds their lock.
#[test]
fn the_bytes_of_a_slot_are_measured() {
    let mut keyspace = shard(1);
    let slot = rcl_proto::key_slot(b"{tag}");
    let tagged = |number: usize| format!("{{tag}}{number}").into_bytes();
    assert_eq!(keyspace.bytes_in_slot(0, slot), 0);
    set(&mut keyspace, 0, &tagged(0), &[b'x'; 1000], SetExpiry::Clear);
    let one = keyspace.bytes_in_slot(0, slot);
    assert!((1000..1600).contains(&one), "{one}");
    // More than are measured: the rest is taken to be like them, and the tables are exact.
    let many = 5 * MEASURED_KEYS;
    for number in 0..many {
        set(&mut keyspace, 0, &tagged(number), &[b'x'; 1000], SetExpiry::Clear);
    }
    let exact: usize = keyspace.entries(0).map(|entry| entry.memory_usage() - size_of::<Entry>()).sum();
    let tables = keyspace.table_bytes(0) - rcl_proto::SLOT_COUNT * size_of::<Table<Entry>>();
    let measured = keyspace.bytes_in_slot(0, slot) as f64 / (exact + tables) as f64;
    assert!((0.95..1.05).contains(&measured), "{measured}");
    let hasher = keyspace.hasher().clone();
    for number in 0..many {
        drop(keyspace.remove(0, &hasher.key(&tagged(number))));
    }
    assert_eq!(keyspace.bytes_in_slot(0, slot), 0);
}

#[test]
fn a_keyspace_may_change_threads() {
    fn assert_send<T: Send>(_: &T) {}
    assert_send(&shard(1));
}

#[test]
fn flushing_and_swapping_move_whole_tables() {
    let mut keyspace = shard(3);
    for number in 0..300 {
        set(&mut keyspace, number % 3, &name(number), b"v", SetExpiry::At(1));
    }
    let slot = rcl_proto::key_slot(&name(0));
    let in_slot = keyspace.key_count_in_slot(0, slot);
    assert_eq!(keyspace.flush_slot(0, slot).keys, in_slot);
    assert_eq!((keyspace.key_count(0), keyspace.key_count_in_slot(0, slot)), (100 - in_slot, 0));
    keyspace.swap_databases(0, 1);
    assert_eq!((keyspace.key_count(0), keyspace.key_count(1)), (100, 100 - in_slot));
    assert_eq!(keyspace.flush_database(0).keys, 100);
    assert_eq!((keyspace.key_count(0), keyspace.volatile_key_count(0)), (0, 0));
    let flushed = keyspace.flush_all();
    assert_eq!(flushed.keys, 200 - in_slot);
    assert_eq!(flushed.tables.iter().map(Table::len).sum::<usize>(), 200 - in_slot);
    assert!((0..3).all(|db| keyspace.key_count(db) == 0 && keyspace.entries(db).next().is_none()));
}

#[test]
fn scan_cursors_survive_being_a_number() {
    let cursor = ScanCursor { slot: Slot::MAX, hash: 0xffff_ffff_ffff_8000 };
    assert_eq!(ScanCursor::from_number(cursor.to_number()), cursor);
    assert!(i64::try_from(cursor.to_number()).is_ok());
    assert_eq!(ScanCursor::from_number(0), ScanCursor::START);
}

#[derive(Clone, Debug)]
enum Operation {
    Set(usize, usize, SetExpiry),
    Insert(usize, usize, Option<i64>),
    Append(usize, usize),
    Remove(usize, usize),
    Rename(usize, usize, usize, usize),
    Expire(usize, usize, Option<i64>),
    Cycle(i64),
    FlushSlot(usize, usize),
    Flush(usize),
    Swap(usize, usize),
}

fn operation() -> impl Strategy<Value = Operation> {
    let (db, key) = (0..3usize, 0..120usize);
    let expiry =
        prop_oneof![Just(SetExpiry::Keep), Just(SetExpiry::Clear), (0..100i64).prop_map(SetExpiry::At)];
    let option = prop::option::of(0..100i64);
    let at = (db.clone(), key.clone());
    prop_oneof![
        8 => (at.clone(), expiry).prop_map(|((db, key), expiry)| Operation::Set(db, key, expiry)),
        4 => (at.clone(), option.clone()).prop_map(|((db, key), expiry)| Operation::Insert(db, key, expiry)),
        4 => at.clone().prop_map(|(db, key)| Operation::Append(db, key)),
        4 => at.clone().prop_map(|(db, key)| Operation::Remove(db, key)),
        2 => (at.clone(), at.clone()).prop_map(|((a, b), (c, d))| Operation::Rename(a, b, c, d)),
        4 => (at.clone(), option).prop_map(|((db, key), expiry)| Operation::Expire(db, key, expiry)),
        1 => (0..100i64).prop_map(Operation::Cycle),
        1 => at.prop_map(|(db, key)| Operation::FlushSlot(db, key)),
        1 => db.clone().prop_map(Operation::Flush),
        1 => (db.clone(), db).prop_map(|(one, other)| Operation::Swap(one, other)),
    ]
}

proptest! {
    #[test]
    fn behaves_as_maps_of_maps(standalone: bool, operations in prop::collection::vec(operation(), 0..200)) {
        let mut model = Model::new(standalone, 3);
        for (step, operation) in operations.into_iter().enumerate() {
            model.apply(step, operation);
            model.check_counts();
        }
        model.check_content();
    }
}

/// Value and expiry.
type Row = (Vec<u8>, Option<i64>);

/// Applies the same operations to a keyspace and to plain maps. The snapshot's tests use it too.
struct Model {
    keyspace: Keyspace,
    standalone: bool,
    maps: Vec<BTreeMap<Vec<u8>, Row>>,
}

impl Model {
    fn new(standalone: bool, databases: usize) -> Model {
        let layout =
            if standalone { Layout::Standalone } else { Layout::Shard { shard_index: 0, shard_count: 1 } };
        let keyspace = Keyspace::new(layout, databases, KeyHasher::new(9));
        Model { keyspace, standalone, maps: vec![BTreeMap::new(); databases] }
    }

    fn slot(&self, name: &[u8]) -> Slot {
        if self.standalone { Slot::MIN } else { rcl_proto::key_slot(name) }
    }

    fn apply(&mut self, step: usize, operation: Operation) {
        let hasher = self.keyspace.hasher().clone();
        let standalone = self.standalone;
        let value = format!("value of step {step}").into_bytes();
        match operation {
            Operation::Set(db, number, expiry) => {
                let name = &name(number)[..];
                let existed = self.maps[db].get(name).cloned();
                let upserted = self.keyspace.upsert_string(
                    db,
                    &key_of(&hasher, standalone, name),
                    &value,
                    expiry,
                    |_| true,
                );
                assert_eq!(upserted == Upserted::Replaced, existed.is_some());
                let expiry = expiry.applied_to(existed.and_then(|(_, expiry)| expiry));
                self.maps[db].insert(name.to_vec(), (value, expiry));
            }
            Operation::Insert(db, number, expiry) => {
                let name = &name(number)[..];
                let removed = self.keyspace.insert(
                    db,
                    &key_of(&hasher, standalone, name),
                    Value::String(value.clone()),
                    expiry,
                );
                let existed = self.maps[db].insert(name.to_vec(), (value, expiry)).is_some();
                assert_eq!(removed.existed(), existed);
            }
            Operation::Append(db, number) => {
                let name = &name(number)[..];
                if let Some(entry) = self.keyspace.find_mut(db, &key_of(&hasher, standalone, name)) {
                    entry.edit_string(|bytes| bytes.push(b'+'));
                    self.maps[db].get_mut(name).unwrap().0.push(b'+');
                }
            }
            Operation::Remove(db, number) => {
                let name = &name(number)[..];
                let removed = self.keyspace.remove(db, &key_of(&hasher, standalone, name));
                assert_eq!(removed.existed(), self.maps[db].remove(name).is_some());
            }
            Operation::Rename(db, from, to_db, to) => {
                let (from, to) = (&name(from)[..], &name(to)[..]);
                let renamed = self.keyspace.rename(
                    db,
                    &key_of(&hasher, standalone, from),
                    to_db,
                    &key_of(&hasher, standalone, to),
                );
                let moved = self.maps[db].remove(from);
                assert_eq!(renamed.is_some(), moved.is_some());
                if let Some(moved) = moved {
                    self.maps[to_db].insert(to.to_vec(), moved);
                }
            }
            Operation::Expire(db, number, expiry) => {
                let name = &name(number)[..];
                assert_eq!(
                    self.keyspace.set_expiry(db, &key_of(&hasher, standalone, name), expiry),
                    self.maps[db].contains_key(name)
                );
                if let Some(value) = self.maps[db].get_mut(name) {
                    value.1 = expiry;
                }
            }
            Operation::Cycle(now) => {
                for expired in self.keyspace.expire_cycle(now, 10).expired {
                    let (_, expiry) = self.maps[expired.db].remove(&*expired.key).unwrap();
                    assert!(expiry.is_some_and(|expiry| now > expiry));
                }
            }
            Operation::FlushSlot(db, number) => {
                let slot = self.slot(&name(number));
                let before = self.maps[db].len();
                self.maps[db].retain(|name, _| {
                    let own = if standalone { Slot::MIN } else { rcl_proto::key_slot(name) };
                    own != slot
                });
                assert_eq!(self.keyspace.flush_slot(db, slot).keys, before - self.maps[db].len());
            }
            Operation::Flush(db) => {
                assert_eq!(self.keyspace.flush_database(db).keys, self.maps[db].len());
                self.maps[db].clear();
            }
            Operation::Swap(one, other) => {
                self.keyspace.swap_databases(one, other);
                self.maps.swap(one, other);
            }
        }
    }

    fn check_counts(&self) {
        for (db, map) in self.maps.iter().enumerate() {
            assert_eq!(self.keyspace.key_count(db), map.len());
            let volatile = map.values().filter(|(_, expiry)| expiry.is_some()).count();
            assert_eq!(self.keyspace.volatile_key_count(db), volatile);
        }
    }

    fn check_content(&self) {
        for (db, map) in self.maps.iter().enumerate() {
            let row = |entry: &Entry| (entry.key().to_vec(), (text(entry), entry.expiry()));
            assert_eq!(self.keyspace.entries(db).map(row).collect::<BTreeMap<_, _>>(), *map);
            let mut scanned = BTreeMap::new();
            let mut cursor = Some(ScanCursor::START);
            while let Some(at) = cursor {
                let at = ScanCursor::from_number(at.to_number());
                cursor = self.keyspace.scan(db, at, 7, |entry| scanned.extend([row(entry)]));
            }
            assert_eq!(scanned, *map);
            for name in map.keys() {
                let slot = self.slot(name);
                let in_slot: Vec<&Entry> = self.keyspace.entries_in_slot(db, slot, usize::MAX).collect();
                assert_eq!(in_slot.len(), self.keyspace.key_count_in_slot(db, slot));
                assert!(in_slot.iter().any(|entry| entry.key() == name));
            }
        }
    }
}

fn key_of<'a>(hasher: &KeyHasher, standalone: bool, name: &'a [u8]) -> Key<'a> {
    if standalone { hasher.key_in_slot(name, Slot::MIN) } else { hasher.key(name) }
}

#[derive(Clone, Debug)]
enum Step {
    Write(Operation),
    Walk(usize),
    Drain,
}

/// At times so few bytes that every string is copied piece by piece.
fn walk_budget(entries: usize) -> WalkBudget {
    WalkBudget { entries, bytes: if entries.is_multiple_of(2) { 3 } else { 1000 } }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => operation().prop_map(Step::Write),
        2 => (1..8usize).prop_map(Step::Walk),
        1 => Just(Step::Drain),
    ]
}

proptest! {
    #[test]
    fn a_snapshot_is_the_state_at_its_point_whatever_is_written_meanwhile(
        standalone: bool,
        before in prop::collection::vec(operation(), 0..150),
        aborted in 0..4usize,
        rounds in prop::collection::vec(prop::collection::vec(step(), 0..80), 1..4),
    ) {
        let mut model = Model::new(standalone, 3);
        let mut written = 0;
        let mut write = |model: &mut Model, operation| { written += 1; model.apply(written, operation); };
        before.into_iter().for_each(|operation| write(&mut model, operation));
        for _ in 0..aborted {
            // Given up half-way: entries of several epochs are left behind.
            model.keyspace.begin_snapshot(Arc::new(Room::new(1 << 20))).unwrap();
            model.keyspace.walk_snapshot(walk_budget(5), &mut Handed::default()).unwrap();
            model.keyspace.abort_snapshot();
        }
        for steps in rounds {
            let point = model.maps.clone();
            model.keyspace.begin_snapshot(Arc::new(Room::new(1 << 20))).unwrap();
            let mut handed = Handed::default();
            for step in steps {
                match step {
                    Step::Write(operation) => write(&mut model, operation),
                    Step::Walk(budget) => { model.keyspace.walk_snapshot(walk_budget(budget), &mut handed).unwrap(); }
                    Step::Drain => model.keyspace.drain_snapshot(&mut handed),
                }
            }
            while model.keyspace.walk_snapshot(walk_budget(10), &mut handed).unwrap().state == WalkState::More {}
            model.keyspace.finish_snapshot().unwrap();
            let mut seen = vec![BTreeMap::new(); 3];
            for piece in handed.iter() {
                let db = piece.db;
                for entry in piece.entries() {
                    let again = seen[db].insert(entry.key().to_vec(), (text(entry), entry.expiry()));
                    prop_assert!(again.is_none(), "handed over twice: {:?}", entry.key());
                }
            }
            prop_assert_eq!(&seen, &point);
            model.check_content();
        }
    }
}

#[test]
fn tables_that_were_promised_too_much_give_the_room_back() {
    const KEYS: usize = 100;
    let mut keyspace = Keyspace::new(Layout::Standalone, 2, KeyHasher::new(42));
    let hasher = keyspace.hasher().clone();
    let load = |keyspace: &mut Keyspace, db: usize, number: usize, expected: usize| {
        let expiry = number.is_multiple_of(3).then_some(number as i64);
        let entry = Entry::new(&name(number), Value::Int(number as i64), expiry);
        keyspace.insert_loaded(db, hasher.place_in_slot(&name(number), Slot::MIN), entry, expected)
    };
    for number in 0..KEYS {
        load(&mut keyspace, 0, number, 1_000_000).unwrap();
        load(&mut keyspace, 1, number, KEYS).unwrap();
    }
    assert!(load(&mut keyspace, 0, 7, 0).is_err(), "it is there");
    let right = keyspace.table_bytes(1);
    assert!(keyspace.table_bytes(0) > 100 * right);
    keyspace.fit_tables();
    assert_eq!([0, 1].map(|db| keyspace.table_bytes(db)), [right; 2]);
    for db in [0, 1] {
        assert_eq!((keyspace.key_count(db), keyspace.volatile_key_count(db)), (KEYS, KEYS.div_ceil(3)));
        for number in 0..KEYS {
            let entry = keyspace.find(db, &hasher.key_in_slot(&name(number), Slot::MIN)).unwrap();
            assert_eq!(
                (entry.key(), entry.value().as_string()),
                (&*name(number), Some(Element::Int(number as i64)))
            );
            assert_eq!(entry.expiry().is_some(), number.is_multiple_of(3));
        }
    }
    // Those with an expiry are found by their marks, which moved with them.
    let mut rng = StdRng::seed_from_u64(1);
    for _ in 0..KEYS {
        assert!(keyspace.random_volatile_entry(0, &mut rng).is_some_and(|entry| entry.expiry().is_some()));
    }
}

#[test]
fn hashes_whose_fields_have_expiries_are_known_and_relieved() {
    let mut keyspace = Keyspace::new(Layout::Standalone, 2, KeyHasher::new(1));
    let hasher = keyspace.hasher().clone();
    let key = |name: &'static str| hasher.key_in_slot(name.as_bytes(), Slot::MIN);
    let limits = Limits::default();
    let timed = |expiries: &[(&str, i64)]| {
        let mut hash = Hash::new();
        for (field, expiry) in expiries {
            hash.set(field.as_bytes(), b"v", &limits);
            hash.set_expiry(field.as_bytes(), *expiry, &limits);
        }
        Value::Hash(hash)
    };
    keyspace.insert(0, &key("plain"), Value::Hash(Hash::new()), None);
    assert!(!keyspace.may_have_field_expiries(0) && !keyspace.has_field_expiries());
    keyspace.insert(0, &key("a"), timed(&[("x", 10), ("y", 20)]), None);
    keyspace.insert(1, &key("b"), timed(&[("x", 10)]), None);
    assert!(keyspace.has_field_expiries());
    let cycle = keyspace.field_expiry_cycle(11, 10);
    let found: Vec<(usize, &[u8], usize, bool)> = cycle
        .expired
        .iter()
        .map(|expired| (expired.db, &*expired.key, expired.fields.len(), expired.key_removed))
        .collect();
    assert_eq!(found, [(0, &b"a"[..], 1, false), (1, &b"b"[..], 1, true)]);
    assert_eq!((cycle.examined, keyspace.key_count(1)), (2, 0));
    // It goes with the value, wherever that goes.
    keyspace.rename(0, &key("a"), 1, &key("c"));
    assert!(!keyspace.may_have_field_expiries(0) && keyspace.may_have_field_expiries(1));
    keyspace.copy(1, &key("c"), 0, &key("d"));
    keyspace.upsert_string(1, &key("c"), b"text", SetExpiry::Clear, |_| true);
    assert!(keyspace.may_have_field_expiries(0) && !keyspace.may_have_field_expiries(1));
    keyspace.swap_databases(0, 1);
    assert!(keyspace.may_have_field_expiries(1));
    let _ = keyspace.flush_database(1);
    assert!(!keyspace.has_field_expiries());
    // What lost its expiries in place is forgotten.
    keyspace.insert(0, &key("e"), timed(&[("x", 10)]), None);
    keyspace.find_mut(0, &key("e")).unwrap().edit::<Hash>().unwrap().clear_expiry(b"x");
    assert!(!keyspace.has_field_expiries());
    keyspace.field_expiry_cycle(0, 10);
    assert!(!keyspace.may_have_field_expiries(0));
}
