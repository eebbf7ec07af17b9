//! A run of entries in one listpack, which holds ids as differences to its first one and the first entry's field names once.
//!
//! ```text
//! header:  live | deleted | fields n | field name … | 0
//! entry:   flags | ms - first ms | seq - first seq | [n | field name, value … or value …] | elements before this one
//! flags:   1 deleted, 2 has the header's field names: only its values follow
//! ```
//!
//! A deleted entry stays as a tombstone until its node goes. The last element of an entry lets a reader go backwards; the
//! header ends in 0 for the same reason. Source of the format: what Redis 7.0.15 writes (tests hold our bytes against it).

use super::StreamId;
use crate::encoding::{Listpack, listpack};
use crate::types::counted_tree::Item;
use crate::types::{Element, Limits};
use triomphe::Arc;

const DELETED: i64 = 1;
const SAME_FIELDS: i64 = 2;
/// No node grows past this, whatever the configuration says, and no entry may be longer.
pub(super) const MAX_BYTES: usize = 1 << 30;

/// Shared by clones until one of them writes to it.
#[derive(Clone)]
pub(super) struct Node {
    /// The ids are counted from this one; no live entry has a lower one.
    pub(super) first: StreamId,
    pub(super) listpack: Arc<Listpack>,
}

impl Item for Node {
    type Key = StreamId;
    fn key(&self) -> &StreamId {
        &self.first
    }
    fn weight(&self) -> usize {
        1
    }
}

/// What stands before the entries.
#[derive(Clone, Copy)]
pub(super) struct Header {
    pub(super) live: i64,
    pub(super) deleted: i64,
    pub(super) field_count: usize,
    /// Position of the first field name.
    fields: usize,
}

/// An entry as it lies in its node.
#[derive(Clone)]
pub(super) struct Raw<'a> {
    pub(super) id: StreamId,
    pub(super) is_deleted: bool,
    /// Where it begins.
    pub(super) position: usize,
    pub(super) pairs: Pairs<'a>,
}

/// The fields of an entry with their values, in order.
#[derive(Clone)]
pub struct Pairs<'a> {
    /// The names, when they are the header's.
    names: Option<listpack::Iter<'a>>,
    rest: listpack::Iter<'a>,
    left: usize,
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (Element<'a>, Element<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let name = match &mut self.names {
            Some(names) => names.next()?,
            None => self.rest.next()?,
        };
        Some((name, self.rest.next()?))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Pairs<'_> {}

/// Numbers of the structure; what was checked when it came from outside, or was written here.
fn integer(element: Element<'_>) -> i64 {
    element.as_i64().unwrap_or(0)
}

