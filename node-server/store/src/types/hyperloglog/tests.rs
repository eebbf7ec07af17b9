//! Byte for byte what redis-server 7.0.15 answered, and what must hold for any bytes.

use super::*;
use proptest::prelude::*;

const MAX_SPARSE_BYTES: usize = 3000;

fn with(elements: impl IntoIterator<Item = String>) -> Vec<u8> {
    let mut bytes = new();
    for element in elements {
        add(&mut bytes, element.as_bytes(), MAX_SPARSE_BYTES).unwrap();
    }
    bytes
}

fn numbers(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("element:{number}"))
}

#[test]
fn the_hash_is_murmur_64a() {
    assert_eq!(murmur::hash(b"", 0), 0);
    for (text, expected) in [
        ("a", 0x53d2_470a_9b43_b1a7),
        ("12345678", 0x95eb_b863_8913_2953),
        ("hello world, hello", 0x388a_ef2b_b496_58e0),
    ] {
        assert_eq!(murmur::hash(text.as_bytes(), HASH_SEED), expected, "{text}");
    }
}

#[test]
fn it_becomes_dense_when_it_is_too_big_and_counts_the_same() {
    let (sparse, dense) = (with(numbers(500)), with(numbers(5000)));
    assert_eq!((form(&sparse), form(&dense)), (Some(Form::Sparse), Some(Form::Dense)));
    assert_eq!(dense.len(), 12304);
    assert!(sparse.len() <= MAX_SPARSE_BYTES);
    let mut converted = sparse.clone();
    assert_eq!(make_dense(&mut converted), Ok(true));
    assert_eq!(make_dense(&mut converted), Ok(false));
    assert_eq!(count(&converted), count(&sparse));
    assert!((count(&dense).unwrap() as f64 - 5000.0).abs() < 150.0);
}

#[test]
fn a_union_has_of_each_register_the_highest() {
    let (first, second) = (with(numbers(700)), with((500..900).map(|number| format!("element:{number}"))));
    let mut union = Union::default();
    union.add(&first).unwrap();
    union.add(&second).unwrap();
    let both = with(numbers(900));
    assert_eq!(union.count(), count(&both).unwrap());
    let mut stored = new();
    union.store(&mut stored, MAX_SPARSE_BYTES).unwrap();
    assert_eq!(count(&stored), count(&both));
    assert_eq!(cached_count(&stored), None);
}

#[test]
fn the_cached_count_is_out_of_date_after_a_change() {
    let mut bytes = new();
    assert_eq!(cached_count(&bytes), Some(0));
    add(&mut bytes, b"a", MAX_SPARSE_BYTES).unwrap();
    assert_eq!(cached_count(&bytes), None);
    cache_count(&mut bytes, 1);
    assert_eq!(cached_count(&bytes), Some(1));
    assert_eq!(add(&mut bytes, b"a", MAX_SPARSE_BYTES), Ok(false));
    assert_eq!(cached_count(&bytes), Some(1));
}

#[test]
fn what_is_no_hyperloglog() {
    let good = new();
    assert_eq!(form(&good), Some(Form::Sparse));
    for (index, byte) in [(0, b'h'), (4, 2), (4, 0)] {
        let mut bytes = good.clone();
        bytes[index] = byte;
        assert_eq!(form(&bytes), None, "{index} {byte}");
    }
    assert_eq!(form(&good[..15]), None);
    assert_eq!(form(b""), None);
}

#[test]
fn too_many_registers_and_too_few_are_corrupt() {
    for registers in [&b"\x7f"[..], b"\x7f\xfe", b"\x7f\xff\x00", b"\x7f\xff\x80", b"", b"\x80"] {
        let mut bytes = new();
        bytes.truncate(HEADER);
        bytes.extend_from_slice(registers);
        assert_eq!(count(&bytes), Err(Corrupt), "{registers:?}");
        assert_eq!(make_dense(&mut bytes.clone()), Err(Corrupt));
        assert!(Union::default().add(&bytes).is_err());
    }
}

#[test]
fn passes_its_own_test() {
    use rand::SeedableRng;
    self_test(MAX_SPARSE_BYTES, &mut rand::rngs::StdRng::seed_from_u64(7)).unwrap();
}

proptest! {
    /// Whatever the bytes, nothing panics, and what was found sound stays sound.
    #[test]
    fn any_bytes(registers in proptest::collection::vec(any::<u8>(), 0..60), elements in 0usize..40) {
        let mut bytes = new();
        bytes.truncate(HEADER);
        bytes.extend_from_slice(&registers);
        let sound = count(&bytes).is_ok();
        for element in numbers(elements) {
            let added = add(&mut bytes, element.as_bytes(), 100);
            prop_assert!(!sound || added.is_ok());
        }
        let _ = decode(&bytes);
        prop_assert!(!sound || count(&bytes).is_ok());
        prop_assert_eq!(Union::default().add(&bytes).is_ok(), count(&bytes).is_ok());
        prop_assert_eq!(make_dense(&mut bytes.clone()).is_ok(), count(&bytes).is_ok());
    }
}
