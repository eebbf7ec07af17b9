//! What the command line itself knows of what may stand at a place.

use clap::{Arg, Command};

use super::place::{At, Place};

/// A word that fits, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub word: String,
    /// One line, or empty.
    pub about: String,
}

impl Candidate {
    pub fn new(word: impl Into<String>, about: impl Into<String>) -> Candidate {
        Candidate { word: word.into(), about: about.into() }
    }
}

pub fn of(place: &Place<'_>) -> Vec<Candidate> {
    match place.at {
        At::Verb => verbs(place.verb),
        At::Option => options(place),
        At::Value(arg) => values(arg),
        At::Elsewhere => Vec::new(),
    }
}

fn verbs(command: &Command) -> Vec<Candidate> {
    let visible = command.get_subcommands().filter(|verb| !verb.is_hide_set());
    let named = |verb: &Command| {
        let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
        let names = std::iter::once(verb.get_name()).chain(verb.get_visible_aliases());
        names.map(|name| Candidate::new(name, about.clone())).collect::<Vec<_>>()
    };
    visible.flat_map(named).collect()
}

fn options(place: &Place<'_>) -> Vec<Candidate> {
    let of_all = place.root.get_arguments().filter(|arg| arg.is_global_set());
    let own = place.verb.get_arguments();
    let mut found = vec![Candidate::new("--help", "Print help")];
    for arg in own.chain(of_all).filter(|arg| !arg.is_hide_set() && !arg.is_positional()) {
        let about = arg.get_help().map(ToString::to_string).unwrap_or_default();
        if let Some(long) = arg.get_long() {
            found.push(Candidate::new(format!("--{long}"), about));
        }
    }
    found.sort_by(|a, b| a.word.cmp(&b.word));
    found.dedup_by(|a, b| a.word == b.word);
    found
}

fn values(arg: &Arg) -> Vec<Candidate> {
    let possible = arg.get_possible_values();
    let visible = possible.iter().filter(|value| !value.is_hide_set());
    let about =
        |value: &clap::builder::PossibleValue| value.get_help().map(ToString::to_string).unwrap_or_default();
    visible.map(|value| Candidate::new(value.get_name(), about(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        let root = crate::cli::command();
        let mut words = super::super::line::split(line);
        let current = words.pop().unwrap();
        let place = Place::of(&root, &words, &current);
        let mut found: Vec<String> = of(&place).into_iter().map(|candidate| candidate.word).collect();
        found.retain(|word| word.starts_with(&place.prefix));
        found
    }

    /// The id of the argument at the cursor.
    fn argument(line: &str) -> Option<String> {
        let root = crate::cli::command();
        let mut words = super::super::line::split(line);
        let current = words.pop().unwrap();
        match Place::of(&root, &words, &current).at {
            At::Value(arg) => Some(arg.get_id().to_string()),
            _ => None,
        }
    }

    #[test]
    fn verbs_options_and_values_are_known() {
        assert_eq!(words("rcl scale"), ["scale-down"]);
        assert_eq!(words("rcl remove"), ["remove-node"]);
        assert_eq!(words("rcl lab st"), ["start", "stop", "status"]);
        assert_eq!(words("rcl check --dry"), ["--dry-run"]);
        assert_eq!(words("rcl reshard h:1 --slots"), ["--slots"]);
        assert_eq!(words("rcl -o "), ["text", "json", "yaml"]);
        assert_eq!(words("rcl check --output=y"), ["yaml"]);
        assert!(words("rcl call h:1 GET --").is_empty(), "the command's own words");
        assert!(!words("rcl ").contains(&"complete-words".to_owned()));
    }

    #[test]
    fn the_argument_at_the_cursor_is_known() {
        for (line, id) in [
            ("rcl check ", Some("entry")),
            ("rcl -C prod failover ", Some("node")),
            ("rcl -C prod check ", None),
            ("rcl -C prod keys-in-slot ", Some("slot")),
            ("rcl keys-in-slot h:1 ", Some("slot")),
            ("rcl check h:1 ", None),
            ("rcl create h:1 h:2 ", Some("nodes")),
            ("rcl reshard h:1 --from ", Some("from")),
            ("rcl -C", None),
            ("rcl -C ", Some("cluster")),
            ("rcl resume ", Some("job")),
        ] {
            assert_eq!(argument(line).as_deref(), id, "{line}");
        }
    }
}
