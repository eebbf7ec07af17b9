use super::*;
use crate::types::parse_integer;
use proptest::prelude::*;
use std::ops::Bound;

/// In order: what a sorted set must be.
#[derive(Clone, Default)]
struct Model(Vec<(f64, Vec<u8>)>);

impl Model {
    fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let index = self.0.iter().position(|(_, other)| other == member)?;
        Some(self.0.remove(index).0)
    }

    fn insert(&mut self, score: f64, member: &[u8]) {
        self.remove(member);
        self.0.push((score, member.to_vec()));
        self.0
            .sort_by(|left, right| left.0.partial_cmp(&right.0).unwrap().then_with(|| left.1.cmp(&right.1)));
    }
}

fn contents<'a>(members: impl Iterator<Item = (Element<'a>, f64)>) -> Vec<(f64, Vec<u8>)> {
    members.map(|(member, score)| (score, member.to_vec())).collect()
}

fn small_limits() -> Limits {
    Limits { zset_max_listpack_entries: 12, zset_max_listpack_value: 8, hash_seed: 3, ..Limits::default() }
}

fn plain() -> AddCondition {
    AddCondition::default()
}

#[test]
fn conditions_of_zadd() {
    let limits = small_limits();
    for size in [1, 40] {
        let mut set = SortedSet::new();
        for number in 0..size {
            set.add(1000.0 + f64::from(number), format!("m{number}").as_bytes(), plain(), &limits).unwrap();
        }
        let mut add = |score, member: &[u8], condition| set.add(score, member, condition, &limits);
        let only_new = AddCondition { only_new: true, ..plain() };
        let existing = AddCondition { only_existing: true, ..plain() };
        let greater = AddCondition { only_greater: true, ..plain() };
        let less = AddCondition { only_less: true, ..plain() };
        let increment = AddCondition { increment: true, ..plain() };
        assert_eq!(add(1.0, b"a", existing), Ok(AddOutcome::Refused));
        assert_eq!(add(1.0, b"a", only_new), Ok(AddOutcome::Added(1.0)));
        assert_eq!(add(2.0, b"a", only_new), Ok(AddOutcome::Refused));
        assert_eq!(add(1.0, b"a", plain()), Ok(AddOutcome::Unchanged(1.0)));
        assert_eq!(add(0.5, b"a", greater), Ok(AddOutcome::Refused));
        assert_eq!(add(1.5, b"a", greater), Ok(AddOutcome::Updated(1.5)));
        assert_eq!(add(1.5, b"a", less), Ok(AddOutcome::Refused));
        assert_eq!(add(0.5, b"b", greater), Ok(AddOutcome::Added(0.5)));
        assert_eq!(add(2.0, b"a", increment), Ok(AddOutcome::Updated(3.5)));
        assert_eq!(add(f64::INFINITY, b"a", increment), Ok(AddOutcome::Updated(f64::INFINITY)));
        assert_eq!(add(f64::NEG_INFINITY, b"a", increment), Err(AddError::NotANumber));
        assert_eq!(add(f64::NAN, b"c", plain()), Err(AddError::NotANumber));
        assert_eq!(set.score(b"a"), Some(f64::INFINITY));
        assert_eq!(set.score(b"c"), None);
    }
}

#[test]
fn encodings_follow_the_limits() {
    let limits = small_limits();
    let mut set = SortedSet::new();
    for number in 0..12 {
        set.add(0.0, format!("{number}").as_bytes(), plain(), &limits).unwrap();
    }
    assert_eq!(set.encoding(), Encoding::Listpack);
    set.add(0.0, b"x", plain(), &limits).unwrap();
    assert_eq!((set.encoding(), set.len()), (Encoding::Skiplist, 13));
    let mut set = SortedSet::new();
    set.add(0.0, b"nine long", plain(), &limits).unwrap();
    assert_eq!(set.encoding(), Encoding::Skiplist);
}

