use super::*;
use proptest::prelude::*;

fn contents(list: &List) -> Vec<Vec<u8>> {
    list.view().iter().map(|element| element.to_vec()).collect()
}

fn list_of(values: &[&str], limits: &Limits) -> List {
    let mut list = List::new();
    values.iter().for_each(|value| list.push(End::Tail, value.as_bytes(), limits));
    list
}

fn limits(list_max_listpack_size: i32) -> Limits {
    Limits { list_max_listpack_size, ..Limits::default() }
}

#[test]
fn encodings_follow_the_limit_and_come_back() {
    let limits = limits(4);
    let mut list = list_of(&["a", "b", "c", "d"], &limits);
    assert_eq!(list.encoding(), Encoding::Listpack);
    list.push(End::Tail, b"e", &limits);
    assert_eq!((list.encoding(), list.view().nodes().count()), (Encoding::Quicklist, 2));
    list.pop(End::Tail, &limits);
    list.pop(End::Tail, &limits);
    assert_eq!(list.encoding(), Encoding::Quicklist);
    list.pop(End::Tail, &limits);
    assert_eq!(list.encoding(), Encoding::Listpack);
    let mut long = List::new();
    long.push(End::Head, &[b'x'; 9000], &super::tests::limits(-2));
    assert_eq!(long.encoding(), Encoding::Quicklist);
    assert_eq!(long.view().get(-1).unwrap().len(), 9000);
}

#[test]
fn remove_insert_and_positions() {
    let limits = limits(2);
    let mut list = list_of(&["a", "b", "a", "c", "a"], &limits);
    assert_eq!(list.view().positions(b"a", 1, 0, 0), [0, 2, 4]);
    assert_eq!(list.view().positions(b"a", -1, 2, 0), [4, 2]);
    assert_eq!(list.view().positions(b"a", 2, 1, 0), [2]);
    assert_eq!(list.view().positions(b"a", 1, 0, 3), [0, 2]);
    assert!(list.insert_beside(End::Tail, b"b", b"B", &limits));
    assert!(list.insert_beside(End::Head, b"a", b"0", &limits));
    assert!(!list.insert_beside(End::Head, b"none", b"0", &limits));
    assert_eq!(contents(&list).concat(), b"0abBaca");
    assert_eq!(list.remove(-2, b"a", &limits), 2);
    assert_eq!(contents(&list).concat(), b"0abBc");
    assert_eq!(list.remove(0, b"a", &limits), 1);
    assert_eq!(list.remove(i64::MIN, b"a", &limits), 0);
}

#[test]
fn indexes_outside_are_nothing() {
    let limits = limits(2);
    let mut list = list_of(&["a", "b", "c"], &limits);
    for index in [3, -4, i64::MAX, i64::MIN] {
        assert_eq!(list.view().get(index), None);
        assert!(!list.set(index, b"x", &limits));
    }
    assert_eq!(list.view().range(i64::MIN, i64::MAX).count(), 3);
    assert_eq!(list.view().range(2, 1).count(), 0);
    assert_eq!(list.view().range(5, 9).count(), 0);
    assert_eq!(list.view().range(-2, -2).collect::<Vec<_>>(), [crate::types::Element::Bytes(b"b")]);
}

#[derive(Clone, Debug)]
enum Change {
    Push(bool, Vec<u8>),
    Pop(bool),
    Set(usize, Vec<u8>),
    Insert(usize, Vec<u8>),
    Remove(i64, Vec<u8>),
    Trim(i64, i64),
    Snapshot,
}

fn change() -> impl Strategy<Value = Change> {
    let value = || {
        prop_oneof![
            4 => (0u8..20).prop_map(|number| number.to_string().into_bytes()),
            1 => (0usize..300).prop_map(|length| vec![b'x'; length]),
        ]
    };
    prop_oneof![
        12 => (any::<bool>(), value()).prop_map(|(head, value)| Change::Push(head, value)),
        2 => any::<bool>().prop_map(Change::Pop),
        3 => (any::<usize>(), value()).prop_map(|(index, value)| Change::Set(index, value)),
        6 => (any::<usize>(), value()).prop_map(|(index, value)| Change::Insert(index, value)),
        1 => (-3i64..4, value()).prop_map(|(count, value)| Change::Remove(count, value)),
        1 => (-40i64..10, -10i64..200).prop_map(|(start, stop)| Change::Trim(start, stop)),
        1 => Just(Change::Snapshot),
    ]
}

fn model_remove(model: &mut Vec<Vec<u8>>, count: i64, value: &[u8]) -> usize {
    let mut offsets: Vec<usize> = (0..model.len()).filter(|&index| model[index] == value).collect();
    if count < 0 {
        offsets.reverse();
    }
    if count != 0 {
        offsets.truncate(count.unsigned_abs() as usize);
    }
    offsets.sort();
    offsets.iter().rev().for_each(|&index| {
        model.remove(index);
    });
    offsets.len()
}

