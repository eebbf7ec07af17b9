//! A sequence that can be searched, counted and changed anywhere in O(log n), and cloned in O(1).
//!
//! ```text
//!              inner: [ first key, weight, ● ] [ first key, weight, ● ] …      weight: sum over what is below
//!                                          ↓
//!               leaf: [ item ] [ item ] [ item ] …                             up to 64, or as many as the item says
//! ```
//!
//! A B+tree whose inner nodes know how much is below each child. An item weighs 1, or as much as it has elements in a list,
//! whose items are listpacks, and in a sorted set, whose items are runs of members; offsets and ranks are sums of weights. Order
//! is the caller's: a sorted set finds the place of an insert by [`CountedTree::seek`], a list knows it.
//!
//! Nodes are shared by clones and copied when written to, one path at a time: so a snapshot holds a tree of any
//! size for a reference count. No item weighs nothing: a change that leaves one so must take it out.

use triomphe::Arc;

mod cursor;

pub(super) use cursor::Items;

pub(super) trait Item: Clone {
    type Key: Clone;
    /// How many items a leaf has at most, and children an inner node.
    const MAX: usize = 64;
    fn key(&self) -> &Self::Key;
    fn weight(&self) -> usize;
}

#[derive(Clone)]
pub(super) struct CountedTree<T: Item> {
    root: Option<Arc<Node<T>>>,
    weight: usize,
}

#[derive(Clone)]
enum Node<T: Item> {
    Leaf(Vec<T>),
    Inner(Vec<Child<T>>),
}

#[derive(Clone)]
struct Child<T: Item> {
    first: T::Key,
    weight: usize,
    node: Arc<Node<T>>,
}

impl<T: Item> Default for CountedTree<T> {
    fn default() -> Self {
        CountedTree { root: None, weight: 0 }
    }
}

impl<T: Item> CountedTree<T> {
    /// The sum of all weights.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// The item at `offset`, and the offset within it.
    pub(super) fn get(&self, offset: usize) -> Option<(&T, usize)> {
        let mut node = self.root.as_deref()?;
        let (mut offset, mut whole) = (offset, self.weight);
        loop {
            match node {
                Node::Leaf(items) => {
                    let (index, within) = locate(items, offset, whole, T::weight);
                    return Some((items.get(index)?, within));
                }
                Node::Inner(children) => {
                    let (index, within) = locate(children, offset, whole, |child| child.weight);
                    let child = children.get(index)?;
                    (node, offset, whole) = (&child.node, within, child.weight);
                }
            }
        }
    }

    /// The weight of all items for whose key `precedes` holds. It must hold for the items up to some point and for none after.
    pub(super) fn weight_where(&self, precedes: impl Fn(&T::Key) -> bool) -> usize {
        match self.seek(&precedes) {
            Some((item, before)) if precedes(item.key()) => before + item.weight(),
            Some((_, before)) => before,
            None => 0,
        }
    }

    /// The last item for whose key `precedes` holds, or else the first one, and the weight before it.
    pub(super) fn seek(&self, precedes: impl Fn(&T::Key) -> bool) -> Option<(&T, usize)> {
        let mut before = 0;
        let mut node = self.root.as_deref()?;
        loop {
            match node {
                Node::Leaf(items) => {
                    let index = items.partition_point(|item| precedes(item.key())).saturating_sub(1);
                    before += items.iter().take(index).map(T::weight).sum::<usize>();
                    return Some((items.get(index)?, before));
                }
                Node::Inner(children) => {
                    let index = children.partition_point(|child| precedes(&child.first)).saturating_sub(1);
                    before += children.iter().take(index).map(|child| child.weight).sum::<usize>();
                    node = &children.get(index)?.node;
                }
            }
        }
    }

    /// Changes the leaf that holds `offset`. `change` gets its items, the index of the item there (the number of items when
    /// `offset` is the end) and the offset within that item. It may change and remove
    /// that item and its two neighbours, and add others between them.
    pub(super) fn alter<R>(
        &mut self,
        offset: usize,
        change: impl FnOnce(&mut Vec<T>, usize, usize) -> R,
    ) -> R {
        self.alter_along(ByOffset(offset), change)
    }

    /// As `alter`, on the way that `seek` goes: `change` gets the index of the item that it finds.
    pub(super) fn alter_where<R>(
        &mut self,
        precedes: impl Fn(&T::Key) -> bool,
        change: impl FnOnce(&mut Vec<T>, usize) -> R,
    ) -> R {
        self.alter_along(ByKey(precedes), |items, index, _| change(items, index))
    }

