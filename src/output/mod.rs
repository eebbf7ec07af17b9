//! What a user sees. Data goes to stdout in the format asked for; status goes to stderr.
//!
//! A report is a value that serialises (JSON and YAML are its derive) and that can say itself as text for a
//! terminal. Colour is written always and taken out by `anstream` where the stream is no terminal or NO_COLOR
//! is set.

mod meter;
mod progress;
mod table;

use std::io::{IsTerminal, Write};

use serde::Serialize;

pub use meter::Meter;
pub use progress::Progress;
pub use table::{Paint, bar, bytes, count, paint, table};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    #[default]
    Table,
    Json,
    Yaml,
}

/// What a verb has to say, for people.
pub trait Report {
    /// Lines without the last newline; may hold colour.
    fn text(&self) -> String;
}

#[derive(Clone, Copy, Debug)]
pub struct Output {
    format: Format,
}

impl Output {
    pub fn new(format: Format) -> Output {
        Output { format }
    }

    pub fn format(&self) -> Format {
        self.format
    }

    /// Data, to stdout.
    pub fn print<R: Report + Serialize>(&self, report: &R) {
        let text = match self.format {
            Format::Table => report.text(),
            Format::Json => serde_json::to_string_pretty(report).unwrap_or_else(|error| error.to_string()),
            Format::Yaml => serde_yaml::to_string(report).unwrap_or_else(|error| error.to_string()),
        };
        // A reader that went away (`rcl nodes | head -1`) is no error.
        let _ = writeln!(anstream::stdout(), "{}", text.trim_end());
    }

    /// Status, to stderr.
    pub fn status(&self, text: &str) {
        let _ = writeln!(anstream::stderr(), "{}", text.trim_end());
    }

    /// Of a move of slots.
    pub fn meter(&self) -> Meter {
        Meter::new(*self, std::io::stderr().is_terminal())
    }

    /// A bar on stderr, which shows itself only on a terminal and only after a moment.
    pub fn progress(&self, total: u64, unit: &'static str) -> Progress {
        Progress::new(total, unit, std::io::stderr().is_terminal())
    }
}
