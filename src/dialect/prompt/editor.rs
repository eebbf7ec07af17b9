//! The line that is edited on a terminal: hints behind it, completion with Tab, what was typed before with the arrows.

use std::borrow::Cow;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::{Hint, Hinter};
use rustyline::history::{History as _, MemHistory};
use rustyline::validate::Validator;
use rustyline::{Config, Context, Helper};

use super::history::{self, History};
use super::known::Known;
use super::preferences::Preferences;
use crate::dialect::Name;

pub struct Editor {
    lines: rustyline::Editor<Assistant, MemHistory>,
    history: History,
}

impl Editor {
    pub fn new(name: Name, known: Known, preferences: Preferences) -> Result<Editor, ReadlineError> {
        // Of several lines that are pasted, each is a command.
        let config = Config::builder()
            .max_history_size(history::KEPT)?
            .history_ignore_dups(true)?
            .bracketed_paste(false)
            .build();
        let mut lines = rustyline::Editor::with_history(config, MemHistory::new())?;
        lines.set_helper(Some(Assistant { known, preferences }));
        let history = History::of(name);
        for line in history.load() {
            lines.history_mut().add(&line)?;
        }
        Ok(Editor { lines, history })
    }

    /// `None` at the end: Ctrl-D, Ctrl-C, or a terminal that is gone.
    pub fn read(&mut self, prompt: &str) -> Option<String> {
        self.lines.readline(prompt).ok()
    }

    pub fn remember(&mut self, line: &str) {
        if self.lines.history_mut().add(line).unwrap_or(false) {
            self.history.add(line);
        }
    }
}

struct Assistant {
    known: Known,
    preferences: Preferences,
}

/// It is shown and cannot be taken over: it names arguments and is none.
struct Shown(String);

impl Hint for Shown {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for Assistant {
    type Hint = Shown;

    fn hint(&self, line: &str, position: usize, _: &Context<'_>) -> Option<Shown> {
        if !self.preferences.hints() || position < line.len() {
            return None;
        }
        let hint = self.known.hint(line.as_bytes()).filter(|hint| !hint.is_empty())?;
        let blank = if line.ends_with(' ') { "" } else { " " };
        Some(Shown(format!("{blank}{hint}")))
    }
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.known.complete(line.get(..position).unwrap_or_default()))
    }
}

impl Highlighter for Assistant {
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        match std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            true => Cow::Borrowed(hint),
            false => Cow::Owned(format!("\x1b[90m{hint}\x1b[0m")),
        }
    }
}

impl Validator for Assistant {}

impl Helper for Assistant {}
