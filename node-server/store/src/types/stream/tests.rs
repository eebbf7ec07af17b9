use super::*;
use crate::rdb::{dump, restore};
use crate::types::{Limits, Value, ValueRef};
use proptest::prelude::*;

const NODE_OF_FOUR: fn() -> Limits = || Limits { stream_node_max_entries: 4, ..Limits::default() };

fn id(ms: u64, seq: u64) -> StreamId {
    StreamId::new(ms, seq)
}

fn append(stream: &mut Stream, at: StreamId, words: &[&str], limits: &Limits) {
    let pairs = words.chunks(2).map(|pair| (pair[0].as_bytes(), pair[1].as_bytes()));
    stream.log.append(at, pairs, limits).unwrap();
}

/// One entry a millisecond from 1 on, in nodes of four.
fn numbered(count: u64) -> Stream {
    let mut stream = Stream::new();
    (1..=count).for_each(|ms| append(&mut stream, id(ms, 0), &["field", &ms.to_string()], &NODE_OF_FOUR()));
    stream
}

fn ids(stream: &Stream, from: StreamId, to: StreamId) -> Vec<u64> {
    let forward: Vec<u64> = stream.log.range(from, to).map(|entry| entry.id.ms).collect();
    let mut back: Vec<u64> = stream.log.range_back(from, to).map(|entry| entry.id.ms).collect();
    back.reverse();
    assert_eq!(forward, back);
    forward
}

fn all(stream: &Stream) -> Vec<u64> {
    ids(stream, StreamId::MIN, StreamId::MAX)
}

#[test]
fn ranges_have_both_their_ends_in_them() {
    let stream = numbered(10);
    assert_eq!(stream.log.node_count(), 3);
    assert_eq!(ids(&stream, id(3, 0), id(6, 0)), [3, 4, 5, 6]);
    assert_eq!(ids(&stream, id(3, 1), id(5, u64::MAX)), [4, 5]);
    assert_eq!(ids(&stream, id(11, 0), StreamId::MAX), [0; 0]);
    assert_eq!(ids(&stream, StreamId::MIN, id(0, 9)), [0; 0]);
    assert_eq!(ids(&stream, id(6, 0), id(3, 0)), [0; 0]);
    assert_eq!(ids(&Stream::new(), StreamId::MIN, StreamId::MAX), [0; 0]);
}

#[test]
fn names_that_differ_are_kept_with_their_entry() {
    let mut stream = Stream::new();
    let limits = Limits::default();
    let entries: [&[&str]; 4] =
        [&["a", "1", "b", "2"], &["a", "3", "b", "4"], &["a", "5"], &["a", "x", "12", ""]];
    for (index, words) in entries.iter().enumerate() {
        append(&mut stream, id(index as u64 + 1, 7), words, &limits);
    }
    let found: Vec<Vec<String>> = stream
        .log
        .range(StreamId::MIN, StreamId::MAX)
        .map(|entry| {
            let words = entry.pairs.flat_map(|(name, value)| [name.to_vec(), value.to_vec()]);
            words.map(|word| String::from_utf8(word).unwrap()).collect()
        })
        .collect();
    assert_eq!(found, entries);
}

#[test]
fn ids_only_grow() {
    let mut stream = numbered(2);
    let log = &mut stream.log;
    assert_eq!(log.new_id(NewId::At(9)), Ok(id(9, 0)));
    assert_eq!(log.new_id(NewId::At(1)), Ok(id(2, 1)));
    assert_eq!(log.new_id(NewId::Within(2)), Ok(id(2, 1)));
    assert_eq!(log.new_id(NewId::Within(3)), Ok(id(3, 0)));
    assert_eq!(log.new_id(NewId::Within(1)), Err(AppendError::IdTooSmall));
    assert_eq!(log.new_id(NewId::Exact(id(2, 0))), Err(AppendError::IdTooSmall));
    let pair = std::iter::once((&b"f"[..], &b"v"[..]));
    assert_eq!(log.append(id(2, 0), pair, &Limits::default()), Err(AppendError::IdTooSmall));
    log.set_last_id(id(5, u64::MAX), None, None).unwrap();
    assert_eq!(log.new_id(NewId::Within(5)), Err(AppendError::IdTooSmall));
    assert_eq!(log.new_id(NewId::At(5)), Ok(id(6, 0)));
    log.set_last_id(StreamId::MAX, None, None).unwrap();
    assert_eq!(log.new_id(NewId::At(5)), Err(AppendError::IdTooSmall));
    assert_eq!(Stream::new().log.new_id(NewId::Within(0)), Ok(id(0, 1)));
}

