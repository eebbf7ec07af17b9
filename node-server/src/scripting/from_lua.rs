//! What a script returns, as a reply; the other way round than [`to_lua`](super::to_lua).
//!
//! A number loses its fraction, an array ends before its first nil, and whatever has no counterpart is null.

use mlua::{LuaString, Table, Value};
use rcl_proto::resp::{Protocol, ReplyWriter};

use super::exposed::number_text;

/// Deeper nesting than this is answered with an error in its place.
const MOST_LEVELS: usize = 1000;

/// Writes the reply. `of_script`: the version of the protocol that the script chose, which decides what booleans are.
pub fn lua_to_reply(reply: &mut ReplyWriter<'_>, of_script: Protocol, value: &Value) -> mlua::Result<()> {
    Writer { reply, of_script }.value(value, 0)
}

struct Writer<'w, 'o> {
    reply: &'w mut ReplyWriter<'o>,
    of_script: Protocol,
}

impl Writer<'_, '_> {
    fn value(&mut self, value: &Value, level: usize) -> mlua::Result<()> {
        if level > MOST_LEVELS {
            self.reply.error("ERR reached lua stack limit");
            return Ok(());
        }
        match value {
            Value::String(text) => self.reply.bulk(&text.as_bytes()),
            Value::Integer(number) => self.reply.integer(*number),
            Value::Number(number) => self.reply.integer(whole(*number)),
            Value::Boolean(value) if self.of_script == Protocol::Resp3 => self.reply.boolean(*value),
            Value::Boolean(true) => self.reply.integer(1),
            Value::Table(table) => return self.table(table, level),
            _ => self.reply.null(),
        }
        Ok(())
    }

    fn table(&mut self, table: &Table, level: usize) -> mlua::Result<()> {
        if let Value::String(text) = table.raw_get("err")? {
            let text = text.as_bytes();
            self.reply.error(&String::from_utf8_lossy(text.trim_ascii_end()));
            return Ok(());
        }
        if let Value::String(text) = table.raw_get("ok")? {
            line(self.reply, b'+', &text);
            return Ok(());
        }
        match table.raw_get("double")? {
            Value::Number(number) => return self.done(|reply| reply.double(number)),
            Value::Integer(number) => return self.done(|reply| reply.double(number as f64)),
            _ => {}
        }
        if let Value::String(digits) = table.raw_get("big_number")? {
            let digits = digits.to_string_lossy();
            return self.done(|reply| reply.big_number(&digits));
        }
        if let Value::Table(verbatim) = table.raw_get("verbatim_string")?
            && let (Value::String(format), Value::String(text)) =
                (verbatim.raw_get("format")?, verbatim.raw_get("string")?)
        {
            let format: String = format.to_string_lossy().chars().chain("   ".chars()).take(3).collect();
            return self.done(|reply| reply.verbatim(&format, &text.as_bytes()));
        }
        if let Value::Table(map) = table.raw_get("map")? {
            let place = self.reply.deferred_map();
            let mut count = 0;
            map.for_each(|key: Value, value: Value| {
                count += 1;
                self.value(&key, level + 1)?;
                self.value(&value, level + 1)
            })?;
            return self.done(|reply| reply.set_length(place, count));
        }
        if let Value::Table(set) = table.raw_get("set")? {
            let place = self.reply.deferred_set();
            let mut count = 0;
            set.for_each(|key: Value, _: Value| {
                count += 1;
                self.value(&key, level + 1)
            })?;
            return self.done(|reply| reply.set_length(place, count));
        }
        self.array(table, level)
    }

    fn done(&mut self, write: impl FnOnce(&mut ReplyWriter<'_>)) -> mlua::Result<()> {
        write(self.reply);
        Ok(())
    }

    fn array(&mut self, table: &Table, level: usize) -> mlua::Result<()> {
        let place = self.reply.deferred_array();
        let mut count = 0;
        loop {
            let element: Value = table.raw_get(count + 1)?;
            if element.is_nil() {
                break;
            }
            count += 1;
            self.value(&element, level + 1)?;
        }
        self.reply.set_length(place, count);
        Ok(())
    }
}

/// As C casts a double: what does not fit becomes the lowest number.
fn whole(number: f64) -> i64 {
    const LIMIT: f64 = (1u64 << 63) as f64;
    if (-LIMIT..LIMIT).contains(&number) { number as i64 } else { i64::MIN }
}

fn line(reply: &mut ReplyWriter<'_>, kind: u8, text: &LuaString) {
    let text = text.as_bytes();
    // C's strings end at a NUL.
    let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
    let mut bytes = vec![kind];
    bytes.extend(text[..end].iter().map(|&byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte }));
    bytes.extend_from_slice(b"\r\n");
    reply.raw(&bytes);
}

/// A value as text, where one is wanted for an error's message.
pub fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.to_string_lossy()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Number(number) => Some(number_text(*number)),
        _ => None,
    }
}