proptest! {
    #[test]
    fn does_what_a_vec_does(
        size in prop_oneof![1i32..6, Just(128), Just(-1)],
        changes in proptest::collection::vec(change(), 0..400),
    ) {
        let limits = limits(size);
        let (mut list, mut model) = (List::new(), Vec::<Vec<u8>>::new());
        let mut snapshots = Vec::new();
        for change in changes {
            match change {
                Change::Push(true, value) => {
                    list.push(End::Head, &value, &limits);
                    model.insert(0, value);
                }
                Change::Push(false, value) => {
                    list.push(End::Tail, &value, &limits);
                    model.push(value);
                }
                Change::Pop(true) => {
                    let expected = (!model.is_empty()).then(|| model.remove(0));
                    prop_assert_eq!(list.pop(End::Head, &limits), expected);
                }
                Change::Pop(false) => prop_assert_eq!(list.pop(End::Tail, &limits), model.pop()),
                Change::Set(index, value) => {
                    let index = index % (model.len() + 1);
                    let there = index < model.len();
                    prop_assert_eq!(list.set(index as i64, &value, &limits), there);
                    if there {
                        model[index] = value;
                    }
                }
                Change::Insert(index, value) => {
                    let index = index % (model.len() + 1);
                    list.insert(index, &value, &limits);
                    model.insert(index, value);
                }
                Change::Remove(count, value) => {
                    prop_assert_eq!(list.remove(count, &value, &limits), model_remove(&mut model, count, &value));
                }
                Change::Trim(start, stop) => {
                    list.trim(start, stop, &limits);
                    let range = crate::types::clamp_range(start, stop, model.len());
                    model = model[range].to_vec();
                }
                Change::Snapshot => snapshots.push((list.clone(), model.clone())),
            }
            prop_assert_eq!(list.len(), model.len());
        }
        snapshots.push((list, model));
        for (list, model) in snapshots {
            prop_assert_eq!(contents(&list), &model[..]);
            let backwards: Vec<_> = list.view().iter().rev().map(|element| element.to_vec()).collect();
            prop_assert!(backwards.iter().eq(model.iter().rev()));
            for node in list.view().nodes() {
                prop_assert!(node.len() == 1 || fits(node.byte_len(), node.len(), &limits));
            }
        }
    }
}

/// Its text is longer than the bytes it is packed into, and longer than what a small node has.
#[test]
fn a_long_number_that_is_alone_in_its_node_is_replaced() {
    let limits = Limits { list_max_listpack_size: 1, ..Limits::default() };
    let mut list = List::new();
    for value in ["-9223372036854775808", "b"] {
        list.push(End::Tail, value.as_bytes(), &limits);
    }
    assert!(list.set(0, b"", &limits));
    assert_eq!(
        list.view().iter().map(|element| element.to_vec()).collect::<Vec<_>>(),
        [b"".to_vec(), b"b".to_vec()]
    );
}

#[test]
fn an_element_over_the_threshold_is_alone_in_its_node() {
    let limits = Limits { list_packed_threshold: 4, ..Limits::default() };
    let mut list = List::new();
    for element in ["a", "b", "long", "c", "longer", "longest", "d"] {
        list.push(End::Tail, element.as_bytes(), &limits);
    }
    list.insert_beside(End::Tail, b"b", b"between", &limits);
    assert!(list.set(0, b"another", &limits));
    let texts =
        |node: crate::encoding::ListpackRef<'_>| node.iter().map(|element| element.to_vec()).collect();
    let nodes: Vec<Vec<Vec<u8>>> = list.view().nodes().map(texts).collect();
    for node in &nodes {
        assert!(node.len() == 1 || node.iter().all(|element| element.len() < 4), "{nodes:?}");
    }
    let all: Vec<Vec<u8>> = nodes.concat();
    let expected = ["another", "b", "between", "long", "c", "longer", "longest", "d"];
    assert_eq!(all, expected.map(|element| element.as_bytes().to_vec()));
}

/// A list at its limit is taken apart although the element only changes; one that shrank by a change is put together.
#[test]
fn a_replaced_element_may_change_the_form() {
    let limits = limits(3);
    let mut list = list_of(&["a", "b", "c"], &limits);
    assert_eq!(list.encoding(), Encoding::Listpack);
    assert!(list.set(0, b"hello", &limits));
    assert_eq!(list.encoding(), Encoding::Quicklist);
    let large = "x".repeat(8192);
    let limits = super::tests::limits(-1);
    let mut list = list_of(&[&large, "a", "b"], &limits);
    list.pop(End::Tail, &limits);
    list.pop(End::Tail, &limits);
    assert_eq!(list.encoding(), Encoding::Quicklist);
    assert!(list.set(-1, b"c", &limits));
    assert_eq!(list.encoding(), Encoding::Listpack);
}
