//! `struct`: numbers and strings as bytes, as a format says.
//!
//! ```text
//!   > <  big and little endian     !n  alignment        x   a byte of padding
//!   b B h H l L T i[n] I[n]        integers of 1, 2, 8, 8, n bytes; small letters are signed
//!   f d                            float, double
//!   c[n]  s                        n bytes; bytes up to a zero. c0: as many as the string has, or as were just read
//! ```

use mlua::{Lua, MultiValue, Result, Table, Value};

use crate::scripting::exposed::{Answer, Arguments, Raised, expose, number_of, one};

const MOST_INTEGER_BYTES: usize = 32;
const WIDEST_ALIGNMENT: usize = 8;

pub fn library(lua: &Lua) -> Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("pack", expose(lua, pack)?)?;
    table.raw_set("unpack", expose(lua, unpack)?)?;
    table.raw_set("size", expose(lua, size)?)?;
    Ok(table)
}

type Read<T> = std::result::Result<T, Raised>;

/// A format, read option by option.
struct Format {
    text: Vec<u8>,
    at: usize,
    is_big: bool,
    alignment: usize,
}

struct FormatOption {
    letter: u8,
    size: usize,
    /// Bytes of padding before it.
    padding: usize,
}

impl Format {
    fn of(arguments: &MultiValue) -> Read<Format> {
        let mut text = Arguments(arguments).bytes(1)?;
        text.truncate(text.iter().position(|&byte| byte == 0).unwrap_or(text.len()));
        Ok(Format { text, at: 0, is_big: false, alignment: 1 })
    }

    /// The next option, for what would come at `position`.
    fn next(&mut self, position: usize) -> Read<Option<FormatOption>> {
        let Some(&letter) = self.text.get(self.at) else { return Ok(None) };
        self.at += 1;
        let size = match letter {
            b'B' | b'b' | b'x' => 1,
            b'H' | b'h' => 2,
            b'L' | b'l' | b'T' | b'd' => 8,
            b'f' => 4,
            b'c' => self.number(1)?,
            b'i' | b'I' => {
                let size = self.number(4)?;
                if size > MOST_INTEGER_BYTES {
                    return Err(Raised::text(format!(
                        "integral size {size} is larger than limit of {MOST_INTEGER_BYTES}"
                    )));
                }
                size
            }
            _ => 0,
        };
        let padding =
            if size == 0 || letter == b'c' { 0 } else { padding(position, size.min(self.alignment)) };
        Ok(Some(FormatOption { letter, size, padding }))
    }

    fn number(&mut self, default: usize) -> Read<usize> {
        let digits = self.text[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return Ok(default);
        }
        let text = &self.text[self.at..self.at + digits];
        self.at += digits;
        let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<i32>().ok());
        number.map(|number| number as usize).ok_or_else(|| Raised::text("integral size overflow"))
    }

    /// What stands for no value.
    fn control(&mut self, letter: u8) -> Read<()> {
        match letter {
            b' ' => {}
            b'>' => self.is_big = true,
            b'<' => self.is_big = false,
            b'!' => {
                let alignment = self.number(WIDEST_ALIGNMENT)?;
                if !alignment.is_power_of_two() {
                    return Err(Raised::text(format!("alignment {alignment} is not a power of 2")));
                }
                self.alignment = alignment;
            }
            _ => {
                let letter = String::from_utf8_lossy(&[letter]).into_owned();
                return Err(Raised::argument(1, format!("invalid format option '{letter}'")));
            }
        }
        Ok(())
    }
}

fn padding(position: usize, size: usize) -> usize {
    size.wrapping_sub(position & (size - 1)) & (size - 1)
}

