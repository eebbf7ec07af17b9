//! `cmsgpack`: MessagePack to Lua and back.
//!
//! ```text
//!   00-7f  e0-ff        small integers           c0 nil   c2 false   c3 true
//!   cc cd ce cf         unsigned, 1 2 4 8 bytes  d0 d1 d2 d3  signed
//!   ca cb               float, double            a0-bf d9 da db   strings
//!   90-9f dc dd         arrays                   80-8f de df      maps
//! ```

use mlua::{Lua, MultiValue, Result, Table, Value};

use crate::scripting::exposed::{Answer, Arguments, Raised, expose, one};

/// Tables nested deeper are packed as nil.
const MOST_LEVELS_PACKED: usize = 16;
/// As deep as what is unpacked may be nested.
const MOST_LEVELS_UNPACKED: usize = 1000;
/// No function returns more values than Lua's stack has room for.
const MOST_VALUES: usize = 7_000;

pub fn library(lua: &Lua) -> Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("pack", expose(lua, pack)?)?;
    table.raw_set("unpack", expose(lua, |lua, arguments| unpack(lua, &arguments, 0, 0))?)?;
    let unpack_one = |lua: &Lua, arguments: MultiValue| {
        let offset = Arguments(&arguments).number_or(2, 0.0)? as i64;
        unpack(lua, &arguments, 1, offset)
    };
    table.raw_set("unpack_one", expose(lua, unpack_one)?)?;
    let unpack_limit = |lua: &Lua, arguments: MultiValue| {
        let limit = Arguments(&arguments).number(2)? as i64;
        let offset = Arguments(&arguments).number_or(3, 0.0)? as i64;
        unpack(lua, &arguments, limit, offset)
    };
    table.raw_set("unpack_limit", expose(lua, unpack_limit)?)?;
    table.raw_set("_NAME", "cmsgpack")?;
    table.raw_set("_VERSION", "lua-cmsgpack 0.4.0")?;
    table.raw_set("_DESCRIPTION", "MessagePack for scripts")?;
    Ok(table)
}

fn pack(lua: &Lua, arguments: MultiValue) -> Answer {
    if arguments.is_empty() {
        return Err(Raised::argument(0, "MessagePack pack needs input."));
    }
    let mut out = Vec::new();
    for argument in &arguments {
        pack_value(&mut out, argument, 0)?;
    }
    one(Value::String(lua.create_string(out)?))
}

type Done = std::result::Result<(), Raised>;

fn pack_value(out: &mut Vec<u8>, value: &Value, level: usize) -> Done {
    match value {
        Value::String(text) => {
            let text = text.as_bytes();
            match text.len() {
                length @ ..32 => out.push(0xa0 | length as u8),
                length => head(out, length, Some(0xd9), 0xda, 0xdb),
            }
            out.extend_from_slice(&text);
        }
        Value::Boolean(value) => out.push(if *value { 0xc3 } else { 0xc2 }),
        Value::Integer(number) => pack_integer(out, *number),
        Value::Number(number) => pack_number(out, *number),
        Value::Table(table) if level < MOST_LEVELS_PACKED => pack_table(out, table, level)?,
        _ => out.push(0xc0),
    }
    Ok(())
}

/// The kind and a length of one, two or four bytes.
fn head(out: &mut Vec<u8>, length: usize, one: Option<u8>, two: u8, four: u8) {
    match (u8::try_from(length), u16::try_from(length), one) {
        (Ok(length), _, Some(kind)) => out.extend_from_slice(&[kind, length]),
        (_, Ok(length), _) => {
            out.push(two);
            out.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            out.push(four);
            out.extend_from_slice(&(length as u32).to_be_bytes());
        }
    }
}

fn pack_number(out: &mut Vec<u8>, number: f64) {
    let whole = number as i64;
    if number.is_finite() && whole as f64 == number && number < 9.2e18 {
        pack_integer(out, whole);
    } else if f64::from(number as f32) == number {
        out.push(0xca);
        out.extend_from_slice(&(number as f32).to_be_bytes());
    } else {
        out.push(0xcb);
        out.extend_from_slice(&number.to_be_bytes());
    }
}

fn pack_integer(out: &mut Vec<u8>, number: i64) {
    let (kind, length) = match number {
        -32..=127 => return out.push(number as u8),
        128..=0xff => (0xcc, 1),
        0x100..=0xffff => (0xcd, 2),
        0x1_0000..=0xffff_ffff => (0xce, 4),
        0x1_0000_0000.. => (0xcf, 8),
        -128..=-33 => (0xd0, 1),
        -32_768..=-129 => (0xd1, 2),
        -2_147_483_648..=-32_769 => (0xd2, 4),
        _ => (0xd3, 8),
    };
    out.push(kind);
    out.extend_from_slice(&number.to_be_bytes()[8 - length..]);
}

