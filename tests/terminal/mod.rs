//! What a user sees of each verb, held against files in `snapshots/`: piped, on a terminal of 80 columns with colour, and as documents.
//!
//! ```text
//! snapshots/info.txt            rcl info …                  stdout and stderr in pipes
//! snapshots/info.colour.txt     rcl info …                  stdout on a terminal; ␛ stands for the escape character
//! snapshots/info.json.txt       rcl info … -o json
//! ```
//!
//! The nodes are ours, with ids that are given to them; what differs all the same from run to run is masked ([`mask`]). Whoever changed
//! what is said on purpose runs `make snapshots`, and looks at what `git diff` shows.

mod change;
mod cluster;
mod data;
mod documents;
mod labs;
mod look;
mod mask;
mod run;
mod snapshot;

use std::collections::BTreeSet;
use std::path::Path;

/// Verbs that have no snapshot of their own, and why.
pub const WITHOUT: &[(&str, &str)] = &[
    ("completions", "its scripts are held by `completions/` and the test that they are up to date"),
    ("complete-words", "hidden; asked by the shell, a test beside it holds what it says"),
    ("man", "made from the help texts; a test beside it holds what it writes"),
    ("node", "the server; it prints a log"),
    ("cli", "the shell; tests/dialect holds what it prints, also on a terminal"),
    ("redis-cli", "redis-cli's dialect; tests/dialect holds what it prints"),
];

#[test]
fn every_verb_has_a_snapshot_or_a_reason_why_not() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/terminal/snapshots");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    // Of `lab start` it is `lab-start`; a snapshot's name may go on: `check-of-a-dead-node`.
    let is_shown = |verb: &str| {
        files.iter().any(|file| file.strip_prefix(verb).is_some_and(|rest| rest.starts_with(['.', '-'])))
    };
    for verb in verbs() {
        let excused = WITHOUT.iter().any(|(name, _)| *name == verb);
        assert!(is_shown(&verb) != excused, "rcl {verb}: a snapshot, or a reason in WITHOUT, and not both");
    }
}

/// All of them, with `lab`'s as `lab-start`.
fn verbs() -> Vec<String> {
    let root = rcl::cli::command();
    let mut verbs = Vec::new();
    for verb in root.get_subcommands() {
        match verb.get_subcommands().next() {
            None => verbs.push(verb.get_name().to_owned()),
            Some(_) => {
                verbs.extend(
                    verb.get_subcommands().map(|of| format!("{}-{}", verb.get_name(), of.get_name())),
                );
            }
        }
    }
    verbs
}
