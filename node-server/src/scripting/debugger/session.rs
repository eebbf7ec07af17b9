//! One debugging session: what was noted for the client, and what the client's requests do that need no look into Lua.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rcl_proto::resp::{Args, OwnedArgs};

use super::copy::Copied;
use super::line::{Heard, Line, encode};
use super::request::leading_number;
use super::source::{Reason, Source};
use super::{goes_down, shown};
use crate::clock;
use crate::command::parse;
use crate::node::Node;
use crate::scripting::engine;
use crate::scripting::glue::Words;

/// Replies and values that are longer are trimmed, if nothing else was said.
const USUAL_LENGTH: usize = 256;
const LEAST_LENGTH: i64 = 60;
/// "Unlimited" ends here.
const GREATEST_LENGTH: usize = 16 << 20;
/// Of a command no more words are shown.
const SHOWN_WORDS: usize = 10;
/// Where `busy-reply-threshold` says nothing: a script that does not stop for so long may have no end.
const RUNS_LONG_AFTER_MS: i64 = 5000;

/// What a request asks of the stopped script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// It goes on.
    Resume,
    /// All local variables, or the one that the request names.
    Print,
    Trace,
    Eval,
    Command,
    /// This error is raised in it.
    Abort(&'static str),
    /// It was killed.
    End,
}

/// What the client is to be told next.
#[derive(Debug)]
pub struct Notes {
    lines: Vec<Vec<u8>>,
    /// 0: unlimited.
    longest: usize,
    hint_given: bool,
}

impl Notes {
    pub fn push(&mut self, line: impl Into<Vec<u8>>) {
        self.lines.push(line.into());
    }

    /// So much of a value or a reply is of use.
    pub fn limit(&self) -> usize {
        if self.longest == 0 { GREATEST_LENGTH } else { self.longest }
    }

    /// Trimmed if it is long; the first time with a hint.
    pub fn push_trimmed(&mut self, mut line: Vec<u8>) {
        let is_long = line.len() > self.limit();
        if is_long {
            line.truncate(self.limit());
            line.extend_from_slice(b" ...");
        }
        self.push(line);
        if is_long && !std::mem::replace(&mut self.hint_given, true) {
            self.push("<hint> The above reply was trimmed. Use 'maxlen 0' to disable trimming.");
        }
    }

    pub fn command(&mut self, args: Args<'_>) {
        let mut line = b"<redis>".to_vec();
        for word in args.iter().take(SHOWN_WORDS) {
            line.push(b' ');
            line.extend_from_slice(word);
        }
        if args.len() > SHOWN_WORDS {
            // Redis counts one too few.
            line.extend_from_slice(format!(" ... ({} more)", args.len() - SHOWN_WORDS - 1).as_bytes());
        }
        self.push(line);
    }

    /// A command's reply as it was written; an error is told as such too.
    pub fn reply(&mut self, reply: &[u8]) {
        if reply.first() == Some(&b'-') {
            let end = reply.iter().position(|&byte| byte == b'\r').unwrap_or(reply.len());
            self.push([b"<error> ", &reply[..end]].concat());
        }
        let mut line = b"<reply> ".to_vec();
        shown::reply(reply, &mut line);
        self.push_trimmed(line);
    }

    /// An error that no command replied. Its code is told only where it says something.
    pub fn error(&mut self, text: &str) {
        let line = match text.strip_prefix("ERR ") {
            Some(text) => format!("<error> {text}"),
            None => format!("<error> {text}"),
        };
        self.push(line);
    }
}

pub struct Session {
    line: Line,
    node: Arc<Node>,
    pub source: Source,
    pub notes: Notes,
    /// The words of the last request.
    pub asked: Vec<Vec<u8>>,
    code: Vec<u8>,
    /// The script works on a copy: what of the data is in it.
    pub copied: Option<Copied>,
    /// When the script went on.
    resumed: Instant,
    /// It stopped because it ran for so long.
    runs_long: bool,
}

impl Session {
    pub fn new(line: Line, script: &[u8], node: Arc<Node>) -> Session {
        let notes = Notes { lines: Vec::new(), longest: USUAL_LENGTH, hint_given: false };
        Session {
            line,
            node,
            source: Source::new(script),
            notes,
            asked: Vec::new(),
            code: Vec::new(),
            copied: None,
            resumed: clock::monotonic(),
            runs_long: false,
        }
    }