fn pack_table(out: &mut Vec<u8>, table: &Table, level: usize) -> Done {
    let (is_array, count) = shape(table)?;
    if is_array {
        let length = table.raw_len();
        match length {
            ..16 => out.push(0x90 | length as u8),
            _ => head(out, length, None, 0xdc, 0xdd),
        }
        for index in 1..=length {
            let element: Value = table.raw_get(index)?;
            pack_value(out, &element, level + 1)?;
        }
        return Ok(());
    }
    match count {
        ..16 => out.push(0x80 | count as u8),
        _ => head(out, count, None, 0xde, 0xdf),
    }
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair?;
        pack_value(out, &key, level + 1)?;
        pack_value(out, &value, level + 1)?;
    }
    Ok(())
}

/// Whether the keys are 1 to their number, and how many there are.
fn shape(table: &Table) -> std::result::Result<(bool, usize), Raised> {
    let (mut is_array, mut most, mut count) = (true, 0, 0);
    for pair in table.pairs::<Value, Value>() {
        count += 1;
        match pair?.0 {
            Value::Integer(key) if key > 0 && key <= i64::from(i32::MAX) => most = most.max(key as usize),
            _ => is_array = false,
        }
    }
    Ok((is_array && most == count, count))
}

fn unpack(lua: &Lua, arguments: &MultiValue, limit: i64, offset: i64) -> Answer {
    let text = Arguments(arguments).bytes(1)?;
    let length = text.len();
    if offset < 0 || limit < 0 {
        return Err(Raised::text(format!(
            "Invalid request to unpack with offset of {offset} and limit of {length}."
        )));
    }
    let Some(rest) = usize::try_from(offset).ok().and_then(|offset| text.get(offset..)) else {
        return Err(Raised::text(format!("Start offset {offset} greater than input length {length}.")));
    };
    let all = limit == 0 && offset == 0;
    let mut reader = Reader { lua, rest, level: 0 };
    let mut values = MultiValue::new();
    while !reader.rest.is_empty() && (all || (values.len() as i64) < limit) {
        if values.len() >= MOST_VALUES {
            return Err(too_many());
        }
        values.push_back(reader.value()?);
    }
    if !all {
        let next = if reader.rest.is_empty() { -1 } else { (length - reader.rest.len()) as i64 };
        values.push_front(Value::Integer(next));
    }
    Ok(values)
}

fn too_many() -> Raised {
    Raised::text("stack overflow (too many return values at once; use unpack_one or unpack_limit instead.)")
}

struct Reader<'r> {
    lua: &'r Lua,
    rest: &'r [u8],
    level: usize,
}

type Read<T> = std::result::Result<T, Raised>;

impl<'r> Reader<'r> {
    fn take(&mut self, count: usize) -> Read<&'r [u8]> {
        let (taken, rest) =
            self.rest.split_at_checked(count).ok_or_else(|| Raised::text("Missing bytes in input."))?;
        self.rest = rest;
        Ok(taken)
    }

    fn unsigned(&mut self, bytes: usize) -> Read<u64> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn signed(&mut self, bytes: usize) -> Read<i64> {
        let shift = 64 - 8 * bytes as u32;
        Ok((self.unsigned(bytes)? << shift) as i64 >> shift)
    }

    fn value(&mut self) -> Read<Value> {
        let kind = self.unsigned(1)? as u8;
        Ok(match kind {
            0x00..=0x7f => number(i64::from(kind)),
            0xe0..=0xff => number(i64::from(kind as i8)),
            0xc0 => Value::Nil,
            0xc2 => Value::Boolean(false),
            0xc3 => Value::Boolean(true),
            0xca => Value::Number(f64::from(f32::from_bits(self.unsigned(4)? as u32))),
            0xcb => Value::Number(f64::from_bits(self.unsigned(8)?)),
            0xcc..=0xcf => number(self.unsigned(1 << (kind - 0xcc))? as i64),
            0xd0..=0xd3 => number(self.signed(1 << (kind - 0xd0))?),
            0xa0..=0xbf => self.string(u64::from(kind & 0x1f))?,
            0xd9..=0xdb => {
                let length = self.unsigned(1 << (kind - 0xd9))?;
                self.string(length)?
            }
            0x90..=0x9f => self.array(u64::from(kind & 0xf))?,
            0xdc | 0xdd => {
                let length = self.unsigned(2 << (kind - 0xdc))?;
                self.array(length)?
            }
            0x80..=0x8f => self.map(u64::from(kind & 0xf))?,
            0xde | 0xdf => {
                let length = self.unsigned(2 << (kind - 0xde))?;
                self.map(length)?
            }
            _ => return Err(Raised::text("Bad data format in input.")),
        })
    }

    fn string(&mut self, length: u64) -> Read<Value> {
        let bytes = self.take(usize::try_from(length).unwrap_or(usize::MAX))?;
        Ok(Value::String(self.lua.create_string(bytes)?))
    }

    fn nested(&mut self) -> Read<Table> {
        self.level += 1;
        if self.level > MOST_LEVELS_UNPACKED { Err(too_many()) } else { Ok(self.lua.create_table()?) }
    }

    fn array(&mut self, length: u64) -> Read<Value> {
        let table = self.nested()?;
        for index in 1..=length {
            let value = self.value()?;
            if !value.is_nil() {
                table.raw_set(index, value)?;
            }
        }
        self.level -= 1;
        Ok(Value::Table(table))
    }

    fn map(&mut self, length: u64) -> Read<Value> {
        let table = self.nested()?;
        for _ in 0..length {
            let (key, value) = (self.value()?, self.value()?);
            match key {
                Value::Nil => return Err(Raised::text("table index is nil")),
                Value::Number(key) if key.is_nan() => return Err(Raised::text("table index is NaN")),
                key => table.raw_set(key, value)?,
            }
        }
        self.level -= 1;
        Ok(Value::Table(table))
    }
}

