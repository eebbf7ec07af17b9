//! Cells: a place's bits, where they lie, and their neighbours.

use super::{LATITUDE_LIMIT, LONGITUDE_LIMIT, Place};

/// What is left of the surface when it was halved `steps` times in each direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    bits: u64,
    steps: u32,
}

/// The bits of the longitude.
const LONGITUDE_BITS: u64 = 0xaaaa_aaaa_aaaa_aaaa;
const LATITUDE_BITS: u64 = 0x5555_5555_5555_5555;

/// From where to where a cell reaches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) west: f64,
    pub(super) east: f64,
    pub(super) south: f64,
    pub(super) north: f64,
}

impl Cell {
    pub const STEPS_MAX: u32 = 26;

    /// The cell of this size that a place lies in.
    pub fn at(place: Place, steps: u32) -> Cell {
        Cell::within(place, steps, LATITUDE_LIMIT)
    }

    fn within(place: Place, steps: u32, latitude_limit: f64) -> Cell {
        let part =
            |degrees: f64, limit: f64| ((degrees + limit) / (limit + limit) * (1_u64 << steps) as f64) as u32;
        let longitude = part(place.longitude, LONGITUDE_LIMIT);
        let latitude = part(place.latitude, latitude_limit);
        Cell { bits: spread(longitude) << 1 | spread(latitude), steps }
    }

    /// Scores are what GEOADD stored, but any sorted set may be looked at.
    pub fn of_score(score: f64) -> Cell {
        const TWO_63: f64 = 9_223_372_036_854_775_808.0;
        // As x86 converts what is no 64-bit number.
        let bits = match score {
            score if (-TWO_63..TWO_63).contains(&score) => score as i64 as u64,
            score if score < 0.0 => 1 << 63,
            score if score < 2.0 * TWO_63 => score as u64,
            _ => 0,
        };
        Cell { bits, steps: Cell::STEPS_MAX }
    }

    /// The lowest score of a place in it.
    pub fn first_score(self) -> f64 {
        (self.bits << (2 * (Cell::STEPS_MAX - self.steps))) as f64
    }

    /// The lowest score behind all its places.
    pub(super) fn end_score(self) -> f64 {
        Cell { bits: self.bits + 1, ..self }.first_score()
    }

    pub fn middle(self) -> Place {
        let area = self.area();
        let within = |middle: f64, limit: f64| middle.clamp(-limit, limit);
        Place {
            longitude: within((area.west + area.east) / 2.0, LONGITUDE_LIMIT),
            latitude: within((area.south + area.north) / 2.0, LATITUDE_LIMIT),
        }
    }

    pub(super) fn area(self) -> Area {
        let scale = (1_u64 << self.steps) as f64;
        let edge = |number: u32, limit: f64| -limit + f64::from(number) / scale * (limit + limit);
        let (longitude, latitude) = (gather(self.bits >> 1), gather(self.bits));
        Area {
            west: edge(longitude, LONGITUDE_LIMIT),
            east: edge(longitude.wrapping_add(1), LONGITUDE_LIMIT),
            south: edge(latitude, LATITUDE_LIMIT),
            north: edge(latitude.wrapping_add(1), LATITUDE_LIMIT),
        }
    }

    /// The next cell in one of the eight directions; behind the edge of the map it goes on at the other side.
    pub(super) fn neighbour(self, eastward: i8, northward: i8) -> Cell {
        let mask = u64::MAX >> (64 - 2 * self.steps);
        let moved = |own: u64, other: u64, by: i8| match by {
            // With the bits between them set, a carry runs through; with them clear, a borrow.
            1 => (self.bits & own).wrapping_add((other & mask) + 1) & own & mask,
            -1 => (self.bits & own | other & mask).wrapping_sub((other & mask) + 1) & own & mask,
            _ => self.bits & own,
        };
        let bits =
            moved(LONGITUDE_BITS, LATITUDE_BITS, eastward) | moved(LATITUDE_BITS, LONGITUDE_BITS, northward);
        Cell { bits, ..self }
    }
}

/// The bits of a number on every second place.
fn spread(number: u32) -> u64 {
    let mut bits = u64::from(number);
    for (shift, mask) in [
        (16, 0x0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff),
        (4, 0x0f0f_0f0f_0f0f_0f0f),
        (2, 0x3333_3333_3333_3333),
        (1, LATITUDE_BITS),
    ] {
        bits = (bits | bits << shift) & mask;
    }
    bits
}

/// The number whose bits are on every second place.
fn gather(spread: u64) -> u32 {
    let mut bits = spread & LATITUDE_BITS;
    for (shift, mask) in [
        (1, 0x3333_3333_3333_3333),
        (2, 0x0f0f_0f0f_0f0f_0f0f),
        (4, 0x00ff_00ff_00ff_00ff),
        (8, 0x0000_ffff_0000_ffff),
        (16, 0x0000_0000_ffff_ffff),
    ] {
        bits = (bits | bits >> shift) & mask;
    }
    bits as u32
}

/// The place of a score as the geohash that the world uses: there the map ends at the poles. Of 55 bits the last three are
/// not known, so the last letter is always 0.
pub fn hash_text(score: f64) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
    let bits = Cell::within(Place::of_score(score), Cell::STEPS_MAX, 90.0).bits;
    let letters = (1..=10).map(|number| char::from(ALPHABET[(bits >> (52 - 5 * number)) as usize % 32]));
    letters.chain(['0']).collect()
}
