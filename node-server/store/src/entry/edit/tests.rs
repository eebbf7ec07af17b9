use super::*;
use crate::entry::FLAT_MAX;
use crate::rdb::dump;
use crate::types::{AddCondition, Encoding, End, Hash, Limits, List, Set, SortedSet, ValueRef};
use proptest::prelude::*;

fn limits() -> Limits {
    Limits {
        hash_max_listpack_entries: 20,
        set_max_intset_entries: 20,
        set_max_listpack_entries: 20,
        zset_max_listpack_entries: 20,
        list_max_listpack_size: 30,
        ..Limits::default()
    }
}

/// What one command would do to a collection: the same to one in an entry and to one by itself.
#[derive(Clone, Debug)]
enum Step {
    Put(Vec<u8>, Vec<u8>),
    Remove(Vec<u8>),
}

impl Step {
    fn on_list(&self, list: &mut List) -> String {
        match self {
            Step::Put(_, value) => format!("{:?}", list.push(End::Tail, value, &limits())),
            Step::Remove(_) => format!("{:?}", list.pop(End::Head, &limits())),
        }
    }

    /// What it answers.
    fn on_value(&self, value: &mut Value) -> String {
        match (value, self) {
            (Value::List(list), _) => self.on_list(list),
            (Value::Hash(hash), Step::Put(field, value)) => hash.set(field, value, &limits()).to_string(),
            (Value::Hash(hash), Step::Remove(field)) => hash.remove(field).to_string(),
            (Value::Set(set), Step::Put(member, _)) => set.add(member, &limits()).to_string(),
            (Value::Set(set), Step::Remove(member)) => set.remove(member).to_string(),
            (Value::SortedSet(members), Step::Put(member, text)) => {
                format!("{:?}", members.add(score(text), member, condition(text), &limits()))
            }
            (Value::SortedSet(members), Step::Remove(member)) => format!("{:?}", members.remove(member)),
            _ => String::new(),
        }
    }

    fn on_entry(&self, entry: &mut Entry) -> String {
        if let Some(mut list) = entry.edit() {
            return self.on_list(&mut list);
        }
        if let Some(mut hash) = entry.edit::<Hash>() {
            return match self {
                Step::Put(field, value) => hash.set(field, value, &limits()),
                Step::Remove(field) => hash.remove(field),
            }
            .to_string();
        }
        if let Some(mut set) = entry.edit::<Set>() {
            return match self {
                Step::Put(member, _) => set.add(member, &limits()),
                Step::Remove(member) => set.remove(member),
            }
            .to_string();
        }
        let Some(mut members) = entry.edit::<SortedSet>() else { return String::new() };
        match self {
            Step::Put(member, text) => {
                format!("{:?}", members.add(score(text), member, condition(text), &limits()))
            }
            Step::Remove(member) => format!("{:?}", members.remove(member)),
        }
    }
}

fn score(text: &[u8]) -> f64 {
    text.len() as f64 / 2.0 - 5.0
}

fn condition(text: &[u8]) -> AddCondition {
    let bit = |number: u8| text.first().is_some_and(|byte| byte >> number & 1 == 1);
    AddCondition {
        only_greater: bit(0) && bit(1),
        increment: bit(2),
        only_existing: bit(3) && bit(4),
        only_new: bit(5) && bit(6) && !bit(0),
        ..AddCondition::default()
    }
}

fn empty(which: u8) -> Value {
    match which % 4 {
        0 => Value::List(List::new()),
        1 => Value::Hash(Hash::new()),
        2 => Value::Set(Set::new()),
        _ => Value::SortedSet(SortedSet::new()),
    }
}

fn step() -> impl Strategy<Value = Step> {
    let name = prop_oneof![
        (0..40u8).prop_map(|n| n.to_string().into_bytes()),
        "[a-f]{1,2}".prop_map(String::into_bytes)
    ];
    let text = prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..30),
        1 => (400..700usize).prop_map(|length| vec![b'x'; length]),
    ];
    prop_oneof![
        3 => (name.clone(), text).prop_map(|(name, text)| Step::Put(name, text)),
        1 => name.prop_map(Step::Remove),
    ]
}