#[test]
fn what_is_deleted_leaves_a_node_when_it_was_the_last_in_it() {
    let mut stream = numbered(10);
    assert_eq!(stream.log.delete(&[id(1, 0), id(6, 0), id(6, 0), id(99, 0)]), 2);
    assert_eq!(all(&stream), [2, 3, 4, 5, 7, 8, 9, 10]);
    assert_eq!((stream.log.first_id(), stream.log.max_deleted_id()), (id(2, 0), id(6, 0)));
    assert_eq!(stream.log.delete(&[id(9, 0), id(10, 0)]), 2);
    assert_eq!(stream.log.node_count(), 2);
    // The node before is the last one now, and full.
    append(&mut stream, id(11, 0), &["field", "v"], &NODE_OF_FOUR());
    assert_eq!((all(&stream), stream.log.node_count()), (vec![2, 3, 4, 5, 7, 8, 11], 3));
    let every: Vec<StreamId> = all(&stream).into_iter().map(|ms| id(ms, 0)).collect();
    assert_eq!(stream.log.delete(&every), 7);
    assert_eq!((stream.log.len(), stream.log.node_count(), stream.log.first_id()), (0, 0, StreamId::MIN));
    assert_eq!((stream.log.last_id(), stream.log.entries_added()), (id(11, 0), 11));
}

#[test]
fn trimming_is_exact_or_by_whole_nodes() {
    let trim =
        |stream: &mut Stream, to, is_approximate, limit| stream.log.trim(&Trim { to, is_approximate, limit });
    let mut stream = numbered(10);
    assert_eq!(trim(&mut stream, TrimTo::Length(7), true, 0), 0);
    assert_eq!(trim(&mut stream, TrimTo::Length(6), true, 3), 0);
    assert_eq!(trim(&mut stream, TrimTo::Length(6), true, 4), 4);
    assert_eq!(trim(&mut stream, TrimTo::Length(3), false, 0), 3);
    assert_eq!((all(&stream), stream.log.first_id()), (vec![8, 9, 10], id(8, 0)));
    assert_eq!(stream.log.lowest_stored_id(), Some(id(5, 0)));
    let mut stream = numbered(10);
    assert_eq!(trim(&mut stream, TrimTo::Id(id(7, 0)), true, 0), 4);
    assert_eq!(trim(&mut stream, TrimTo::Id(id(7, 0)), false, 0), 2);
    assert_eq!(all(&stream), [7, 8, 9, 10]);
    assert_eq!(trim(&mut stream, TrimTo::Id(id(70, 0)), false, 0), 4);
    assert_eq!((stream.log.first_id(), stream.log.max_deleted_id()), (StreamId::MIN, StreamId::MIN));
}

/// The last entry of the node is a tombstone above the id to trim to.
#[test]
fn a_node_of_tombstones_is_gone_over() {
    let mut stream = numbered(3);
    stream.log.delete(&[id(3, 0)]);
    assert_eq!(stream.log.trim(&Trim { to: TrimTo::Id(id(3, 0)), is_approximate: false, limit: 0 }), 2);
    assert_eq!((all(&stream).len(), stream.log.node_count(), stream.log.top_id()), (0, 1, None));
    append(&mut stream, id(4, 0), &["field", "v"], &NODE_OF_FOUR());
    append(&mut stream, id(5, 0), &["field", "v"], &NODE_OF_FOUR());
    assert_eq!((all(&stream), stream.log.node_count()), (vec![4, 5], 2));
    let mut copy = stream.clone();
    assert_eq!(copy.log.trim(&Trim { to: TrimTo::Length(0), is_approximate: false, limit: 0 }), 2);
    assert_eq!(copy.log.node_count(), 0);
}

#[test]
fn how_far_a_group_has_come() {
    let mut stream = numbered(5);
    let lag = |stream: &Stream, at, read| stream.log.lag(&Group::new(at, read));
    assert_eq!(lag(&stream, StreamId::MIN, None), Some(5));
    assert_eq!(lag(&stream, id(1, 0), None), Some(4));
    assert_eq!(lag(&stream, id(2, 0), None), None);
    assert_eq!(lag(&stream, id(2, 0), Some(2)), Some(3));
    assert_eq!(lag(&stream, id(5, 0), None), Some(0));
    assert_eq!(lag(&stream, id(9, 0), None), None);
    stream.log.delete(&[id(3, 0)]);
    assert_eq!(lag(&stream, id(2, 0), Some(2)), None);
    assert_eq!(lag(&stream, id(3, 0), Some(3)), None);
    assert_eq!(lag(&stream, id(4, 0), Some(4)), Some(1));
    let mut group = Group::new(id(2, 0), Some(2));
    assert!(stream.log.note_read(&mut group, id(4, 0)) && !stream.log.note_read(&mut group, id(1, 0)));
    assert_eq!((group.last_id, group.entries_read), (id(4, 0), Some(3)));
    stream.log.trim(&Trim { to: TrimTo::Length(1), is_approximate: false, limit: 0 });
    assert_eq!(lag(&stream, id(2, 0), Some(2)), Some(3));
    assert_eq!(lag(&stream, StreamId::MIN, None), Some(1));
    assert_eq!(Stream::new().log.lag(&Group::new(id(7, 0), None)), Some(0));
}

