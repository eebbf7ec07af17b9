//! Pages against a map: with clones that stay alive, long and empty texts, and what is promised of scans, draws and memory.

use super::*;
use crate::types::{Element, parse_integer};
use proptest::prelude::*;
use rand::{SeedableRng, rngs::StdRng};
use std::collections::BTreeMap;

/// Texts beyond eight bytes lie outside, so that both kinds come up in small tests.
#[derive(Clone)]
struct Texts;

impl Format for Texts {
    const COLUMN: usize = 1;
    const VALUE: ValueSize = ValueSize::Text;
    const INLINE_MAX: usize = 8;
}

#[derive(Clone)]
struct Numbers;

impl Format for Numbers {
    const COLUMN: usize = 1;
    const VALUE: ValueSize = ValueSize::Bytes(8);
    const INLINE_MAX: usize = 254;
}

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

fn contents<F: Format>(table: &PageTable<F>) -> Model {
    let contents: Model = table.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
    assert_eq!(contents.len(), table.len(), "a key comes twice");
    contents
}

fn set(table: &mut PageTable<Texts>, key: &[u8], value: &[u8]) -> bool {
    table.set(Text::new::<Texts>(key), Text::new::<Texts>(value))
}

fn numbers(count: u64) -> PageTable<Numbers> {
    let mut table = PageTable::new(1);
    (0..count).for_each(|number| put(&mut table, number));
    table
}

fn put(table: &mut PageTable<Numbers>, number: u64) {
    table.set(Text::new::<Numbers>(number.to_string().as_bytes()), Text::Inline(&number.to_le_bytes()));
}

fn take(table: &mut PageTable<Numbers>, number: u64) -> bool {
    table.remove(number.to_string().as_bytes(), |_| ()).is_some()
}

#[derive(Clone, Debug)]
enum Step {
    Set(u16, usize),
    SetMany(u16, usize),
    Remove(u16),
    RemoveMany(u16),
    Clone,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<u16>(), 0..30usize).prop_map(|(key, length)| Step::Set(key % 2000, length)),
        2 => (any::<u16>(), 0..12usize).prop_map(|(key, length)| Step::SetMany(key % 2000, length)),
        3 => any::<u16>().prop_map(|key| Step::Remove(key % 2000)),
        1 => any::<u16>().prop_map(|key| Step::RemoveMany(key % 2000)),
        1 => Just(Step::Clone),
    ]
}