#[derive(Clone, Debug)]
enum Change {
    Steps(Vec<Step>),
    Expiry(Option<i64>),
    Rename(Vec<u8>),
    Clone,
    Replace(u8),
    String(Vec<u8>),
    Reload,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => prop::collection::vec(step(), 0..12).prop_map(Change::Steps),
        1 => any::<Option<i64>>().prop_map(Change::Expiry),
        1 => prop::collection::vec(any::<u8>(), 0..50).prop_map(Change::Rename),
        1 => Just(Change::Clone),
        1 => any::<u8>().prop_map(Change::Replace),
        1 => prop::collection::vec(any::<u8>(), 0..100).prop_map(Change::String),
        1 => Just(Change::Reload),
    ]
}

proptest! {
    #[test]
    fn a_collection_in_an_entry_is_what_it_is_by_itself(
        which: u8,
        changes in prop::collection::vec(change(), 0..30),
    ) {
        let (mut key, mut expiry) = (b"key".to_vec(), None);
        let mut model = empty(which);
        let mut entry = Entry::new(&key, model.clone(), None);
        for change in changes {
            match change {
                Change::Steps(steps) => for step in steps {
                    prop_assert_eq!(step.on_value(&mut model), step.on_entry(&mut entry));
                }
                Change::Expiry(new) => { entry.set_expiry(new); expiry = new; }
                Change::Rename(new) => { entry = entry.with_key(&new); key = new; }
                Change::Clone => {
                    let copy = entry.clone();
                    // The original changes; the copy must not.
                    let _ = Step::Put(b"more".to_vec(), b"than before".to_vec()).on_entry(&mut entry);
                    entry = copy;
                }
                Change::Replace(which) => { model = empty(which); entry.set_value(empty(which)); }
                Change::String(text) => { entry.set_string(&text); model = Value::String(text); }
                Change::Reload => {
                    let value = entry.clone().into_value();
                    entry = Entry::new(&key, value, expiry);
                }
            }
            prop_assert_eq!((entry.key(), entry.expiry()), (&key[..], expiry));
            prop_assert_eq!(entry.value().type_name(), model.as_ref().type_name());
            prop_assert_eq!(dump(entry.value(), false), dump(model.as_ref(), false));
            if !matches!(model, Value::String(_)) {
                prop_assert_eq!(entry.encoding(), Entry::new(b"", model.clone(), None).encoding());
            }
        }
    }
}

#[test]
fn a_small_hash_is_one_allocation() {
    let mut entry = Entry::new(&[b'k'; 16], Value::Hash(Hash::new()), None);
    let mut hash = entry.edit::<Hash>().unwrap();
    for number in 0..8 {
        hash.set(
            format!("field{number}").as_bytes(),
            format!("value{number}").as_bytes(),
            &Limits::default(),
        );
    }
    drop(hash);
    // The header, the key, and a listpack of 135 bytes.
    assert_eq!(entry.memory_usage(), size_of::<Entry>() + (8 + 16 + 135usize).next_multiple_of(8));
    assert!(entry.take_shared().is_none());
}

#[test]
fn what_keeps_its_size_keeps_its_place() {
    let mut entry = Entry::new(b"key", Value::Hash(Hash::new()), Some(9));
    entry.edit::<Hash>().unwrap().set(b"field", b"value1", &limits());
    let before = entry.key().as_ptr();
    entry.edit::<Hash>().unwrap().set(b"field", b"value2", &limits());
    assert_eq!(entry.key().as_ptr(), before);
    let ValueRef::Hash(hash) = entry.value() else { panic!("{:?}", entry.value()) };
    assert!(hash.get(b"field").unwrap().equals(b"value2"));
}

