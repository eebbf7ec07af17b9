use super::*;
use crate::types::parse_integer;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn contents(hash: &Hash) -> BTreeMap<Vec<u8>, Vec<u8>> {
    hash.view().iter().map(|(field, value)| (field.to_vec(), value.to_vec())).collect()
}

fn small_limits() -> Limits {
    Limits { hash_max_listpack_entries: 8, hash_max_listpack_value: 20, hash_seed: 7, ..Limits::default() }
}

#[test]
fn a_packed_hash_keeps_insertion_order() {
    let mut hash = Hash::new();
    for field in ["zebra", "1", "ape"] {
        assert!(hash.set(field.as_bytes(), b"x", &Limits::default()));
    }
    assert!(!hash.set(b"zebra", b"y", &Limits::default()));
    let fields: Vec<Vec<u8>> = hash.view().iter().map(|(field, _)| field.to_vec()).collect();
    assert_eq!(fields, [&b"zebra"[..], b"1", b"ape"]);
}

#[test]
fn leaves_the_listpack_by_count_and_by_length() {
    let limits = small_limits();
    let mut hash = Hash::new();
    for number in 0..8 {
        hash.set(format!("f{number}").as_bytes(), b"v", &limits);
        assert_eq!(hash.encoding(), Encoding::Listpack);
    }
    hash.set(b"f8", b"v", &limits);
    assert_eq!((hash.encoding(), hash.len()), (Encoding::Hashtable, 9));
    let mut hash = Hash::new();
    hash.set(b"f", &[b'v'; 20], &limits);
    assert_eq!(hash.encoding(), Encoding::Listpack);
    hash.set(b"f", &[b'v'; 21], &limits);
    assert_eq!((hash.encoding(), hash.len()), (Encoding::Hashtable, 1));
}

#[test]
fn increments() {
    let (mut hash, limits) = (Hash::new(), Limits::default());
    assert_eq!(hash.increment(b"n", 5, &limits), Ok(5));
    assert_eq!(hash.increment(b"n", -7, &limits), Ok(-2));
    hash.set(b"n", b"01", &limits);
    assert_eq!(hash.increment(b"n", 1, &limits), Err(IncrementError::NotAnInteger));
    hash.set(b"n", b"9223372036854775807", &limits);
    assert_eq!(hash.increment(b"n", 1, &limits), Err(IncrementError::Overflow));
}

/// A number as one.
fn element(text: &str) -> Element<'_> {
    parse_integer(text.as_bytes()).map_or(Element::Bytes(text.as_bytes()), Element::Int)
}

proptest! {
    #[test]
    fn made_at_once_or_step_by_step(
        pairs in proptest::collection::btree_map("[0-9a-c]{0,21}", "[0-9a]{0,21}", 0..100),
    ) {
        let (limits, mut expected) = (small_limits(), Hash::new());
        let pairs: Vec<(String, String)> = pairs.into_iter().collect();
        for (field, value) in &pairs {
            expected.set(field.as_bytes(), value.as_bytes(), &limits);
        }
        let pair = |number: usize| {
            let (field, value): &(String, String) = &pairs[number];
            (element(field), element(value))
        };
        let hash = Hash::of_pairs(pairs.len(), pair, &limits).unwrap();
        prop_assert_eq!(hash.encoding(), expected.encoding());
        prop_assert_eq!(contents(&hash), contents(&expected));
        if !pairs.is_empty() {
            let twice = Hash::of_pairs(pairs.len() + 1, |number| pair(number % pairs.len()), &limits);
            prop_assert!(twice.is_none());
        }
    }
}

