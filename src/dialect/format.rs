//! How redis-cli prints a reply.
//!
//! | form | when | example of an array |
//! |---|---|---|
//! | standard | stdout is a terminal, `--no-raw` | `1) "a"` newline `2) (integer) 1` |
//! | raw | stdout is not a terminal, `--raw` | `a` newline `1` |
//! | CSV | `--csv` | `"a",1` |
//! | JSON | `--json` | `["a",1]` |
//! | quoted JSON | `--quoted-json` | as JSON, but bytes that are not printable ASCII as `\\x00` |
//!
//! The forms are redis-cli 7.0.15's to the byte; an end-to-end test compares the two. What is not UTF-8
//! leaves the JSON form as it came, as there.

use rcl_proto::resp::{Reply, format_double};
use rcl_proto::words;

/// One of redis-cli's output forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Standard,
    Raw,
    Csv,
    Json,
    QuotedJson,
}

/// What parts the elements of an array (`-d`) and follows each reply (`-D`) in the raw form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delimiters {
    pub element: Vec<u8>,
    pub reply: Vec<u8>,
}

/// Appends `reply` in `form`, as a line or lines of its own.
pub fn print(out: &mut Vec<u8>, reply: &Reply, form: Form, delimiters: &Delimiters) {
    match form {
        Form::Standard => standard(out, reply, 0),
        Form::Raw => {
            raw(out, reply, &delimiters.element);
            out.extend_from_slice(&delimiters.reply);
        }
        Form::Csv => {
            csv(out, reply);
            out.push(b'\n');
        }
        Form::Json | Form::QuotedJson => {
            json(out, reply, form == Form::QuotedJson);
            out.push(b'\n');
        }
    }
}

/// Appends a text that a server wrote for people (INFO, CLUSTER NODES), whatever the form.
pub fn print_as_text(out: &mut Vec<u8>, reply: &Reply, delimiters: &Delimiters) {
    raw(out, reply, &delimiters.element);
}

/// `indent` is how many columns stand before each element of the array that holds this reply.
fn standard(out: &mut Vec<u8>, reply: &Reply, indent: usize) {
    match reply {
        Reply::Error(text) => line(out, b"(error) ", text.as_bytes()),
        Reply::Simple(text) => line(out, b"", text.as_bytes()),
        Reply::Integer(number) => line(out, b"(integer) ", number.to_string().as_bytes()),
        Reply::Double(number) => line(out, b"(double) ", &double(*number)),
        Reply::BigNumber(digits) => line(out, b"", digits.as_bytes()),
        Reply::Bulk(bytes) => {
            quote(out, bytes);
            out.push(b'\n');
        }
        Reply::Verbatim { text, .. } => line(out, b"", text),
        Reply::Null => line(out, b"", b"(nil)"),
        Reply::Boolean(value) => line(out, b"", if *value { b"(true)" } else { b"(false)" }),
        Reply::Array(elements) => standard_list(out, elements, ')', "(empty array)", indent),
        Reply::Set(elements) => standard_list(out, elements, '~', "(empty set)", indent),
        Reply::Push(elements) => standard_list(out, elements, ')', "(empty push)", indent),
        Reply::Map(pairs) => standard_map(out, pairs, indent),
    }
}

fn line(out: &mut Vec<u8>, label: &[u8], text: &[u8]) {
    out.extend_from_slice(label);
    out.extend_from_slice(text);
    out.push(b'\n');
}

fn standard_list(out: &mut Vec<u8>, elements: &[Reply], mark: char, empty: &str, indent: usize) {
    if elements.is_empty() {
        return line(out, b"", empty.as_bytes());
    }
    let width = elements.len().to_string().len();
    for (index, element) in elements.iter().enumerate() {
        number(out, index, width, mark, indent);
        standard(out, element, indent + width + 2);
    }
}

fn standard_map(out: &mut Vec<u8>, pairs: &[(Reply, Reply)], indent: usize) {
    if pairs.is_empty() {
        return line(out, b"", b"(empty hash)");
    }
    let width = pairs.len().to_string().len();
    let inner = indent + width + 2;
    for (index, (key, value)) in pairs.iter().enumerate() {
        number(out, index, width, '#', indent);
        standard(out, key, inner);
        // The value stands on the line of its key, unless it has lines of its own.
        out.pop();
        out.extend_from_slice(b" => ");
        if spans_lines(value) {
            out.push(b'\n');
            out.resize(out.len() + inner, b' ');
        }
        standard(out, value, inner);
    }
}

