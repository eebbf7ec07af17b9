//! JSON to Lua.

use mlua::{Lua, MultiValue, Table, Value};

use super::{Config, Done, MOST_LEVELS, Shared, only_argument};
use crate::scripting::exposed::{Answer, Arguments, Raised, one};

pub fn decode(lua: &Lua, config: &Shared, arguments: MultiValue) -> Answer {
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
