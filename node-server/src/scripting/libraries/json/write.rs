//! Lua to JSON.

use mlua::{Lua, MultiValue, Table, Value};

use super::{Config, Done, Invalid, MOST_LEVELS, Shared, only_argument};
use crate::scripting::exposed::{Answer, Raised, general, one, type_name};

pub fn encode(lua: &Lua, config: &Shared, arguments: MultiValue) -> Answer {
    let mut encoder = Encoder { config: config.get(), out: Vec::new() };
    encoder.value(only_argument(&arguments)?, 0)?;
    one(Value::String(lua.create_string(encoder.out)?))
}

struct Encoder {
    config: Config,
    out: Vec<u8>,
}

fn cannot(value: &Value, reason: &str) -> Raised {
    let name = match value {
        Value::LightUserData(_) => "userdata",
        other => type_name(Some(other)),
    };
    Raised::text(format!("Cannot serialise {name}: {reason}"))
}

impl Encoder {
    fn value(&mut self, value: &Value, depth: i64) -> Done {
        match value {
            Value::String(text) => self.string(&text.as_bytes()),
            Value::Integer(number) => self.number(value, *number as f64)?,
            Value::Number(number) => self.number(value, *number)?,
            Value::Boolean(value) => self.out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Value::Nil => self.out.extend_from_slice(b"null"),
            Value::LightUserData(data) if data.0.is_null() => self.out.extend_from_slice(b"null"),
            Value::Table(table) => self.table(value, table, depth + 1)?,
            _ => return Err(cannot(value, "type not supported")),
        }
        Ok(())
    }

    fn table(&mut self, value: &Value, table: &Table, depth: i64) -> Done {
        if depth > self.config.encode_max_depth.min(MOST_LEVELS) {
            return Err(Raised::text(format!("Cannot serialise, excessive nesting ({depth})")));
        }
        match self.array_length(value, table)? {
            0 => self.object(table, depth),
            length => self.array(table, length, depth),
        }
    }

    /// The highest key of a table that is an array; 0 for one that is none.
    fn array_length(&self, value: &Value, table: &Table) -> std::result::Result<i64, Raised> {
        let (mut most, mut count) = (0, 0);
        for pair in table.pairs::<Value, Value>() {
            match pair?.0 {
                Value::Integer(key) if key >= 1 => most = most.max(key),
                Value::Number(key) if key.fract() == 0.0 && key >= 1.0 => most = most.max(key as i64),
                _ => return Ok(0),
            }
            count += 1;
        }
        let Config { sparse_ratio, sparse_safe, sparse_convert, .. } = self.config;
        if sparse_ratio > 0 && most > sparse_ratio.saturating_mul(count) && most > sparse_safe {
            return if sparse_convert { Ok(0) } else { Err(cannot(value, "excessively sparse array")) };
        }
        Ok(most)
    }

    fn array(&mut self, table: &Table, length: i64, depth: i64) -> Done {
        self.out.push(b'[');
        for index in 1..=length {
            if index > 1 {
                self.out.push(b',');
            }
            let element: Value = table.raw_get(index)?;
            self.value(&element, depth)?;
        }
        self.out.push(b']');
        Ok(())
    }

    fn object(&mut self, table: &Table, depth: i64) -> Done {
        self.out.push(b'{');
        let start = self.out.len();
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair?;
            if self.out.len() > start {
                self.out.push(b',');
            }
            match &key {
                Value::String(text) => self.string(&text.as_bytes()),
                Value::Integer(number) => self.quoted_number(&key, *number as f64)?,
                Value::Number(number) => self.quoted_number(&key, *number)?,
                other => return Err(cannot(other, "table key must be a number or string")),
            }
            self.out.push(b':');
            self.value(&value, depth)?;
        }
        self.out.push(b'}');
        Ok(())
    }

    fn quoted_number(&mut self, value: &Value, number: f64) -> Done {
        self.out.push(b'"');
        self.number(value, number)?;
        self.out.push(b'"');
        Ok(())
    }

    fn number(&mut self, value: &Value, number: f64) -> Done {
        if !number.is_finite() {
            match self.config.encode_invalid {
                Invalid::Refused => return Err(cannot(value, "must not be NaN or Inf")),
                Invalid::Null => {
                    self.out.extend_from_slice(b"null");
                    return Ok(());
                }
                Invalid::Written if number.is_nan() => {
                    self.out.extend_from_slice(b"nan");
                    return Ok(());
                }
                Invalid::Written => {}
            }
        }
        self.out.extend_from_slice(general(number, self.config.precision as usize).as_bytes());
        Ok(())
    }

    fn string(&mut self, text: &[u8]) {
        self.out.push(b'"');
        for &byte in text {
            match byte {
                b'"' | b'\\' | b'/' => self.out.extend_from_slice(&[b'\\', byte]),
                0x08 => self.out.extend_from_slice(b"\\b"),
                b'\t' => self.out.extend_from_slice(b"\\t"),
                b'\n' => self.out.extend_from_slice(b"\\n"),
                0x0C => self.out.extend_from_slice(b"\\f"),
                b'\r' => self.out.extend_from_slice(b"\\r"),
                0..=0x1F | 0x7F => self.out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
                _ => self.out.push(byte),
            }
        }
        self.out.push(b'"');
    }
}
