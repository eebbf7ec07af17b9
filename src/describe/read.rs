//! A text to a description. Every key is taken or refused by name, with its line; of an unknown one the nearest that there is
//! is named.

use std::collections::BTreeSet;

use rcl_proto::{SLOT_COUNT, SlotSet};

use super::file::Description;
use crate::cli::Failure;
use crate::plan::settings;

/// Where a description came from: for saying where in it something stands.
#[derive(Clone, Debug)]
pub struct Source {
    pub name: String,
    pub text: String,
}

impl Source {
    /// `cluster.yaml:7` for the `nth` (from 0) line in which the word stands, or the last such; without a line where it stands
    /// nowhere.
    pub fn place(&self, word: &str, nth: usize) -> String {
        let is_part = |c: char| c.is_alphanumeric() || "-_.:".contains(c);
        let stands_in = |line: &str| {
            let line = line.split(" #").next().unwrap_or_default();
            line.match_indices(word).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                let after: Vec<char> = line[at + word.len()..].chars().take(2).collect();
                // A colon ends a key.
                let ends = match after.as_slice() {
                    [] => true,
                    [':', next, ..] => next.is_whitespace(),
                    [':'] => true,
                    [next, ..] => !is_part(*next),
                };
                ends && !before.is_some_and(is_part)
            })
        };
        let lines: Vec<usize> = (1..)
            .zip(self.text.lines())
            .filter(|(_, line)| stands_in(line))
            .map(|(number, _)| number)
            .collect();
        match lines.get(nth).or(lines.last()) {
            Some(number) => format!("{}:{number}", self.name),
            None => self.name.clone(),
        }
    }

    pub fn refuse(&self, word: &str, nth: usize, what: &str) -> Failure {
        Failure::usage(format!("{}: {what}", self.place(word, nth)))
    }
}

pub fn read(source: &Source) -> Result<Description, Failure> {
    let description: Description =
        serde_yaml::from_str(&source.text).map_err(|error| unread(source, &error))?;
    check_nodes(source, &description)?;
    check_slots(source, &description)?;
    check_settings(source, &description)?;
    Ok(description)
}

fn unread(source: &Source, error: &serde_yaml::Error) -> Failure {
    let place = match error.location() {
        Some(location) => format!("{}:{}", source.name, location.line()),
        None => source.name.clone(),
    };
    let text = error.to_string();
    let failure = Failure::usage(format!("{place}: {text}"));
    // serde's words: unknown field `x`, expected one of `a`, `b`
    let mut quoted = text.split('`').skip(1).step_by(2);
    match (text.contains("unknown field"), quoted.next()) {
        (true, Some(unknown)) => {
            let known: Vec<&str> = quoted.collect();
            let next = match known.iter().min_by_key(|name| distance(unknown, name)) {
                Some(near) if distance(unknown, near) <= 1 + unknown.len() / 3 => {
                    format!("did you mean {near}?")
                }
                _ => format!("there are {}", known.join(", ")),
            };
            Failure::usage(format!("{place}: there is no key '{unknown}' here")).next(next)
        }
        _ => failure,
    }
}

/// How many letters have to be put in, taken out or replaced.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (at, other) in to.iter().enumerate() {
            let best = (row[at] + 1).min(row[at + 1] + 1).min(diagonal + usize::from(letter != *other));
            diagonal = std::mem::replace(&mut row[at + 1], best);
        }
    }
    row[to.len()]
}

fn check_nodes(source: &Source, description: &Description) -> Result<(), Failure> {
    if description.masters.is_empty() {
        return Err(source.refuse("masters", 0, "a cluster has at least one master"));
    }
    let mut seen = BTreeSet::new();
    for place in description.nodes() {
        if !seen.insert(place.node) {
            let address = place.node.to_string();
            return Err(source.refuse(&address, 1, &format!("{address} stands here for the second time")));
        }
    }
    Ok(())
}

fn check_slots(source: &Source, description: &Description) -> Result<(), Failure> {
    let exact = description.masters.iter().filter(|master| master.slots.is_some()).count();
    let mut given = SlotSet::EMPTY;
    for master in &description.masters {
        let address = master.node.to_string();
        let refuse = |what: String| Err(source.refuse(&address, 0, &what));
        match &master.slots {
            Some(_) if master.weight.is_some() => {
                return refuse(format!("{address} has slots and a weight: one of the two"));
            }
            Some(slots) => {
                let twice = given.intersection(&slots.0);
                if !twice.is_empty() {
                    return refuse(format!("slots {twice} of {address} are another master's already"));
                }
                given = given.union(&slots.0);
            }
            None if exact > 0 => {
                return refuse(format!(
                    "{address} has no slots, but other masters have: say them for all, or for none"
                ));
            }
            None => {}
        }
    }
    if exact > 0 && given.len() < SLOT_COUNT {
        let missing = SlotSet::from_iter(rcl_proto::Slot::all()).difference(&given);
        return Err(source.refuse("masters", 0, &format!("slots {missing} are no master's")));
    }
    let weights = description.masters.iter().map(|master| master.weight.map_or(1.0, |weight| weight.0));
    if exact == 0 && weights.sum::<f64>() <= 0.0 {
        return Err(source.refuse("masters", 0, "no master has a weight above 0"));
    }
    Ok(())
}