fn pack(lua: &Lua, mut arguments: MultiValue) -> Answer {
    let mut format = Format::of(&arguments)?;
    // What is missing is nil.
    arguments.push_back(Value::Nil);
    let arguments = Arguments(&arguments);
    let mut out: Vec<u8> = Vec::new();
    let mut number = 2;
    while let Some(option) = format.next(out.len())? {
        out.resize(out.len() + option.padding, 0);
        let start = out.len();
        match option.letter {
            b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I' => {
                let value = arguments.number(number)?;
                let bits = if value < 0.0 { value as i64 as u64 } else { value as u64 };
                let bytes = bits.to_le_bytes();
                out.extend((0..option.size).map(|index| bytes.get(index).copied().unwrap_or(0)));
                number += 1;
            }
            b'x' => out.push(0),
            b'f' => {
                out.extend_from_slice(&(arguments.number(number)? as f32).to_le_bytes());
                number += 1;
            }
            b'd' => {
                out.extend_from_slice(&arguments.number(number)?.to_le_bytes());
                number += 1;
            }
            b'c' | b's' => {
                let text = arguments.bytes(number)?;
                number += 1;
                let size = if option.size == 0 { text.len() } else { option.size };
                let taken = text.get(..size).ok_or_else(|| Raised::argument(number, "string too short"))?;
                out.extend_from_slice(taken);
                if option.letter == b's' {
                    out.push(0);
                }
                continue;
            }
            letter => {
                format.control(letter)?;
                continue;
            }
        }
        if format.is_big {
            out[start..].reverse();
        }
    }
    one(Value::String(lua.create_string(out)?))
}

fn unpack(lua: &Lua, arguments: MultiValue) -> Answer {
    let mut format = Format::of(&arguments)?;
    let data = Arguments(&arguments).bytes(2)?;
    let position = Arguments(&arguments).number_or(3, 1.0)? as i64;
    if position == 0 {
        return Err(Raised::argument(3, "offset must be 1 or greater"));
    }
    let too_short = || Raised::argument(2, "data string too short");
    let mut position = usize::try_from(position - 1).map_err(|_| too_short())?;
    let mut values = MultiValue::new();
    while let Some(option) = format.next(position)? {
        position += option.padding;
        let mut size = option.size;
        let mut bytes = slice(&data, position, size).ok_or_else(too_short)?.to_vec();
        if format.is_big {
            bytes.reverse();
        }
        match option.letter {
            b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I' => {
                values.push_back(Value::Number(integer(&bytes, option.letter.is_ascii_lowercase())));
            }
            b'x' => {}
            b'f' => {
                let bytes = bytes.try_into().unwrap_or_default();
                values.push_back(Value::Number(f64::from(f32::from_le_bytes(bytes))));
            }
            b'd' => values.push_back(Value::Number(f64::from_le_bytes(bytes.try_into().unwrap_or_default()))),
            b'c' => {
                if size == 0 {
                    let before = values.back().and_then(number_of);
                    let before = before.ok_or_else(|| Raised::text("format 'c0' needs a previous size"))?;
                    values.pop_back();
                    size = if before < 0.0 { usize::MAX } else { before as usize };
                }
                let text = slice(&data, position, size).ok_or_else(too_short)?;
                values.push_back(Value::String(lua.create_string(text)?));
            }
            b's' => {
                let rest = data.get(position..).unwrap_or_default();
                let end = rest.iter().position(|&byte| byte == 0);
                let end = end.ok_or_else(|| Raised::text("unfinished string in data"))?;
                values.push_back(Value::String(lua.create_string(&rest[..end])?));
                size = end + 1;
            }
            letter => format.control(letter)?,
        }
        position += size;
    }
    values.push_back(Value::Integer(position as i64 + 1));
    Ok(values)
}

fn slice(data: &[u8], position: usize, size: usize) -> Option<&[u8]> {
    data.get(position..position.checked_add(size)?)
}

/// Of bytes with the lowest first; those beyond the eighth count for nothing.
fn integer(bytes: &[u8], is_signed: bool) -> f64 {
    let bits = bytes.iter().take(8).rev().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    if !is_signed {
        return bits as f64;
    }
    let sign = u64::MAX.wrapping_shl((bytes.len() as u32).wrapping_mul(8).wrapping_sub(1));
    (if bits & sign != 0 { bits | sign } else { bits }) as i64 as f64
}

fn size(_: &Lua, arguments: MultiValue) -> Answer {
    let mut format = Format::of(&arguments)?;
    let mut position = 0usize;
    while let Some(option) = format.next(position)? {
        match (option.letter, option.size) {
            (b's', _) => return Err(Raised::argument(1, "option 's' has no fixed size")),
            (b'c', 0) => return Err(Raised::argument(1, "option 'c0' has no fixed size")),
            (letter, _) if !letter.is_ascii_alphanumeric() => format.control(letter)?,
            _ => {}
        }
        position = position.saturating_add(option.padding).saturating_add(option.size);
    }
    one(Value::Integer(position as i64))
}

