use super::*;
use crate::types::{Hash, Limits};
use proptest::prelude::*;

fn bytes(entry: &Entry) -> Vec<u8> {
    entry.value().as_string().map(|element| element.to_vec()).unwrap_or_default()
}

#[test]
fn a_small_string_is_one_compact_allocation() {
    let entry = Entry::new_string(&[b'k'; 16], &[b'v'; 64], None);
    assert_eq!(entry.memory_usage(), 8 + 88);
    assert_eq!(size_of::<Option<Entry>>(), 8);
    let expiring = Entry::new_string(&[b'k'; 16], &[b'v'; 64], Some(5));
    assert_eq!(expiring.memory_usage(), 8 + 96);
    assert_eq!(Entry::new_string(&[b'k'; 16], b"12345", None).memory_usage(), 8 + 32);
}

#[test]
fn encodings_are_those_that_redis_reports() {
    let encoding = |value: &[u8]| Entry::new_string(b"k", value, None).encoding();
    assert_eq!(encoding(b"-12"), Encoding::Int);
    assert_eq!(encoding(b"012"), Encoding::Embstr);
    assert_eq!(encoding(b"12345678901234567890"), Encoding::Embstr);
    assert_eq!(encoding(&[b'x'; 44]), Encoding::Embstr);
    assert_eq!(encoding(&[b'x'; 45]), Encoding::Raw);
    assert_eq!(encoding(&[b'x'; 5000]), Encoding::Raw);

    let mut entry = Entry::new_string(b"k", b"10", None);
    assert_eq!(entry.edit_string(|text| text.push(b'0')), Some(()));
    assert_eq!((entry.encoding(), bytes(&entry)), (Encoding::Raw, b"100".to_vec()));
    entry.set_string(b"100");
    assert_eq!(entry.encoding(), Encoding::Int);
    entry.set_string(b"abc");
    assert_eq!(entry.encoding(), Encoding::Embstr);
    entry.string_bytes_mut().unwrap()[1] = b'-';
    assert_eq!((entry.encoding(), bytes(&entry)), (Encoding::Raw, b"a-c".to_vec()));
}

#[test]
fn overwriting_with_the_same_size_keeps_the_allocation() {
    let mut entry = Entry::new_string(b"key", &[b'a'; 64], None);
    let before = entry.key().as_ptr();
    entry.set_string(&[b'b'; 62]);
    assert_eq!((entry.key().as_ptr(), bytes(&entry)), (before, vec![b'b'; 62]));
}

#[test]
fn copies_share_what_lies_apart_until_one_of_them_is_written_to() {
    let mut entry = Entry::new_string(b"k", &[b'a'; 5000], Some(3));
    let copy = entry.clone();
    assert_eq!(entry.shared_place(), copy.shared_place());
    let place = entry.shared_place();
    // Of another type: nothing changes.
    assert!(entry.edit::<Hash>().is_none() && entry.stream_mut().is_none());
    assert_eq!(entry.shared_place(), place);
    entry.edit_string(|bytes| bytes.push(b'b'));
    assert_eq!((bytes(&entry).len(), bytes(&copy)), (5001, vec![b'a'; 5000]));
    assert_eq!(copy.shared_place(), place);
    let own = entry.shared_place();
    entry.string_bytes_mut().unwrap()[0] = b'c';
    assert_eq!(entry.shared_place(), own, "what nobody shares is not copied");
    let second = copy.clone();
    drop(copy);
    assert_eq!(second.clone().into_value().as_ref().as_string().unwrap().to_vec(), [b'a'; 5000]);
    assert_eq!(second.with_key(b"other").shared_place(), place);
    let mut emptied = entry.clone();
    assert_eq!(
        emptied.take_shared().map(|value| Value::clone(&value).into_buffer()),
        Some(Some(bytes(&entry)))
    );
    assert_eq!((emptied.encoding(), bytes(&entry).len()), (Encoding::Int, 5001));
}

#[test]
fn a_collection_is_reached_through_its_entry_and_survives_all_changes_around_it() {
    let limits = Limits::default();
    let mut hash = Hash::new();
    hash.set(b"one", b"1", &limits);
    let mut entry = Entry::new(b"k", Value::Hash(hash), None);
    entry.set_expiry(Some(7));
    entry.edit::<Hash>().unwrap().set(b"two", b"2", &limits);
    let copy = entry.clone();
    entry.edit::<Hash>().unwrap().set(b"three", b"3", &limits);
    let renamed = entry.with_key(b"another");
    assert_eq!((renamed.key(), renamed.expiry()), (&b"another"[..], Some(7)));
    assert_eq!(renamed.type_name(), "hash");
    let len = |entry: Entry| match entry.into_value() {
        Value::Hash(hash) => hash.len(),
        _ => 0,
    };
    assert_eq!((len(copy), len(renamed)), (2, 3));
    assert!(Entry::new_string(b"k", b"v", None).edit::<Hash>().is_none());
}

