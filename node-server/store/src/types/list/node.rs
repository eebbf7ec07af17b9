//! How big a node of a list may be, and what changes do to the nodes around them.

use super::{CountedTree, Form, Limits, List};
use crate::encoding::{Listpack, ListpackRef};
use crate::types::counted_tree::Item;
use triomphe::Arc;

/// A listpack that clones share, with its count beside the pointer: to find an offset, no node is touched but the one
/// that holds it.
#[derive(Clone)]
pub(super) struct Node {
    elements: Arc<Listpack>,
    count: usize,
}

impl Item for Node {
    type Key = ();
    fn key(&self) -> &() {
        &()
    }
    fn weight(&self) -> usize {
        self.count
    }
}

impl Node {
    pub(super) fn new(elements: Listpack) -> Node {
        Node { count: elements.len(), elements: Arc::new(elements) }
    }

    fn of(value: &[u8]) -> Node {
        Node::new([value].into_iter().collect())
    }

    pub(super) fn elements(&self) -> ListpackRef<'_> {
        self.elements.view()
    }

    pub(super) fn memory_usage(&self) -> usize {
        self.elements.memory_usage() + size_of::<Listpack>() + size_of::<usize>()
    }

    fn change<R>(&mut self, change: impl FnOnce(&mut Listpack) -> R) -> R {
        let elements = Arc::make_mut(&mut self.elements);
        let result = change(elements);
        self.count = elements.len();
        result
    }
}

/// What a further element may add to a node besides its own bytes.
const ENTRY_OVERHEAD: usize = 8;
/// What a node takes that has no elements.
const EMPTY_BYTES: usize = 7;
/// A limit given in elements still does not let a node grow past this.
const SAFE_BYTES: usize = 8192;

/// How many bytes `list_max_listpack_size` gives a node.
fn most_bytes(limits: &Limits) -> usize {
    match limits.list_max_listpack_size {
        0.. => SAFE_BYTES,
        negative => 2048 << negative.unsigned_abs().min(5),
    }
}

/// Whether a node of this size and count is within `list_max_listpack_size`.
pub(super) fn fits(bytes: usize, elements: usize, limits: &Limits) -> bool {
    let most = match limits.list_max_listpack_size {
        0.. => usize::try_from(limits.list_max_listpack_size.max(1)).unwrap_or(1),
        _ => usize::MAX,
    };
    elements <= most && bytes <= most_bytes(limits)
}

pub(super) fn has_room(node: ListpackRef<'_>, value: &[u8], limits: &Limits) -> bool {
    let is_large = |bytes: usize| bytes >= limits.list_packed_threshold;
    if is_large(value.len()) || node.len() == 1 && is_large(node.byte_len() - EMPTY_BYTES) {
        return node.is_empty();
    }
    fits(node.byte_len() + value.len() + ENTRY_OVERHEAD, node.len() + 1, limits)
}

impl List {
    /// Inserts before the element at `offset`, or at the end.
    pub(super) fn insert(&mut self, offset: usize, value: &[u8], limits: &Limits) {
        if let Form::Packed(elements) = &mut self.0
            && has_room(elements.view(), value, limits)
        {
            let position = elements.seek(offset).unwrap_or(elements.end());
            return elements.insert(position, value);
        }
        let nodes = self.unpack();
        nodes.alter(offset, |items, index, within| insert_in_leaf(items, index, within, value, limits));
    }

    pub(super) fn replace_at(&mut self, offset: usize, value: &[u8], limits: &Limits) {
        let replaced = match &mut self.0 {
            Form::Packed(elements) => replace_in_node(elements, offset, value, limits),
            Form::Nodes(nodes) => nodes.alter(offset, |items, index, within| {
                items.get_mut(index).is_some_and(|node| {
                    node.change(|elements| replace_in_node(elements, within, value, limits))
                })
            }),
        };
        if !replaced {
            self.unpack();
            self.remove_at(offset, 1);
            self.insert(offset, value, limits);
        }
    }

    /// Removes `count` elements from `offset` on; whole nodes at a stroke.
    pub(super) fn remove_at(&mut self, offset: usize, count: usize) {
        match &mut self.0 {
            Form::Packed(elements) => {
                if let Some(position) = elements.seek(offset) {
                    elements.remove(position, count);
                }
            }
            Form::Nodes(nodes) => {
                let mut left = count;
                while left > 0 && offset < nodes.weight() {
                    left -= nodes
                        .alter(offset, |items, index, within| remove_in_leaf(items, index, within, left));
                }
            }
        }
    }