#[cfg(test)]
mod tests {
    use super::super::tests::eval_with;

    fn eval(code: &str) -> String {
        eval_with(super::library, "struct", code)
    }

    #[test]
    fn values_to_bytes() {
        for (code, expected) in [
            ("'b', -1", "ff"),
            ("'>I2', 258", "0102"),
            ("'<I2', 258", "0201"),
            ("'>i4', -2", "fffffffe"),
            ("'I3', 1", "010000"),
            ("'>I', 1", "00000001"),
            ("'>d', 1.5", "3ff8000000000000"),
            ("'>f', 1.5", "3fc00000"),
            ("'c2', 'abc'", "6162"),
            ("'c0', 'abc'", "616263"),
            ("'s', 'abc'", "61626300"),
            ("'!4 b i4', 1, 2", "0100000002000000"),
            ("'bxb', 1, 2", "010002"),
            ("'>I16', 1", "00000000000000000000000000000001"),
        ] {
            let code =
                format!("(struct.pack({code}):gsub('.', function(c) return ('%02x'):format(c:byte()) end))");
            assert_eq!(eval(&code), expected, "{code}");
        }
        for (code, error) in [
            ("struct.pack('i')", "bad argument #2 to 'pack' (number expected, got nil)"),
            ("struct.pack('c5', 'ab')", "bad argument #3 to 'pack' (string too short)"),
            ("struct.pack('y')", "bad argument #1 to 'pack' (invalid format option 'y')"),
            ("struct.pack('i33', 1)", "integral size 33 is larger than limit of 32"),
            ("struct.pack('!3')", "alignment 3 is not a power of 2"),
            ("struct.pack('i99999999999', 1)", "integral size overflow"),
        ] {
            assert!(eval(code).contains(error), "{code}: {}", eval(code));
        }
    }

    #[test]
    fn bytes_to_values() {
        for (code, expected) in [
            (r"struct.unpack('b', '\255')", "-1"),
            (r"struct.unpack('B', '\255')", "255"),
            (r"struct.unpack('>I2', '\1\2')", "258"),
            (r"struct.unpack('>i4', '\255\255\255\254')", "-2"),
            (r"struct.unpack('>d', struct.pack('>d', 0.1))", "0.1"),
            (r"struct.unpack('f', struct.pack('f', 0.5))", "0.5"),
            (r"struct.unpack('s', 'ab\0c')", "ab"),
            (r"struct.unpack('Bc0', '\3abcdef')", "abc"),
            (r"select(2, struct.unpack('Bc0', '\3abcdef'))", "5"),
            (r"select(2, struct.unpack('b', 'ab', 2))", "3"),
            (r"struct.unpack('!4bi4', '\1\0\0\0\2\0\0\0')", "1"),
            (r"struct.size('bbhi')", "8"),
            (r"struct.size('!8bd')", "16"),
        ] {
            assert_eq!(eval(code), expected, "{code}");
        }
        for (code, error) in [
            ("struct.unpack('I4', 'ab')", "bad argument #2 to 'unpack' (data string too short)"),
            ("struct.unpack('b', 'a', 0)", "bad argument #3 to 'unpack' (offset must be 1 or greater)"),
            ("struct.unpack('b', 'a', -1)", "data string too short"),
            ("struct.unpack('b', 'a', 2^62)", "data string too short"),
            ("struct.unpack('s', 'abc')", "unfinished string in data"),
            ("struct.unpack('c0', 'abc')", "format 'c0' needs a previous size"),
            ("struct.unpack('dc0', struct.pack('d', 1e300) .. 'abc')", "data string too short"),
            ("struct.unpack('c2147483647', 'abc')", "data string too short"),
            ("struct.size('s')", "option 's' has no fixed size"),
            ("struct.size('c0')", "option 'c0' has no fixed size"),
        ] {
            assert!(eval(code).contains(error), "{code}: {}", eval(code));
        }
    }
}
