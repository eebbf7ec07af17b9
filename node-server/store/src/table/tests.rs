//! The table against a map, under even and uneven hashes, and what it promises of scans, draws and memory.
#![allow(
    clippy::borrowed_box,
    reason = "the entries are boxes, and the table hands out references to entries"
)]

use super::*;
use proptest::prelude::*;
use rand::{SeedableRng, rngs::StdRng};
use std::collections::{BTreeSet, HashMap};

/// A table of numbers with a value each, behind a hash that is as even as the tests want it.
struct Numbers {
    table: Table<Item>,
    hash: fn(u64) -> u64,
}

/// A pointer, as the keyspace's entries are.
type Item = Box<(u64, u64)>;

fn even(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// All in the lowest part of the hash space: the directory must not run away.
fn crowded(number: u64) -> u64 {
    even(number) >> 30
}

fn the_same(_: u64) -> u64 {
    u64::MAX
}

impl Numbers {
    fn new(hash: fn(u64) -> u64) -> Self {
        Numbers { table: Table::new(), hash }
    }

    fn set(&mut self, number: u64, value: u64) -> Option<u64> {
        let hash = self.hash;
        match self.table.entry(hash(number), |item| item.0 == number) {
            TableEntry::Occupied(mut entry) => {
                entry.get_mut().map(|item| std::mem::replace(&mut item.1, value))
            }
            TableEntry::Vacant(entry) => {
                let item = entry.insert(Box::new((number, value)), |item| hash(item.0)).unwrap();
                assert_eq!(**item, (number, value));
                None
            }
        }
    }

    fn get(&self, number: u64) -> Option<u64> {
        self.table.get((self.hash)(number), |item| item.0 == number).map(|item| item.1)
    }

    fn remove(&mut self, number: u64) -> Option<u64> {
        let hash = self.hash;
        self.table.remove(hash(number), |item| item.0 == number, |item| hash(item.0)).map(|item| item.1)
    }

    fn mark(&mut self, number: u64, marked: bool) -> bool {
        match self.table.find((self.hash)(number), |item| item.0 == number) {
            Some(position) => {
                self.table.set_mark(position, marked);
                assert_eq!(self.table.is_marked(position), marked);
                true
            }
            None => false,
        }
    }

    fn step(&self, cursor: u64, budget: usize, seen: &mut Vec<u64>) -> Option<u64> {
        self.table.scan(cursor, budget, |item| (self.hash)(item.0), |item| seen.push(item.0))
    }

    fn scan_all(&self, budget: usize, wanted: Wanted) -> Vec<u64> {
        let mut seen = Vec::new();
        let mut cursor = Some(0);
        while let Some(at) = cursor {
            let hash_of = |item: &Item| (self.hash)(item.0);
            cursor = self.table.scan_positions(at, budget, wanted, hash_of, |position, hash| {
                let item = self.table.at(position).unwrap();
                assert_eq!(hash, (self.hash)(item.0));
                seen.push(item.0);
            });
            assert!(cursor.is_none_or(|next| next > at), "the cursor stands still at {at}");
        }
        seen
    }
}

#[derive(Clone, Debug)]
enum Operation {
    Set(u64, u64),
    SetMany(u64),
    Remove(u64),
    RemoveMany(u64),
    Mark(u64, bool),
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let operation = prop_oneof![
        6 => (0..3000u64, any::<u64>()).prop_map(|(number, value)| Operation::Set(number, value)),
        1 => (0..3000u64).prop_map(Operation::SetMany),
        6 => (0..3000u64).prop_map(Operation::Remove),
        1 => (0..3000u64).prop_map(Operation::RemoveMany),
        2 => (0..3000u64, any::<bool>()).prop_map(|(number, marked)| Operation::Mark(number, marked)),
    ];
    prop::collection::vec(operation, 0..60)
}

/// A run of 700 numbers, so that tables split and merge within few operations.
fn run_from(start: u64) -> impl Iterator<Item = u64> {
    (start..start + 700).map(|number| number % 3000)
}

fn check_against_model(hash: fn(u64) -> u64, operations: Vec<Operation>) {
    let mut numbers = Numbers::new(hash);
    let mut model = HashMap::new();
    let mut marks = BTreeSet::new();
    for operation in operations {
        match operation {
            Operation::Set(number, value) => {
                assert_eq!(numbers.set(number, value), model.insert(number, value))
            }
            Operation::SetMany(start) => {
                run_from(start).for_each(|n| assert_eq!(numbers.set(n, n), model.insert(n, n)));
            }
            Operation::Remove(number) => {
                assert_eq!(numbers.remove(number), model.remove(&number));
                marks.remove(&number);
            }
            Operation::RemoveMany(start) => run_from(start).for_each(|n| {
                assert_eq!(numbers.remove(n), model.remove(&n));
                marks.remove(&n);
            }),
            Operation::Mark(number, marked) => {
                assert_eq!(numbers.mark(number, marked), model.contains_key(&number));
                if marked && model.contains_key(&number) {
                    marks.insert(number)
                } else {
                    marks.remove(&number)
                };
            }
        }
        assert_eq!(numbers.table.len(), model.len());
        assert_eq!(numbers.table.marked(), marks.len());
    }
    for number in 0..3000 {
        assert_eq!(numbers.get(number), model.get(&number).copied(), "{number}");
    }
    let sorted = |mut seen: Vec<u64>| {
        seen.sort_unstable();
        seen
    };
    let all: Vec<u64> = model.keys().copied().collect::<BTreeSet<_>>().into_iter().collect();
    assert_eq!(sorted(numbers.scan_all(10, Wanted::All)), all);
    assert_eq!(sorted(numbers.scan_all(3, Wanted::Marked)), marks.into_iter().collect::<Vec<_>>());
    assert_eq!(sorted(numbers.table.iter().map(|item| item.0).collect()), all);
    assert_eq!(sorted(numbers.table.iter_mut().map(|item| item.0).collect()), all);
    assert_eq!(sorted(numbers.table.into_entries().map(|item| item.0).collect()), all);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn behaves_as_a_map(operations in operations()) {
        check_against_model(even, operations);
    }

    #[test]
    fn behaves_as_a_map_under_crowded_hashes(operations in operations()) {
        check_against_model(crowded, operations);
    }

    #[test]
    fn a_scan_meets_what_stays_throughout_exactly_once(
        initial in 0..2500u64,
        budget in 1..200usize,
        changes in prop::collection::vec((any::<bool>(), 2500..6000u64, 1..600u64), 1..80),
    ) {
        // Numbers under 2500 stay; the others come and go between the steps, many at a time.
        let mut numbers = Numbers::new(even);
        (0..initial).for_each(|number| { numbers.set(number, 0); });
        let mut seen = Vec::new();
        let mut changes = changes.into_iter();
        let mut cursor = Some(0);
        while let Some(at) = cursor {
            cursor = numbers.step(at, budget, &mut seen);
            if let Some((adds, start, count)) = changes.next() {
                for number in start..start + count {
                    if adds { numbers.set(number, 0); } else { numbers.remove(number); }
                }
            }
        }
        let mut stayed: Vec<u64> = seen.into_iter().filter(|&number| number < 2500).collect();
        stayed.sort_unstable();
        prop_assert_eq!(stayed, (0..initial).collect::<Vec<_>>());
    }
}

#[test]
fn equal_hashes_are_slow_but_right() {
    let mut numbers = Numbers::new(the_same);
    for number in 0..1500 {
        assert_eq!(numbers.set(number, number), None);
    }
    assert_eq!(numbers.get(1499), Some(1499));
    assert_eq!(numbers.scan_all(10, Wanted::All).len(), 1500);
    for number in 0..1500 {
        assert_eq!(numbers.remove(number), Some(number));
    }
    assert!(numbers.table.is_empty());
}

#[test]
fn a_step_visits_about_as_many_as_asked() {
    let mut numbers = Numbers::new(even);
    (0..100_000).for_each(|number| {
        numbers.set(number, 0);
    });
    let mut cursor = Some(0);
    while let Some(at) = cursor {
        let mut seen = Vec::new();
        cursor = numbers.step(at, 10, &mut seen);
        assert!(seen.len() <= 10 + 24, "{} for a budget of 10", seen.len());
        assert!(seen.len() >= 10 || cursor.is_none());
    }
}

#[test]
fn marks_are_found_among_many_unmarked() {
    let mut numbers = Numbers::new(even);
    (0..50_000).for_each(|number| {
        numbers.set(number, 0);
    });
    (0..50_000).step_by(1000).for_each(|number| assert!(numbers.mark(number, true)));
    let mut touched = 0;
    let hash_of = |item: &Item| {
        touched += 1;
        even(item.0)
    };
    assert_eq!(numbers.table.scan_positions(0, 1000, Wanted::Marked, hash_of, |_, _| {}), None);
    assert!(touched <= 60, "{touched} entries touched to find 50");
}

#[test]
fn every_entry_is_equally_likely_to_be_drawn() {
    for count in [1u64, 5, 61, 5000] {
        let mut numbers = Numbers::new(even);
        (0..count).for_each(|number| {
            numbers.set(number, 0);
        });
        let mut rng = StdRng::seed_from_u64(7);
        let mut drawn = vec![0u32; count as usize];
        for _ in 0..count * 100 {
            drawn[numbers.table.random(&mut rng).unwrap().0 as usize] += 1;
        }
        // 100 draws each on average; six sigma are 60.
        assert!(drawn.iter().all(|&times| (40..=160).contains(&times)), "{count}: {drawn:?}");
    }
}

#[test]
fn small_tables_are_small_and_empty_ones_nothing() {
    let mut numbers = Numbers::new(even);
    assert_eq!(numbers.table.memory_usage(), 0);
    assert_eq!(size_of::<Table<Item>>(), 64);
    for count in 0..100_000u64 {
        numbers.set(count, 0);
        if [4, 8, 61, 500, 5000, 50_000, 99_999].contains(&count) {
            let overhead = numbers.table.memory_usage() as f64 / (count + 1) as f64 - 8.0;
            assert!(overhead <= 12.0, "{overhead} bytes beyond the pointer at {count}");
        }
    }
    for number in 0..100_000 {
        numbers.remove(number);
    }
    assert_eq!(numbers.table.memory_usage(), 0);
}

#[test]
fn a_table_that_empties_merges_back_into_one_segment() {
    let mut numbers = Numbers::new(even);
    (0..200_000).for_each(|number| {
        numbers.set(number, 0);
    });
    let full = numbers.table.memory_usage();
    (100..200_000).for_each(|number| {
        numbers.remove(number);
    });
    assert!(numbers.table.memory_usage() < full / 200, "{} of {full}", numbers.table.memory_usage());
    assert_eq!((0..100).filter(|&number| numbers.get(number).is_some()).count(), 100);
}

/// In a table that has made room for what comes nothing is moved, and nothing is lost or found twice.
#[test]
fn room_for_what_comes() {
    for count in [0_u64, 1, 5, 300, 767, 769, 10_000, 50_000] {
        let mut numbers = Numbers { table: Table::with_room_for(count as usize), hash: even };
        let bytes = numbers.table.memory_usage();
        for number in 0..count {
            assert_eq!(numbers.set(number, number), None);
        }
        // By far most of the time; the seed of these numbers is always the same.
        assert_eq!(numbers.table.memory_usage(), bytes, "{count}");
        assert!((0..count).all(|number| numbers.get(number) == Some(number)));
        assert_eq!(numbers.table.iter().count() as u64, count);
        assert!(!numbers.table.is_too_wide());
        assert!((0..count).all(|number| numbers.remove(number) == Some(number)));
    }
    assert!(Table::<Item>::with_room_for(10_000).is_too_wide());
}