    pub fn works_on_copy(&mut self) {
        self.copied = Some(Copied::of(self.node.clone()));
    }

    /// The script came to a line. True when it stops there: the client is told.
    pub fn arrive(&mut self, line: i64, is_late_look: bool) -> bool {
        let ran_for = is_late_look.then(|| (self.resumed.elapsed(), self.runs_long_after()));
        let Some(reason) = self.source.arrive(line, ran_for) else { return false };
        self.runs_long = reason == Reason::RunsLong;
        self.notes.push(format!("* Stopped at {line}, stop reason = {}", reason.text()));
        self.notes.push(self.source.listed(line));
        self.send();
        true
    }

    fn runs_long_after(&self) -> Duration {
        let threshold_ms = self.node.settings().busy_reply_threshold_ms;
        Duration::from_millis(if threshold_ms > 0 { threshold_ms } else { RUNS_LONG_AFTER_MS } as u64)
    }

    pub fn send(&mut self) {
        let lines = std::mem::take(&mut self.notes.lines);
        self.line.send(&encode(&lines));
    }

    /// The script is through: what is left to tell, and the reply.
    pub fn end(mut self, reply: &[u8]) {
        self.notes.push("<endsession>");
        self.send();
        self.line.send(reply);
    }

    /// Does what the client asks for, until that needs Lua.
    pub fn next_wish(&mut self) -> Wish {
        let on_copy = self.copied.is_some();
        loop {
            let node = &self.node;
            match self.line.listen(|| goes_down(node) || !on_copy && engine::is_to_end()) {
                Heard::Words(words) => self.asked = words,
                Heard::Wrong(text) => return Wish::Abort(text),
                Heard::Interrupted if goes_down(&self.node) => {
                    return Wish::Abort("script aborted since the node shuts down");
                }
                Heard::Interrupted => return Wish::End,
                Heard::Gone => {
                    self.source.stop_nowhere();
                    if self.runs_long {
                        return Wish::Abort("timeout during Lua debugging with client closing connection");
                    }
                    return self.resume();
                }
            }
            if let Some(wish) = self.obey() {
                return wish;
            }
            self.send();
        }
    }

    fn resume(&mut self) -> Wish {
        self.resumed = clock::monotonic();
        Wish::Resume
    }

    /// Obeys the last request; `None` when that is done.
    fn obey(&mut self) -> Option<Wish> {
        let name = self.asked.first().map(|name| name.to_ascii_lowercase()).unwrap_or_default();
        match &*name {
            b"h" | b"help" => HELP.iter().for_each(|line| self.notes.push(*line)),
            b"s" | b"step" | b"n" | b"next" => {
                self.source.steps = true;
                return Some(self.resume());
            }
            b"c" | b"continue" => return Some(self.resume()),
            b"t" | b"trace" => return Some(Wish::Trace),
            b"m" | b"maxlen" => self.set_length(),
            b"b" | b"break" => self.set_breakpoints(),
            b"e" | b"eval" => return Some(Wish::Eval),
            b"a" | b"abort" => return Some(Wish::Abort("script aborted for user request")),
            b"r" | b"redis" if self.asked.len() > 1 => return Some(Wish::Command),
            b"p" | b"print" => return Some(Wish::Print),
            b"l" | b"list" => self.list(),
            b"w" | b"whole" => self.list_around(0, 0),
            _ => self.notes.push("<error> Unknown Redis Lua debugger command or wrong number of arguments."),
        }
        None
    }

    fn set_length(&mut self) {
        if let [_, length] = &*self.asked {
            self.notes.hint_given = true;
            let length = leading_number(length);
            self.notes.longest = if length == 0 { 0 } else { length.max(LEAST_LENGTH) as usize };
        }
        match self.notes.longest {
            0 => self.notes.push("<value> replies are unlimited."),
            longest => self.notes.push(format!("<value> replies are truncated at {longest} bytes.")),
        }
    }

    fn list(&mut self) {
        let number = |index| self.asked.get(index).map(|word: &Vec<u8>| leading_number(word));
        let around = number(1).filter(|line| *line > 0).unwrap_or(self.source.current);
        self.list_around(around, number(2).unwrap_or(5));
    }