fn check_settings(source: &Source, description: &Description) -> Result<(), Failure> {
    for name in description.directives() {
        if let Err(error) = settings::check_names(&[&name]) {
            return Err(source.refuse(&name, 0, &error.what).next(error.next));
        }
        if settings::is_fixed(&name) {
            let what = format!("{name} cannot be set while a node runs");
            return Err(source
                .refuse(&name, 0, &what)
                .next("set it where the node is started, and take it out here"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "\
settings:
  maxmemory: 2gb
  appendonly: true
  list-max-listpack-size: -2
masters:
  - node: h1:7001
    slots: 0-8191
    zone: a
    replicas:
      - h2:7002
      - {node: h3:7003, zone: b, settings: {hz: 20}}
  - node: '::1:7004'
    slots: 8192-12000, 12001-16383
";

    fn source(text: &str) -> Source {
        Source { name: "cluster.yaml".into(), text: text.into() }
    }

    fn wrong(text: &str) -> (String, String) {
        let failure = read(&source(text)).unwrap_err();
        (failure.what, failure.next.unwrap_or_default())
    }

    #[test]
    fn what_is_written_is_read_and_written_again() {
        let description = read(&source(WHOLE)).unwrap();
        let common: Vec<_> = description.settings.iter().collect();
        assert_eq!(common, [("appendonly", "yes"), ("list-max-listpack-size", "-2"), ("maxmemory", "2gb")]);
        let nodes: Vec<String> = description.nodes().map(|place| place.node.to_string()).collect();
        assert_eq!(nodes, ["h1:7001", "h2:7002", "h3:7003", "::1:7004"]);
        let third = description.nodes().nth(2).unwrap();
        assert_eq!((third.zone, description.settings_of(&third)["hz"]), (Some("b"), "20"));
        assert_eq!(description.masters[1].slots.as_ref().unwrap().0.len(), 8192);
        let text = serde_yaml::to_string(&description).unwrap();
        assert_eq!(read(&source(&text)).unwrap(), description, "{text}");
        assert!(text.contains("- h2:7002\n"), "{text}");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_and_what_it_may_have_been() {
        let one = |rest: &str| format!("masters:\n  - node: h:1\n    {rest}\n");
        for (text, line, word) in [
            (one("wieght: 2"), ":3: there is no key 'wieght'", "did you mean weight?"),
            (one("replicas: [{node: h:2, zones: b}]"), ":3: there is no key 'zones'", "did you mean zone?"),
            ("master: []".to_owned(), ":1: there is no key 'master'", "did you mean masters?"),
            (one("colour: red"), ":3: there is no key 'colour'", "there are node, zone"),
            (one("weight: -1"), ":3: ", ""),
            (one("slots: 0-16384"), ":3: ", ""),
            (one("replicas: [h:2, h:1]"), ":3: h:1 stands here for the second time", ""),
            (one("slots: 0-100"), ":1: slots 101-16383 are no master's", ""),
            (one("weight: 0"), ":1: no master has a weight above 0", ""),
            (one("settings: {requirepass: x}"), ":3: requirepass is a secret", "configuration file"),
            (
                one("settings: {databases: 2}"),
                ":3: databases cannot be set while a node runs",
                "take it out here",
            ),
            (one("settings: {hz: 1, HZ: 2}"), ":3: ", ""),
            (one("slots: 0-16383\n    weight: 1"), ":2: h:1 has slots and a weight", ""),
            (one("slots: 0-16383\n  - node: h:2"), ":4: h:2 has no slots", ""),
            (
                one("slots: 0-16383\n  - node: h:2\n    slots: 7"),
                ":4: slots 7 of h:2 are another master's",
                "",
            ),
        ] {
            let (what, next) = wrong(&text);
            assert!(
                what.starts_with("cluster.yaml") && what.contains(line) && next.contains(word),
                "{text}\n{what}\n{next}"
            );
        }
    }

    #[test]
    fn a_word_is_found_where_it_stands_alone() {
        let source = source("a: h:10\nb: h:1\n# h:1\nmax: 1\nmaxmemory: 2\n");
        assert_eq!(source.place("h:1", 0), "cluster.yaml:2");
        assert_eq!(source.place("maxmemory", 0), "cluster.yaml:5");
        assert_eq!(source.place("nowhere", 0), "cluster.yaml");
    }
}
