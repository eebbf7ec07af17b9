//! What a shell asks at the Tab key: `rcl complete-words SHELL …`, called by the scripts of `rcl completions`.
//!
//! ```text
//! words so far ──► place (which verb, which option's value, which argument)     pure
//!                     └──► candidates: verbs, options, values                   pure
//!                              └──► what only a cluster or a file knows         live, for a moment and never aloud
//! ```
//!
//! It prints one candidate a line, its description behind a tab, or the line `:files` where a path stands. Whatever goes wrong, it says
//! nothing and ends with 0: a shell is no place for errors.

mod candidates;
mod line;
mod live;
mod place;
mod scripts;

use std::io::{self, Write};

pub use candidates::Candidate;
pub use scripts::script;

use place::Place;

/// Prints the words that fit at the cursor; the scripts of rcl completions call it
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which shell asks
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,

    /// bash: the line up to the cursor, in place of words
    #[arg(long, value_name = "LINE")]
    line: Option<String>,

    /// bash: the characters at which it parts words
    #[arg(long, value_name = "CHARACTERS", default_value = "")]
    breaks: String,

    /// The words up to the cursor, rcl itself first and the unfinished one last
    #[arg(value_name = "WORD", trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

const FILES: &str = ":files";

pub fn run(args: &Args) {
    let words = match &args.line {
        Some(line) => line::split(line),
        None => args.words.clone(),
    };
    let Some((current, before)) = words.split_last() else { return };
    let root = super::command();
    let place = Place::of(&root, before, current);
    if place.is_path() {
        say(FILES);
        return;
    }
    let mut found = candidates::of(&place);
    found.extend(live::candidates(&place));
    found.retain(|candidate| candidate.word.starts_with(&place.prefix));
    let lines: Vec<String> =
        found.iter().map(|candidate| args.shell.line(candidate, &place, &args.breaks)).collect();
    say(&lines.join("\n"));
}

fn say(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

impl Shell {
    fn line(self, candidate: &Candidate, place: &Place<'_>, breaks: &str) -> String {
        let word = format!("{}{}", place.glued, candidate.word);
        match self {
            // bash replaces only what stands behind the last character that parts words, and has no descriptions.
            Shell::Bash => {
                let typed = format!("{}{}", place.glued, place.prefix);
                let kept = typed
                    .rfind(|character| ":=".contains(character) && breaks.contains(character))
                    .map_or(0, |at| at + 1);
                word.get(kept..).unwrap_or_default().to_owned()
            }
            Shell::Zsh | Shell::Fish => match &candidate.about {
                about if about.is_empty() => word,
                about => format!("{word}\t{about}"),
            },
        }
    }
}
