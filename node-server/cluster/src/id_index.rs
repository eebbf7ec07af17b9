//! From a node's id to its place in the table: what every gossip entry is looked up in.
//!
//! Open addressing over a power of two of at most half full cells of 4 bytes, so that the index of 2000 nodes is 16 KB
//! and a look-up touches one cell of it, as a rule, and then the node. A cell holds a place and 16 bits of the id's hash.
//! The ids themselves stand in the table: who looks up says whether the node at a place is the one.
//! Ids are random, so their bits need little mixing; ids made up to collide make look-ups slow, and no more.

use rcl_proto::NodeId;

use crate::node::NodeRef;

#[derive(Clone, Debug, Default)]
pub(crate) struct IdIndex {
    /// Empty, or a power of two.
    cells: Vec<Cell>,
    len: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    place: u16,
    tag: u16,
}

impl Cell {
    const FREE: Cell = Cell { place: u16::MAX, tag: 0 };
}

impl IdIndex {
    pub fn len(&self) -> usize {
        self.len
    }

    /// The place of which `is_it` says that the id is there.
    pub fn find(&self, id: NodeId, is_it: impl Fn(NodeRef) -> bool) -> Option<NodeRef> {
        self.cell_of(id, is_it).map(|cell| NodeRef(self.cells[cell].place))
    }

    /// The id is not in it yet. `id_at` tells the ids of those that are.
    pub fn insert(&mut self, id: NodeId, at: NodeRef, id_at: impl Fn(NodeRef) -> NodeId) {
        if (self.len + 1) * 2 > self.cells.len() {
            let old = std::mem::take(&mut self.cells);
            self.cells = vec![Cell::FREE; (old.len() * 2).max(16)];
            for cell in old.into_iter().filter(|cell| *cell != Cell::FREE) {
                self.put(id_at(NodeRef(cell.place)), cell.place);
            }
        }
        self.put(id, at.0);
        self.len += 1;
    }

    /// Takes the id of the node at this place out, if it is in; `id_at` tells the ids of all that are.
    pub fn remove(&mut self, id: NodeId, at: NodeRef, id_at: impl Fn(NodeRef) -> NodeId) {
        let Some(mut hole) = self.cell_of(id, |place| place == at) else { return };
        let mask = self.cells.len() - 1;
        // Those behind close up, so that a search may end at the first free cell.
        let mut next = hole;
        loop {
            next = (next + 1) & mask;
            let cell = self.cells[next];
            if cell == Cell::FREE {
                break;
            }
            let home = hash(id_at(NodeRef(cell.place))) as usize & mask;
            if next.wrapping_sub(home) & mask >= next.wrapping_sub(hole) & mask {
                self.cells[hole] = cell;
                hole = next;
            }
        }
        self.cells[hole] = Cell::FREE;
        self.len -= 1;
    }

    fn put(&mut self, id: NodeId, place: u16) {
        let (hash, mask) = (hash(id), self.cells.len() - 1);
        let mut at = hash as usize & mask;
        while self.cells[at] != Cell::FREE {
            at = (at + 1) & mask;
        }
        self.cells[at] = Cell { place, tag: tag(hash) };
    }

    fn cell_of(&self, id: NodeId, is_it: impl Fn(NodeRef) -> bool) -> Option<usize> {
        let hash = hash(id);
        let mask = self.cells.len().checked_sub(1)?;
        let mut at = hash as usize & mask;
        loop {
            let cell = self.cells[at];
            if cell == Cell::FREE {
                return None;
            }
            if cell.tag == tag(hash) && is_it(NodeRef(cell.place)) {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
    }
}

fn hash(id: NodeId) -> u64 {
    let [words, ..] = id.bits().as_chunks::<8>().0 else { return 0 };
    let mixed = u64::from_le_bytes(*words).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ mixed >> 32
}

fn tag(hash: u64) -> u16 {
    (hash >> 48) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    /// Few ids, of which many share a cell and some a tag, too.
    fn id(number: u8) -> NodeId {
        let mut bits = [0; 20];
        bits[0] = number % 4;
        bits[19] = number;
        NodeId::from_bits(bits)
    }

    proptest! {
        #[test]
        fn it_finds_just_what_is_in_it(steps in prop::collection::vec((0..40_u8, any::<bool>()), 1..300)) {
            let mut index = IdIndex::default();
            let mut known: BTreeMap<NodeId, NodeRef> = BTreeMap::new();
            let id_at = |at: NodeRef| id(at.0 as u8);
            for (number, adds) in steps {
                let at = NodeRef(u16::from(number));
                match (adds, known.contains_key(&id(number))) {
                    (true, false) => {
                        index.insert(id(number), at, id_at);
                        known.insert(id(number), at);
                    }
                    (false, true) => {
                        index.remove(id(number), at, id_at);
                        known.remove(&id(number));
                    }
                    _ => {}
                }
                prop_assert_eq!(index.len(), known.len());
                for number in 0..40 {
                    let found = index.find(id(number), |at| id_at(at) == id(number));
                    prop_assert_eq!(found, known.get(&id(number)).copied());
                }
            }
        }
    }
}
