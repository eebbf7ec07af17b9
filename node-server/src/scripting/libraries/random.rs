//! The pseudo-random numbers of scripts: POSIX's 48-bit linear congruential generator, so that a seed gives the same
//! numbers everywhere.
//!
//! ```text
//!   x' = (x * 0x5DEECE66D + 11) mod 2^48        a number is the highest 31 bits of x'
//! ```

use std::cell::Cell;
use std::rc::Rc;

use mlua::{Lua, MultiValue, Result, Table, Value};

use crate::scripting::exposed::{Answer, Arguments, Raised, expose, nothing, one};

const MULTIPLIER: u64 = 0x5_DEEC_E66D;
const INCREMENT: u64 = 11;
const MASK: u64 = (1 << 48) - 1;
/// The lowest 16 bits of a seed.
const LOWEST: u64 = 0x330E;
const START: u64 = 0x1234_ABCD_330E;

/// `math.random` and `math.randomseed`, with one generator for all scripts of a Lua state.
pub fn functions(lua: &Lua) -> Result<Table> {
    let table = lua.create_table()?;
    let generator = Rc::new(Cell::new(Random::default()));
    let draw = {
        let generator = generator.clone();
        move || {
            let mut random = generator.get();
            let drawn = random.next();
            generator.set(random);
            drawn
        }
    };
    table.raw_set("random", expose(lua, move |_, arguments| number(draw(), &arguments))?)?;
    let seed = move |_: &Lua, arguments: MultiValue| {
        let seed = Arguments(&arguments).number(1)? as i64 as i32;
        generator.set(Random::seeded(seed));
        nothing()
    };
    table.raw_set("randomseed", expose(lua, seed)?)?;
    Ok(table)
}

/// `drawn` made a number between the bounds that are given.
fn number(drawn: f64, arguments: &MultiValue) -> Answer {
    let arguments_of = Arguments(arguments);
    let whole = |number| Ok::<f64, Raised>(f64::from(arguments_of.number(number)? as i64 as i32));
    let number = match arguments.len() {
        0 => drawn,
        1 => {
            let high = whole(1)?;
            if high < 1.0 {
                return Err(Raised::argument(1, "interval is empty"));
            }
            (drawn * high).floor() + 1.0
        }
        2 => {
            let (low, high) = (whole(1)?, whole(2)?);
            if low > high {
                return Err(Raised::argument(2, "interval is empty"));
            }
            (drawn * (high - low + 1.0)).floor() + low
        }
        _ => return Err(Raised::text("wrong number of arguments")),
    };
    one(Value::Number(number))
}

#[derive(Clone, Copy, Debug)]
pub struct Random {
    state: u64,
}

impl Default for Random {
    fn default() -> Random {
        Random { state: START }
    }
}

impl Random {
    pub fn seeded(seed: i32) -> Random {
        Random { state: u64::from(seed as u32) << 16 | LOWEST }
    }

    /// At least 0, less than 1.
    pub fn next(&mut self) -> f64 {
        const MOST: u64 = i32::MAX as u64;
        self.state = self.state.wrapping_mul(MULTIPLIER).wrapping_add(INCREMENT) & MASK;
        ((self.state >> 17) % MOST) as f64 / MOST as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_numbers_as_posix() {
        // What lrand48 gives after srand48(0).
        let mut random = Random::seeded(0);
        for expected in [366_850_414.0, 1_610_402_240.0, 206_956_554.0] {
            assert_eq!(random.next(), expected / f64::from(i32::MAX));
        }
    }
}
