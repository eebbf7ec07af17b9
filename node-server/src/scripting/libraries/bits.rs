//! `bit`: operations on 32-bit numbers, whose results are signed.

use mlua::{Lua, MultiValue, Result, Table, Value};

use crate::scripting::exposed::{Answer, Arguments, Named, Raised, expose, one};

type OfOne = fn(u32) -> u32;
/// On two numbers.
type Operation = fn(u32, u32) -> u32;

pub fn library(lua: &Lua) -> Result<Table> {
    let table = lua.create_table()?;
    let unary: [Named<OfOne>; 3] =
        [("tobit", |bits| bits), ("bnot", |bits| !bits), ("bswap", u32::swap_bytes)];
    for (name, operation) in unary {
        let function = move |_: &Lua, arguments: MultiValue| signed(operation(bits(&arguments, 1)?));
        table.raw_set(name, expose(lua, function)?)?;
    }
    let of_many: [Named<Operation>; 3] = [
        ("band", |left, right| left & right),
        ("bor", |left, right| left | right),
        ("bxor", |left, right| left ^ right),
    ];
    for (name, operation) in of_many {
        let function = move |_: &Lua, arguments: MultiValue| {
            let first = bits(&arguments, 1)?;
            let all = (2..=arguments.len()).try_fold(first, |result, number| {
                Ok::<u32, Raised>(operation(result, bits(&arguments, number)?))
            });
            signed(all?)
        };
        table.raw_set(name, expose(lua, function)?)?;
    }
    // Only the lowest five bits of the second say how far.
    let shifts: [Named<Operation>; 5] = [
        ("lshift", |bits, by| bits << by),
        ("rshift", |bits, by| bits >> by),
        ("arshift", |bits, by| (bits as i32 >> by) as u32),
        ("rol", u32::rotate_left),
        ("ror", u32::rotate_right),
    ];
    for (name, operation) in shifts {
        let function = move |_: &Lua, arguments: MultiValue| {
            signed(operation(bits(&arguments, 1)?, bits(&arguments, 2)? & 31))
        };
        table.raw_set(name, expose(lua, function)?)?;
    }
    table.raw_set("tohex", expose(lua, tohex)?)?;
    Ok(table)
}

/// The lowest 32 bits of a number, rounded to a whole one first (to the even one of two that are as near).
fn bits(arguments: &MultiValue, number: usize) -> std::result::Result<u32, Raised> {
    // Adding this leaves the whole number in the lowest bits of the double, modulo 2^32 where it is in range at all.
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    Ok((Arguments(arguments).number(number)? + MAGIC).to_bits() as u32)
}

fn signed(bits: u32) -> Answer {
    one(Value::Integer(i64::from(bits as i32)))
}

/// As many digits as the second argument says, eight unless it does; upper case when it is negative.
fn tohex(lua: &Lua, arguments: MultiValue) -> Answer {
    let number = bits(&arguments, 1)?;
    let digits = match arguments.get(1) {
        None | Some(Value::Nil) => 8,
        Some(_) => bits(&arguments, 2)? as i32,
    };
    let text = if digits < 0 { format!("{number:08X}") } else { format!("{number:08x}") };
    let count = digits.unsigned_abs().min(8) as usize;
    one(Value::String(lua.create_string(&text[8 - count..])?))
}

#[cfg(test)]
mod tests {
    use super::super::tests::eval_with;

    #[test]
    fn bits_of_numbers() {
        for (code, expected) in [
            ("bit.tobit(0xffffffff)", "-1"),
            ("bit.tobit(0xffffffff + 1)", "0"),
            ("bit.tobit(2^40 + 1234)", "1234"),
            ("bit.tobit(2.5)", "2"),
            ("bit.bnot(0)", "-1"),
            ("bit.bnot(0x12345678)", "-305419897"),
            ("bit.band(0x12345678, 0xff)", "120"),
            ("bit.bor(1, 2, 4, 8)", "15"),
            ("bit.bxor(0xa5a5f0f0, 0xaa55ff00)", "267390960"),
            ("bit.lshift(1, 0)", "1"),
            ("bit.lshift(1, 40)", "256"),
            ("bit.rshift(-256, 8)", "16777215"),
            ("bit.arshift(-256, 8)", "-1"),
            ("bit.rol(0x12345678, 12)", "1164411171"),
            ("bit.ror(0x12345678, 12)", "1736516421"),
            ("bit.bswap(0x12345678)", "2018915346"),
            ("bit.tohex(1)", "00000001"),
            ("bit.tohex(-1)", "ffffffff"),
            ("bit.tohex(-1, -8)", "FFFFFFFF"),
            ("bit.tohex(0x87654321, 4)", "4321"),
            ("bit.tohex(0x87654321, -2147483648)", "87654321"),
            ("bit.tohex(1, 0)", ""),
        ] {
            assert_eq!(eval_with(super::library, "bit", code), expected, "{code}");
        }
        let error = eval_with(super::library, "bit", "bit.band()");
        assert!(error.contains("bad argument #1 to 'band' (number expected, got no value)"), "{error}");
    }
}