#[test]
fn what_is_pending_is_pending_for_one_consumer() {
    let mut group = Group::new(StreamId::MIN, None);
    assert!(group.note_seen(b"one", 5) && !group.note_seen(b"one", 6) && group.create_consumer(b"two", 7));
    (1..=100).for_each(|ms| group.assign(id(ms, 0), b"one", 10, 1));
    group.assign(id(50, 0), b"two", 20, 2);
    group.assign(id(50, 0), b"two", 30, 3);
    let of = |group: &Group, name: &[u8]| group.consumer(name).map(Consumer::pending_count);
    assert_eq!((of(&group, b"one"), of(&group, b"two"), group.pending_count()), (Some(99), Some(1), 100));
    let pending = group.pending(id(50, 0)).unwrap();
    assert_eq!((&*pending.consumer, pending.delivery_time_ms, pending.delivery_count), (&b"two"[..], 30, 3));
    assert_eq!(group.pending_from(id(99, 1)).map(|pending| pending.id.ms).collect::<Vec<_>>(), [100]);
    assert!(group.acknowledge(id(50, 0)) && !group.acknowledge(id(50, 0)) && group.acknowledge(id(1, 0)));
    assert_eq!((of(&group, b"one"), of(&group, b"two"), group.pending_count()), (Some(98), Some(0), 98));
    group.assign(id(7, 0), b"two", 1, 1);
    assert_eq!((group.remove_consumer(b"one"), group.remove_consumer(b"one")), (Some(97), None));
    assert_eq!(group.pending_from(StreamId::MIN).map(|pending| pending.id.ms).collect::<Vec<_>>(), [7]);
    assert_eq!(group.consumer(b"two").unwrap().seen_time_ms, 7);
}

/// As a snapshot keeps one while the other is written to.
#[test]
fn a_clone_is_not_changed_by_what_happens_to_the_original() {
    let mut stream = numbered(10);
    stream.create_group(b"g", Group::new(StreamId::MIN, None));
    stream.group_mut(b"g").unwrap().create_consumer(b"c", 1);
    let copy = stream.clone();
    stream.log.delete(&[id(2, 0), id(10, 0)]);
    append(&mut stream, id(11, 0), &["other", "v"], &NODE_OF_FOUR());
    stream.group_mut(b"g").unwrap().assign(id(1, 0), b"c", 1, 1);
    stream.create_group(b"h", Group::new(StreamId::MIN, None));
    assert_eq!(all(&copy), (1..=10).collect::<Vec<_>>());
    assert_eq!((copy.group(b"g").unwrap().pending_count(), copy.group_count()), (0, 1));
    assert_eq!((stream.group(b"g").unwrap().pending_count(), stream.group_count()), (1, 2));
    assert!(stream.destroy_group(b"g") && !stream.destroy_group(b"g"));
}

#[test]
fn a_million_small_entries_take_few_bytes_each() {
    let mut stream = Stream::new();
    let limits = Limits::default();
    let count = 20_000;
    (0..count)
        .for_each(|n| append(&mut stream, id(1_700_000_000_000 + n / 10, n % 10 + 1), &["f", "v"], &limits));
    let each = stream.memory_usage() as u64 * 100 / count;
    assert!(each < 1400, "{each} hundredths of a byte an entry");
}

#[derive(Clone, Debug)]
enum Step {
    Add(u64, u64, Vec<(Vec<u8>, Vec<u8>)>),
    Delete(Vec<(u64, u64)>),
    TrimLength(u64, bool),
    TrimId(u64, bool),
    SetLast(u64),
    Reload,
}

