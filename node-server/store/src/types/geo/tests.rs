//! Figures that redis-server 7.0.15 gave, and what must hold of any place.

use super::*;
use crate::types::{AddCondition, Limits, SortedSet};
use proptest::prelude::*;

fn place(longitude: f64, latitude: f64) -> Place {
    Place::new(longitude, latitude).unwrap()
}

#[test]
fn palermo_and_catania() {
    let (palermo, catania) = (place(13.361389, 38.115556), place(15.087269, 37.502669));
    assert_eq!((palermo.score(), catania.score()), (3479099956230698.0, 3479447370796909.0));
    assert_eq!(hash_text(palermo.score()), "sqc8b49rny0");
    let distance = Place::of_score(palermo.score()).distance(Place::of_score(catania.score()));
    assert!((distance - 166274.1516).abs() < 0.0001, "{distance}");
    assert_eq!(Place::of_score(palermo.score()).longitude, 13.361389338970184);
}

#[test]
fn the_edges_of_the_map() {
    assert!(Place::new(180.0, 85.05112878).is_some());
    assert!(Place::new(180.1, 0.0).is_none());
    assert!(Place::new(0.0, -85.06).is_none());
    assert!(Place::new(f64::NAN, 0.0).is_none());
    for score in [f64::INFINITY, f64::NEG_INFINITY, -1.0, 1e19, 1e300, 9.3e18] {
        let place = Place::of_score(score);
        assert!(Place::new(place.longitude, place.latitude).is_some(), "{score}");
        hash_text(score);
    }
}

fn members(places: &[Place]) -> SortedSet {
    let mut members = SortedSet::new();
    for (number, place) in places.iter().enumerate() {
        let name = number.to_string();
        members.add(place.score(), name.as_bytes(), AddCondition::default(), &Limits::default()).unwrap();
    }
    members
}

prop_compose! {
    fn any_place()(longitude in -180.0..180.0, latitude in -85.0..85.0) -> Place {
        Place { longitude, latitude }
    }
}

proptest! {
    #[test]
    fn a_score_tells_the_place(place in any_place()) {
        let found = Place::of_score(place.score());
        prop_assert!(place.distance(found) < 1.0, "{place:?} {found:?}");
        prop_assert_eq!(found.score(), place.score());
    }

    #[test]
    fn neighbours_go_around_and_come_back(place in any_place(), steps in 1u32..=26) {
        let cell = Cell::at(place, steps);
        for (eastward, northward) in [(1, 0), (0, 1), (1, 1), (1, -1)] {
            prop_assert_eq!(cell.neighbour(eastward, northward).neighbour(-eastward, -northward), cell);
        }
    }

    /// Not at the edges of the map, where Redis's search does not see across.
    #[test]
    fn a_search_finds_what_is_near(
        places in proptest::collection::vec((-2.0..2.0, -2.0..2.0), 1..80),
        longitude in -100.0..100.0, latitude in -60.0..60.0,
        width in 0.0..200_000.0, height in 0.0..200_000.0,
    ) {
        let centre = Place { longitude, latitude };
        let places: Vec<Place> = places
            .into_iter()
            .map(|(east, north)| Place { longitude: longitude + east, latitude: latitude + north })
            .collect();
        let members = members(&places);
        for kind in [ShapeKind::Circle { radius: width }, ShapeKind::Box { width, height }] {
            let within = |place: &Place| match kind {
                ShapeKind::Circle { radius } => centre.distance(*place) <= radius,
                ShapeKind::Box { .. } => {
                    let beside = Place { longitude, latitude: place.latitude };
                    place.latitude_distance(centre) <= height / 2.0 && place.distance(beside) <= width / 2.0
                }
            };
            let mut expected: Vec<String> = places
                .iter()
                .enumerate()
                .filter(|(_, place)| within(&Place::of_score(place.score())))
                .map(|(number, _)| number.to_string())
                .collect();
            let found = Shape { centre, kind }.find(members.view(), None);
            let name = |found: &Found<'_>| String::from_utf8(found.member.to_vec()).unwrap();
            let mut found_names: Vec<String> = found.iter().map(name).collect();
            expected.sort();
            found_names.sort();
            prop_assert_eq!(&found_names, &expected);
            let some = Shape { centre, kind }.find(members.view(), Some(3));
            prop_assert_eq!(some.len(), expected.len().min(3));
        }
    }
}
