//! `--eval FILE key1 key2 , arg1 arg2`: a script file as an EVAL command, with `--ldb` debugged.

use std::path::Path;

use super::Name;
use super::interrupt::Interrupt;
use super::options::{Debugger, Options};
use super::prompt::{self, End};
use super::session::{Session, Trouble};

const BEFORE_DEBUGGING: &str = "\
Lua debugging session started, please use:
quit    -- End the session.
restart -- Restart the script in debug mode again.
help    -- Show Lua script debugging commands.

";

/// Debugs the script: its EVAL stops at the first line, and what is typed goes to the debugger until it ends.
pub fn debug(
    session: &mut Session<'_>,
    options: &Options,
    path: &Path,
    name: Name,
    words: &[Vec<u8>],
) -> Result<(), Trouble> {
    let interrupt = Interrupt::listen();
    let mode = if options.debugger == Some(Debugger::Sync) { "sync" } else { "yes" };
    session.connect()?;
    loop {
        session.emit(BEFORE_DEBUGGING.as_bytes())?;
        let command = command(path, words).map_err(|what| {
            eprintln!("{what}");
            Trouble::ErrorReply
        })?;
        session.ask(&["SCRIPT", "DEBUG", mode])?;
        session.begin_debugging();
        session.run(&command, 1)?;
        if !session.is_debugging() {
            session.emit(b"Eval debugging session can't start:\n")?;
            session.finish_debugging()?;
            return Ok(());
        }
        if prompt::read_lines(session, name, &interrupt)? == End::Quit {
            return Ok(());
        }
        session.connect()?;
        session.emit(b"\n")?;
    }
}

/// The EVAL command of the script in `path`: the words before a lone comma are keys, those after arguments.
pub fn command(path: &Path, words: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, String> {
    let script =
        std::fs::read(path).map_err(|error| format!("Can't open file '{}': {error}", path.display()))?;
    Ok(eval(script, words))
}

fn eval(script: Vec<u8>, words: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let comma = words.iter().position(|word| word == b",");
    let key_count = comma.unwrap_or(words.len());
    let mut command = vec![b"EVAL".to_vec(), script, key_count.to_string().into_bytes()];
    command.extend(
        words.iter().enumerate().filter(|(index, _)| Some(*index) != comma).map(|(_, word)| word.clone()),
    );
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_parts_keys_from_arguments() {
        let line = |words: &[&str]| {
            let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
            let command = eval(b"s".to_vec(), &words);
            command.iter().map(|word| word.escape_ascii().to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(line(&["k", ",", "a", ","]), "EVAL s 1 k a ,");
        assert_eq!(line(&["k1", "k2"]), "EVAL s 2 k1 k2");
        assert_eq!(line(&[",", "a"]), "EVAL s 0 a");
    }
}