    /// All lines when `around` is 0.
    fn list_around(&mut self, around: i64, context: i64) {
        self.source.list(around, context).for_each(|line| self.notes.lines.push(line));
    }

    fn set_breakpoints(&mut self) {
        if self.asked.len() == 1 {
            return self.list_breakpoints();
        }
        for word in self.asked.split_off(1) {
            match parse::integer(&word) {
                Err(_) => self.notes.push([b"Invalid argument:'", &*word, b"'"].concat()),
                Ok(0) => {
                    self.source.remove_all_breakpoints();
                    self.notes.push("All breakpoints removed.");
                }
                Ok(line) if line < 0 => {
                    self.notes.push(match self.source.remove_breakpoint(line.saturating_neg()) {
                        true => "Breakpoint removed.",
                        false => "No breakpoint in the specified line.",
                    })
                }
                Ok(_) if self.source.is_full() => self.notes.push("Too many breakpoints set."),
                Ok(line) if self.source.add_breakpoint(line) => self.list_around(line, 1),
                Ok(_) => self.notes.push("Wrong line number."),
            }
        }
    }

    fn list_breakpoints(&mut self) {
        let breakpoints = self.source.breakpoints();
        if breakpoints.is_empty() {
            return self.notes.push("No breakpoints set. Use 'b <line>' to add one.");
        }
        self.notes.push(format!("{} breakpoints set:", breakpoints.len()));
        self.notes.lines.extend(breakpoints.iter().map(|line| self.source.listed(*line)));
    }

    pub fn note_frame(&mut self, is_innermost: bool, name: &[u8], line: i64) {
        let place: &[u8] = if is_innermost { b"In " } else { b"From " };
        self.notes.push([place, name, b":"].concat());
        self.notes.push(self.source.listed(line));
    }

    /// The script tells something itself, as long as it likes.
    pub fn note_debug(&mut self, show: impl FnOnce(&mut Vec<u8>, usize)) {
        let mut line = format!("<debug> line {}: ", self.source.current).into_bytes();
        show(&mut line, GREATEST_LENGTH);
        self.notes.push(line);
    }

    /// What `eval` was given, as an expression or as a statement.
    pub fn code(&mut self, as_expression: bool) -> &[u8] {
        let code = self.asked.get(1..).unwrap_or_default().join(&b' ');
        self.code = if as_expression { [b"return ", &*code].concat() } else { code };
        &self.code
    }

    /// The command that the client gives; it is told what comes of it, as of one that the script calls.
    pub fn begin_command(&mut self) -> Words {
        self.source.steps = true;
        let words = self.asked.get(1..).unwrap_or_default();
        Words { words: OwnedArgs::new(words.iter().map(Vec::as_slice)), is_wrong: false }
    }

    pub fn end_command(&mut self) {
        self.source.steps = false;
    }

    /// For what is told only while the script goes step by step.
    pub fn note_steps(&mut self, note: impl FnOnce(&mut Notes)) {
        if self.source.steps {
            note(&mut self.notes);
        }
    }
}

const HELP: [&str; 21] = [
    "Commands of the debugger (the first letter will do):",
    "step, next           Run the current line, and stop again.",
    "continue             Run up to the next breakpoint, or to the end.",
    "list                 The lines around the current one.",
    "list <line> [around] The lines around this one (0 is the current one), so many before and behind.",
    "whole                All lines.",
    "print                The local variables.",
    "print <name>         One variable: of this function or of its callers; or KEYS, or ARGV.",
    "break                The breakpoints.",
    "break <line> ...     Set a breakpoint in this line.",
    "break -<line> ...    Take the breakpoint in this line away.",
    "break 0              Take all breakpoints away.",
    "trace                The functions that were called to get here.",
    "eval <code>          Run this Lua code; local variables are not seen by it.",
    "redis <command>      Run this command.",
    "maxlen [bytes]       Longer values and replies are trimmed; 0 for never.",
    "abort                End the script here. With SCRIPT DEBUG SYNC, what it changed stays.",
    "help                 These lines.",
    "",
    "redis.debug(value, ...) in a script shows its values here,",
    "and redis.breakpoint() stops the script before its next line.",
];
