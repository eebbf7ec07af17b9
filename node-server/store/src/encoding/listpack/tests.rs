use super::*;
use proptest::prelude::*;

fn contents(listpack: &Listpack) -> Vec<Vec<u8>> {
    listpack.iter().map(|element| element.to_vec()).collect()
}

#[test]
fn bytes_of_every_encoding() {
    let entry = |value: &[u8]| {
        let listpack: Listpack = [value].into_iter().collect();
        listpack.as_bytes()[HEADER..listpack.end()].to_vec()
    };
    assert_eq!(entry(b"127"), [0x7F, 1]);
    assert_eq!(entry(b"128"), [0xC0, 0x80, 2]);
    assert_eq!(entry(b"-1"), [0xDF, 0xFF, 2]);
    assert_eq!(entry(b"-4096"), [0xD0, 0x00, 2]);
    assert_eq!(entry(b"4096"), [0xF1, 0x00, 0x10, 3]);
    assert_eq!(entry(b"32768"), [0xF2, 0x00, 0x80, 0x00, 4]);
    assert_eq!(entry(b"-8388609"), [0xF3, 0xFF, 0xFF, 0x7F, 0xFF, 5]);
    assert_eq!(entry(b"2147483648"), [0xF4, 0, 0, 0, 0x80, 0, 0, 0, 0, 9]);
    assert_eq!(entry(b""), [0x80, 1]);
    assert_eq!(entry(b"hi"), [0x82, b'h', b'i', 3]);
    assert_eq!(entry(&[b'x'; 64])[..2], [0xE0, 64]);
    assert_eq!(entry(&[b'x'; 126])[128..], [0x01, 0x80]);
    assert_eq!(entry(&[b'x'; 4096])[..5], [0xF0, 0x00, 0x10, 0, 0]);
    // 16378 + 5 bytes is the length whose backlen takes three bytes one early.
    assert_eq!(entry(&[b'x'; 16_378])[16_383..], [0x00, 0xFF, 0xFF]);
}

#[test]
fn an_empty_listpack_is_seven_bytes() {
    assert_eq!(Listpack::new().as_bytes(), [7, 0, 0, 0, 0, 0, 0xFF]);
    assert_eq!(Listpack::new().first(), None);
    assert_eq!(Listpack::new().last(), None);
}

#[test]
fn past_65534_elements_they_are_counted() {
    let mut listpack = Listpack::new();
    (0..65_540).for_each(|_| listpack.push_back(b"1"));
    assert_eq!(listpack.len(), 65_540);
    listpack.remove(HEADER, 40);
    assert_eq!(listpack.len(), 65_500);
    assert_eq!(Listpack::from_bytes(listpack.as_bytes().to_vec()).unwrap().len(), 65_500);
}

/// How much is moved is not seen from outside, but where the room is.
#[test]
fn at_either_end_there_is_room_for_more() {
    let value = [b'x'; 60];
    let mut listpack = Listpack::new();
    let mut moved = 0;
    for _ in 0..120 {
        let before = listpack.bytes.as_ptr();
        listpack.insert_of_many(HEADER, &value, 8192);
        moved += usize::from(listpack.bytes.as_ptr() != before);
    }
    assert!(moved < 30, "it was allocated anew {moved} times");
    assert!(listpack.memory_usage() <= 8192);
    let (before, length) = (listpack.bytes.as_ptr(), listpack.bytes.len());
    (0..60).for_each(|_| listpack.remove(HEADER, 1));
    assert_eq!(
        (listpack.bytes.as_ptr(), listpack.bytes.len()),
        (before, length),
        "what is left stays where it was"
    );
    // What went at one end is room at the other.
    let capacity = listpack.memory_usage();
    (0..50).for_each(|_| listpack.push_back(&value));
    assert_eq!((listpack.len(), listpack.memory_usage()), (110, capacity));
}

