//! A value as 32 bytes that do not depend on how it is stored, nor on the order of what has none.
//!
//! ```text
//! string   its bytes
//! list     elements in order
//! set      members, any order
//! hash     fields with values and expiries, any order
//! zset     members with scores, any order
//! stream   entries in order | last id | groups: last id, consumers, what is pending for whom and how often it was delivered
//! ```
//!
//! When an entry of a stream was delivered, and when a consumer was last there, is of the moment and left out.

use rcl_store::rdb;
use rcl_store::types::{Element, Limits, Stream, StreamId, ValueRef};
use sha2::{Digest, Sha256};

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl std::fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What has an order. Each part is told from its neighbours by its length.
#[derive(Default)]
pub struct Ordered(Sha256);

impl Ordered {
    pub fn put(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    /// A piece of one long part.
    pub fn piece(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    pub fn finish(self) -> Fingerprint {
        Fingerprint(self.0.finalize().into())
    }
}

/// What has none. An element that comes twice, as SCAN may give it, counts once.
#[derive(Default)]
pub struct Unordered(Vec<[u8; 16]>);

impl Unordered {
    pub fn put(&mut self, parts: &[&[u8]]) {
        let mut element = Ordered::default();
        parts.iter().for_each(|part| element.put(part));
        let Fingerprint(hash) = element.finish();
        self.0.push(*hash.first_chunk().unwrap_or(&[0; 16]));
    }

    pub fn finish(mut self) -> Fingerprint {
        self.0.sort_unstable();
        self.0.dedup();
        let mut all = Ordered::default();
        self.0.iter().for_each(|element| all.piece(element));
        all.finish()
    }
}

/// A score's bytes; 0 and -0 are the same.
pub fn score_bytes(score: f64) -> [u8; 8] {
    (score + 0.0).to_le_bytes()
}

/// An expiry of a field as it is put behind its value.
pub fn expiry_bytes(expiry_ms: Option<i64>) -> Vec<u8> {
    expiry_ms.map_or_else(Vec::new, |expiry| expiry.to_le_bytes().to_vec())
}

/// Of a payload of DUMP; `None` when it cannot be read here, as a module's.
pub fn of_payload(payload: &[u8]) -> Option<Fingerprint> {
    let value = rdb::restore(payload, &Limits::default()).ok()?;
    Some(of_value(value.as_ref()))
}

fn of_value(value: ValueRef<'_>) -> Fingerprint {
    let (mut ordered, mut unordered) = (Ordered::default(), Unordered::default());
    match value {
        ValueRef::Int(number) => ordered.piece(&Element::Int(number).to_vec()),
        ValueRef::String(bytes) => ordered.piece(bytes),
        ValueRef::List(list) => list.iter().for_each(|element| ordered.put(&element.to_vec())),
        ValueRef::Stream(stream) => put_stream(&mut ordered, stream),
        ValueRef::Set(set) => {
            set.iter().for_each(|member| unordered.put(&[&member.to_vec()]));
            return unordered.finish();
        }
        ValueRef::Hash(hash) => {
            for (field, value) in hash.iter() {
                let field = field.to_vec();
                unordered.put(&[&field, &value.to_vec(), &expiry_bytes(hash.expiry(&field))]);
            }
            return unordered.finish();
        }
        ValueRef::SortedSet(members) => {
            members
                .iter()
                .for_each(|(member, score)| unordered.put(&[&member.to_vec(), &score_bytes(score)]));
            return unordered.finish();
        }
    }
    ordered.finish()
}

fn put_stream(ordered: &mut Ordered, stream: &Stream) {
    for entry in stream.log.range(StreamId::MIN, StreamId::MAX) {
        let pairs = entry.pairs.flat_map(|(field, value)| [field.to_vec(), value.to_vec()]);
        put_entry(ordered, entry.id.to_string().as_bytes(), pairs);
    }
    put_last_id(ordered, stream.log.last_id().to_string().as_bytes());
    let mut groups: Vec<_> = stream.groups().collect();
    groups.sort_by_key(|(name, _)| *name);
    for (name, group) in groups {
        put_group(ordered, name, group.last_id.to_string().as_bytes());
        for (consumer, _) in group.consumers() {
            put_consumer(ordered, consumer);
        }
        for pending in group.pending_from(StreamId::MIN) {
            put_pending(
                ordered,
                pending.id.to_string().as_bytes(),
                &pending.consumer,
                pending.delivery_count,
            );
        }
    }
}

pub fn put_entry(ordered: &mut Ordered, id: &[u8], fields: impl Iterator<Item = Vec<u8>>) {
    ordered.put(b"entry");
    ordered.put(id);
    fields.for_each(|field| ordered.put(&field));
}

pub fn put_last_id(ordered: &mut Ordered, id: &[u8]) {
    ordered.put(b"last");
    ordered.put(id);
}

pub fn put_group(ordered: &mut Ordered, name: &[u8], last_id: &[u8]) {
    ordered.put(b"group");
    ordered.put(name);
    ordered.put(last_id);
}

/// Of a group they come in the order of their names.
pub fn put_consumer(ordered: &mut Ordered, name: &[u8]) {
    ordered.put(b"consumer");
    ordered.put(name);
}

pub fn put_pending(ordered: &mut Ordered, id: &[u8], consumer: &[u8], deliveries: u64) {
    ordered.put(b"pending");
    ordered.put(id);
    ordered.put(consumer);
    ordered.put(&deliveries.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcl_store::types::{AddCondition, End, Hash, List, Set, SortedSet, Value};

    fn print(value: &Value) -> Fingerprint {
        of_value(value.as_ref())
    }

    fn small_and_big() -> (Limits, Limits) {
        let small = Limits { hash_max_listpack_entries: 0, set_max_listpack_entries: 0, ..Limits::default() };
        (Limits { set_max_intset_entries: 0, zset_max_listpack_entries: 0, ..small }, Limits::default())
    }

    #[test]
    fn encodings_and_orders_make_no_difference() {
        let (one, other) = small_and_big();
        let names: Vec<Vec<u8>> = (0..40).map(|number| format!("{number}").into_bytes()).collect();
        let of = |limits: &Limits, names: &mut dyn Iterator<Item = &Vec<u8>>| {
            let (mut hash, mut set, mut sorted) = (Hash::new(), Set::new(), SortedSet::new());
            for name in names {
                hash.set(name, b"v", limits);
                set.add(name, limits);
                sorted.add(name.len() as f64, name, AddCondition::default(), limits).unwrap();
            }
            [Value::Hash(hash), Value::Set(set), Value::SortedSet(sorted)].map(|value| print(&value))
        };
        assert_eq!(of(&one, &mut names.iter()), of(&other, &mut names.iter().rev()));
        assert_ne!(of(&one, &mut names.iter())[0], of(&one, &mut names[1..].iter())[0]);
        assert_eq!(print(&Value::Int(12)), print(&Value::String(b"12".to_vec())));
    }

    #[test]
    fn the_order_of_a_list_and_the_borders_of_its_elements_do() {
        let of = |elements: &[&str]| {
            let mut list = List::new();
            elements.iter().for_each(|e| list.push(End::Tail, e.as_bytes(), &Limits::default()));
            print(&Value::List(list))
        };
        assert_ne!(of(&["a", "b"]), of(&["b", "a"]));
        assert_ne!(of(&["ab", ""]), of(&["a", "b"]));
        assert_ne!(of(&["a"]), of(&["a", "a"]));
    }

    #[test]
    fn expiries_of_fields_and_scores_count() {
        let limits = Limits::default();
        let (mut with, mut without) = (Hash::new(), Hash::new());
        with.set(b"f", b"v", &limits);
        without.set(b"f", b"v", &limits);
        with.set_expiry(b"f", 1 << 41, &limits);
        assert_ne!(print(&Value::Hash(with)), print(&Value::Hash(without)));
        assert_eq!(score_bytes(-0.0), score_bytes(0.0));
    }

    #[test]
    fn what_an_element_comes_twice_in_is_the_same() {
        let (mut once, mut twice) = (Unordered::default(), Unordered::default());
        once.put(&[b"a"]);
        twice.put(&[b"a"]);
        twice.put(&[b"a"]);
        assert_eq!(once.finish(), twice.finish());
    }
}
