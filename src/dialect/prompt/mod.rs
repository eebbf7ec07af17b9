//! Commands from lines: typed at the prompt, or fed to stdin.
//!
//! ```text
//! 127.0.0.1:7001> SET {test}:data "critical"     a command, quoted as `rcl_proto::words` says
//! 127.0.0.1:7001> 3 PING                         a number first: so many times
//! 127.0.0.1:7001> connect HOST PORT · clear · help [COMMAND | @GROUP] · :set hints · quit · exit
//! ```
//!
//! [`editor`] edits lines on a terminal, with hints and completion from [`known`] and what was typed before from
//! [`history`]; from a pipe the lines are read silently ([`lines`]). An error does not end the reading, and its
//! exit code is 0, both as in redis-cli.

mod editor;
mod history;
mod known;
mod lines;
mod preferences;

use std::io::{self, IsTerminal};
use std::time::Instant;

use rcl_proto::Address;
use rcl_proto::words;

use self::editor::Editor;
pub use self::known::Known;
use self::lines::Lines;
use self::preferences::Preferences;
use super::docs::help;
use super::format::Form;
use super::interrupt::Interrupt;
use super::session::{Session, Trouble};
use super::{Name, VERSION};
use crate::cli::system_words;

/// From how long on a command's duration is shown.
const WORTH_MENTIONING_MS: u128 = 500;

/// Why no more lines are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Quit,
    /// `restart`: the script is to be debugged once more.
    Restart,
}

/// Reads and carries out lines until the end of stdin or `quit`.
pub fn read_lines(session: &mut Session<'_>, name: Name, interrupt: &Interrupt) -> Result<End, Trouble> {
    session.begin_interactive(interrupt.clone());
    if !session.is_debugging() {
        // One that is not there is said, and tried again with each command.
        let _ = session.connect();
    }
    let mut prompt = Prompt::new(session, name);
    loop {
        let Some(line) = prompt.input.next(session) else {
            // The end of what is typed ends a subscription first.
            if session.is_subscribed() && session.connect().is_ok() {
                continue;
            }
            return Ok(End::Quit);
        };
        match prompt.carry_out(session, &line) {
            Ok(After::Continue) | Err(Trouble::NoConnection | Trouble::ErrorReply | Trouble::Interrupted) => {
            }
            Ok(After::End(end)) => return Ok(end),
            Err(Trouble::OutputClosed) => return Err(Trouble::OutputClosed),
        }
        if session.is_subscribed() {
            let _ = session.print_until_typed(prompt.input.holds_more());
        }
    }
}

struct Prompt {
    name: Name,
    input: Input,
    preferences: Preferences,
    /// Asked for when it is needed first.
    known: Option<Known>,
}

enum Input {
    Typed(Box<Editor>),
    Piped(Lines),
}

impl Input {
    fn next(&mut self, session: &Session<'_>) -> Option<Vec<u8>> {
        match self {
            Input::Typed(editor) => editor.read(&session.prompt()).map(String::into_bytes),
            Input::Piped(lines) => lines.next(),
        }
    }

    /// A line is there already, so that nobody has to be waited for.
    fn holds_more(&self) -> bool {
        matches!(self, Input::Piped(lines) if lines.holds_more())
    }
}

enum After {
    Continue,
    End(End),
}

impl Prompt {
    fn new(session: &mut Session<'_>, name: Name) -> Prompt {
        if !io::stdin().is_terminal() {
            let input = Input::Piped(Lines::default());
            return Prompt { name, input, preferences: Preferences::default(), known: None };
        }
        let preferences = Preferences::load();
        // The debugger has other commands than the server, and would answer these.
        let known = if session.is_debugging() { Known::none() } else { Known::ask(session) };
        match Editor::new(name, known.clone(), preferences.clone()) {
            Ok(editor) => {
                Prompt { name, input: Input::Typed(Box::new(editor)), preferences, known: Some(known) }
            }
            Err(error) => {
                eprintln!("lines cannot be edited here: {}", system_words(&error.to_string()));
                Prompt { name, input: Input::Piped(Lines::default()), preferences, known: Some(known) }
            }
        }
    }

