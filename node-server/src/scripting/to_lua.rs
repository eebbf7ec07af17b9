//! A command's reply as Lua values.
//!
//! ```text
//!   :1  $…           number, string                    ,1.5      {double = 1.5}
//!   +OK              {ok = "OK"}                       (12       {big_number = "12"}
//!   -ERR …           {err = "ERR …"}                   =…        {verbatim_string = {format =, string =}}
//!   *2 …             {…, …}                            %1 …      {map = {key = value}}
//!   $-1  *-1         false                             ~1 …      {set = {member = true}}
//!   _                nil                               #t        true
//! ```

use mlua::{Lua, Result, Table, Value};

use super::exposed::error_table;

/// The value of the first reply in `bytes`, which a command of ours wrote; what is cut off reads as nil.
pub fn reply_to_lua(lua: &Lua, bytes: &[u8]) -> Result<Value> {
    Reader { lua, rest: bytes }.value()
}

struct Reader<'l, 'b> {
    lua: &'l Lua,
    rest: &'b [u8],
}

impl<'b> Reader<'_, 'b> {
    fn line(&mut self) -> &'b [u8] {
        let end = self.rest.windows(2).position(|pair| pair == b"\r\n").unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest.get(2..).unwrap_or_default();
        line
    }

    fn value(&mut self) -> Result<Value> {
        let line = self.line();
        let Some((kind, text)) = line.split_first() else { return Ok(Value::Nil) };
        let count = || std::str::from_utf8(text).ok().and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
        Ok(match kind {
            b'$' if count() < 0 => Value::Boolean(false),
            b'$' => Value::String(self.lua.create_string(self.bulk(count()))?),
            // Lua has no integers: what is beyond 2^53 is rounded.
            b':' => Value::Number(count() as f64),
            b'+' => Value::Table(self.single("ok", self.string(text)?)?),
            b'-' => {
                let table = error_table(self.lua, text)?;
                table.raw_set("ignore_error_stats_update", true)?;
                Value::Table(table)
            }
            b'*' | b'>' if count() < 0 => Value::Boolean(false),
            b'*' | b'>' => Value::Table(self.array(count())?),
            b'%' => self.map(count())?,
            b'~' => self.set(count())?,
            b'#' => Value::Boolean(text == b"t"),
            b',' => {
                let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(0.0);
                Value::Table(self.single("double", Value::Number(number))?)
            }
            b'(' => Value::Table(self.single("big_number", self.string(text)?)?),
            b'=' => self.verbatim(count())?,
            _ => Value::Nil,
        })
    }

    fn bulk(&mut self, length: i64) -> &'b [u8] {
        let length = (length as usize).min(self.rest.len());
        let (bytes, rest) = self.rest.split_at(length);
        self.rest = rest.get(2..).unwrap_or_default();
        bytes
    }

    fn string(&self, text: &[u8]) -> Result<Value> {
        Ok(Value::String(self.lua.create_string(text)?))
    }

    fn single(&self, name: &str, value: Value) -> Result<Table> {
        let table = self.lua.create_table_with_capacity(0, 1)?;
        table.raw_set(name, value)?;
        Ok(table)
    }

    fn array(&mut self, count: i64) -> Result<Table> {
        let table = self.lua.create_table_with_capacity(count as usize, 0)?;
        for index in 1..=count {
            let value = self.value()?;
            if !value.is_nil() {
                table.raw_seti(index as usize, value)?;
            }
        }
        Ok(table)
    }

    fn map(&mut self, count: i64) -> Result<Value> {
        let map = self.lua.create_table()?;
        for _ in 0..count {
            let (key, value) = (self.value()?, self.value()?);
            if !key.is_nil() {
                map.raw_set(key, value)?;
            }
        }
        Ok(Value::Table(self.single("map", Value::Table(map))?))
    }

    fn set(&mut self, count: i64) -> Result<Value> {
        let set = self.lua.create_table()?;
        for _ in 0..count {
            let member = self.value()?;
            if !member.is_nil() {
                set.raw_set(member, true)?;
            }
        }
        Ok(Value::Table(self.single("set", Value::Table(set))?))
    }

    fn verbatim(&mut self, length: i64) -> Result<Value> {
        let bytes = self.bulk(length);
        let table = self.lua.create_table_with_capacity(0, 2)?;
        table.raw_set("format", self.string(bytes.get(..3).unwrap_or_default())?)?;
        table.raw_set("string", self.string(bytes.get(4..).unwrap_or_default())?)?;
        Ok(Value::Table(self.single("verbatim_string", Value::Table(table))?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(reply: &str) -> String {
        let lua = Lua::new();
        let code = "local function show(v)
              if type(v) ~= 'table' then return tostring(v) end
              local parts = {}
              for key, value in pairs(v) do parts[#parts + 1] = tostring(key) .. '=' .. show(value) end
              table.sort(parts)
              return '{' .. table.concat(parts, ' ') .. '}'
            end
            return show(...)";
        let value = reply_to_lua(&lua, reply.as_bytes()).unwrap();
        lua.load(code).call(value).unwrap()
    }

    #[test]
    fn each_kind_of_reply() {
        for (reply, expected) in [
            (":5\r\n", "5"),
            (":-9223372036854775808\r\n", "-9.2233720368548e+18"),
            ("$2\r\nab\r\n", "ab"),
            ("$-1\r\n", "false"),
            ("*-1\r\n", "false"),
            ("_\r\n", "nil"),
            ("+OK\r\n", "{ok=OK}"),
            ("-ERR no\r\n", "{err=ERR no ignore_error_stats_update=true}"),
            ("*3\r\n:1\r\n$-1\r\n*1\r\n+x\r\n", "{1=1 2=false 3={1={ok=x}}}"),
            ("%2\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n*0\r\n", "{map={a=1 b={}}}"),
            ("~2\r\n$1\r\na\r\n:7\r\n", "{set={7=true a=true}}"),
            ("#t\r\n", "true"),
            ("#f\r\n", "false"),
            (",1.5\r\n", "{double=1.5}"),
            (",inf\r\n", "{double=inf}"),
            ("(123\r\n", "{big_number=123}"),
            ("=6\r\ntxt:ab\r\n", "{verbatim_string={format=txt string=ab}}"),
            ("*2\r\n$5\r\nab", "{1=ab}"),
        ] {
            assert_eq!(shown(reply), expected, "{reply:?}");
        }
    }
}