#[test]
fn a_key_of_any_length_comes_back() {
    for len in [0, 1, 4094, 4095, 4096, 4097, 100_000] {
        let key = vec![b'k'; len];
        for (value, expiry) in [(&b"17"[..], None), (b"text", Some(-1)), (&[b'x'; 9000], Some(i64::MAX))] {
            let mut entry = Entry::new_string(&key, value, expiry);
            assert_eq!((entry.key(), bytes(&entry), entry.expiry()), (&key[..], value.to_vec(), expiry));
            entry.set_expiry(Some(3));
            entry.set_string(b"other");
            assert_eq!((entry.key(), bytes(&entry), entry.expiry()), (&key[..], b"other".to_vec(), Some(3)));
        }
    }
}

#[test]
fn expiry_is_the_last_millisecond_of_life() {
    let entry = Entry::new_string(b"k", b"v", Some(1000));
    assert!(!entry.is_expired(1000));
    assert!(entry.is_expired(1001));
    assert!(!Entry::new_string(b"k", b"v", None).is_expired(i64::MAX));
}

#[derive(Clone, Debug)]
enum Change {
    Set(Vec<u8>),
    SetInt(i64),
    Append(Vec<u8>),
    Overwrite(u8),
    Expiry(Option<i64>),
    Clock(u32),
    Epoch(u8),
    Rename(Vec<u8>),
    Clone,
    SetValue(Vec<u8>),
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..120),
        (4000..4200usize, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]),
        any::<i64>().prop_map(|number| number.to_string().into_bytes()),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        text().prop_map(Change::Set),
        any::<i64>().prop_map(Change::SetInt),
        text().prop_map(Change::Append),
        any::<u8>().prop_map(Change::Overwrite),
        any::<Option<i64>>().prop_map(Change::Expiry),
        (0..1u32 << 24).prop_map(Change::Clock),
        any::<u8>().prop_map(Change::Epoch),
        text().prop_map(Change::Rename),
        Just(Change::Clone),
        text().prop_map(Change::SetValue),
    ]
}

proptest! {
    #[test]
    fn no_change_disturbs_what_it_does_not_name(
        key in text(),
        value in text(),
        expiry: Option<i64>,
        changes in prop::collection::vec(change(), 0..20),
    ) {
        let mut entry = Entry::new_string(&key, &value, expiry);
        let (mut key, mut value, mut expiry, mut clock, mut epoch) = (key, value, expiry, 0, 0);
        for change in changes {
            match change {
                Change::Set(text) => { entry.set_string(&text); value = text; }
                Change::SetInt(number) => { entry.set_int(number); value = number.to_string().into_bytes(); }
                Change::Append(text) => {
                    entry.edit_string(|bytes| bytes.extend_from_slice(&text));
                    value.extend(text);
                    prop_assert_eq!(entry.encoding(), Encoding::Raw);
                }
                Change::Overwrite(byte) => if let Some(place) = entry.string_bytes_mut().and_then(<[u8]>::first_mut) {
                    *place = byte;
                    value[0] = byte;
                }
                Change::Expiry(new) => { entry.set_expiry(new); expiry = new; }
                Change::Clock(new) => { entry.set_access_clock(new); clock = new; }
                Change::Epoch(new) => { entry.set_epoch(new); epoch = new; }
                Change::Rename(new) => { entry = entry.with_key(&new); key = new; }
                Change::Clone => entry = entry.clone(),
                Change::SetValue(text) => { entry.set_value(Value::String(text.clone())); value = text; }
            }
            prop_assert_eq!(entry.key(), &key[..]);
            prop_assert_eq!(bytes(&entry), &value[..]);
            prop_assert_eq!(entry.expiry(), expiry);
            prop_assert_eq!(entry.access_clock(), clock);
            prop_assert_eq!(entry.epoch(), epoch);
        }
        let (Value::Int(_) | Value::String(_)) = entry.into_value() else { panic!("a string became a collection") };
    }
}