/// Lua has doubles only.
fn number(number: i64) -> Value {
    Value::Number(number as f64)
}

#[cfg(test)]
mod tests {
    use super::super::tests::eval_with;

    fn eval(code: &str) -> String {
        eval_with(super::library, "cmsgpack", code)
    }

    #[test]
    fn lua_to_message_pack() {
        for (code, expected) in [
            ("1", "01"),
            ("-1", "ff"),
            ("-33", "d0df"),
            ("200", "ccc8"),
            ("70000", "ce00011170"),
            ("4294967296", "cf0000000100000000"),
            ("-4294967296", "d3ffffffff00000000"),
            ("0.5", "ca3f000000"),
            ("0.1", "cb3fb999999999999a"),
            ("nil", "c0"),
            ("true, false", "c3c2"),
            ("'abc'", "a3616263"),
            ("{1, 2}", "920102"),
            ("{}", "90"),
            ("{a = 1}", "81a16101"),
            ("{[2] = 1}", "810201"),
            ("print", "c0"),
        ] {
            let code = format!(
                "(cmsgpack.pack({code}):gsub('.', function(c) return ('%02x'):format(c:byte()) end))"
            );
            assert_eq!(eval(&code), expected, "{code}");
        }
        assert_eq!(
            eval("#cmsgpack.pack(('x'):rep(40)) .. ' ' .. #cmsgpack.pack(('x'):rep(70000))"),
            "42 70005"
        );
        let deep = "(function() local t = {} t[1] = t return #cmsgpack.pack(t) end)()";
        assert_eq!(eval(deep), "17");
        assert!(
            eval("cmsgpack.pack()").contains("bad argument #0 to 'pack' (MessagePack pack needs input.)")
        );
    }

    #[test]
    fn message_pack_to_lua() {
        let values =
            "1, -1, -33, 200, 70000, 4294967296, -4294967296, 0.5, 0.1, true, 'abc', 300, -300, -70000";
        let same = format!(
            "(function()
               local before, after = {{{values}}}, {{cmsgpack.unpack(cmsgpack.pack({values}))}}
               for i, value in ipairs(before) do assert(after[i] == value, i) end
               return #before == #after
             end)()"
        );
        assert_eq!(eval(&same), "true");
        for (code, expected) in [
            (r"cmsgpack.unpack('\146\1\2')[2]", "2"),
            (r"cmsgpack.unpack('\129\161a\1').a", "1"),
            (r"cmsgpack.unpack('\207\255\255\255\255\255\255\255\255')", "-1"),
            (r"(cmsgpack.unpack_one('\1\2\3', 1))", "2"),
            (r"select(2, cmsgpack.unpack_one('\1\2\3', 1))", "2"),
            (r"(cmsgpack.unpack_limit('\1\2\3', 5, 1))", "-1"),
            (r"select('#', cmsgpack.unpack_limit('\1\2\3', 2, 0))", "3"),
            (r"cmsgpack.unpack('\162a')", "test:1: Missing bytes in input."),
            (r"cmsgpack.unpack('\193')", "test:1: Bad data format in input."),
            (r"cmsgpack.unpack('\129\192\1')", "test:1: table index is nil"),
            (
                r"cmsgpack.unpack_one('a', -1)",
                "test:1: Invalid request to unpack with offset of -1 and limit of 1.",
            ),
            (r"cmsgpack.unpack_one('a', 9)", "test:1: Start offset 9 greater than input length 1."),
        ] {
            assert_eq!(eval(code), expected, "{code}");
        }
        for hostile in [
            r"('\145'):rep(100000)",
            r"('\1'):rep(100000)",
            r"'\221\255\255\255\255'",
            r"'\219\255\255\255\255'",
        ] {
            let error = eval(&format!("cmsgpack.unpack({hostile})"));
            assert!(
                error.contains("stack overflow") || error.contains("Missing bytes"),
                "{hostile}: {error}"
            );
        }
    }
}
