//! What a user sees. Data goes to stdout in the format asked for; status goes to stderr.
//!
//! For machines a verb's data are one document, whose first member says what it is (docs/output.md has each verb's shape):
//!
//! ```text
//! {"rcl": {"version": "0.1.0", "schema": 1, "verb": "check"}, "healthy": true, …}
//! {"rcl": {"version": "0.1.0", "schema": 1, "verb": "check"}, "error": {"kind": "unreachable", "exit_code": 4, …}}
//! ```
//!
//! A report is a value that serialises (JSON and YAML are its derive) and that can say itself as text for a
//! terminal. Colour is written always and taken out by `anstream` where the stream is no terminal or NO_COLOR
//! is set.

mod envelope;
mod meter;
mod plain;
mod progress;
mod table;
mod terminal;
mod typing;

use std::io::{IsTerminal, Write};

use serde::Serialize;

use crate::cli::{Failure, Kind};
pub use envelope::SCHEMA;
use envelope::{Document, ErrorDocument};
pub use meter::Meter;
pub use plain::{is_plain, speak_plainly};
pub use progress::Progress;
pub use table::{Paint, bar, bytes, count, number_of, paint, table};
pub use terminal::size;
pub use typing::Typing;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    #[value(alias = "table")]
    Text,
    Json,
    Yaml,
}

/// What a verb has to say, for people.
pub trait Report {
    /// The member under which a report that is a list stands in its document.
    const LIST: &'static str = "items";

    /// Whether the text is itself for programs, so that its lines must stay as they are.
    const FOR_PROGRAMS: bool = false;

    /// Lines without the last newline; may hold colour.
    fn text(&self) -> String;
}

#[derive(Clone, Copy, Debug)]
pub struct Output {
    format: Format,
    /// Of which verb the documents are.
    verb: &'static str,
    quiet: bool,
}

impl Output {
    pub fn new(format: Format, verb: &'static str, quiet: bool) -> Output {
        Output { format, verb, quiet }
    }

    pub fn format(&self) -> Format {
        self.format
    }

    /// Data, to stdout.
    pub fn print<R: Report + Serialize>(&self, report: &R) {
        let text = match self.format {
            Format::Text if R::FOR_PROGRAMS => report.text(),
            Format::Text => terminal::fitted(&report.text(), &std::io::stdout()),
            Format::Json | Format::Yaml => self.document(R::LIST, report),
        };
        // A reader that went away (`rcl nodes | head -1`) is no error.
        let _ = writeln!(anstream::stdout(), "{}", text.trim_end());
    }

    /// The data as a document; `list` names them where they are a list.
    fn document(&self, list: &'static str, data: &impl Serialize) -> String {
        let document = Document { verb: self.verb, list, data };
        let text = match self.format {
            Format::Yaml => serde_yaml::to_string(&document).map_err(|error| error.to_string()),
            _ => serde_json::to_string_pretty(&document).map_err(|error| error.to_string()),
        };
        text.unwrap_or_else(|error| error)
    }

    /// One of many documents, as of what goes on for long: JSON on one line, YAML behind its mark. Not for text.
    pub fn one_of_many(&self, data: &impl Serialize) -> String {
        if self.format == Format::Yaml {
            return format!("---\n{}", self.document("items", data));
        }
        let document = Document { verb: self.verb, list: "items", data };
        let text = serde_json::to_string(&document).unwrap_or_else(|error| error.to_string());
        format!("{text}\n")
    }

    /// Why the verb did not do what was asked: to stderr for people, and where documents are asked for as one of them, too. What was found
    /// (an unhealthy cluster) is no failure of this kind: its document has been printed.
    pub fn fail(&self, failure: &Failure) {
        self.report(failure);
        self.print_failure(failure);
    }

    /// To stderr. What was printed already needs no error line: findings, differences.
    fn report(&self, failure: &Failure) {
        let is_printed = matches!(failure.kind, Kind::Unhealthy | Kind::Different) && failure.what.is_empty();
        if !is_printed {
            self.say(&format!("{} {}", paint(Paint::Bad, "error:"), failure.what));
        }
        if let Some(next) = &failure.next {
            self.say(&format!("  next: {next}"));
        }
    }

    /// Only the document, where documents are asked for.
    pub fn print_failure(&self, failure: &Failure) {
        let is_finding = matches!(failure.kind, Kind::Unhealthy | Kind::Different) && failure.what.is_empty();
        if self.format != Format::Text && !is_finding {
            let text = self.document("items", &ErrorDocument::of(failure));
            let _ = writeln!(anstream::stdout(), "{}", text.trim_end());
        }
    }

    /// Status, to stderr.
    pub fn status(&self, text: &str) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// What must be seen, as what a question is about: to stderr.
    pub fn say(&self, text: &str) {
        let text = terminal::fitted(text.trim_end(), &std::io::stderr());
        let _ = writeln!(anstream::stderr(), "{text}");
    }

    /// Of a move of slots.
    pub fn meter(&self) -> Meter {
        Meter::new(*self, self.draws_progress())
    }

    /// A bar on stderr where that is a terminal, after a moment; else lines.
    pub fn progress(&self, total: u64, unit: &'static str) -> Progress {
        match self.draws_progress() {
            true => Progress::bar(total, unit),
            false => Progress::lines(total, unit, (!self.quiet).then_some(*self)),
        }
    }

    fn draws_progress(&self) -> bool {
        !self.quiet && !is_plain() && std::io::stderr().is_terminal()
    }
}