    fn alter_along<R>(
        &mut self,
        route: impl Route<T>,
        change: impl FnOnce(&mut Vec<T>, usize, usize) -> R,
    ) -> R {
        let root = self.root.get_or_insert_with(|| Arc::new(Node::Leaf(Vec::new())));
        let altered = alter(Arc::make_mut(root), self.weight, route, change);
        self.weight = altered.weight;
        self.fix_root();
        altered.result
    }

    /// Inserts before the item that begins at `offset`.
    pub(super) fn insert(&mut self, offset: usize, item: T) {
        self.alter(offset, |items, index, _| items.insert(index, item));
    }

    /// Takes out the item at `offset`.
    pub(super) fn remove(&mut self, offset: usize) -> Option<T> {
        if offset >= self.weight {
            return None;
        }
        self.alter(offset, |items, index, _| (index < items.len()).then(|| items.remove(index)))
    }

    /// Items from the one at `offset` on, at most `count` of them, from both ends. Only where every item weighs 1.
    pub(super) fn items(&self, offset: usize, count: usize) -> Items<'_, T> {
        Items::new(self, offset, count)
    }

    fn fix_root(&mut self) {
        let Some(root) = &mut self.root else { return };
        if root.count() > T::MAX {
            let right = Arc::make_mut(root).split(false);
            let left = std::mem::replace(root, Arc::new(Node::Leaf(Vec::new())));
            *root = Arc::new(Node::Inner(
                [left.into_child(), right.into_child()].into_iter().flatten().collect(),
            ));
        }
        while let Node::Inner(children) = &**root
            && let [only] = &children[..]
        {
            *root = Arc::clone(&only.node);
        }
        if root.count() == 0 {
            self.root = None;
        }
    }
}

/// What `alter` below did, for the levels above.
struct Altered<R> {
    result: R,
    /// Of the node now.
    weight: usize,
    /// Whether the first item may be another one now.
    first: bool,
    /// Whether it happened at the end.
    last: bool,
}

/// The way down to the item that is to change.
trait Route<T: Item> {
    /// Which child it goes to, of those that weigh `whole` together.
    fn child(&mut self, children: &[Child<T>], whole: usize) -> usize;
    /// The index in the leaf, and the offset within that item.
    fn item(&self, items: &[T], whole: usize) -> (usize, usize);
    /// Where that is, counted from the end, when something is appended.
    const END: usize;
}

struct ByOffset(usize);

impl<T: Item> Route<T> for ByOffset {
    const END: usize = 0;

    fn child(&mut self, children: &[Child<T>], whole: usize) -> usize {
        let (index, within) = locate(children, self.0, whole, |child| child.weight);
        // The end belongs to the last child.
        let (index, within) = match children.last() {
            Some(last) if index == children.len() => (index - 1, within + last.weight),
            _ => (index, within),
        };
        self.0 = within;
        index
    }

    fn item(&self, items: &[T], whole: usize) -> (usize, usize) {
        locate(items, self.0, whole, T::weight)
    }
}

struct ByKey<P>(P);

impl<T: Item, P: Fn(&T::Key) -> bool> Route<T> for ByKey<P> {
    const END: usize = 1;

    fn child(&mut self, children: &[Child<T>], _whole: usize) -> usize {
        children.partition_point(|child| self.0(&child.first)).saturating_sub(1)
    }

    fn item(&self, items: &[T], _whole: usize) -> (usize, usize) {
        (items.partition_point(|item| self.0(item.key())).saturating_sub(1), 0)
    }
}

fn alter<T: Item, R, W: Route<T>>(
    node: &mut Node<T>,
    weight: usize,
    mut route: W,
    change: impl FnOnce(&mut Vec<T>, usize, usize) -> R,
) -> Altered<R> {
    match node {
        Node::Leaf(items) => {
            let (index, within) = route.item(items, weight);
            let last = index + W::END >= items.len();
            let sum = |items: &[T]| items.iter().map(T::weight).sum::<usize>();
            let (count, from, upto) = (items.len(), index.saturating_sub(1), items.len().min(index + 2));
            let before = sum(items.get(from..upto).unwrap_or(&[]));
            let result = change(items, index, within);
            let upto = upto + items.len() - count;
            let weight = weight - before + sum(items.get(from..upto).unwrap_or(&[]));
            debug_assert_eq!(weight, sum(items), "a change stays beside its item");
            Altered { result, weight, first: index <= 1, last }
        }
        Node::Inner(children) => {
            let index = route.child(children, weight);
            let child = &mut children[index];
            let weight = weight - child.weight;
            let altered = alter(Arc::make_mut(&mut child.node), child.weight, route, change);
            child.weight = altered.weight;
            let weight = weight + child.weight;
            if altered.first
                && let Some(first) = child.node.first()
            {
                child.first = first.clone();
            }
            let last = altered.last && index + 1 == children.len();
            rebalance(children, index, last);
            Altered { weight, first: altered.first && index <= 1, last, ..altered }
        }
    }
}