/// Of any length from none to beyond what is inline.
fn key(number: u16) -> Vec<u8> {
    match number % 7 {
        _ if number == 0 => Vec::new(),
        0 => format!("a longer key {number}").into_bytes(),
        _ => number.to_string().into_bytes(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn behaves_as_a_map(steps in prop::collection::vec(step(), 1..60), seed: u64) {
        let (mut table, mut model) = (PageTable::<Texts>::new(seed), Model::new());
        let mut clones = Vec::new();
        for (number, step) in steps.into_iter().enumerate() {
            let run = |start: u16| (start..start + 500).map(key);
            let value = |length: usize| vec![number as u8; length];
            match step {
                Step::Set(name, length) => {
                    let is_new = model.insert(key(name), value(length)).is_none();
                    prop_assert_eq!(set(&mut table, &key(name), &value(length)), is_new);
                }
                Step::SetMany(start, length) => for key in run(start) {
                    let is_new = model.insert(key.clone(), value(length)).is_none();
                    prop_assert_eq!(set(&mut table, &key, &value(length)), is_new);
                },
                Step::Remove(name) => {
                    let removed = table.remove(&key(name), <[u8]>::to_vec);
                    prop_assert_eq!(removed, model.remove(&key(name)));
                }
                Step::RemoveMany(start) => for key in run(start) {
                    prop_assert_eq!(table.remove(&key, <[u8]>::to_vec), model.remove(&key));
                },
                Step::Clone => clones.push((table.clone(), model.clone())),
            }
            prop_assert_eq!(table.len(), model.len());
        }
        for name in 0..2500 {
            prop_assert_eq!(table.get(&key(name)), model.get(&key(name)).map(Vec::as_slice));
        }
        prop_assert_eq!(contents(&table), model);
        for (table, model) in clones {
            prop_assert_eq!(contents(&table), model);
        }
    }

    #[test]
    fn made_at_once_or_step_by_step(names in prop::collection::btree_set(0..20_000u16, 0..3000), seed: u64) {
        let pairs: Vec<(Vec<u8>, Vec<u8>)> =
            names.iter().map(|&name| (key(name), vec![b'v'; usize::from(name % 30)])).collect();
        let entry = |number: usize| {
            let (key, value): &(Vec<u8>, Vec<u8>) = &pairs[number];
            // A number may come as one.
            let key = parse_integer(key).map_or(Element::Bytes(key), Element::Int);
            (key, Element::Bytes(value))
        };
        let mut table = PageTable::<Texts>::of_all(seed, pairs.len(), entry).unwrap();
        let mut model: Model = pairs.iter().cloned().collect();
        prop_assert_eq!(contents(&table), model.clone());
        let mut stepwise = PageTable::<Texts>::new(seed);
        pairs.iter().for_each(|(key, value)| assert!(set(&mut stepwise, key, value)));
        prop_assert!(table.memory_usage() <= stepwise.memory_usage() * 5 / 4 + 1000);
        // It goes on as any other.
        for name in (0..20_000).step_by(7) {
            prop_assert_eq!(set(&mut table, &key(name), b"new"), model.insert(key(name), b"new".to_vec()).is_none());
        }
        for name in (0..20_000).step_by(3) {
            prop_assert_eq!(table.remove(&key(name), <[u8]>::to_vec), model.remove(&key(name)));
        }
        prop_assert_eq!(contents(&table), model);
        let mut rng = StdRng::seed_from_u64(seed);
        prop_assert_eq!(table.random(&mut rng).is_some(), table.len() > 0);
        if let Some(last) = pairs.len().checked_sub(1) {
            let twice = |number: usize| entry(number % (last + 1));
            prop_assert!(PageTable::<Texts>::of_all(seed, pairs.len() + 1, twice).is_none());
        }
    }

    #[test]
    fn a_scan_meets_what_stays_throughout_exactly_once(
        initial in 0..2500u64,
        budget in 1..200usize,
        changes in prop::collection::vec((any::<bool>(), 2500..6000u64, 1..600u64), 1..80),
    ) {
        // Numbers under 2500 stay; the others come and go between the steps, many at a time.
        let mut table = numbers(initial);
        let (mut seen, mut cursor) = (Vec::new(), 0);
        let mut changes = changes.into_iter();
        loop {
            cursor = table.scan(cursor, budget, |_, value| seen.push(value.to_vec()));
            if cursor == 0 {
                break;
            }
            if let Some((adds, start, count)) = changes.next() {
                for number in start..start + count {
                    if adds { put(&mut table, number); } else { take(&mut table, number); }
                }
            }
        }
        let numbers = seen.iter().map(|value| u64::from_le_bytes(value[..].try_into().unwrap()));
        let mut stayed: Vec<u64> = numbers.filter(|&number| number < 2500).collect();
        stayed.sort_unstable();
        prop_assert_eq!(stayed, (0..initial).collect::<Vec<_>>());
    }
}

#[test]
fn a_step_of_a_scan_visits_about_as_many_as_asked() {
    let table = numbers(100_000);
    let (mut cursor, mut most) = (0, 0);
    loop {
        let mut seen = 0;
        cursor = table.scan(cursor, 10, |_, _| seen += 1);
        most = most.max(seen);
        if cursor == 0 {
            break;
        }
        assert!(seen >= 10);
    }
    assert!(most <= 10 + 30, "{most} for a budget of 10");
}

#[test]
fn every_entry_is_equally_likely_to_be_drawn() {
    for count in [1u64, 5, 61, 5000] {
        // Some have gone, unevenly.
        let mut table = numbers(count * 3);
        (count..count * 3).for_each(|number| assert!(take(&mut table, number)));
        let mut rng = StdRng::seed_from_u64(7);
        let mut drawn = vec![0u32; count as usize];
        for _ in 0..count * 100 {
            let (_, value) = table.random(&mut rng).unwrap();
            drawn[u64::from_le_bytes(value.try_into().unwrap()) as usize] += 1;
        }
        // 100 draws each on average; six sigma are 60.
        assert!(drawn.iter().all(|&times| (40..=160).contains(&times)), "{count}: {drawn:?}");
        assert_eq!(table.random_distinct(count as usize, &mut rng).len(), count as usize);
        assert_eq!(table.random_distinct(count as usize / 5, &mut rng).len(), count as usize / 5);
    }
}

#[test]
fn equal_hashes_are_slow_but_right() {
    let mut page = Block::<Texts>::default();
    let names: Vec<Vec<u8>> = (0..9000u32).map(|number| number.to_le_bytes().to_vec()).collect();
    // Far beyond what two bytes of offset reach.
    for name in &names {
        assert_eq!(page.find(7, name), None);
        page.insert(page.len(), &[7], Text::new::<Texts>(name), Text::Inline(b"value"));
    }
    for name in &names {
        let found = page.find(7, name).unwrap();
        assert_eq!(page.get(found), (&name[..], &b"value"[..]));
        page.remove(found);
    }
    assert_eq!((page.len(), page.allocated_bytes()), (0, 0));
}

#[test]
fn a_huge_value_is_not_copied_with_its_page() {
    let mut table = PageTable::<Texts>::new(1);
    let huge = vec![b'x'; 1 << 20];
    set(&mut table, b"huge", &huge);
    let at = table.get(b"huge").unwrap().as_ptr();
    let clone = table.clone();
    for number in 0..5000 {
        set(&mut table, number.to_string().as_bytes(), b"v");
    }
    for number in 0..5000 {
        set(&mut table, number.to_string().as_bytes(), b"another");
    }
    assert_eq!(table.get(b"huge").unwrap().as_ptr(), at);
    assert_eq!(clone.get(b"huge").unwrap().as_ptr(), at);
    assert!(table.memory_usage() > huge.len());
    assert!(!set(&mut table, b"huge", b"small"));
    assert_eq!(
        (table.get(b"huge"), clone.get(b"huge").map(<[u8]>::len)),
        (Some(&b"small"[..]), Some(huge.len()))
    );
    assert!(table.memory_usage() < huge.len() / 2);
}

#[test]
fn an_entry_costs_little_more_than_its_bytes() {
    let mut table = PageTable::new(3);
    for count in 0..100_000u64 {
        put(&mut table, count);
        if [500, 5000, 20_000, 50_000, 99_999].contains(&count) {
            // Up to five digits, a number of eight bytes, their length, a tag and an offset are 17.
            let each = table.memory_usage() as f64 / (count + 1) as f64;
            assert!((15.0..=25.0).contains(&each), "{each} bytes each at {count}");
        }
    }
    let full = table.memory_usage();
    (100..100_000).for_each(|number| assert!(take(&mut table, number)));
    assert!(table.memory_usage() < full / 100, "{} of {full}", table.memory_usage());
    assert_eq!(contents(&table).len(), 100);
    (0..100).for_each(|number| assert!(take(&mut table, number)));
    assert!(table.memory_usage() < 500 && table.iter().next().is_none());
}
