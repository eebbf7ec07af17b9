//! Places on earth: members of sorted sets whose scores are geohashes.

mod add;
mod arguments;
mod position;
mod radius;
mod request;
mod run;
mod search;

use crate::command::parse::{self, is};
use crate::command::{CommandError, CommandSpec};
use rcl_proto::resp::{Args, ReplyWriter};
use rcl_store::types::geo::Place;

pub const COMMANDS: &[CommandSpec] = &[
    add::GEOADD,
    position::GEODIST,
    position::GEOHASH,
    position::GEOPOS,
    radius::GEORADIUS,
    radius::GEORADIUSBYMEMBER,
    radius::GEORADIUSBYMEMBER_RO,
    radius::GEORADIUS_RO,
    search::GEOSEARCH,
    search::GEOSEARCHSTORE,
];

/// How many metres are one of this unit.
fn unit_in_metres(unit: &[u8]) -> Result<f64, CommandError> {
    match () {
        () if is(unit, "m") => Ok(1.0),
        () if is(unit, "km") => Ok(1000.0),
        () if is(unit, "ft") => Ok(0.3048),
        () if is(unit, "mi") => Ok(1609.34),
        () => Err(CommandError::fixed("ERR unsupported unit provided. please use M, KM, FT, MI")),
    }
}

/// The longitude and latitude that `args` begin with.
fn place(args: Args<'_>) -> Result<Place, CommandError> {
    let (longitude, latitude) = (parse::double(&args[0])?, parse::double(&args[1])?);
    Place::new(longitude, latitude).ok_or_else(|| {
        CommandError::new(format!("ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}"))
    })
}

/// With four digits after the point, rounded as Redis does: to the nearest, and to the even one between two.
fn reply_distance(reply: &mut ReplyWriter<'_>, distance: f64) {
    let scaled = (distance * 10_000.0).round_ties_even() as i64;
    reply.bulk(format!("{}.{:04}", scaled / 10_000, scaled % 10_000).as_bytes());
}

/// Longitude and latitude, with up to 17 digits after the point.
fn reply_place(reply: &mut ReplyWriter<'_>, place: Place) {
    reply.array(2);
    for degrees in [place.longitude, place.latitude] {
        let text = format!("{degrees:.17}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        reply.double_text(if text == "-0" { "0" } else { text });
    }
}

#[cfg(test)]
mod tests;