#[test]
fn packed_scores_are_integers_or_short_texts() {
    let limits = Limits::default();
    let mut set = SortedSet::new();
    let scores = [f64::NEG_INFINITY, -1.5, 0.1, 3.0, 1e15, 1e300, f64::INFINITY];
    for (number, score) in scores.into_iter().enumerate() {
        set.add(score, format!("m{number}").as_bytes(), plain(), &limits).unwrap();
    }
    assert!(set.view().iter().map(|(_, score)| score).eq(scores));
    let stored: Vec<Vec<u8>> =
        set.view().as_listpack().unwrap().iter().skip(1).step_by(2).map(|score| score.to_vec()).collect();
    assert_eq!(stored.join(&b' '), b"-inf -1.5 0.1 3 1000000000000000 1e+300 inf");
}

#[test]
fn untrusted_listpacks() {
    let from = |values: &[&'static str]| {
        let listpack = values.iter().map(|value| value.as_bytes()).collect::<Listpack>();
        SortedSet::from_listpack(listpack, &small_limits())
    };
    assert_eq!(from(&["a", "1", "b", "1.5"]).unwrap().len(), 2);
    for bad in [&["a"][..], &["a", "x"], &["a", "nan"], &["b", "1", "a", "1"], &["a", "1", "a", "2"]] {
        assert!(from(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn range_texts() {
    let parse = |min: &str, max: &str| ScoreRange::parse(min.as_bytes(), max.as_bytes());
    assert_eq!(
        parse("(1.5", "+inf"),
        Some(ScoreRange { min: Bound::Excluded(1.5), max: Bound::Included(f64::INFINITY) })
    );
    assert_eq!(parse("nan", "1"), None);
    assert_eq!(parse("1", "2x"), None);
    // What Redis 7.0.15 takes and refuses, asked of it.
    assert_eq!(parse("(", " 1").unwrap().min, Bound::Excluded(0.0));
    assert_eq!(parse("", "1e999").unwrap().max, Bound::Included(f64::INFINITY));
    assert_eq!(parse(".5", "5."), Some(ScoreRange { min: Bound::Included(0.5), max: Bound::Included(5.0) }));
    assert_eq!((parse("1 ", "2"), parse("1", " "), parse("1", "-nan")), (None, None, None));
    assert_eq!(
        LexRange::parse(b"[a", b"+"),
        Some(LexRange { min: LexBound::Inclusive(b"a"), max: LexBound::Highest })
    );
    assert_eq!(LexRange::parse(b"a", b"+"), None);
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-5i32..5).prop_map(f64::from),
        any::<i32>().prop_map(|n| f64::from(n) / 8.0),
        -1e300f64..1e300
    ]
}

proptest! {
    #[test]
    fn made_at_once_or_step_by_step(
        members in proptest::collection::btree_map("[0-9a-c]{0,10}", score(), 0..300),
        more in proptest::collection::vec(("[0-9a-c]{0,10}", score()), 0..50),
    ) {
        let (limits, mut expected) = (small_limits(), SortedSet::new());
        for (member, score) in &members {
            expected.add(*score, member.as_bytes(), plain(), &limits).unwrap();
        }
        let pairs: Vec<(Element<'_>, f64)> = members
            .iter()
            .map(|(member, score)| (parse_integer(member.as_bytes()).map_or(Element::Bytes(member.as_bytes()), Element::Int), *score))
            .collect();
        let mut set = SortedSet::of_members(pairs.clone(), &limits).unwrap();
        prop_assert_eq!(set.encoding(), expected.encoding());
        prop_assert_eq!(contents(set.view().iter()), contents(expected.view().iter()));
        if let Some((member, score)) = pairs.first() {
            let twice = [&pairs[..], &[(*member, score + 1.0)]].concat();
            prop_assert!(SortedSet::of_members(twice, &limits).is_none());
        }
        // It goes on as any other.
        for (member, score) in &more {
            expected.add(*score, member.as_bytes(), plain(), &limits).unwrap();
            set.add(*score, member.as_bytes(), plain(), &limits).unwrap();
        }
        for member in members.keys().step_by(3) {
            prop_assert_eq!(set.remove(member.as_bytes()), expected.remove(member.as_bytes()));
        }
        prop_assert_eq!(contents(set.view().iter()), contents(expected.view().iter()));
    }

    #[test]
    fn does_what_a_sorted_vec_does(
        steps in proptest::collection::vec((0u8..6, 0u16..300, score()), 0..400),
        bounds in (score(), score(), any::<bool>(), any::<bool>()),
    ) {
        let limits = small_limits();
        let (mut set, mut model) = (SortedSet::new(), Model::default());
        let mut snapshots = Vec::new();
        for (step, (kind, number, score)) in steps.into_iter().enumerate() {
            let member = format!("{number}").into_bytes();
            match kind {
                0 => prop_assert_eq!(set.remove(&member), model.remove(&member)),
                1 if step % 20 == 0 => {
                    let (start, end) = (step % 7, step % 7 + step % 5);
                    let removed = set.remove_ranks(start..end);
                    let end = end.min(model.0.len());
                    let expected = model.0.drain(start.min(end)..end).count();
                    prop_assert_eq!(removed, expected);
                }
                _ => {
                    set.add(score, &member, plain(), &limits).unwrap();
                    model.insert(score, &member);
                }
            }
            if step % 150 == 149 {
                snapshots.push((set.clone(), model.clone()));
            }
        }
        for (rank, (score, member)) in model.0.iter().enumerate() {
            prop_assert_eq!(set.view().rank(member), Some((rank, *score)));
        }
        let (low, high, low_excluded, high_excluded) = bounds;
        let bound = |score, excluded| if excluded { Bound::Excluded(score) } else { Bound::Included(score) };
        let range = ScoreRange { min: bound(low, low_excluded), max: bound(high, high_excluded) };
        let expected: Vec<_> = model.0.iter().filter(|(score, _)| {
            (if low_excluded { *score > low } else { *score >= low })
                && (if high_excluded { *score < high } else { *score <= high })
        }).cloned().collect();
        let ranks = set.view().ranks_by_score(&range);
        prop_assert_eq!(ranks.len(), expected.len());
        prop_assert_eq!(contents(set.view().iter_ranks(ranks.clone())), &expected[..]);
        let reversed = contents(set.view().iter_ranks(ranks).rev());
        prop_assert!(reversed.iter().eq(expected.iter().rev()));
        let (mut scanned, mut cursor) = (Model::default(), 0);
        loop {
            cursor = set.view().scan(cursor, 10, &mut |member, score| scanned.insert(score, &member.to_vec()));
            if cursor == 0 { break; }
        }
        prop_assert_eq!(&scanned.0, &model.0);
        snapshots.push((set.clone(), model.clone()));
        for (set, model) in snapshots {
            prop_assert_eq!(contents(set.view().iter()), model.0);
        }
        if let Some((member, score)) = set.pop_highest() {
            prop_assert_eq!(model.0.pop(), Some((score, member)));
        }
        if let Some((member, score)) = set.pop_lowest() {
            prop_assert_eq!(model.0.remove(0), (score, member));
        }
        prop_assert_eq!(contents(set.view().iter()), model.0);
    }

    #[test]
    fn lexicographical_ranges(
        members in proptest::collection::btree_set("[a-d]{0,3}", 0..40),
        min in "[a-d]{0,3}", max in "[a-d]{0,3}", kinds in (0u8..4, 0u8..4),
    ) {
        let mut set = SortedSet::new();
        for member in &members {
            set.add(0.0, member.as_bytes(), plain(), &small_limits()).unwrap();
        }
        let text = |kind, member: &str| match kind {
            0 => "-".to_string(),
            1 => "+".to_string(),
            2 => format!("[{member}"),
            _ => format!("({member}"),
        };
        let (min_text, max_text) = (text(kinds.0, &min), text(kinds.1, &max));
        let range = LexRange::parse(min_text.as_bytes(), max_text.as_bytes()).unwrap();
        let expected = members.iter().filter(|member| {
            let above = match kinds.0 { 0 => true, 1 => false, 2 => **member >= min, _ => **member > min };
            above && match kinds.1 { 0 => false, 1 => true, 2 => **member <= max, _ => **member < max }
        });
        let found: Vec<Vec<u8>> =
            set.view().iter_ranks(set.view().ranks_by_lex(&range)).map(|(member, _)| member.to_vec()).collect();
        prop_assert!(found.iter().map(Vec::as_slice).eq(expected.map(|member| member.as_bytes())));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Thousands of members of all lengths with few scores, added up, down and across, so that runs split, join and go.
    #[test]
    fn a_big_one_keeps_its_order(
        steps in proptest::collection::vec((0u8..6, any::<u16>(), 1usize..600), 1..16), seed: u64,
    ) {
        let limits = Limits { hash_seed: seed, ..small_limits() };
        let (mut set, mut model) = (SortedSet::new(), std::collections::BTreeMap::<Vec<u8>, i32>::new());
        let mut clones = Vec::new();
        for (kind, start, times) in steps {
            for time in 0..times {
                let number = match kind {
                    0 => start as usize % 3000 + time,
                    1 => start as usize % 3000 + 600 - time,
                    _ => (start as usize + time * 7919) % 4000,
                };
                let member = if number % 9 == 0 { format!("{number:0>80}") } else { format!("{number}") }.into_bytes();
                let score = if kind == 3 { (number % 3) as i32 } else { number as i32 / 50 };
                match kind {
                    4 => prop_assert_eq!(set.remove(&member), model.remove(&member).map(f64::from)),
                    5 => {
                        if time > 40 { break; }
                        let lowest = model.iter().map(|(member, score)| (*score, member.clone())).min();
                        prop_assert_eq!(set.pop_lowest(), lowest.map(|(score, member)| {
                            model.remove(&member);
                            (member, f64::from(score))
                        }));
                    }
                    _ => {
                        set.add(f64::from(score), &member, plain(), &limits).unwrap();
                        model.insert(member, score);
                    }
                }
            }
            clones.push((set.clone(), model.clone()));
        }
        for (set, model) in clones.into_iter().rev().step_by(4) {
            let mut ordered: Vec<(i32, &Vec<u8>)> = model.iter().map(|(member, score)| (*score, member)).collect();
            ordered.sort();
            let expected: Vec<_> = ordered.iter().map(|(score, member)| (f64::from(*score), member.to_vec())).collect();
            prop_assert_eq!(contents(set.view().iter()), &expected[..]);
            prop_assert!(contents(set.view().iter().rev()).iter().eq(expected.iter().rev()));
            for (rank, (score, member)) in expected.iter().enumerate() {
                prop_assert_eq!(set.view().rank(member), Some((rank, *score)));
            }
        }
    }
}

#[test]
fn a_long_member_is_there_once() {
    let (mut set, limits) = (SortedSet::new(), Limits::default());
    let long = vec![b'm'; 1 << 20];
    set.add(1.0, &long, plain(), &limits).unwrap();
    for score in [3.0, 2.0] {
        set.add(score, &long, plain(), &limits).unwrap();
        assert!((1 << 20..(1 << 20) + 2000).contains(&set.memory_usage()), "{}", set.memory_usage());
        let (Element::Bytes(in_order), _) = set.view().iter().next().unwrap() else { panic!("bytes") };
        let mut in_table = std::ptr::null();
        set.view().scan(0, 10, &mut |member, _| {
            let Element::Bytes(member) = member else { panic!("bytes") };
            in_table = member.as_ptr();
        });
        assert_eq!(in_order.as_ptr(), in_table);
    }
}
