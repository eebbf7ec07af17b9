//! The files, and the comparison.

use std::path::{Path, PathBuf};

use super::mask::Mask;
use super::run::{self, Said};

/// How a verb is run for a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Piped,
    Colour,
    /// On a terminal, too, with --plain.
    Plain,
    Json,
    Yaml,
}

impl Form {
    fn ending(self) -> &'static str {
        match self {
            Form::Piped => "txt",
            Form::Colour => "colour.txt",
            Form::Plain => "plain.txt",
            Form::Json => "json.txt",
            Form::Yaml => "yaml.txt",
        }
    }

    fn options(self) -> &'static [&'static str] {
        match self {
            Form::Piped | Form::Colour => &[],
            Form::Plain => &["--plain"],
            Form::Json => &["-o", "json"],
            Form::Yaml => &["-o", "yaml"],
        }
    }
}

/// Compares what verbs say with the files, and gathers what differs, so that one run shows all of it.
pub struct Snapshots {
    /// What is known to differ from run to run, and what stands for it in the files.
    known: Vec<(String, String)>,
    state: PathBuf,
    differences: Vec<String>,
}

impl Snapshots {
    pub fn new(known: Vec<(String, String)>, state: PathBuf) -> Snapshots {
        Snapshots { known, state, differences: Vec::new() }
    }

    /// Runs `rcl` with these arguments in each of the forms.
    pub fn take(&mut self, name: &str, forms: &[Form], arguments: &[&str], masks: &[Mask]) {
        for form in forms {
            let all: Vec<String> =
                form.options().iter().chain(arguments).map(|&word| word.to_owned()).collect();
            let said = match form {
                Form::Colour | Form::Plain => run::on_a_terminal(&all, &self.state),
                _ => run::in_pipes(&all, &self.state),
            };
            self.compare(name, *form, &all, &said, masks);
        }
    }

    fn compare(&mut self, name: &str, form: Form, arguments: &[String], said: &Said, masks: &[Mask]) {
        let shown = shown(arguments, said);
        let masked = masks.iter().fold(self.without_what_is_known(&shown), |text, mask| mask.over(&text));
        // What is for programs has lines as long as it needs, and so have two of help's topics.
        let as_long_as_needed = ["export", "metrics", "help-environment", "help-addresses"];
        if form == Form::Colour && !as_long_as_needed.contains(&name) {
            self.too_wide(name, &masked);
        }
        if form == Form::Plain
            && masked.contains(|c: char| c == '␛' || ('\u{2500}'..='\u{259f}').contains(&c))
        {
            self.differences.push(format!("{name}: --plain draws:\n{masked}"));
        }
        let path = folder().join(format!("{name}.{}", form.ending()));
        if std::env::var_os("RCL_BLESS").is_some() {
            std::fs::create_dir_all(folder()).unwrap();
            return std::fs::write(&path, masked).unwrap();
        }
        let held = std::fs::read_to_string(&path).unwrap_or_default();
        if held != masked {
            self.differences.push(format!("{}:\n{}", path.display(), difference(&held, &masked)));
        }
    }

    /// A terminal of 80 columns shows each line on one of its own.
    fn too_wide(&mut self, name: &str, text: &str) {
        // The first line is the command; what is on stderr is not on the terminal here.
        let shown = text.split("--- stderr").next().unwrap_or_default();
        for line in shown.lines().skip(1) {
            let width = without_colour(line).chars().count();
            // A word may be longer.
            if width > 80 && line.trim().contains(' ') {
                self.differences.push(format!("{name}: {width} columns: {line}"));
            }
        }
    }

    /// From now on this differs from run to run, and is called so.
    pub fn know(&mut self, known: Vec<(String, String)>) {
        // What a node was called that is dead by now is known from before.
        let old = std::mem::replace(&mut self.known, known);
        self.known.extend(old);
    }

    fn without_what_is_known(&self, text: &str) -> String {
        self.known.iter().fold(text.to_owned(), |text, (word, name)| {
            match word.bytes().all(|byte| byte.is_ascii_digit()) {
                true => with_number(&text, word, name),
                false => text.replace(word, name),
            }
        })
    }

    /// Fails if anything was another than in the files.
    #[track_caller]
    pub fn end(self) {
        let count = self.differences.len();
        assert!(
            count == 0,
            "{count} snapshots differ; after a look at them, make snapshots writes them anew\n\n{}",
            self.differences.join("\n")
        );
    }
}

/// With `name` where the text has this number. One that has more digits is another: a percentage may have those of a port.
fn with_number(text: &str, number: &str, name: &str) -> String {
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let (mut result, mut copied) = (String::new(), 0);
    for (at, _) in text.match_indices(number) {
        let end = at + number.len();
        if !is_digit(text[..at].chars().next_back()) && !is_digit(text[end..].chars().next()) {
            result.push_str(&text[copied..at]);
            result.push_str(name);
            copied = end;
        }
    }
    result.push_str(&text[copied..]);
    result
}

#[test]
fn a_port_is_known_and_its_digits_in_another_number_are_not() {
    let text = "127.0.0.1:29882@29882, 29882, 33.331298828125, 129882 29882";
    let known = "127.0.0.1:27004@27004, 27004, 33.331298828125, 129882 27004";
    assert_eq!(with_number(text, "29882", "27004"), known);
}

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/terminal/snapshots")
}

fn shown(arguments: &[String], said: &Said) -> String {
    let quoted = arguments.iter().map(|word| match word.contains([' ', '{']) {
        true => format!("'{word}'"),
        false => word.clone(),
    });
    let mut text = format!("$ rcl {}\n{}", quoted.collect::<Vec<_>>().join(" "), said.stdout);
    if !said.stderr.is_empty() {
        text.push_str(&format!("--- stderr\n{}", said.stderr));
    }
    if said.exit_code != 0 {
        text.push_str(&format!("--- exits with {}\n", said.exit_code));
    }
    text.replace('\x1b', "␛")
}

/// Without `␛[32m` and its like.
fn without_colour(line: &str) -> String {
    let mut pieces = line.split("␛[");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    pieces.for_each(|piece| text.push_str(piece.split_once('m').map_or(piece, |(_, rest)| rest)));
    text
}

/// The lines from the first to the last that differ.
fn difference(held: &str, got: &str) -> String {
    let (held, got): (Vec<&str>, Vec<&str>) = (held.lines().collect(), got.lines().collect());
    let same = held.iter().zip(&got).take_while(|(one, other)| one == other).count();
    let tail = held[same..].iter().rev().zip(got[same..].iter().rev()).take_while(|(a, b)| a == b).count();
    let lines = |mark: char, lines: &[&str]| -> String {
        lines[same..lines.len() - tail].iter().map(|line| format!("  {mark} {line}\n")).collect()
    };
    format!("{}{}", lines('-', &held), lines('+', &got))
}
