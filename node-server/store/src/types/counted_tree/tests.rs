use super::*;
use proptest::prelude::*;

impl Item for u32 {
    type Key = u32;
    fn key(&self) -> &u32 {
        self
    }
    fn weight(&self) -> usize {
        1
    }
}

fn check(node: &Node<u32>) -> usize {
    match node {
        Node::Leaf(items) => {
            assert!(!items.is_empty() && items.len() <= <u32 as Item>::MAX);
            1
        }
        Node::Inner(children) => {
            assert!(!children.is_empty() && children.len() <= <u32 as Item>::MAX);
            let heights: Vec<usize> = children.iter().map(|child| check(&child.node)).collect();
            assert!(heights.windows(2).all(|pair| pair[0] == pair[1]), "leaves at one depth");
            for child in children {
                assert_eq!(child.weight, child.node.weight());
                assert_eq!(Some(&child.first), child.node.first());
            }
            heights[0] + 1
        }
    }
}

fn check_tree(tree: &CountedTree<u32>, model: &[u32]) {
    assert_eq!(tree.weight(), model.len());
    tree.root.iter().for_each(|root| {
        check(root);
    });
    assert!(tree.items(0, model.len()).eq(model));
    assert!(tree.items(0, model.len()).rev().eq(model.iter().rev()));
}

proptest! {
    #[test]
    fn does_what_a_sorted_vec_does(
        steps in proptest::collection::vec((0u32..4, any::<u16>(), 1usize..400), 1..20),
        window in (any::<usize>(), any::<usize>()),
    ) {
        let mut tree = CountedTree::default();
        let mut model: Vec<u32> = Vec::new();
        let mut clones = Vec::new();
        for (kind, start, times) in steps {
            clones.push((tree.clone(), model.clone()));
            for time in 0..times {
                // Scattered, ascending, descending; and removal.
                let value = match kind {
                    0 | 3 => (u32::from(start) + time as u32).wrapping_mul(2_654_435_761) % 5000,
                    1 => u32::from(start) + time as u32,
                    _ => (u32::from(start) + 400) - time as u32,
                };
                let place = tree.weight_where(|&key| key < value);
                prop_assert_eq!(place, model.partition_point(|&key| key < value));
                if kind != 3 {
                    if time % 2 == 0 {
                        tree.insert(place, value);
                    } else {
                        tree.alter_where(|&key| key < value, |items, index| {
                            let is_behind = items.get(index).is_some_and(|&found| found < value);
                            items.insert(index + usize::from(is_behind), value);
                        });
                    }
                    model.insert(place, value);
                } else if !model.is_empty() {
                    let place = place.min(model.len() - 1);
                    prop_assert_eq!(tree.remove(place), Some(model.remove(place)));
                }
            }
        }
        check_tree(&tree, &model);
        // What was cloned on the way has not changed.
        clones.iter().for_each(|(tree, model)| check_tree(tree, model));
        let from = window.0 % (model.len() + 1);
        let count = window.1 % (model.len() - from + 1);
        prop_assert!(tree.items(from, count).eq(&model[from..from + count]));
        prop_assert!(tree.items(from, count).rev().eq(model[from..from + count].iter().rev()));
        let (mut items, mut expected) = (tree.items(from, count), model[from..from + count].iter());
        for step in 0..count + 2 {
            let pair = if step % 3 == 1 { (items.next_back(), expected.next_back()) } else { (items.next(), expected.next()) };
            prop_assert_eq!(pair.0, pair.1);
        }
        for (offset, value) in model.iter().enumerate() {
            prop_assert_eq!(tree.get(offset), Some((value, 0)));
        }
        while let Some(removed) = tree.remove(tree.weight() / 2) {
            prop_assert_eq!(removed, model.remove(model.len() / 2));
        }
        prop_assert!(model.is_empty() && tree.root.is_none());
    }
}

#[test]
fn what_grows_at_its_end_has_room_for_little_more_than_it_holds() {
    fn room(node: &Node<u32>) -> usize {
        match node {
            Node::Leaf(items) => items.capacity(),
            Node::Inner(children) => children.iter().map(|child| room(&child.node)).sum(),
        }
    }
    let mut tree = CountedTree::default();
    (0..10_000).for_each(|number| tree.insert(number as usize, number));
    let room = tree.root.as_deref().map_or(0, room);
    assert!(room <= 10_000 + 3 * <u32 as Item>::MAX, "room for {room}");
}
