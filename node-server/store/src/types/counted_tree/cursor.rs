//! Walking a tree's items in order, from either end.

use super::{Child, CountedTree, Item, Node, locate};

/// A place in the tree: the path of inner nodes down to a leaf, and an index there.
struct Cursor<'a, T: Item> {
    path: Vec<(&'a [Child<T>], usize)>,
    leaf: &'a [T],
    index: usize,
}

impl<'a, T: Item> Cursor<'a, T> {
    fn at(tree: &'a CountedTree<T>, offset: usize) -> Option<Cursor<'a, T>> {
        let mut path = Vec::new();
        let mut node = tree.root.as_deref()?;
        let (mut offset, mut whole) = (offset, tree.weight);
        loop {
            match node {
                Node::Leaf(leaf) => {
                    return Some(Cursor { path, leaf, index: locate(leaf, offset, whole, T::weight).0 });
                }
                Node::Inner(children) => {
                    let (index, within) = locate(children, offset, whole, |child| child.weight);
                    path.push((&children[..], index));
                    let child = children.get(index)?;
                    (node, offset, whole) = (&child.node, within, child.weight);
                }
            }
        }
    }

    fn item(&self) -> Option<&'a T> {
        self.leaf.get(self.index)
    }

    fn step_forward(&mut self) {
        self.index += 1;
        if self.index < self.leaf.len() {
            return;
        }
        while let Some((children, index)) = self.path.pop() {
            if let Some(child) = children.get(index + 1) {
                self.path.push((children, index + 1));
                return self.descend(&child.node, false);
            }
        }
    }

    fn step_back(&mut self) {
        if let Some(index) = self.index.checked_sub(1) {
            self.index = index;
            return;
        }
        while let Some((children, index)) = self.path.pop() {
            if let Some(child) = index.checked_sub(1).and_then(|before| children.get(before)) {
                self.path.push((children, index - 1));
                return self.descend(&child.node, true);
            }
        }
        self.leaf = &[];
    }

    /// To the first item below `node`, or the last one.
    fn descend(&mut self, node: &'a Node<T>, to_last: bool) {
        let end = |count: usize| if to_last { count.saturating_sub(1) } else { 0 };
        let mut node = node;
        loop {
            match node {
                Node::Leaf(leaf) => {
                    self.leaf = leaf;
                    self.index = end(leaf.len());
                    return;
                }
                Node::Inner(children) => {
                    let index = end(children.len());
                    self.path.push((children, index));
                    let Some(child) = children.get(index) else { return };
                    node = &child.node;
                }
            }
        }
    }
}

/// A run of items, from both ends. A cursor for an end is made when that end is first asked.
pub(in crate::types) struct Items<'a, T: Item> {
    tree: &'a CountedTree<T>,
    /// Of the next item from the front.
    offset: usize,
    left: usize,
    front: Option<Cursor<'a, T>>,
    back: Option<Cursor<'a, T>>,
}

impl<'a, T: Item> Items<'a, T> {
    pub(super) fn new(tree: &'a CountedTree<T>, offset: usize, count: usize) -> Items<'a, T> {
        Items { tree, offset, left: count, front: None, back: None }
    }
}

impl<'a, T: Item> Iterator for Items<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        self.left = self.left.checked_sub(1)?;
        match &mut self.front {
            Some(cursor) => cursor.step_forward(),
            None => self.front = Cursor::at(self.tree, self.offset),
        }
        self.offset += 1;
        self.front.as_ref()?.item()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

impl<'a, T: Item> DoubleEndedIterator for Items<'a, T> {
    fn next_back(&mut self) -> Option<&'a T> {
        let last = self.left.checked_sub(1)?;
        match &mut self.back {
            Some(cursor) => cursor.step_back(),
            None => self.back = Cursor::at(self.tree, self.offset + last),
        }
        self.left = last;
        self.back.as_ref()?.item()
    }
}