/// Splits child `index` when it is too full, joins it with a neighbour when it is too empty.
fn rebalance<T: Item>(children: &mut Vec<Child<T>>, index: usize, at_end: bool) {
    let count = children[index].node.count();
    if count == 0 {
        children.remove(index);
    } else if count > T::MAX {
        let right = Arc::make_mut(&mut children[index].node).split(at_end);
        if let Some(right) = right.into_child() {
            children[index].weight -= right.weight;
            children.insert(index + 1, right);
        }
    } else if count < T::MAX / 4 && !at_end && children.len() > 1 {
        let left = index.min(children.len() - 2);
        let right = children.remove(left + 1);
        let joined = &mut children[left];
        joined.weight += right.weight;
        Arc::make_mut(&mut joined.node).append(Arc::unwrap_or_clone(right.node));
        if joined.node.count() > T::MAX {
            rebalance(children, left, false);
        }
    }
}

/// The index of the part that holds `offset`, and the offset within it; past the end, the number of parts. All of them weigh
/// `whole` together, so that the last one is found without counting the others: lists are used at their ends.
fn locate<P>(parts: &[P], offset: usize, whole: usize, weight: impl Fn(&P) -> usize) -> (usize, usize) {
    if let Some(within) = offset.checked_sub(whole) {
        return (parts.len(), within);
    }
    if let Some((last, others)) = parts.split_last()
        && let Some(within) = offset.checked_sub(whole - weight(last))
    {
        return (others.len(), within);
    }
    let mut left = offset;
    for (index, part) in parts.iter().enumerate() {
        let weight = weight(part);
        if left < weight {
            return (index, left);
        }
        left -= weight;
    }
    (parts.len(), left)
}

impl<T: Item> Node<T> {
    fn count(&self) -> usize {
        match self {
            Node::Leaf(items) => items.len(),
            Node::Inner(children) => children.len(),
        }
    }

    fn weight(&self) -> usize {
        match self {
            Node::Leaf(items) => items.iter().map(T::weight).sum(),
            Node::Inner(children) => children.iter().map(|child| child.weight).sum(),
        }
    }

    fn first(&self) -> Option<&T::Key> {
        match self {
            Node::Leaf(items) => items.first().map(T::key),
            Node::Inner(children) => children.first().map(|child| &child.first),
        }
    }

    /// Cuts off the right half; what grows at its end leaves full nodes behind.
    fn split(&mut self, at_end: bool) -> Node<T> {
        /// A vector that grew past its limit has room for twice as much: the rest is given back.
        fn cut<P>(parts: &mut Vec<P>, at: usize, most: usize) -> Vec<P> {
            let right = parts.split_off(at);
            parts.shrink_to(most);
            right
        }
        let at = if at_end { T::MAX } else { self.count() / 2 };
        match self {
            Node::Leaf(items) => Node::Leaf(cut(items, at, T::MAX)),
            Node::Inner(children) => Node::Inner(cut(children, at, T::MAX)),
        }
    }

    fn append(&mut self, right: Node<T>) {
        match (self, right) {
            (Node::Leaf(items), Node::Leaf(more)) => items.extend(more),
            (Node::Inner(children), Node::Inner(more)) => children.extend(more),
            _ => unreachable!("neighbours are of one height"),
        }
    }

    fn into_child(self) -> Option<Child<T>> {
        Some(Child { first: self.first()?.clone(), weight: self.weight(), node: Arc::new(self) })
    }
}

trait IntoChild<T: Item> {
    fn into_child(self) -> Option<Child<T>>;
}

impl<T: Item> IntoChild<T> for Arc<Node<T>> {
    fn into_child(self) -> Option<Child<T>> {
        Some(Child { first: self.first()?.clone(), weight: self.weight(), node: self })
    }
}

#[cfg(test)]
mod tests;
