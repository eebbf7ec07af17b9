//! The members of a sorted set within a circle or a box.

use super::cell::Cell;
use super::{EARTH_RADIUS_M, Place, degrees, radians};
use crate::types::{Element, ScoreRange, SortedSetRef};

/// Where to look, in metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    pub centre: Place,
    pub kind: ShapeKind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ShapeKind {
    Circle { radius: f64 },
    Box { width: f64, height: f64 },
}

/// A member within the shape.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    pub member: Element<'a>,
    pub score: f64,
    pub place: Place,
    /// From the centre, in metres.
    pub distance: f64,
}

/// Half the earth's girth on the map.
const MERCATOR_MAX_M: f64 = 20_037_726.37;

impl Shape {
    /// The members within, in the order of Redis's search: cell by cell. With a limit it ends when so many are found.
    pub fn find<'a>(&self, members: SortedSetRef<'a>, limit: Option<usize>) -> Vec<Found<'a>> {
        let mut found = Vec::new();
        let is_full =
            |found: &Vec<Found<'_>>| limit.is_some_and(|limit| !found.is_empty() && found.len() >= limit);
        let mut before: Option<Cell> = None;
        for (index, cell) in self.cells().into_iter().enumerate() {
            // Around the whole earth a cell may be its own neighbour's neighbour.
            let Some(cell) = cell.filter(|cell| before != Some(*cell)) else { continue };
            if is_full(&found) {
                break;
            }
            let range = ScoreRange::half_open(cell.first_score(), cell.end_score());
            for (member, score) in members.iter_ranks(members.ranks_by_score(&range)) {
                let place = Place::of_score(score);
                if let Some(distance) = self.distance_within(place) {
                    found.push(Found { member, score, place, distance });
                }
                if is_full(&found) {
                    break;
                }
            }
            // Redis does not compare with the first one.
            before = (index > 0).then_some(cell);
        }
        found
    }

    /// How far a place is from the centre, if it is within.
    fn distance_within(&self, place: Place) -> Option<f64> {
        let centre = self.centre;
        match self.kind {
            ShapeKind::Circle { radius } => {
                let distance = centre.distance(place);
                (distance <= radius || distance.is_nan()).then_some(distance)
            }
            ShapeKind::Box { width, height } => {
                let beside = Place { longitude: centre.longitude, latitude: place.latitude };
                let is_outside =
                    place.latitude_distance(centre) > height / 2.0 || place.distance(beside) > width / 2.0;
                (!is_outside).then(|| centre.distance(place))
            }
        }
    }

    /// The cell of the centre and the eight around it, without those that the shape does not reach into.
    fn cells(&self) -> [Option<Cell>; 9] {
        let bounds = self.bounds();
        let mut steps = self.steps();
        let mut cell = Cell::at(self.centre, steps);
        let too_small = cell.neighbour(0, 1).area().north < bounds.north
            || cell.neighbour(0, -1).area().south > bounds.south
            || cell.neighbour(1, 0).area().east < bounds.east
            || cell.neighbour(-1, 0).area().west > bounds.west;
        if steps > 1 && too_small {
            steps -= 1;
            cell = Cell::at(self.centre, steps);
        }
        let area = cell.area();
        let is_needed = |eastward: i8, northward: i8| {
            let beyond = match () {
                () if steps < 2 => false,
                () => {
                    (northward < 0 && area.south < bounds.south)
                        || (northward > 0 && area.north > bounds.north)
                        || (eastward < 0 && area.west < bounds.west)
                        || (eastward > 0 && area.east > bounds.east)
                }
            };
            !beyond
        };
        const DIRECTIONS: [(i8, i8); 9] =
            [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];
        DIRECTIONS.map(|(eastward, northward)| {
            is_needed(eastward, northward).then(|| cell.neighbour(eastward, northward))
        })
    }

    /// What the shape reaches to. Towards a pole a distance spans more degrees.
    fn bounds(&self) -> super::cell::Area {
        let Place { longitude, latitude } = self.centre;
        let (width, height) = match self.kind {
            ShapeKind::Circle { radius } => (radius, radius),
            ShapeKind::Box { width, height } => (width / 2.0, height / 2.0),
        };
        let by_latitude = degrees(height / EARTH_RADIUS_M);
        let edge = if latitude < 0.0 { latitude - by_latitude } else { latitude + by_latitude };
        let by_longitude = degrees(width / EARTH_RADIUS_M / radians(edge).cos());
        super::cell::Area {
            west: longitude - by_longitude,
            east: longitude + by_longitude,
            south: latitude - by_latitude,
            north: latitude + by_latitude,
        }
    }

    /// So many that the cells around the centre's cover the shape in most cases.
    fn steps(&self) -> u32 {
        let mut range = match self.kind {
            ShapeKind::Circle { radius } => radius,
            ShapeKind::Box { width, height } => {
                ((width / 2.0) * (width / 2.0) + (height / 2.0) * (height / 2.0)).sqrt()
            }
        };
        if range == 0.0 {
            return Cell::STEPS_MAX;
        }
        let mut steps = -1;
        while range < MERCATOR_MAX_M {
            range *= 2.0;
            steps += 1;
        }
        steps -= match self.centre.latitude.abs() {
            latitude if latitude > 80.0 => 2,
            latitude if latitude > 66.0 => 1,
            _ => 0,
        };
        steps.clamp(1, Cell::STEPS_MAX as i32) as u32
    }
}
