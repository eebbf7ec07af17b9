//! What elements cost in memory: the same data in a fresh node of each side without a cluster, by used_memory and by RSS.

use anyhow::{Context, ensure};
use rcl_proto::resp::Reply;

use crate::Scale;
use crate::figures::{Figures, Target};
use crate::node::{Both, Node, Side};
use crate::serve::Memory;

/// Requests in one write.
const REQUESTS_AT_ONCE: usize = 100;
/// Elements in one request to a big collection.
const ELEMENTS_AT_ONCE: usize = 100;

/// The words of the request about element number `index` and, for a big collection, the ones behind it.
type Words = fn(usize) -> Vec<Vec<u8>>;

struct Shape {
    /// Of the figure by used_memory, and of the one by RSS.
    names: [&'static str; 2],
    title: &'static str,
    words: Words,
    elements_a_request: usize,
    target: f64,
}

const fn shape(
    names: [&'static str; 2],
    title: &'static str,
    words: Words,
    elements_a_request: usize,
    target: f64,
) -> Shape {
    Shape { names, title, words, elements_a_request, target }
}

const SHAPES: [Shape; 7] = [
    shape(["strings", "strings_rss"], "strings of 64 bytes: bytes each", string, 1, 0.7),
    shape(["small_hashes", "small_hashes_rss"], "hashes of 8 fields: bytes each", small_hash, 1, 0.85),
    shape(["big_hash", "big_hash_rss"], "a big hash: bytes per field", big_hash, ELEMENTS_AT_ONCE, 0.6),
    shape(["big_set", "big_set_rss"], "a big set: bytes per member", big_set, ELEMENTS_AT_ONCE, 0.6),
    shape(
        ["big_sorted_set", "big_sorted_set_rss"],
        "a big sorted set: bytes per member",
        sorted_set,
        ELEMENTS_AT_ONCE,
        0.6,
    ),
    shape(["integers", "integers_rss"], "integers in a big set: bytes each", integers, ELEMENTS_AT_ONCE, 0.8),
    shape(["stream", "stream_rss"], "a stream of small entries: bytes each", stream, 1, 1.0),
];

fn string(index: usize) -> Vec<Vec<u8>> {
    vec![b"SET".to_vec(), format!("key:{index:012}").into(), vec![b'v'; 64]]
}

fn small_hash(index: usize) -> Vec<Vec<u8>> {
    let fields = (0..8).flat_map(|field| [format!("field{field}").into(), format!("value{field}").into()]);
    [b"HSET".to_vec(), format!("key:{index:012}").into()].into_iter().chain(fields).collect()
}

fn big(command: &str, from: usize, element: impl Fn(usize) -> Vec<String>) -> Vec<Vec<u8>> {
    let elements = (from..from + ELEMENTS_AT_ONCE).flat_map(element).map(String::into_bytes);
    [command.into(), b"big".to_vec()].into_iter().chain(elements).collect()
}

fn big_hash(from: usize) -> Vec<Vec<u8>> {
    big("HSET", from, |index| vec![format!("field:{index:08}"), format!("value:{index:08}")])
}

fn big_set(from: usize) -> Vec<Vec<u8>> {
    big("SADD", from, |index| vec![format!("member:{index:08}")])
}

fn sorted_set(from: usize) -> Vec<Vec<u8>> {
    big("ZADD", from, |index| vec![format!("{}.5", index * 7919 % 1_000_003), format!("member:{index:08}")])
}

fn integers(from: usize) -> Vec<Vec<u8>> {
    big("SADD", from, |index| vec![index.to_string()])
}

fn stream(index: usize) -> Vec<Vec<u8>> {
    ["XADD", "big", "*", "field"]
        .map(Into::into)
        .into_iter()
        .chain([format!("value:{index:08}").into()])
        .collect()
}

pub fn measure(scale: Scale, figures: &mut Figures) -> anyhow::Result<()> {
    let elements = scale.of(1_000_000, 200_000);
    eprintln!("memory: {} shapes of {elements} elements", SHAPES.len());
    for shape in &SHAPES {
        let (mut used, mut resident) = (Both::default(), Both::default());
        for side in Side::in_turn(0) {
            let memory = fill(side, shape, elements)?;
            (*used.of(side), *resident.of(side)) = (memory.used, memory.resident);
        }
        let target = Target::AtMost(shape.target);
        let [by_used, by_resident] = shape.names;
        figures.add(by_used, &format!("{}, of used_memory", shape.title), target, used.ours, used.theirs);
        figures.add(by_resident, &format!("{}, of RSS", shape.title), target, resident.ours, resident.theirs);
    }
    Ok(())
}

/// Bytes per element.
fn fill(side: Side, shape: &Shape, elements: usize) -> anyhow::Result<Memory> {
    let node =
        Node::start_many(side, 1, &["--cluster-enabled", "no"])?.pop().context("one node was started")?;
    let before = Memory::of(&node)?;
    let mut client = node.client()?;
    let starts: Vec<usize> = (0..elements).step_by(shape.elements_a_request).collect();
    for starts in starts.chunks(REQUESTS_AT_ONCE) {
        let requests: Vec<Vec<Vec<u8>>> = starts.iter().map(|start| (shape.words)(*start)).collect();
        for reply in client.pipeline_of(requests.iter().map(|words| words.iter().map(Vec::as_slice)))? {
            ensure!(!matches!(reply, Reply::Error(_)), "{}: {reply:?}", shape.title);
        }
    }
    let after = Memory::of(&node)?;
    let each = |before: f64, after: f64| (after - before) / elements as f64;
    Ok(Memory { resident: each(before.resident, after.resident), used: each(before.used, after.used) })
}
