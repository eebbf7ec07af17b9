//! Places on earth as scores of a sorted set, and the members around a place.
//!
//! A place is a [`Cell`]: the surface is halved 26 times in each direction, and the bits that say which half are interleaved,
//! the longitude's first:
//!
//! ```text
//! bit 51  50   49   48  …   1    0
//!     lon lat  lon  lat …   lon  lat
//! ```
//!
//! So all places in a bigger cell, with the same first bits, are neighbours in the order of scores. A search looks into the cell
//! of its centre, of a size that follows from the radius, and into the eight around it.
//!
//! The order of operations on floating-point numbers is Redis's, so that its numbers come out.

mod cell;
mod search;

pub use cell::{Cell, hash_text};
pub use search::{Found, Shape, ShapeKind};

/// Mercator's projection ends there; GEOADD takes nothing beyond.
const LATITUDE_LIMIT: f64 = 85.05112878;
const LONGITUDE_LIMIT: f64 = 180.0;
/// The quadratic mean radius.
const EARTH_RADIUS_M: f64 = 6_372_797.560856;

/// In degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    pub longitude: f64,
    pub latitude: f64,
}

impl Place {
    /// `None` beyond the limits of the projection.
    pub fn new(longitude: f64, latitude: f64) -> Option<Place> {
        let within = (-LONGITUDE_LIMIT..=LONGITUDE_LIMIT).contains(&longitude)
            && (-LATITUDE_LIMIT..=LATITUDE_LIMIT).contains(&latitude);
        within.then_some(Place { longitude, latitude })
    }

    pub fn score(self) -> f64 {
        Cell::at(self, Cell::STEPS_MAX).first_score()
    }

    /// The middle of the smallest cell with this score.
    pub fn of_score(score: f64) -> Place {
        Cell::of_score(score).middle()
    }

    /// In metres along the surface (haversine).
    pub fn distance(self, other: Place) -> f64 {
        let v = ((radians(other.longitude) - radians(self.longitude)) / 2.0).sin();
        if v == 0.0 {
            return self.latitude_distance(other);
        }
        let (from, to) = (radians(self.latitude), radians(other.latitude));
        let u = ((to - from) / 2.0).sin();
        let a = u * u + from.cos() * to.cos() * v * v;
        2.0 * EARTH_RADIUS_M * a.sqrt().asin()
    }

    /// In metres from one circle of latitude to the other.
    fn latitude_distance(self, other: Place) -> f64 {
        EARTH_RADIUS_M * (radians(other.latitude) - radians(self.latitude)).abs()
    }
}

const RADIANS_PER_DEGREE: f64 = std::f64::consts::PI / 180.0;

fn radians(degrees: f64) -> f64 {
    degrees * RADIANS_PER_DEGREE
}

fn degrees(radians: f64) -> f64 {
    radians / RADIANS_PER_DEGREE
}

#[cfg(test)]
mod tests;