fn steps() -> impl Strategy<Value = Step> {
    let text = || prop::sample::select(vec!["", "a", "b", "17", "-3", "long long long text", "4096"]);
    let bytes = move || text().prop_map(|text| text.as_bytes().to_vec());
    prop_oneof![
        6 => (0..3u64, 0..3u64, prop::collection::vec((bytes(), bytes()), 1..4))
            .prop_map(|(ms, seq, pairs)| Step::Add(ms, seq, pairs)),
        2 => prop::collection::vec((0..60u64, 0..4u64), 1..8).prop_map(Step::Delete),
        1 => (0..40u64, any::<bool>()).prop_map(|(length, approximate)| Step::TrimLength(length, approximate)),
        1 => (0..60u64, any::<bool>()).prop_map(|(ms, approximate)| Step::TrimId(ms, approximate)),
        1 => (0..3u64).prop_map(Step::SetLast),
        1 => Just(Step::Reload),
    ]
}

type Model = BTreeMap<StreamId, Vec<(Vec<u8>, Vec<u8>)>>;

fn content(stream: &Stream) -> Model {
    let entries = stream.log.range(StreamId::MIN, StreamId::MAX);
    entries
        .map(|entry| (entry.id, entry.pairs.map(|(name, value)| (name.to_vec(), value.to_vec())).collect()))
        .collect()
}

proptest! {
    #[test]
    fn a_stream_is_an_ordered_map_that_is_cut_at_its_head(
        steps in prop::collection::vec(steps(), 1..120),
        most in 1i64..6,
    ) {
        let limits = Limits { stream_node_max_entries: most, stream_node_max_bytes: 100, ..Limits::default() };
        let (mut stream, mut model, mut added) = (Stream::new(), Model::new(), 0);
        for step in steps {
            match step {
                Step::Add(ms, seq, pairs) => {
                    let last = stream.log.last_id();
                    let at = if ms == 0 { id(last.ms, last.seq + seq) } else { id(last.ms + ms, seq) };
                    let given = pairs.iter().map(|(name, value)| (&name[..], &value[..]));
                    let added_one = stream.log.append(at, given, &limits);
                    prop_assert_eq!(added_one.is_ok(), at > last);
                    if added_one.is_ok() {
                        model.insert(at, pairs);
                        added += 1;
                    }
                }
                Step::Delete(ids) => {
                    let ids: Vec<StreamId> = ids.into_iter().map(|(ms, seq)| id(ms, seq)).collect();
                    let gone = ids.iter().filter(|id| model.remove(id).is_some()).count();
                    prop_assert_eq!(stream.log.delete(&ids), gone as u64);
                }
                Step::TrimLength(length, is_approximate) => {
                    let gone = stream.log.trim(&Trim { to: TrimTo::Length(length), is_approximate, limit: 0 });
                    let excess = (model.len() as u64).saturating_sub(length);
                    prop_assert!(gone == excess || (is_approximate && gone < excess));
                    (0..gone).for_each(|_| drop(model.pop_first()));
                }
                Step::TrimId(ms, is_approximate) => {
                    let gone = stream.log.trim(&Trim { to: TrimTo::Id(id(ms, 0)), is_approximate, limit: 0 });
                    let below = model.range(..id(ms, 0)).count() as u64;
                    prop_assert!(gone == below || (is_approximate && gone < below));
                    (0..gone).for_each(|_| drop(model.pop_first()));
                }
                Step::SetLast(ahead) => {
                    let last = stream.log.last_id();
                    stream.log.set_last_id(id(last.ms + ahead, last.seq), None, None).unwrap();
                }
                Step::Reload => {
                    let payload = dump(ValueRef::Stream(&stream), false);
                    let Value::Stream(loaded) = restore(&payload, &limits).unwrap() else { panic!("another type") };
                    prop_assert_eq!(dump(ValueRef::Stream(&loaded), false), payload);
                    stream = *loaded;
                }
            }
            prop_assert_eq!(stream.log.len(), model.len() as u64);
            prop_assert_eq!(stream.log.entries_added(), added);
            prop_assert_eq!(stream.log.first_id(), model.keys().next().copied().unwrap_or_default());
            prop_assert_eq!(stream.log.top_id(), model.keys().next_back().copied());
        }
        prop_assert_eq!(content(&stream), model.clone());
        for ms in 0..80 {
            let (from, to) = (id(ms, 1), id(ms + 5, 0));
            let expected: Vec<StreamId> = model.range(from..=to).map(|(id, _)| *id).collect();
            let mut back: Vec<StreamId> = stream.log.range_back(from, to).map(|entry| entry.id).collect();
            back.reverse();
            prop_assert_eq!(&stream.log.range(from, to).map(|entry| entry.id).collect::<Vec<_>>(), &expected);
            prop_assert_eq!(&back, &expected);
            prop_assert_eq!(stream.log.get(from).is_some(), model.contains_key(&from));
        }
    }
}
