//! `cjson`: JSON to Lua and back.
//!
//! ```text
//!   a table whose keys are whole numbers from 1 on    an array; with wide gaps it is an error
//!   any other, the empty one too                      an object
//!   cjson.null                                        null, which nil could not be inside a table
//! ```
//!
//! What is set by the functions beside encode and decode holds for the scripts that come after too, on the same thread.

use std::cell::Cell;
use std::rc::Rc;

use mlua::{Lua, MultiValue, Result, Table, Value};

use crate::scripting::exposed::{Answer, Arguments, Named, Raised, expose, general, one, type_name};

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

fn encode(lua: &Lua, config: &Shared, arguments: MultiValue) -> Answer {
    let mut encoder = Encoder { config: config.get(), out: Vec::new() };
    encoder.value(only_argument(&arguments)?, 0)?;
    one(Value::String(lua.create_string(encoder.out)?))
}

struct Encoder {
    config: Config,
    out: Vec<u8>,
}

type Done = std::result::Result<(), Raised>;

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

fn decode(lua: &Lua, config: &Shared, arguments: MultiValue) -> Answer {
    only_argument(&arguments)?;
    let text = Arguments(&arguments).bytes(1)?;
    if let [first, second, ..] = text.as_slice()
        && (*first == 0 || *second == 0)
    {
        return Err(Raised::text("JSON parser does not support UTF-16 or UTF-32"));
    }
    let mut decoder = Decoder { lua, config: config.get(), text: &text, at: 0, depth: 0 };
    let first = decoder.token();
    let value = decoder.value(first)?;
    match decoder.token() {
        (Token::End, _) => one(value),
        other => Err(unexpected("the end", &other)),
    }
}

#[derive(Debug)]
enum Token {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    String(Vec<u8>),
    Number(f64),
    Boolean(bool),
    Null,
    Colon,
    Comma,
    End,
    Wrong(&'static str),
}

/// With where it begins.
type Placed = (Token, usize);

fn unexpected(expected: &str, (token, at): &Placed) -> Raised {
    let found = match token {
        Token::ObjectBegin => "T_OBJ_BEGIN",
        Token::ObjectEnd => "T_OBJ_END",
        Token::ArrayBegin => "T_ARR_BEGIN",
        Token::ArrayEnd => "T_ARR_END",
        Token::String(_) => "T_STRING",
        Token::Number(_) => "T_NUMBER",
        Token::Boolean(_) => "T_BOOLEAN",
        Token::Null => "T_NULL",
        Token::Colon => "T_COLON",
        Token::Comma => "T_COMMA",
        Token::End => "T_END",
        Token::Wrong(reason) => reason,
    };
    Raised::text(format!("Expected {expected} but found {found} at character {}", at + 1))
}

struct Decoder<'d> {
    lua: &'d Lua,
    config: Config,
    text: &'d [u8],
    at: usize,
    depth: i64,
}

