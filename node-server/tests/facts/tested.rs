//! Every command of the table has a test that asks for it.
//!
//! The sources of the tests are read, and in them the requests: string literals that begin with a command's full name and
//! have as many words as the command needs. The differential tester's do not count, since it asks for everything; nor does
//! a name that merely stands in a list:
//!
//! ```text
//! ask("GET k")   ("SET k v", "+OK")   &["CONFIG", "GET", "port"]   format!("ACL SETUSER {name}")      requests
//! ["get", "set"]                                                                                     names
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rcl_node::command::{Known, each_known};

#[test]
fn every_command_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut requests = Vec::new();
    for path in rust_files(root) {
        if let Some(code) = test_code(&path) {
            requests.extend(requests_in(&code));
        }
    }
    assert!(requests.len() > 500, "the sources are not where they were");
    let asked: BTreeSet<u16> = requests.iter().flat_map(commands_of).collect();
    let untested: Vec<String> = each_known()
        .filter(|known| !asked.contains(&known.id) && !is_help(known))
        .map(|known| known.full_name())
        .collect();
    assert!(untested.is_empty(), "{} commands have no test: {untested:?}", untested.len());
}

/// One test, `every_container_explains_itself`, asks all containers for their HELP.
fn is_help(known: &Known) -> bool {
    known.container.is_some() && known.spec.name == "help"
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_differential = path.ends_with("tests/differential") || path.ends_with("target");
        if path.is_dir() && !is_differential {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The part of a file that is tests.
fn test_code(path: &Path) -> Option<String> {
    let code = fs::read_to_string(path).unwrap();
    let name = path.file_stem()?.to_string_lossy();
    let is_this = path.ends_with("facts/tested.rs");
    let is_in_tests = path.components().any(|part| part.as_os_str() == "tests");
    if is_this {
        None
    } else if is_in_tests || name == "tests" || name.ends_with("_tests") {
        Some(code)
    } else {
        let start = code.find("#[cfg(test)]\nmod tests {")?;
        Some(code[start..].to_owned())
    }
}

#[derive(Debug, PartialEq)]
struct Request {
    words: Vec<String>,
    /// It holds a place that is filled when the test runs, so that nobody can tell how many words it has.
    is_open: bool,
}

/// The commands that a request may be meant for: a container's subcommand, or the command itself.
fn commands_of(request: &Request) -> Vec<u16> {
    let is = |index: usize, name: &str| {
        request.words.get(index).is_some_and(|word| word.eq_ignore_ascii_case(name))
    };
    let enough =
        |known: &Known| request.is_open || request.words.len() as u32 >= known.spec.arity.unsigned_abs();
    let names = |known: &Known| match known.container {
        Some(container) => is(0, container.name) && is(1, known.spec.name),
        None => is(0, known.spec.name),
    };
    each_known().filter(|known| names(known) && enough(known)).map(|known| known.id).collect()
}

/// Runs of string literals with only commas between them, where they begin like a request.
fn requests_in(code: &str) -> Vec<Request> {
    let mut requests = Vec::new();
    let mut before = String::new();
    let mut rest = code;
    while let Some((skipped, literal, after)) = next_literal(rest) {
        before.push_str(skipped);
        let opens = before.trim_end().trim_end_matches(['&', '[', ' ', '\n', 'b']).ends_with('(');
        let mut words: Vec<String> = literal.split(' ').map(str::to_owned).collect();
        let mut is_open = literal.contains('{');
        let in_one = words.len();
        rest = after;
        // An array of words is one request; a request in one literal stands for itself.
        if in_one == 1 {
            while let Some((between, literal, after)) = next_literal(rest)
                && between.trim_matches([' ', '\n', ',', 'b']).is_empty()
                && between.contains(',')
            {
                words.push(literal.clone());
                is_open |= literal.contains('{');
                rest = after;
            }
        }
        // The words of an array may be followed by what is no literal.
        is_open |= in_one == 1 && words.len() > 1 && rest.trim_start().starts_with(',');
        if opens || in_one > 1 {
            requests.push(Request { words, is_open });
        }
        before = "\"".to_owned();
    }
    requests
}

/// The next string literal: what comes before it, its text, and what comes after.
fn next_literal(code: &str) -> Option<(&str, String, &str)> {
    let bytes = code.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'/' if code[at..].starts_with("//") => at += code[at..].find('\n').unwrap_or(code.len() - at),
            // A character in quotes; a lifetime has none behind it.
            b'\'' if bytes.get(at + 1) == Some(&b'\\') => at += 2 + code[at + 2..].find('\'')? + 1,
            b'\'' if bytes.get(at + 2) == Some(&b'\'') => at += 3,
            b'"' => {
                let (text, length) = read_literal(&code[at + 1..])?;
                return Some((&code[..at], text, &code[at + 1 + length..]));
            }
            _ => at += 1,
        }
        while !code.is_char_boundary(at) {
            at += 1;
        }
    }
    None
}

/// The text up to the closing quote, and how long it is in the source with it.
fn read_literal(code: &str) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut characters = code.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Some((text, index + 1)),
            '\\' => match characters.next()?.1 {
                '\n' => text.push(' '),
                'n' | 't' | 'r' => text.push(' '),
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
    None
}

#[test]
fn requests_are_told_from_names() {
    let names = |code: &str| {
        let requests = requests_in(code);
        let ids: BTreeSet<u16> = requests.iter().flat_map(commands_of).collect();
        each_known()
            .filter(|known| ids.contains(&known.id))
            .map(|known| known.full_name())
            .collect::<Vec<_>>()
    };
    for (code, expected) in [
        (r#"client.ask("GET k")"#, vec!["get"]),
        (r#"client.ask("GET")"#, vec![]),
        (r#"assert_eq!(client.ask("PING"), "+PONG")"#, vec!["ping"]),
        (r#"for name in ["ping", "exec", "get"] {"#, vec![]),
        (r#"ask_words(&["CONFIG", "GET", "port"])"#, vec!["config", "config|get"]),
        (r#"call(&["SET", "k", &value])"#, vec!["set"]),
        (r#"[("SET k v", "+OK"), ("DEL k", ":1")]"#, vec!["set", "del"]),
        (r#"ask(&format!("ACL SETUSER {name} {rules}"))"#, vec!["acl", "acl|setuser"]),
        (r#"// ask("GET k")"#, vec![]),
        (r#"match byte { b'"' => 1, _ => f("TTL k") }"#, vec!["ttl"]),
    ] {
        let mut found = names(code);
        found.sort();
        let mut expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        expected.sort();
        assert_eq!(found, expected, "{code}");
    }
}