    /// Takes out the element at `offset`.
    pub(super) fn take_at(&mut self, offset: usize) -> Option<Vec<u8>> {
        match &mut self.0 {
            Form::Packed(elements) => take_from(elements, offset),
            Form::Nodes(nodes) => nodes.alter(offset, |items, index, within| {
                let node = items.get_mut(index)?;
                let value = node.change(|elements| take_from(elements, within));
                if node.count == 0 {
                    items.remove(index);
                }
                value
            }),
        }
    }

    /// Back to one listpack when one small node is left.
    pub(super) fn pack_when_small(&mut self, limits: &Limits) {
        let Form::Nodes(nodes) = &self.0 else { return };
        let packed = match nodes.get(0) {
            None => Listpack::new(),
            // Half the limit, so that a list at the limit does not go to and fro.
            Some((node, _))
                if node.count == nodes.weight()
                    && fits(2 * node.elements.byte_len(), 2 * node.count, limits) =>
            {
                Listpack::clone(&node.elements)
            }
            Some(_) => return,
        };
        self.0 = Form::Packed(packed);
    }

    /// The nodes, made of the one listpack if need be.
    pub(super) fn unpack(&mut self) -> &mut CountedTree<Node> {
        if let Form::Packed(elements) = &mut self.0 {
            let mut nodes = CountedTree::default();
            if !elements.is_empty() {
                nodes.insert(0, Node::new(std::mem::take(elements)));
            }
            self.0 = Form::Nodes(Box::new(nodes));
        }
        match &mut self.0 {
            Form::Nodes(nodes) => nodes,
            Form::Packed(_) => unreachable!("it was just unpacked"),
        }
    }
}

/// Into the node there, or the end of the one before, or a node of its own, for which the node there is split.
fn insert_in_leaf(items: &mut Vec<Node>, index: usize, within: usize, value: &[u8], limits: &Limits) {
    if let Some(node) = items.get_mut(index)
        && has_room(node.elements(), value, limits)
    {
        return node.change(|elements| {
            let position = elements.seek(within).unwrap_or(elements.end());
            elements.insert_of_many(position, value, most_bytes(limits));
        });
    }
    if within == 0
        && let Some(before) = index.checked_sub(1).and_then(|before| items.get_mut(before))
        && has_room(before.elements(), value, limits)
    {
        return before.change(|elements| elements.insert_of_many(elements.end(), value, most_bytes(limits)));
    }
    if within > 0
        && let Some(node) = items.get_mut(index)
    {
        let tail = node.change(|elements| {
            let position = elements.seek(within).unwrap_or(elements.end());
            elements.split_off(position)
        });
        items.insert(index + 1, Node::new(tail));
        items.insert(index + 1, Node::of(value));
    } else {
        items.insert(index, Node::of(value));
    }
}

fn take_from(elements: &mut Listpack, offset: usize) -> Option<Vec<u8>> {
    let position = elements.seek(offset)?;
    let value = elements.get(position).to_vec();
    elements.remove(position, 1);
    Some(value)
}

/// False, and nothing changed, when the node would be too big then.
fn replace_in_node(node: &mut Listpack, within: usize, value: &[u8], limits: &Limits) -> bool {
    let Some(position) = node.seek(within) else { return true };
    // A packed number takes fewer bytes than its text, so this may come out a little low, but not below nothing.
    let bytes = (node.byte_len() + value.len() + ENTRY_OVERHEAD).saturating_sub(node.get(position).len());
    let is_large = value.len() >= limits.list_packed_threshold;
    if node.len() > 1 && (is_large || !fits(bytes, node.len(), limits)) {
        return false;
    }
    node.replace(position, value);
    true
}

/// How many went: at most `count`, all in one node.
fn remove_in_leaf(items: &mut Vec<Node>, index: usize, within: usize, count: usize) -> usize {
    let Some(node) = items.get_mut(index) else { return count };
    let removed = count.min(node.count - within);
    if removed == node.count {
        items.remove(index);
    } else {
        node.change(|elements| {
            if let Some(position) = elements.seek(within) {
                elements.remove(position, removed);
            }
        });
    }
    removed
}