#[derive(Clone, Debug)]
enum Change {
    Insert(usize, Vec<u8>),
    /// At the front, with many more to come.
    Push(Vec<u8>),
    Pop,
    Replace(usize, Vec<u8>),
    Remove(usize, usize),
    Split(usize),
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        (-5000i64..5000).prop_map(|number| number.to_string().into_bytes()),
        (50usize..5000).prop_map(|length| vec![b'z'; length]),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (any::<usize>(), value()).prop_map(|(index, value)| Change::Insert(index, value)),
        1 => (any::<usize>(), value()).prop_map(|(index, value)| Change::Replace(index, value)),
        1 => (any::<usize>(), 1usize..4).prop_map(|(index, count)| Change::Remove(index, count)),
        1 => any::<usize>().prop_map(Change::Split),
        3 => value().prop_map(Change::Push),
        2 => Just(Change::Pop),
    ]
}

proptest! {
    #[test]
    fn does_what_a_vec_does(changes in proptest::collection::vec(change(), 0..60)) {
        let mut listpack = Listpack::new();
        let mut model: Vec<Vec<u8>> = Vec::new();
        for change in changes {
            match change {
                Change::Insert(index, value) => {
                    let index = index % (model.len() + 1);
                    let position = listpack.seek(index).unwrap_or(listpack.end());
                    listpack.insert(position, &value);
                    model.insert(index, value);
                }
                Change::Replace(index, value) if !model.is_empty() => {
                    let index = index % model.len();
                    listpack.replace(listpack.seek(index).unwrap(), &value);
                    model[index] = value;
                }
                Change::Remove(index, count) if !model.is_empty() => {
                    let index = index % model.len();
                    listpack.remove(listpack.seek(index).unwrap(), count);
                    model.drain(index..(index + count).min(model.len()));
                }
                Change::Push(value) => {
                    listpack.insert_of_many(HEADER, &value, 8192);
                    model.insert(0, value);
                }
                Change::Pop => {
                    listpack.remove(HEADER, 1);
                    model.drain(..model.len().min(1));
                }
                Change::Split(index) => {
                    let index = index % (model.len() + 1);
                    let tail = listpack.split_off(listpack.seek(index).unwrap_or(listpack.end()));
                    prop_assert_eq!(contents(&tail), &model[index..]);
                    listpack.append(&tail);
                }
                _ => {}
            }
            prop_assert_eq!(listpack.len(), model.len());
        }
        prop_assert_eq!(contents(&listpack), &model[..]);
        let backwards: Vec<_> = listpack.iter().rev().map(|element| element.to_vec()).collect();
        prop_assert!(backwards.iter().eq(model.iter().rev()));
        for (index, value) in model.iter().enumerate() {
            prop_assert!(listpack.get(listpack.seek(index).unwrap()).equals(value));
            let found = listpack.find(listpack.first(), value, 1);
            prop_assert_eq!(found, listpack.seek(model.iter().position(|other| other == value).unwrap()));
        }
        let bytes = listpack.as_bytes().to_vec();
        let read = Listpack::from_bytes(bytes.clone()).unwrap();
        prop_assert_eq!(&read, &listpack);
        prop_assert_eq!(&listpack.clone().into_bytes(), &bytes);
        prop_assert_eq!(listpack.into_bytes(), bytes);
    }

    #[test]
    fn what_passes_validation_can_be_read(
        values in proptest::collection::vec(value(), 0..6),
        flips in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..4),
        cut in any::<Option<u8>>(),
    ) {
        let mut bytes = values.iter().map(Vec::as_slice).collect::<Listpack>().into_bytes();
        for (index, byte) in flips {
            let index = index % bytes.len();
            bytes[index] = byte;
        }
        bytes.truncate(bytes.len() - usize::from(cut.unwrap_or(0)).min(bytes.len()));
        if let Ok(listpack) = Listpack::from_bytes(bytes) {
            let forwards = contents(&listpack);
            let mut backwards: Vec<_> = listpack.iter().rev().map(|element| element.to_vec()).collect();
            backwards.reverse();
            prop_assert_eq!(forwards, backwards);
        }
    }
}
