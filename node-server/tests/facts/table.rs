//! The facts of our own table.

use rcl_node::command::spec::{Argument, Begin, Find, KeySpec, category, flag, key_flag};
use rcl_node::command::{Known, each_known};

use super::{Commands, Facts, sorted_words};

pub fn commands() -> Commands {
    each_known().map(|known| (known.full_name(), facts(known))).collect()
}

fn facts(known: Known) -> Facts {
    let spec = known.spec;
    let (deprecated_since, replaced_by) = spec.deprecated.unwrap_or_default();
    Facts::from([
        ("arity", spec.arity.to_string()),
        // That keys can move follows from the key specs.
        ("flags", names(spec.flags & !flag::MOVABLE_KEYS, &flag::NAMES)),
        ("categories", names(category::of(spec), &category::NAMES)),
        ("tips", sorted_words(spec.tips.iter().map(|tip| tip.to_string()))),
        ("keys", spec.keys.iter().map(key_spec).collect::<Vec<_>>().join(" ")),
        ("since", spec.since.to_owned()),
        ("group", spec.group.name().to_owned()),
        ("complexity", spec.complexity.to_owned()),
        ("arguments", arguments(spec.arguments)),
        ("deprecated_since", deprecated_since.to_owned()),
        ("replaced_by", replaced_by.to_owned()),
    ])
}

fn names(bits: u32, table: &[(u32, &str)]) -> String {
    let set = table.iter().filter(|(bit, _)| bits & bit != 0);
    sorted_words(set.map(|(_, name)| name.to_lowercase()))
}

fn key_spec(spec: &KeySpec) -> String {
    let begin = match spec.begin {
        Begin::Index(index) => format!("at {index}"),
        Begin::Keyword { word, from } => format!("behind {word} from {from}"),
        Begin::Unknown => "unknown".to_owned(),
    };
    let find = match spec.find {
        Find::Range { last, step, limit } => format!("to {last} by {step} limit {limit}"),
        Find::KeyNumber { number, first, step } => format!("count at {number} first {first} by {step}"),
        Find::Unknown => "unknown".to_owned(),
    };
    format!("[{} {begin} {find}]", names(spec.flags, &key_flag::NAMES))
}

fn arguments(list: &[Argument]) -> String {
    let told: Vec<String> = list.iter().map(argument).collect();
    told.join(" ")
}

fn argument(argument: &Argument) -> String {
    let mut text = format!("{}:{}", argument.name, argument.kind.name());
    for (name, value) in [("token", argument.token), ("since", argument.since)] {
        if !value.is_empty() {
            text += &format!(" {name}={value}");
        }
    }
    if !argument.display.is_empty() && argument.display != argument.name {
        text += &format!(" display={}", argument.display);
    }
    if let Some(index) = argument.key_spec {
        text += &format!(" keys={index}");
    }
    for (name, on) in [
        ("optional", argument.optional),
        ("multiple", argument.multiple),
        ("multiple_token", argument.multiple_token),
    ] {
        if on {
            text += &format!(" {name}");
        }
    }
    if !argument.arguments.is_empty() {
        text += &format!(" {}", arguments(argument.arguments));
    }
    format!("({text})")
}