/// The number of an element. The first one's indent is there already: its parent's number.
fn number(out: &mut Vec<u8>, index: usize, width: usize, mark: char, indent: usize) {
    let indent = if index == 0 { 0 } else { indent };
    let position = index + 1;
    out.extend_from_slice(format!("{:indent$}{position:width$}{mark} ", "").as_bytes());
}

fn spans_lines(reply: &Reply) -> bool {
    match reply {
        Reply::Array(elements) | Reply::Set(elements) | Reply::Push(elements) => match elements.as_slice() {
            [] => false,
            [only] => spans_lines(only),
            _ => true,
        },
        Reply::Map(pairs) => match pairs.as_slice() {
            [] => false,
            [(_, value)] => spans_lines(value),
            _ => true,
        },
        _ => false,
    }
}

fn raw(out: &mut Vec<u8>, reply: &Reply, delimiter: &[u8]) {
    match reply {
        Reply::Null => {}
        Reply::Error(text) => line(out, b"", text.as_bytes()),
        Reply::Simple(text) | Reply::BigNumber(text) => out.extend_from_slice(text.as_bytes()),
        Reply::Bulk(bytes) | Reply::Verbatim { text: bytes, .. } => out.extend_from_slice(bytes),
        Reply::Boolean(value) => out.extend_from_slice(if *value { b"(true)" } else { b"(false)" }),
        Reply::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Reply::Double(number) => out.extend_from_slice(&double(*number)),
        Reply::Array(elements) | Reply::Set(elements) | Reply::Push(elements) => {
            separated(out, elements, delimiter, |out, element| raw(out, element, delimiter));
        }
        Reply::Map(pairs) => separated(out, pairs, delimiter, |out, (key, value)| {
            raw(out, key, delimiter);
            out.push(b' ');
            raw(out, value, delimiter);
        }),
    }
}

fn quote(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(words::quote(bytes).as_bytes());
}

fn csv(out: &mut Vec<u8>, reply: &Reply) {
    match reply {
        Reply::Error(text) => {
            out.extend_from_slice(b"ERROR,");
            quote(out, text.as_bytes());
        }
        Reply::Simple(text) => quote(out, text.as_bytes()),
        Reply::Bulk(bytes) | Reply::Verbatim { text: bytes, .. } => quote(out, bytes),
        Reply::Null => out.extend_from_slice(b"NULL"),
        Reply::Array(elements) | Reply::Set(elements) | Reply::Push(elements) => {
            separated(out, elements, b",", csv);
        }
        Reply::Map(pairs) => separated(out, pairs, b",", |out, (key, value)| {
            csv(out, key);
            out.push(b',');
            csv(out, value);
        }),
        Reply::Integer(_) | Reply::Double(_) | Reply::Boolean(_) | Reply::BigNumber(_) => {
            number_or_bool(out, reply)
        }
    }
}

fn json(out: &mut Vec<u8>, reply: &Reply, quoted: bool) {
    match reply {
        Reply::Error(text) => {
            out.extend_from_slice(b"error:");
            json_string(out, text.as_bytes(), quoted);
        }
        Reply::Simple(text) => json_string(out, text.as_bytes(), quoted),
        Reply::Bulk(bytes) | Reply::Verbatim { text: bytes, .. } => json_string(out, bytes, quoted),
        Reply::Null => out.extend_from_slice(b"null"),
        Reply::Array(elements) | Reply::Set(elements) | Reply::Push(elements) => {
            out.push(b'[');
            separated(out, elements, b",", |out, element| json(out, element, quoted));
            out.push(b']');
        }
        Reply::Map(pairs) => {
            out.push(b'{');
            separated(out, pairs, b",", |out, (key, value)| {
                json_key(out, key, quoted);
                out.push(b':');
                json(out, value, quoted);
            });
            out.push(b'}');
        }
        Reply::Integer(_) | Reply::Double(_) | Reply::Boolean(_) | Reply::BigNumber(_) => {
            number_or_bool(out, reply)
        }
    }
}

