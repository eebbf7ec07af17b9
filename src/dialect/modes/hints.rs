//! `--test_hint LINE` and `--test_hint_file FILE`: what would be hinted behind a line, without a terminal.
//!
//! A line of the file is what was typed and what is to be hinted, both quoted; `#` begins a comment. It is how
//! Redis tests its own hints, and how ours are tested by the same file.

use std::fs;
use std::path::Path;

use rcl_proto::words;

use super::super::prompt::Known;
use super::super::session::{Session, Trouble};
use super::emit;
use crate::cli::system_words;

pub fn show(mut session: Session<'_>, line: &[u8]) -> Result<(), Trouble> {
    let known = Known::ask(&mut session);
    let hint = known.hint(line).unwrap_or_default();
    emit(&format!("{hint}\n"))
}

pub fn hold_against(mut session: Session<'_>, path: &Path, verbose: bool) -> Result<(), Trouble> {
    let text = fs::read(path).map_err(|error| {
        eprintln!("Can't open file '{}': {}", path.display(), system_words(&error.to_string()));
        Trouble::ErrorReply
    })?;
    let known = Known::ask(&mut session);
    let (mut passed, mut all) = (0, 0);
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"#")) {
        let parts = words::split(line).unwrap_or_default();
        let [input, expected, ..] = parts.as_slice() else {
            if let [input] = parts.as_slice() {
                eprintln!("Missing expected hint for input '{}'", String::from_utf8_lossy(input));
                return Err(Trouble::ErrorReply);
            }
            continue;
        };
        let hint = known.hint(input).unwrap_or_default();
        let (input, expected) = (String::from_utf8_lossy(input), String::from_utf8_lossy(expected));
        if verbose {
            emit(&format!("Input: '{input}', Expected: '{expected}', Hint: '{hint}'\n"))?;
        }
        all += 1;
        if hint.trim_end() == expected {
            passed += 1;
        } else {
            eprintln!("Test case '{input}' FAILED: expected '{expected}', got '{hint}'");
        }
    }
    let verdict = if passed == all { "SUCCESS" } else { "FAILURE" };
    emit(&format!("{verdict}: {passed}/{all} passed\n"))?;
    if passed == all { Ok(()) } else { Err(Trouble::ErrorReply) }
}
