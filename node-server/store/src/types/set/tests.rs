use super::*;
use proptest::prelude::*;
use rand::SeedableRng;
use std::collections::BTreeSet;

type Model = BTreeSet<Vec<u8>>;

fn contents(set: &Set) -> Model {
    set.view().iter().map(|member| member.to_vec()).collect()
}

fn small_limits() -> Limits {
    Limits {
        set_max_intset_entries: 6,
        set_max_listpack_entries: 8,
        set_max_listpack_value: 5,
        hash_seed: 9,
        ..Limits::default()
    }
}

fn set_of(members: &[&str], limits: &Limits) -> Set {
    let mut set = Set::new();
    members.iter().for_each(|member| {
        set.add(member.as_bytes(), limits);
    });
    set
}

#[test]
fn encodings_follow_the_limits() {
    let limits = small_limits();
    let encoding = |members: &[&str]| set_of(members, &limits).encoding();
    assert_eq!(encoding(&["1", "2", "3", "4", "5", "6"]), Encoding::Intset);
    assert_eq!(encoding(&["1", "2", "3", "4", "5", "6", "7"]), Encoding::Hashtable);
    assert_eq!(encoding(&["1", "a"]), Encoding::Listpack);
    assert_eq!(encoding(&["1", "abcdef"]), Encoding::Hashtable);
    assert_eq!(encoding(&["123456", "a"]), Encoding::Hashtable);
    assert_eq!(encoding(&["a", "b", "c", "d", "e", "f", "g", "h"]), Encoding::Listpack);
    assert_eq!(encoding(&["a", "b", "c", "d", "e", "f", "g", "h", "i"]), Encoding::Hashtable);
    // Without set listpacks, as in 7.0.
    let limits = Limits { set_max_listpack_entries: 0, ..limits };
    assert_eq!(set_of(&["1", "a"], &limits).encoding(), Encoding::Hashtable);
}

proptest! {
    #[test]
    fn made_at_once_or_step_by_step(members in members()) {
        let limits = Limits { set_max_intset_entries: 8, ..small_limits() };
        let members: Vec<String> = members.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let member = |number: usize| {
            let text = members[number].as_bytes();
            parse_integer(text).map_or(Element::Bytes(text), Element::Int)
        };
        let set = Set::of_members(members.len(), member, &limits).unwrap();
        let names: Vec<&str> = members.iter().map(String::as_str).collect();
        let expected = set_of(&names, &limits);
        prop_assert_eq!(set.encoding(), expected.encoding());
        prop_assert_eq!(contents(&set), contents(&expected));
        if !members.is_empty() {
            let twice = Set::of_members(members.len() + 1, |number| member(number % members.len()), &limits);
            prop_assert!(twice.is_none());
        }
    }
}

#[test]
fn popping_takes_every_member_once() {
    let mut rng = rand::rngs::StdRng::seed_from_u64(5);
    for members in [vec!["1", "2", "3"], vec!["a", "1", "b"], vec!["a", "b", "longer than five"]] {
        let mut set = set_of(&members, &small_limits());
        let mut popped = Model::new();
        while let Some(member) = set.pop(&mut rng) {
            assert!(popped.insert(member));
        }
        assert_eq!(popped, members.iter().map(|member| member.as_bytes().to_vec()).collect());
    }
}

fn members() -> impl Strategy<Value = Vec<String>> {
    let member = prop_oneof![(-9i32..9).prop_map(|n| n.to_string()), "[a-c]{0,3}", "[a-b]{6,7}"];
    prop_oneof![
        proptest::collection::vec((-9i32..9).prop_map(|n| n.to_string()), 0..8),
        proptest::collection::vec(member, 0..30),
    ]
}

proptest! {
    #[test]
    fn does_what_a_set_does(steps in proptest::collection::vec((0u8..4, 0u16..500, any::<bool>()), 0..300)) {
        let limits = small_limits();
        let (mut set, mut model) = (Set::new(), Model::new());
        let mut snapshots = Vec::new();
        for (step, (kind, number, text)) in steps.into_iter().enumerate() {
            if step % 100 == 50 {
                snapshots.push((set.clone(), model.clone()));
            }
            let text = if text && step > 10 { "m" } else { "" };
            let member = format!("{text}{number}").into_bytes();
            if kind == 0 {
                prop_assert_eq!(set.remove(&member), model.remove(&member));
            } else {
                prop_assert_eq!(set.add(&member, &limits), model.insert(member));
            }
        }
        prop_assert_eq!(set.len(), model.len());
        prop_assert!(model.iter().all(|member| set.contains(member)));
        let (mut scanned, mut cursor) = (Model::new(), 0);
        loop {
            cursor = set.view().scan(cursor, 10, &mut |member| { scanned.insert(member.to_vec()); });
            if cursor == 0 { break; }
        }
        prop_assert_eq!(&scanned, &model);
        prop_assert_eq!(contents(&set), model);
        for (set, model) in snapshots {
            prop_assert_eq!(contents(&set), model);
        }
    }

    #[test]
    fn algebra_is_that_of_sets(sets in proptest::collection::vec(members(), 1..4)) {
        let limits = small_limits();
        let models: Vec<Model> =
            sets.iter().map(|members| members.iter().map(|m| m.as_bytes().to_vec()).collect()).collect();
        let sets: Vec<Set> = sets
            .iter()
            .map(|members| set_of(&members.iter().map(String::as_str).collect::<Vec<_>>(), &limits))
            .collect();
        let sets: Vec<SetRef<'_>> = sets.iter().map(Set::view).collect();
        let mut common = Model::new();
        Set::intersection(&sets, &mut |member| common.insert(member.to_vec()));
        let all = |combine: fn(&Model, &Model) -> Model| {
            models.iter().skip(1).fold(models[0].clone(), |left, right| combine(&left, right))
        };
        prop_assert_eq!(common, all(|left, right| left & right));
        prop_assert_eq!(contents(&Set::union(&sets, &limits)), all(|left, right| left | right));
        prop_assert_eq!(contents(&Set::difference(&sets, &limits)), all(|left, right| left - right));
    }
}