    fn carry_out(&mut self, session: &mut Session<'_>, line: &[u8]) -> Result<After, Trouble> {
        let Some(mut words) = words::split(line) else {
            session.emit(b"Invalid argument(s)\n")?;
            self.remember(line);
            return Ok(After::Continue);
        };
        let Some(first) = words.first() else { return Ok(After::Continue) };
        let Some(repeat) = repeat_count(&words) else {
            session.emit(b"Invalid redis-cli repeat command option value.\n")?;
            return Ok(After::Continue);
        };
        let name = first.to_ascii_lowercase();
        let count = match repeat {
            Some(count) => {
                words.remove(0);
                count
            }
            None => 1,
        };
        if !history::holds_a_secret(&words) {
            self.remember(line);
        }
        match (name.as_slice(), words.len()) {
            (b"quit" | b"exit", _) => return Ok(After::End(End::Quit)),
            (b"restart", _) if session.has_script() => return Ok(After::End(End::Restart)),
            (b"restart", _) => session.emit(b"Use 'restart' only in Lua debugging mode.\n")?,
            (b"help" | b"?", _) if !session.is_debugging() => self.help(session, &words[1..])?,
            (b"clear", 1) => session.emit(b"\x1b[H\x1b[2J")?,
            (b"connect", 3) => connect(session, &words[1], &words[2])?,
            ([b':', ..], _) => {
                if let Err(text) = self.preferences.set(&words) {
                    session.emit(format!("{text}\n").as_bytes())?;
                }
            }
            _ => timed(session, &words, count)?,
        }
        Ok(After::Continue)
    }

    fn remember(&mut self, line: &[u8]) {
        if let Input::Typed(editor) = &mut self.input {
            editor.remember(&String::from_utf8_lossy(line));
        }
    }

    fn help(&mut self, session: &mut Session<'_>, words: &[Vec<u8>]) -> Result<(), Trouble> {
        if words.is_empty() {
            return session.emit(help::general(&format!("{} {VERSION}", self.name.shown())).as_bytes());
        }
        let known = self.known.get_or_insert_with(|| Known::ask(session));
        session.emit(help::on(known.docs(), words).as_bytes())
    }
}

/// `help …` on the command line.
pub fn help_on(session: &mut Session<'_>, name: Name, words: &[Vec<u8>]) -> Result<(), Trouble> {
    let mut prompt = Prompt {
        name,
        input: Input::Piped(Lines::default()),
        preferences: Preferences::default(),
        known: None,
    };
    prompt.help(session, words)
}

/// `Some(Some(n))` for `n COMMAND …`, `Some(None)` for a bare command, `None` for a count that is none.
fn repeat_count(words: &[Vec<u8>]) -> Option<Option<i64>> {
    let number = words.first().and_then(|word| std::str::from_utf8(word).ok());
    let is_number = |text: &&str| {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    match number.filter(is_number) {
        Some(number) if words.len() > 1 => number.parse::<i64>().ok().filter(|&count| count > 0).map(Some),
        _ => Some(None),
    }
}

fn timed(session: &mut Session<'_>, words: &[Vec<u8>], repeat: i64) -> Result<(), Trouble> {
    let start = Instant::now();
    let outcome = session.run(words, repeat);
    if session.finish_debugging()? {
        session.emit(session.debugging_ended().as_bytes())?;
    }
    if let Err(Trouble::Interrupted) = outcome {
        // The terminal shows a ^C where the cursor is.
        return session.emit(b"\n");
    }
    let elapsed = start.elapsed();
    if elapsed.as_millis() >= WORTH_MENTIONING_MS && session.form() == Form::Standard {
        session.emit(format!("({:.2}s)\n", elapsed.as_secs_f64()).as_bytes())?;
    }
    outcome
}

fn connect(session: &mut Session<'_>, host: &[u8], port: &[u8]) -> Result<(), Trouble> {
    let host = String::from_utf8_lossy(host);
    match std::str::from_utf8(port).ok().and_then(|port| port.parse().ok()) {
        Some(port) => session.connect_to(Address::new(host, port)),
        None => session.emit(b"connect HOST PORT: the port is no number\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(line: &str) -> Option<Option<i64>> {
        repeat_count(&words::split(line.as_bytes()).unwrap())
    }

    #[test]
    fn a_number_first_repeats() {
        assert_eq!(count("3 PING"), Some(Some(3)));
        assert_eq!(count("PING"), Some(None));
        assert_eq!(count("3"), Some(None), "a number alone is a command that the server refuses");
        assert_eq!(count("0 PING"), None);
        assert_eq!(count("-1 PING"), None);
        assert_eq!(count("99999999999999999999 PING"), None);
        assert_eq!(count("3x PING"), Some(None));
    }
}