#[test]
fn what_is_there_already_is_not_copied() {
    let copies = |entry: &mut Entry, change: fn(&mut Entry)| {
        BUFFER.set(Vec::new());
        change(entry);
        BUFFER.take().capacity() > 0
    };
    let mut hash = Entry::new(b"key", Value::Hash(Hash::new()), None);
    hash.edit::<Hash>().unwrap().set(b"field", b"value1", &limits());
    assert!(!copies(&mut hash, |hash| _ = hash.edit::<Hash>().unwrap().set(b"field", b"value2", &limits())));
    assert!(!copies(&mut hash, |hash| drop(hash.edit::<Hash>())));
    assert!(
        copies(&mut hash, |hash| _ = hash.edit::<Hash>().unwrap().set(b"field", b"longer value", &limits()))
    );
    // A limit that came down since is minded.
    let low = Limits { hash_max_listpack_value: 3, ..limits() };
    assert!(!hash.edit::<Hash>().unwrap().set(b"field", b"shorter", &low));
    assert_eq!(hash.encoding(), Encoding::Hashtable);
}

#[test]
fn a_collection_that_is_too_long_or_big_lies_apart() {
    let mut entry = Entry::new(b"key", Value::List(List::new()), None);
    let apart = |entry: &mut Entry| entry.block.shared().is_some();
    entry.edit::<List>().unwrap().push(
        End::Tail,
        &[b'x'; Entry::LONGEST_PACKED_WITHIN - 15],
        &Limits::default(),
    );
    assert_eq!((apart(&mut entry), entry.encoding()), (false, Encoding::Listpack));
    entry.edit::<List>().unwrap().push(End::Tail, b"more", &Limits::default());
    assert_eq!((apart(&mut entry), entry.encoding()), (true, Encoding::Listpack));
    let ValueRef::List(list) = entry.value() else { panic!("{:?}", entry.value()) };
    assert_eq!((list.len(), list.get(1)), (2, Some(crate::types::Element::Bytes(b"more"))));

    let mut entry = Entry::new(b"key", Value::Set(Set::new()), Some(1));
    entry.edit::<Set>().unwrap().add(b"5", &limits());
    assert_eq!((apart(&mut entry), entry.encoding()), (false, Encoding::Intset));
    entry.edit::<Set>().unwrap().add(b"a", &limits());
    assert_eq!((apart(&mut entry), entry.encoding()), (false, Encoding::Listpack));
    entry.edit::<Set>().unwrap().add(&[b'x'; 65], &limits());
    assert_eq!((apart(&mut entry), entry.encoding(), entry.expiry()), (true, Encoding::Hashtable, Some(1)));

    let mut entry = Entry::new(b"key", Value::Hash(Hash::new()), None);
    entry.edit::<Hash>().unwrap().set(b"field", b"value", &limits());
    entry.edit::<Hash>().unwrap().set_expiry(b"field", 7, &limits());
    assert_eq!((apart(&mut entry), entry.encoding()), (true, Encoding::ListpackEx));
}

#[test]
fn only_what_it_is_can_be_changed() {
    let mut hash = Entry::new(b"key", Value::Hash(Hash::new()), None);
    assert!(
        hash.edit::<Set>().is_none() && hash.edit::<List>().is_none() && hash.edit::<SortedSet>().is_none()
    );
    assert!(hash.string_bytes_mut().is_none() && hash.edit_string(|_| ()).is_none());
    assert!(hash.edit::<Hash>().is_some());
    for text in [&b"12"[..], b"text", &[b'x'; FLAT_MAX + 1]] {
        assert!(Entry::new_string(b"key", text, None).edit::<Hash>().is_none());
    }
}

#[test]
fn one_may_be_changed_while_another_is() {
    let mut entries = [empty(0), empty(0)].map(|value| Entry::new(b"key", value, None));
    let [first, second] = &mut entries;
    let (mut left, mut right) = (first.edit::<List>().unwrap(), second.edit::<List>().unwrap());
    left.push(End::Tail, b"left", &limits());
    right.push(End::Tail, b"right", &limits());
    drop((left, right));
    let texts = entries.map(|entry| format!("{:?}", entry.value()));
    assert_eq!(texts, ["List([\"left\"])", "List([\"right\"])"]);
}