impl Node {
    /// With no entry yet; `pairs` give the names of the header.
    pub(super) fn new<'p>(first: StreamId, names: impl ExactSizeIterator<Item = &'p [u8]>) -> Node {
        let mut listpack = Listpack::new();
        listpack.push_back_element(Element::Int(0));
        listpack.push_back_element(Element::Int(0));
        listpack.push_back_element(Element::Int(names.len() as i64));
        names.for_each(|name| listpack.push_back(name));
        listpack.push_back_element(Element::Int(0));
        Node { first, listpack: Arc::new(listpack) }
    }

    pub(super) fn header(&self) -> Header {
        let mut elements = self.listpack.iter();
        let mut number = || elements.next().map_or(0, integer);
        let (live, deleted, field_count) = (number(), number(), number());
        let field_count = usize::try_from(field_count).unwrap_or(0);
        Header { live, deleted, field_count, fields: elements.offset() }
    }

    /// Whether an entry with so many bytes of names and values still goes into it.
    pub(super) fn has_room_for(&self, bytes: usize, limits: &Limits) -> bool {
        let most = match limits.stream_node_max_bytes {
            0 => MAX_BYTES,
            bytes => bytes.min(MAX_BYTES),
        };
        let header = self.header();
        let is_full = limits.stream_node_max_entries > 0
            && header.live.saturating_add(header.deleted) >= limits.stream_node_max_entries;
        self.listpack.byte_len().saturating_add(bytes) < most && !is_full
    }

    pub(super) fn append<'p>(
        &mut self,
        id: StreamId,
        pairs: impl ExactSizeIterator<Item = (&'p [u8], &'p [u8])> + Clone,
    ) {
        let header = self.header();
        let is_same = pairs.len() == header.field_count
            && self.names(&header).zip(pairs.clone()).all(|(name, (given, _))| name.equals(given));
        let count = pairs.len() as i64;
        let listpack = Arc::make_mut(&mut self.listpack);
        set_integer(listpack, 0, header.live + 1);
        let mut push = |number: i64| listpack.push_back_element(Element::Int(number));
        push(if is_same { SAME_FIELDS } else { 0 });
        push(id.ms.wrapping_sub(self.first.ms) as i64);
        push(id.seq.wrapping_sub(self.first.seq) as i64);
        if is_same {
            pairs.for_each(|(_, value)| listpack.push_back(value));
            listpack.push_back_element(Element::Int(count + 3));
        } else {
            push(count);
            pairs.for_each(|(name, value)| {
                listpack.push_back(name);
                listpack.push_back(value);
            });
            listpack.push_back_element(Element::Int(2 * count + 4));
        }
    }

    fn names(&self, header: &Header) -> impl Iterator<Item = Element<'_>> {
        self.listpack.iter_between(header.fields, self.listpack.end()).take(header.field_count)
    }

    /// All entries in order, deleted ones too.
    pub(super) fn entries(&self) -> Forward<'_> {
        let header = self.header();
        let mut rest = self.listpack.iter_between(header.fields, self.listpack.end());
        // The names, and the 0 behind them.
        for _ in 0..=header.field_count {
            rest.next();
        }
        Forward { node: self, header, rest }
    }

    /// All entries from the last to the first, deleted ones too.
    pub(super) fn entries_back(&self) -> Backward<'_> {
        Backward { node: self, header: self.header(), before: self.listpack.end() }
    }

    /// Makes the entries at these positions tombstones.
    pub(super) fn mark_deleted(&mut self, positions: &[usize]) {
        let header = self.header();
        let listpack = Arc::make_mut(&mut self.listpack);
        for &position in positions {
            // A small number takes the room of another, so no position moves.
            let flags = integer(listpack.get(position));
            listpack.replace_element(position, Element::Int(flags | DELETED));
        }
        let count = positions.len() as i64;
        set_integer(listpack, 1, header.deleted + count);
        set_integer(listpack, 0, header.live - count);
    }

    pub(super) fn shrink_to_fit(&mut self) {
        Arc::make_mut(&mut self.listpack).shrink_to_fit();
    }

    pub(super) fn memory_usage(&self) -> usize {
        size_of::<Node>() + size_of::<Listpack>() + size_of::<usize>() + self.listpack.memory_usage()
    }

    /// The entry at which `rest` stands, which is then behind it.
    fn read<'a>(&'a self, header: &Header, rest: &mut listpack::Iter<'a>) -> Option<Raw<'a>> {
        let position = rest.offset();
        let flags = integer(rest.next()?);
        let ms = self.first.ms.wrapping_add(integer(rest.next()?) as u64);
        let seq = self.first.seq.wrapping_add(integer(rest.next()?) as u64);
        let is_same = flags & SAME_FIELDS != 0;
        let (left, skipped) = if is_same {
            (header.field_count, header.field_count)
        } else {
            let count = usize::try_from(integer(rest.next()?)).unwrap_or(0);
            (count, count.saturating_mul(2))
        };
        let names = is_same.then(|| self.listpack.iter_between(header.fields, self.listpack.end()));
        let pairs = Pairs { names, rest: rest.clone(), left };
        for _ in 0..=skipped {
            rest.next()?;
        }
        Some(Raw { id: StreamId::new(ms, seq), is_deleted: flags & DELETED != 0, position, pairs })
    }
}

fn set_integer(listpack: &mut Listpack, index: usize, number: i64) {
    if let Some(position) = listpack.first().and_then(|first| listpack.skip(first, index)) {
        listpack.replace_element(position, Element::Int(number));
    }
}

pub(super) struct Forward<'a> {
    node: &'a Node,
    header: Header,
    rest: listpack::Iter<'a>,
}

impl<'a> Iterator for Forward<'a> {
    type Item = Raw<'a>;

    fn next(&mut self) -> Option<Raw<'a>> {
        self.node.read(&self.header, &mut self.rest)
    }
}

pub(super) struct Backward<'a> {
    node: &'a Node,
    header: Header,
    /// Where the entry that came last begins.
    before: usize,
}

impl<'a> Iterator for Backward<'a> {
    type Item = Raw<'a>;

    fn next(&mut self) -> Option<Raw<'a>> {
        let listpack: &'a Listpack = &self.node.listpack;
        let mut position = listpack.previous(self.before)?;
        let elements = integer(listpack.get(position));
        if elements <= 0 {
            return None;
        }
        for _ in 0..elements {
            position = listpack.previous(position)?;
        }
        self.before = position;
        self.node.read(&self.header, &mut listpack.iter_between(position, listpack.end()))
    }
}