impl Decoder<'_> {
    /// The byte at this place; beyond the end there is a NUL, which ends the text wherever it stands.
    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    fn token(&mut self) -> Placed {
        while matches!(self.byte(self.at), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        let start = self.at;
        let single = match self.byte(start) {
            b'{' => Token::ObjectBegin,
            b'}' => Token::ObjectEnd,
            b'[' => Token::ArrayBegin,
            b']' => Token::ArrayEnd,
            b',' => Token::Comma,
            b':' => Token::Colon,
            0 => return (Token::End, start),
            b'"' => {
                let token = self.string();
                // A wrong string is told of where it goes wrong.
                let place = if matches!(token, Token::Wrong(_)) { self.at } else { start };
                return (token, place);
            }
            _ => return (self.word(), start),
        };
        self.at += 1;
        (single, start)
    }

    fn word(&mut self) -> Token {
        let rest = &self.text[self.at..];
        let first = rest[0];
        let invalid = is_invalid_number(rest);
        match first {
            b'-' | b'0'..=b'9' if invalid && !self.config.decode_invalid => Token::Wrong("invalid number"),
            b'-' | b'0'..=b'9' => self.number(),
            _ if rest.starts_with(b"true") => self.known(4, Token::Boolean(true)),
            _ if rest.starts_with(b"false") => self.known(5, Token::Boolean(false)),
            _ if rest.starts_with(b"null") => self.known(4, Token::Null),
            b'+' | b'i' | b'I' | b'n' | b'N' if invalid && self.config.decode_invalid => self.number(),
            _ => Token::Wrong("invalid token"),
        }
    }

    fn known(&mut self, length: usize, token: Token) -> Token {
        self.at += length;
        token
    }

    fn number(&mut self) -> Token {
        match number_at(&self.text[self.at..]) {
            Some((number, length)) => self.known(length, Token::Number(number)),
            None => Token::Wrong("invalid number"),
        }
    }

    fn string(&mut self) -> Token {
        let mut string = Vec::new();
        self.at += 1;
        loop {
            match self.byte(self.at) {
                b'"' => {
                    self.at += 1;
                    return Token::String(string);
                }
                0 => return Token::Wrong("unexpected end of string"),
                b'\\' => {
                    let plain = match self.byte(self.at + 1) {
                        byte @ (b'"' | b'\\' | b'/') => byte,
                        b'b' => 0x08,
                        b't' => b'\t',
                        b'n' => b'\n',
                        b'f' => 0x0C,
                        b'r' => b'\r',
                        b'u' => match self.unicode() {
                            Some(letter) => {
                                string.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                                continue;
                            }
                            None => return Token::Wrong("invalid unicode escape code"),
                        },
                        _ => return Token::Wrong("invalid escape code"),
                    };
                    string.push(plain);
                    self.at += 2;
                }
                byte => {
                    string.push(byte);
                    self.at += 1;
                }
            }
        }
    }

    /// `\uXXXX`, or two of them that make a pair.
    fn unicode(&mut self) -> Option<char> {
        let high = self.four_digits(self.at + 2)?;
        if high & 0xF800 != 0xD800 {
            self.at += 6;
            return char::from_u32(high);
        }
        if high & 0x400 != 0 || self.byte(self.at + 6) != b'\\' || self.byte(self.at + 7) != b'u' {
            return None;
        }
        let low = self.four_digits(self.at + 8).filter(|low| low & 0xFC00 == 0xDC00)?;
        self.at += 12;
        char::from_u32(((high & 0x3FF) << 10 | low & 0x3FF) + 0x1_0000)
    }

    fn four_digits(&self, at: usize) -> Option<u32> {
        (at..at + 4).try_fold(0, |number, at| Some(number << 4 | char::from(self.byte(at)).to_digit(16)?))
    }

    fn value(&mut self, token: Placed) -> std::result::Result<Value, Raised> {
        Ok(match token.0 {
            Token::String(text) => Value::String(self.lua.create_string(text)?),
            Token::Number(number) => Value::Number(number),
            Token::Boolean(value) => Value::Boolean(value),
            Token::Null => Value::NULL,
            Token::ObjectBegin => self.nested(Self::object)?,
            Token::ArrayBegin => self.nested(Self::array)?,
            _ => return Err(unexpected("value", &token)),
        })
    }

    fn nested(&mut self, fill: fn(&mut Self, &Table) -> Done) -> std::result::Result<Value, Raised> {
        self.depth += 1;
        if self.depth > self.config.decode_max_depth.min(MOST_LEVELS) {
            let (depth, at) = (self.depth, self.at);
            return Err(Raised::text(format!(
                "Found too many nested data structures ({depth}) at character {at}"
            )));
        }
        let table = self.lua.create_table()?;
        fill(self, &table)?;
        self.depth -= 1;
        Ok(Value::Table(table))
    }

    fn object(&mut self, table: &Table) -> Done {
        let mut token = self.token();
        if matches!(token.0, Token::ObjectEnd) {
            return Ok(());
        }
        loop {
            let Token::String(key) = token.0 else { return Err(unexpected("object key string", &token)) };
            let key = self.lua.create_string(key)?;
            match self.token() {
                (Token::Colon, _) => {}
                other => return Err(unexpected("colon", &other)),
            }
            let first = self.token();
            table.raw_set(key, self.value(first)?)?;
            match self.token() {
                (Token::ObjectEnd, _) => return Ok(()),
                (Token::Comma, _) => token = self.token(),
                other => return Err(unexpected("comma or object end", &other)),
            }
        }
    }

    fn array(&mut self, table: &Table) -> Done {
        let mut token = self.token();
        if matches!(token.0, Token::ArrayEnd) {
            return Ok(());
        }
        for index in 1.. {
            table.raw_seti(index, self.value(token)?)?;
            match self.token() {
                (Token::ArrayEnd, _) => break,
                (Token::Comma, _) => token = self.token(),
                other => return Err(unexpected("comma or array end", &other)),
            }
        }
        Ok(())
    }
}

/// What strtod takes, but JSON has not: a plus, hexadecimal digits, leading zeros, infinity, and what is no number.
fn is_invalid_number(text: &[u8]) -> bool {
    let digits = match text {
        [b'+', ..] => return true,
        [b'-', digits @ ..] => digits,
        digits => digits,
    };
    match digits {
        [b'0', b'x' | b'X' | b'0'..=b'9', ..] => true,
        [first, ..] if *first <= b'9' => false,
        _ => digits
            .get(..3)
            .is_some_and(|word| word.eq_ignore_ascii_case(b"inf") || word.eq_ignore_ascii_case(b"nan")),
    }
}

/// The longest beginning that strtod takes for a number.
fn number_at(text: &[u8]) -> Option<(f64, usize)> {
    let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let body = &text[sign..];
    let negative = text[0] == b'-';
    let signed = |number: f64| if negative { -number } else { number };
    let has = |word: &[u8]| body.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    for (word, number) in [(&b"infinity"[..], f64::INFINITY), (b"inf", f64::INFINITY), (b"nan", f64::NAN)] {
        if has(word) {
            return Some((signed(number), sign + word.len()));
        }
    }
    if has(b"0x") {
        let length =
            2 + body[2..].iter().take_while(|byte| byte.is_ascii_hexdigit() || **byte == b'.').count();
        // Longest first: a point may be the end of the sentence.
        return (3..=length).rev().find_map(|length| {
            let text = std::str::from_utf8(&body[..length]).ok()?;
            Some((signed(rcl_store::types::parse_hexadecimal(text)?), sign + length))
        });
    }
    let digits = |from: usize| body[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(0);
    let fraction = if body.get(whole) == Some(&b'.') { digits(whole + 1) } else { 0 };
    if whole + fraction == 0 {
        return None;
    }
    let mut end = whole + if body.get(whole) == Some(&b'.') { 1 + fraction } else { 0 };
    if let Some(b'e' | b'E') = body.get(end) {
        let exponent_sign = usize::from(matches!(body.get(end + 1), Some(b'+' | b'-')));
        let exponent_start = end + 1 + exponent_sign;
        if exponent_start < body.len() && digits(exponent_start) > 0 {
            end = exponent_start + digits(exponent_start);
        }
    }
    let number: f64 = std::str::from_utf8(&body[..end]).ok()?.parse().ok()?;
    Some((signed(number), sign + end))
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
