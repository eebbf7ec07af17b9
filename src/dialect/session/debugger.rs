//! The debugger of Lua scripts (SCRIPT DEBUG, `--ldb`): its lines in colour, and when a session of it ends.
//!
//! While a script is debugged the server answers in arrays of simple strings, each a line; the last one of a
//! session is `<endsession>`. What follows it is the reply of the EVAL.

use rcl_proto::resp::Reply;

use super::kind::Kind;
use super::messages::has_colour;
use super::{Session, Trouble};
use crate::dialect::format::{self, Delimiters, Form};
use crate::dialect::options::Debugger;

#[derive(Debug, Default)]
pub struct Debugging {
    /// The next EVAL is debugged.
    armed: bool,
    on: bool,
    over: bool,
}

impl Debugging {
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// Whether a session ended since this was asked last.
    pub fn take_end(&mut self) -> bool {
        std::mem::take(&mut self.over)
    }

    /// What is about to be sent may arm the debugger, or begin a session.
    pub fn notice(&mut self, command: &[Vec<u8>]) {
        let lower: Vec<Vec<u8>> = command.iter().take(3).map(|word| word.to_ascii_lowercase()).collect();
        match lower.iter().map(Vec::as_slice).collect::<Vec<_>>().as_slice() {
            [b"script", b"debug", mode] if command.len() == 3 => {
                self.armed = matches!(*mode, b"yes" | b"sync");
            }
            [b"eval", ..] if self.armed => self.on = true,
            _ => {}
        }
    }

    /// A session begins with the EVAL that comes next, whoever armed it.
    pub fn begin(&mut self) {
        self.on = true;
    }

    pub fn print(&mut self, out: &mut Vec<u8>, reply: &Reply, delimiters: &Delimiters) {
        let lines = match reply {
            Reply::Array(lines) => lines.as_slice(),
            one => std::slice::from_ref(one),
        };
        let lines: Vec<Reply> = lines.iter().map(|line| self.line(line)).collect();
        let printed = if let Reply::Array(_) = reply { Reply::Array(lines) } else { lines[0].clone() };
        format::print(out, &printed, Form::Raw, delimiters);
    }

    fn line(&mut self, line: &Reply) -> Reply {
        match line {
            Reply::Simple(text) if text.starts_with("<endsession>") => {
                *self = Debugging { over: true, ..Debugging::default() };
                Reply::Simple(String::new())
            }
            Reply::Simple(text) if has_colour() => Reply::Simple(coloured(text)),
            other => other.clone(),
        }
    }
}

impl Session<'_> {
    /// Ends a debugging session: the reply of the EVAL is what comes next.
    pub fn finish_debugging(&mut self) -> Result<bool, Trouble> {
        if !self.debugging.take_end() {
            return Ok(false);
        }
        self.form = Form::Standard;
        let reply = self.receive_any()?;
        self.print_reply(&reply, Kind::Plain)?;
        // The server closes a connection over which it was debugged.
        let _ = self.connect_quietly();
        Ok(true)
    }

    /// The EVAL that is sent next is debugged, as the server was told.
    pub fn begin_debugging(&mut self) {
        self.debugging.begin();
    }

    pub fn is_debugging(&self) -> bool {
        self.debugging.is_on()
    }

    /// A script was named, which can be debugged once more.
    pub fn has_script(&self) -> bool {
        self.options.eval.is_some()
    }

    /// What is said behind the reply of a script that was debugged.
    pub fn debugging_ended(&self) -> String {
        let taken_back = match self.options.debugger {
            Some(Debugger::Sync) => "",
            _ => " -- dataset changes rolled back",
        };
        format!("\n(Lua debugging session ended{taken_back})\n\n")
    }
}

/// A line by what it is: of the program, of the debugger, of a value.
fn coloured(text: &str) -> String {
    const BOLD: &str = "1;37";
    let mut code = "0;37";
    for (mark, its_code) in [
        ("<debug>", BOLD),
        ("<redis>", "0;32"),
        ("<reply>", "0;36"),
        ("<error>", "0;31"),
        ("<hint>", BOLD),
        ("<value>", "0;35"),
        ("<retval>", "0;35"),
    ] {
        if text.contains(mark) {
            code = its_code;
        }
    }
    // `-> 3   line` is where the program is, ` #3   line` has a break point.
    let bytes = text.as_bytes();
    if bytes.len() > 4 && bytes[3].is_ascii_digit() {
        match bytes {
            [_, b'>', ..] => code = "0;33",
            [_, _, b'#', ..] => code = BOLD,
            _ => {}
        }
    }
    format!("\x1b[{code};49m{text}\x1b[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<Vec<u8>> {
        line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
    }

    #[test]
    fn a_session_begins_with_the_eval_after_script_debug() {
        let mut debugging = Debugging::default();
        debugging.notice(&words("EVAL x 0"));
        assert!(!debugging.is_on());
        debugging.notice(&words("SCRIPT DEBUG yes"));
        debugging.notice(&words("GET k"));
        assert!(!debugging.is_on());
        debugging.notice(&words("eval x 0"));
        assert!(debugging.is_on());
        let mut out = Vec::new();
        let newline = Delimiters { element: b"\n".to_vec(), reply: b"\n".to_vec() };
        debugging.print(&mut out, &Reply::Array(vec![Reply::Simple("<endsession>".into())]), &newline);
        assert!(!debugging.is_on());
        assert!(debugging.take_end());
        assert!(!debugging.take_end());
    }

    #[test]
    fn lines_have_their_colours() {
        assert_eq!(coloured("<value> 1"), "\x1b[0;35;49m<value> 1\x1b[0m");
        assert_eq!(coloured("-> 1   return 1"), "\x1b[0;33;49m-> 1   return 1\x1b[0m");
        assert_eq!(coloured("  #2   x"), "\x1b[1;37;49m  #2   x\x1b[0m");
    }
}