/// A key that is no string is written as the string of its JSON form, for JSON has no other keys.
fn json_key(out: &mut Vec<u8>, key: &Reply, quoted: bool) {
    let mut text = Vec::new();
    json(&mut text, key, quoted);
    match key {
        Reply::Error(_) | Reply::Simple(_) | Reply::Bulk(_) | Reply::Verbatim { .. } => out.extend(text),
        _ => {
            out.push(b'"');
            out.extend(text);
            out.push(b'"');
        }
    }
}

fn json_string(out: &mut Vec<u8>, bytes: &[u8], quoted: bool) {
    if quoted {
        for byte in words::quote(bytes).into_bytes() {
            if byte == b'\\' {
                out.push(b'\\');
            }
            out.push(byte);
        }
        return;
    }
    out.push(b'"');
    for &byte in bytes {
        match byte {
            b'\\' | b'"' => out.extend([b'\\', byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            0x08 => out.extend(b"\\b"),
            0x0c => out.extend(b"\\f"),
            0..=0x1f => out.extend(format!("\\u{byte:04x}").into_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// Numbers and truth values look the same in CSV and in JSON.
fn number_or_bool(out: &mut Vec<u8>, reply: &Reply) {
    match reply {
        Reply::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Reply::Double(number) => out.extend_from_slice(&double(*number)),
        Reply::Boolean(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Reply::BigNumber(digits) => out.extend_from_slice(digits.as_bytes()),
        _ => {}
    }
}

fn double(number: f64) -> Vec<u8> {
    let mut text = Vec::new();
    format_double(number, &mut text);
    text
}

fn separated<T>(out: &mut Vec<u8>, items: &[T], separator: &[u8], mut print: impl FnMut(&mut Vec<u8>, &T)) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(separator);
        }
        print(out, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(reply: &Reply, form: Form) -> String {
        let mut out = Vec::new();
        let newline = Delimiters { element: b"\n".to_vec(), reply: b"\n".to_vec() };
        print(&mut out, reply, form, &newline);
        String::from_utf8(out).unwrap()
    }

    fn bulk(text: &str) -> Reply {
        Reply::Bulk(text.as_bytes().to_vec())
    }

    #[test]
    fn arrays_in_arrays_are_numbered_and_aligned() {
        let mut elements =
            vec![Reply::Array(vec![bulk("a"), Reply::Array(vec![Reply::Integer(1), Reply::Null])])];
        elements.extend((2..=10).map(Reply::Integer));
        let text = printed(&Reply::Array(elements), Form::Standard);
        let lines: Vec<&str> = text.lines().take(4).collect();
        assert_eq!(lines, [" 1) 1) \"a\"", "    2) 1) (integer) 1", "       2) (nil)", " 2) (integer) 2"],);
        assert!(text.ends_with("10) (integer) 10\n"));
        assert_eq!(printed(&Reply::Array(vec![]), Form::Standard), "(empty array)\n");
    }

    #[test]
    fn maps_put_a_long_value_on_lines_of_its_own() {
        let map = Reply::Map(vec![
            (bulk("one"), Reply::Integer(1)),
            (bulk("list"), Reply::Array(vec![bulk("a"), bulk("b")])),
        ]);
        assert_eq!(
            printed(&map, Form::Standard),
            "1# \"one\" => (integer) 1\n2# \"list\" => \n   1) \"a\"\n   2) \"b\"\n",
        );
        assert_eq!(printed(&map, Form::Json), "{\"one\":1,\"list\":[\"a\",\"b\"]}\n");
        assert_eq!(printed(&map, Form::Csv), "\"one\",1,\"list\",\"a\",\"b\"\n");
        assert_eq!(printed(&map, Form::Raw), "one 1\nlist a\nb\n");
    }

    #[test]
    fn an_error_in_the_raw_form_ends_its_own_line_before_the_reply_s() {
        assert_eq!(printed(&Reply::Error("ERR no".into()), Form::Raw), "ERR no\n\n");
        assert_eq!(printed(&Reply::Error("ERR no".into()), Form::Standard), "(error) ERR no\n");
    }

    #[test]
    fn json_keys_are_strings_and_control_bytes_are_escaped() {
        let map = Reply::Map(vec![(Reply::Integer(1), bulk("a\x01\n\"\\"))]);
        assert_eq!(printed(&map, Form::Json), "{\"1\":\"a\\u0001\\n\\\"\\\\\"}\n");
        assert_eq!(printed(&bulk("\x01"), Form::QuotedJson), "\"\\\\x01\"\n");
    }
}
