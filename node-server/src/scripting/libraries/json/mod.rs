//! `cjson`: JSON to Lua and back.
//!
//! ```text
//!   a table whose keys are whole numbers from 1 on    an array; with wide gaps it is an error
//!   any other, the empty one too                      an object
//!   cjson.null                                        null, which nil could not be inside a table
//! ```
//!
//! `write` is the one way, `read` the other; here is what both go by, and how scripts set it. What they set holds for the
//! scripts that come after too, on the same thread.

mod read;
mod write;

use std::cell::Cell;
use std::rc::Rc;

use mlua::{Lua, MultiValue, Result, Table, Value};

use crate::scripting::exposed::{Answer, Arguments, Named, Raised, expose, one};
use read::decode;
use write::encode;

/// Whatever is set, deeper nesting than this is refused.
const MOST_LEVELS: i64 = 1000;

#[derive(Clone, Copy, Debug)]
struct Config {
    sparse_convert: bool,
    sparse_ratio: i64,
    sparse_safe: i64,
    encode_max_depth: i64,
    decode_max_depth: i64,
    /// Of infinite numbers and those that are none.
    encode_invalid: Invalid,
    decode_invalid: bool,
    precision: i64,
    keep_buffer: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Invalid {
    Refused,
    Written,
    Null,
}

const DEFAULT: Config = Config {
    sparse_convert: false,
    sparse_ratio: 2,
    sparse_safe: 10,
    encode_max_depth: MOST_LEVELS,
    decode_max_depth: MOST_LEVELS,
    encode_invalid: Invalid::Refused,
    decode_invalid: true,
    precision: 14,
    keep_buffer: true,
};

type Shared = Rc<Cell<Config>>;
type Done = std::result::Result<(), Raised>;
type OfConfig = fn(&Lua, &Shared, MultiValue) -> Answer;

pub fn library(lua: &Lua) -> Result<Table> {
    let config = Shared::new(Cell::new(DEFAULT));
    let table = lua.create_table()?;
    let functions: [Named<OfConfig>; 10] = [
        ("encode", encode),
        ("decode", decode),
        ("encode_sparse_array", encode_sparse_array),
        ("encode_max_depth", |_, config, arguments| {
            option(config, &arguments, (1, i64::from(i32::MAX)), |config| &mut config.encode_max_depth)
        }),
        ("decode_max_depth", |_, config, arguments| {
            option(config, &arguments, (1, i64::from(i32::MAX)), |config| &mut config.decode_max_depth)
        }),
        ("encode_number_precision", |_, config, arguments| {
            option(config, &arguments, (1, 14), |config| &mut config.precision)
        }),
        ("encode_keep_buffer", |_, config, arguments| {
            switch(config, &arguments, |config| &mut config.keep_buffer)
        }),
        ("encode_invalid_numbers", encode_invalid_numbers),
        ("decode_invalid_numbers", |_, config, arguments| {
            switch(config, &arguments, |config| &mut config.decode_invalid)
        }),
        ("new", |lua, _, _| one(Value::Table(library(lua)?))),
    ];
    for (name, function) in functions {
        let config = config.clone();
        table.raw_set(name, expose(lua, move |lua, arguments| function(lua, &config, arguments))?)?;
    }
    table.raw_set("null", Value::NULL)?;
    table.raw_set("_NAME", "cjson")?;
    table.raw_set("_VERSION", "2.1.0")?;
    Ok(table)
}

fn no_more_than(arguments: &MultiValue, most: usize) -> std::result::Result<(), Raised> {
    if arguments.len() > most { Err(Raised::argument(most + 1, "found too many arguments")) } else { Ok(()) }
}

fn change<R>(config: &Shared, change: impl FnOnce(&mut Config) -> R) -> R {
    let mut changed = config.get();
    let result = change(&mut changed);
    config.set(changed);
    result
}

/// A number, if one is given; what holds now.
fn option(
    config: &Shared,
    arguments: &MultiValue,
    bounds: (i64, i64),
    place: fn(&mut Config) -> &mut i64,
) -> Answer {
    no_more_than(arguments, 1)?;
    let number = whole_option(config, arguments, 1, bounds, place)?;
    one(Value::Integer(number))
}

fn whole_option(
    config: &Shared,
    arguments: &MultiValue,
    number: usize,
    (low, high): (i64, i64),
    place: fn(&mut Config) -> &mut i64,
) -> std::result::Result<i64, Raised> {
    if arguments.get(number - 1).is_some_and(|value| !value.is_nil()) {
        let value = Arguments(arguments).number(number)? as i64;
        if !(low..=high).contains(&value) {
            return Err(Raised::argument(1, format!("expected integer between {low} and {high}")));
        }
        change(config, |config| *place(config) = value);
    }
    Ok(change(config, |config| *place(config)))
}

fn switch(config: &Shared, arguments: &MultiValue, place: fn(&mut Config) -> &mut bool) -> Answer {
    no_more_than(arguments, 1)?;
    if let Some(on) = on_or_off(arguments)? {
        change(config, |config| *place(config) = on);
    }
    one(Value::Boolean(change(config, |config| *place(config))))
}

fn on_or_off(arguments: &MultiValue) -> std::result::Result<Option<bool>, Raised> {
    match arguments.front() {
        None | Some(Value::Nil) => Ok(None),
        Some(Value::Boolean(on)) => Ok(Some(*on)),
        Some(_) => match Arguments(arguments).bytes(1)?.as_slice() {
            b"on" => Ok(Some(true)),
            b"off" => Ok(Some(false)),
            other => Err(invalid_option(other)),
        },
    }
}

fn invalid_option(given: &[u8]) -> Raised {
    Raised::argument(1, format!("invalid option '{}'", String::from_utf8_lossy(given)))
}

fn encode_invalid_numbers(lua: &Lua, config: &Shared, arguments: MultiValue) -> Answer {
    no_more_than(&arguments, 1)?;
    let is_null = matches!(arguments.front(), Some(Value::String(text)) if *text.as_bytes() == *b"null");
    let chosen = if is_null {
        Some(Invalid::Null)
    } else {
        on_or_off(&arguments)?.map(|on| if on { Invalid::Written } else { Invalid::Refused })
    };
    if let Some(chosen) = chosen {
        change(config, |config| config.encode_invalid = chosen);
    }
    match config.get().encode_invalid {
        Invalid::Null => one(Value::String(lua.create_string("null")?)),
        other => one(Value::Boolean(other == Invalid::Written)),
    }
}

fn encode_sparse_array(_: &Lua, config: &Shared, arguments: MultiValue) -> Answer {
    no_more_than(&arguments, 3)?;
    if let Some(convert) = on_or_off(&arguments)? {
        change(config, |config| config.sparse_convert = convert);
    }
    let bounds = (0, i64::from(i32::MAX));
    let ratio = whole_option(config, &arguments, 2, bounds, |config| &mut config.sparse_ratio)?;
    let safe = whole_option(config, &arguments, 3, bounds, |config| &mut config.sparse_safe)?;
    let convert = Value::Boolean(config.get().sparse_convert);
    Ok(MultiValue::from_iter([convert, Value::Integer(ratio), Value::Integer(safe)]))
}

fn only_argument(arguments: &MultiValue) -> std::result::Result<&Value, Raised> {
    match arguments.front() {
        Some(value) if arguments.len() == 1 => Ok(value),
        _ => Err(Raised::argument(1, "expected 1 argument")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::eval_with;

    fn eval(code: &str) -> String {
        eval_with(super::library, "cjson", code)
    }

    #[test]
    fn lua_to_json() {
        for (code, expected) in [
            ("cjson.encode({1, 2, 3, {1, 2}})", "[1,2,3,[1,2]]"),
            ("cjson.encode({})", "{}"),
            ("cjson.encode({a = 1.5})", r#"{"a":1.5}"#),
            ("cjson.encode({[1] = 1, x = 2}):len()", "13"),
            ("cjson.encode(true) .. cjson.encode(cjson.null) .. cjson.encode(nil)", "truenullnull"),
            ("cjson.encode(1e15)", "1e+15"),
            ("cjson.encode(100000000)", "100000000"),
            ("cjson.encode(1/3)", "0.33333333333333"),
            (r#"cjson.encode('a"\\/\n\1\127é')"#, r#""a\"\\\/\n\u0001\u007fé""#),
            ("cjson.encode({[3] = 1})", "[null,null,1]"),
            ("cjson.encode({[100] = 1})", "test:1: Cannot serialise table: excessively sparse array"),
            ("cjson.encode(1/0)", "test:1: Cannot serialise number: must not be NaN or Inf"),
            ("cjson.encode(print)", "test:1: Cannot serialise function: type not supported"),
            (
                "cjson.encode({[true] = 1})",
                "test:1: Cannot serialise boolean: table key must be a number or string",
            ),
        ] {
            assert_eq!(eval(code), expected, "{code}");
        }
        let deep = "(function() local t = {} for i = 1, 1001 do t = {t} end return cjson.encode(t) end)()";
        assert!(eval(deep).ends_with("Cannot serialise, excessive nesting (1001)"), "{}", eval(deep));
        assert!(eval(&deep.replace("1001", "900")).starts_with("[[["));
        let endless = "(function() cjson.encode_max_depth(2147483647) local t = {} t[1] = t return cjson.encode(t) end)()";
        assert!(eval(endless).contains("excessive nesting"));
    }

    #[test]
    fn json_to_lua() {
        for (code, expected) in [
            ("cjson.decode('[1,2,[3]]')[3][1]", "3"),
            (r#"cjson.decode('{"a": {"b": "c"}}').a.b"#, "c"),
            ("cjson.decode('null') == cjson.null", "true"),
            ("cjson.decode('-0.5e3')", "-500"),
            ("cjson.decode('0x10')", "16"),
            ("cjson.decode('-inf')", "-inf"),
            ("cjson.decode('+5')", "5"),
            (r#"cjson.decode('"\\u00e9\\uD834\\uDD1E\\n"')"#, "é𝄞\n"),
            ("cjson.decode('')", "test:1: Expected value but found T_END at character 1"),
            ("cjson.decode('[1,')", "test:1: Expected value but found T_END at character 4"),
            (
                "cjson.decode('{a:1}')",
                "test:1: Expected object key string but found invalid token at character 2",
            ),
            ("cjson.decode('[1}')", "test:1: Expected comma or array end but found T_OBJ_END at character 3"),
            ("cjson.decode('1 2')", "test:1: Expected the end but found T_NUMBER at character 3"),
            (
                r#"cjson.decode('"a')"#,
                "test:1: Expected value but found unexpected end of string at character 3",
            ),
            (
                r#"cjson.decode('"\\ud800x"')"#,
                "test:1: Expected value but found invalid unicode escape code at character 2",
            ),
            ("cjson.decode('.5')", "test:1: Expected value but found invalid token at character 1"),
            ("cjson.decode('\\0\\0')", "test:1: JSON parser does not support UTF-16 or UTF-32"),
        ] {
            assert_eq!(eval(code), expected, "{code}");
        }
        assert!(
            eval("cjson.decode(string.rep('[', 1001))").contains("too many nested data structures (1001)")
        );
    }

    #[test]
    fn settings() {
        let run = |steps: &str| eval(&format!("(function() {steps} end)()"));
        assert_eq!(run("cjson.encode_sparse_array(true) return cjson.encode({[100] = 1})"), r#"{"100":1}"#);
        assert_eq!(run("cjson.encode_invalid_numbers('null') return cjson.encode(0/0)"), "null");
        assert_eq!(run("cjson.encode_invalid_numbers(true) return cjson.encode(-1/0)"), "-inf");
        assert_eq!(run("cjson.encode_number_precision(3) return cjson.encode(1/3)"), "0.333");
        assert_eq!(run("return cjson.encode_max_depth(5)"), "5");
        assert_eq!(
            run("cjson.encode_max_depth(1) return cjson.encode({{}})"),
            "test:1: Cannot serialise, excessive nesting (2)"
        );
        assert!(
            run("cjson.decode_invalid_numbers('off') return cjson.decode('0x10')").contains("invalid number")
        );
        assert!(
            run("return cjson.encode_max_depth(0)").contains("expected integer between 1 and 2147483647")
        );
        assert!(run("return cjson.encode_keep_buffer('x')").contains("invalid option 'x'"));
        assert!(
            run("return cjson.encode_max_depth(1, 2)")
                .contains("bad argument #2 to 'encode_max_depth' (found too many arguments)")
        );
    }
}