#[test]
fn refuses_halves_and_duplicates() {
    let limits = Limits::default();
    let listpack = |values: &[&'static [u8]]| values.iter().copied().collect::<Listpack>();
    assert!(Hash::from_listpack(listpack(&[b"a", b"1", b"b"]), &limits).is_err());
    assert!(Hash::from_listpack(listpack(&[b"a", b"1", b"a", b"2"]), &limits).is_err());
    assert_eq!(Hash::from_listpack(listpack(&[b"a", b"1", b"1", b"1"]), &limits).unwrap().len(), 2);
}

#[test]
fn random_pairs_are_distinct_and_real() {
    use rand::SeedableRng;
    let mut rng = rand::rngs::StdRng::seed_from_u64(3);
    for size in [5, 300] {
        let mut hash = Hash::new();
        (0..size).for_each(|number: i32| {
            hash.set(number.to_string().as_bytes(), b"v", &small_limits());
        });
        for count in [0, 1, 4, size as usize - 1, size as usize, 1000] {
            let drawn = hash.view().random_distinct(count, &mut rng);
            let mut fields: Vec<_> = drawn.iter().map(|(field, _)| field.to_vec()).collect();
            fields.sort();
            fields.dedup();
            assert_eq!(fields.len(), count.min(size as usize));
            assert!(fields.iter().all(|field| hash.contains(field)));
        }
    }
}

proptest! {
    #[test]
    fn does_what_a_map_does(steps in proptest::collection::vec(
        (0u8..4, 0u16..600, proptest::collection::vec(any::<u8>(), 0..24)), 0..300), clone_at in 0usize..300) {
        let limits = small_limits();
        let (mut hash, mut model) = (Hash::new(), BTreeMap::new());
        let mut snapshot = (hash.clone(), model.clone());
        for (step, (kind, field, value)) in steps.into_iter().enumerate() {
            if step == clone_at {
                snapshot = (hash.clone(), model.clone());
            }
            let field = field.to_string().into_bytes();
            if kind == 0 {
                prop_assert_eq!(hash.remove(&field), model.remove(&field).is_some());
            } else {
                prop_assert_eq!(hash.set(&field, &value, &limits), model.insert(field, value).is_none());
            }
        }
        prop_assert_eq!(hash.len(), model.len());
        prop_assert_eq!(contents(&snapshot.0), snapshot.1);
        for (field, value) in &model {
            prop_assert!(hash.get(field).unwrap().equals(value));
        }
        let (mut scanned, mut cursor) = (BTreeMap::new(), 0);
        loop {
            cursor = hash.view().scan(cursor, 10, &mut |field, value| {
                scanned.insert(field.to_vec(), value.to_vec());
            });
            if cursor == 0 {
                break;
            }
        }
        prop_assert_eq!(&scanned, &model);
        prop_assert_eq!(contents(&hash), model);
    }
}

#[test]
fn fields_that_end() {
    let (mut hash, limits) = (Hash::new(), small_limits());
    for field in ["a", "b", "c"] {
        hash.set(field.as_bytes(), b"1", &limits);
    }
    hash.set_expiry(b"missing", 10, &limits);
    assert!(!hash.has_expiries());
    hash.set_expiry(b"a", 10, &limits);
    hash.set_expiry(b"b", 20, &limits);
    assert_eq!((hash.encoding(), hash.view().soonest_expiry()), (Encoding::ListpackEx, Some(10)));
    // Its time has come a millisecond later.
    assert_eq!(hash.view().at(10).len(), 3);
    assert_eq!((hash.view().at(11).len(), hash.view().at(11).stored_len()), (2, 3));
    assert!(hash.view().at(11).get(b"a").is_none() && hash.view().at(11).get(b"b").is_some());
    assert_eq!(hash.view().expired(20).map(|field| field.to_vec()).collect::<Vec<_>>(), [b"a"]);
    // A counter keeps its expiry, a field that is set anew loses it.
    assert_eq!(hash.increment(b"b", 1, &limits), Ok(2));
    assert_eq!(hash.expiry(b"b"), Some(20));
    hash.set(b"b", b"x", &limits);
    assert_eq!(hash.expiry(b"b"), None);
    assert!(hash.clear_expiry(b"a") && !hash.clear_expiry(b"a"));
    assert!(hash.encoding() == Encoding::Listpack && !hash.has_expiries());
}

proptest! {
    #[test]
    fn expiries_are_what_a_map_says(steps in proptest::collection::vec(
        (0u8..5, 0u16..30, 1i64..50), 0..300), now in 0i64..50) {
        use rand::SeedableRng;
        let limits = small_limits();
        let (mut hash, mut model) = (Hash::new(), BTreeMap::<Vec<u8>, Option<i64>>::new());
        for (kind, field, expiry) in steps {
            let field = field.to_string().into_bytes();
            match kind {
                0 => prop_assert_eq!(hash.remove(&field), model.remove(&field).is_some()),
                1 => {
                    let had = model.get_mut(&field).and_then(Option::take).is_some();
                    prop_assert_eq!(hash.clear_expiry(&field), had);
                }
                2 => {
                    hash.set(&field, b"v", &limits);
                    model.insert(field, None);
                }
                _ => {
                    hash.set_expiry(&field, expiry, &limits);
                    if let Some(of) = model.get_mut(&field) {
                        *of = Some(expiry);
                    }
                }
            }
        }
        let copy = hash.clone();
        prop_assert_eq!(hash.has_expiries(), model.values().any(Option::is_some));
        prop_assert_eq!(hash.view().soonest_expiry(), model.values().flatten().min().copied());
        for (field, expiry) in &model {
            prop_assert_eq!(copy.expiry(field), *expiry);
        }
        let live: Vec<&Vec<u8>> =
            model.iter().filter(|(_, expiry)| expiry.is_none_or(|at| now <= at)).map(|(field, _)| field).collect();
        let seen = hash.view().at(now);
        let mut fields: Vec<Vec<u8>> = seen.iter().map(|(field, _)| field.to_vec()).collect();
        fields.sort();
        prop_assert_eq!(fields.iter().collect::<Vec<_>>(), live.clone());
        prop_assert_eq!((seen.len(), seen.stored_len()), (live.len(), model.len()));
        prop_assert_eq!(hash.view().expired_count(now), model.len() - live.len());
        let rng = &mut rand::rngs::StdRng::seed_from_u64(1);
        prop_assert_eq!(seen.random_distinct(100, rng).len(), live.len());
        prop_assert_eq!(seen.random(rng).is_some(), !live.is_empty());
    }
}
