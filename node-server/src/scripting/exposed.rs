//! How a Rust function becomes one that scripts call.

use mlua::{Function, Lua, MultiValue, Result, Table, Value};

use super::{debugger, glue};
use crate::command::CommandError;

/// A function and the name by which scripts call it.
pub type Named<F> = (&'static str, F);

/// An error that a function raises in the script.
#[derive(Debug)]
pub enum Raised {
    /// A text, which gets the place of the caller before it.
    Text(String),
    /// About the argument with this number, the first being 1.
    Argument(usize, String),
    /// Any value.
    Value(Value),
    /// Lua itself failed: no memory, too many values.
    Lua(mlua::Error),
}

impl From<mlua::Error> for Raised {
    fn from(error: mlua::Error) -> Raised {
        Raised::Lua(error)
    }
}

impl Raised {
    pub fn text(text: impl Into<String>) -> Raised {
        Raised::Text(text.into())
    }

    pub fn argument(number: usize, text: impl Into<String>) -> Raised {
        Raised::Argument(number, text.into())
    }

    /// As redis.* functions raise errors: a table with the text.
    pub fn table(lua: &Lua, error: &CommandError) -> Raised {
        debugger::error_made(error.text());
        error_table(lua, error.text().as_bytes())
            .map_or_else(Raised::Lua, |table| Raised::Value(Value::Table(table)))
    }
}

/// `{err = text}`
pub fn error_table(lua: &Lua, text: &[u8]) -> Result<Table> {
    let table = lua.create_table_with_capacity(0, 4)?;
    table.raw_set("err", lua.create_string(text)?)?;
    Ok(table)
}

pub type Answer = std::result::Result<MultiValue, Raised>;

/// One value.
pub fn one(value: Value) -> Answer {
    Ok(MultiValue::from_iter([value]))
}

/// No value at all.
pub fn nothing() -> Answer {
    Ok(MultiValue::new())
}

/// `function`, to be called by scripts.
pub fn expose(lua: &Lua, function: impl Fn(&Lua, MultiValue) -> Answer + 'static) -> Result<Function> {
    let marked = lua.create_function(move |lua, arguments| mark(lua, function(lua, arguments)))?;
    glue::raising(lua, marked)
}

/// The same for one that finds its arguments by [`glue::take_words`].
pub fn expose_with_words(lua: &Lua, function: impl Fn(&Lua) -> Answer + 'static) -> Result<Function> {
    let marked = lua.create_function(move |lua, ()| mark(lua, function(lua)))?;
    glue::with_words(lua, marked)
}

/// What the glue is told to make of an answer.
fn mark(lua: &Lua, answer: Answer) -> Result<MultiValue> {
    match answer {
        Ok(mut values) => {
            values.push_front(Value::Boolean(true));
            Ok(values)
        }
        Err(Raised::Lua(error)) => Err(error),
        Err(Raised::Value(value)) => Ok(MultiValue::from_iter([Value::Boolean(false), value])),
        Err(Raised::Text(text)) => {
            Ok(MultiValue::from_iter([Value::Nil, Value::String(lua.create_string(text)?)]))
        }
        Err(Raised::Argument(number, text)) => Ok(MultiValue::from_iter([
            Value::Integer(number as i64),
            Value::String(lua.create_string(text)?),
        ])),
    }
}

/// The type of a value as Lua's own messages name it.
pub fn type_name(value: Option<&Value>) -> &'static str {
    value.map_or("no value", |value| match value {
        Value::Integer(_) => "number",
        other => other.type_name(),
    })
}

/// The arguments of a function, taken one by one as Lua's own functions take them: a number will do for a string, and the
/// text of a number for a number.
pub struct Arguments<'a>(pub &'a MultiValue);

impl Arguments<'_> {
    fn get(&self, number: usize) -> Option<&Value> {
        self.0.get(number - 1)
    }

    fn wrong(&self, number: usize, expected: &str) -> Raised {
        let given = type_name(self.get(number));
        Raised::argument(number, format!("{expected} expected, got {given}"))
    }

    pub fn bytes(&self, number: usize) -> std::result::Result<Vec<u8>, Raised> {
        let value = self.get(number).and_then(bytes_of);
        value.ok_or_else(|| self.wrong(number, "string"))
    }

    pub fn number(&self, number: usize) -> std::result::Result<f64, Raised> {
        let value = self.get(number).and_then(number_of);
        value.ok_or_else(|| self.wrong(number, "number"))
    }

    /// As `number`, but none (or nil) stands for `default`.
    pub fn number_or(&self, number: usize, default: f64) -> std::result::Result<f64, Raised> {
        match self.get(number) {
            None | Some(Value::Nil) => Ok(default),
            Some(_) => self.number(number),
        }
    }
}

/// A string, or a number as text.
pub fn bytes_of(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        Value::Integer(number) => Some(number_text(*number as f64).into_bytes()),
        Value::Number(number) => Some(number_text(*number).into_bytes()),
        _ => None,
    }
}

/// A value as text, where one is wanted for an error's message.
pub fn text_of(value: &Value) -> Option<String> {
    bytes_of(value).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// A number, or the text of one.
pub fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        Value::String(text) => {
            let bytes = text.as_bytes();
            let text = std::str::from_utf8(&bytes).ok()?.trim_ascii();
            rcl_store::types::parse_hexadecimal(text).or_else(|| text.parse().ok())
        }
        _ => None,
    }
}

/// As Lua writes numbers: `%.14g`.
pub fn number_text(number: f64) -> String {
    general(number, 14)
}

/// C's `%.<precision>g`.
pub fn general(number: f64, precision: usize) -> String {
    if !number.is_finite() {
        let sign = if number.is_sign_negative() { "-" } else { "" };
        return format!("{sign}{}", if number.is_nan() { "nan" } else { "inf" });
    }
    let precision = precision.max(1);
    let scientific = format!("{number:.*e}", precision - 1);
    // `{:e}` always has an exponent.
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if exponent < -4 || exponent >= precision as i32 {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", without_zeros(mantissa), exponent.abs());
    }
    let decimals = (precision as i32 - 1 - exponent) as usize;
    without_zeros(&format!("{number:.decimals$}")).to_owned()
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_c_does() {
        for (number, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (1.0 / 3.0, "0.33333333333333"),
            (100000000000000.0, "1e+14"),
            (99999999999999.0, "99999999999999"),
            (1e15, "1e+15"),
            (123456789012345.0, "1.2345678901234e+14"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(number_text(number), expected);
        }
        assert_eq!(general(1.23456, 3), "1.23");
        assert_eq!(general(1.0e100, 17), "1e+100");
    }

    #[test]
    fn functions_return_and_raise() {
        let lua = Lua::new();
        let function = expose(&lua, |lua, arguments| {
            let number = Arguments(&arguments).number(1)?;
            match number as i64 {
                1 => one(Value::Integer(7)),
                2 => Err(Raised::text("no two")),
                3 => Err(Raised::table(lua, &CommandError::SYNTAX)),
                _ => nothing(),
            }
        });
        lua.globals().set("f", function.unwrap()).unwrap();
        let run = |code: &str| lua.load(code).set_name("@place").eval::<String>().unwrap();
        assert_eq!(run("return tostring(f(1)) .. select('#', f(4))"), "70");
        assert_eq!(run("return select(2, pcall(function() f(2) end))"), "place:1: no two");
        assert_eq!(run("return select(2, pcall(f, 3)).err"), "ERR syntax error");
        let wrong = run("return select(2, pcall(function() f({}) end))");
        assert_eq!(wrong, "place:1: bad argument #1 to 'f' (number expected, got table)");
        assert!(run("return select(2, pcall(f))").contains("number expected, got no value"));
        assert_eq!(run("return tostring(f('0x1'))"), "7");
    }
}
