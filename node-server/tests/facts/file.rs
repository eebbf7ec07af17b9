//! The facts of a file.

use rcl_node::command::spec::flag;
use serde_json::Value;

use super::{Commands, Facts, differences, sorted_words, table};

/// Commands of ours that take more than Redis 7.2's: a time-out, as in Valkey 8, and FAILOVER, as in Valkey 9.
const EXTENDED: [&str; 2] = ["cluster|setslot arguments", "shutdown arguments"];

const OF_REDIS: &str = "redis-7.2";

#[test]
#[ignore = "make facts FACTS=file runs it"]
fn the_table_tells_what_the_file_tells() {
    let path = std::env::var("FACTS").expect("FACTS says where the file is");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let file: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
    let theirs: Commands = file.iter().map(|(name, facts)| (name.clone(), facts_of(facts))).collect();
    let ours = table::commands();
    let missing: Vec<&String> = file
        .iter()
        .filter(|(name, facts)| is_of_redis(facts) && !ours.contains_key(*name))
        .map(|(name, _)| name)
        .collect();
    let unknown: Vec<&String> = ours.keys().filter(|name| !theirs.contains_key(*name)).collect();
    println!("{} commands, of Redis {} not there: {missing:?}", ours.len(), missing.len());
    println!("not in the file: {unknown:?}");
    let mut found = differences(&theirs, &ours);
    found.retain(|difference| !EXTENDED.iter().any(|known| difference.starts_with(&format!("{known}:"))));
    found.iter().for_each(|difference| println!("{difference}"));
    assert!(found.is_empty(), "{} differences", found.len());
}

fn is_of_redis(facts: &Value) -> bool {
    list(facts, "in").any(|server| server == OF_REDIS)
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a str> {
    value[name].as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn facts_of(facts: &Value) -> Facts {
    let known: Vec<&str> = flag::NAMES.iter().map(|(_, name)| *name).collect();
    let flags = list(facts, "command_flags").map(str::to_lowercase).filter(|name| known.contains(&&**name));
    let flags = sorted_words(flags);
    let keys = facts["key_specs"].as_array().into_iter().flatten().map(key_spec);
    Facts::from([
        ("arity", facts["arity"].to_string()),
        ("categories", categories(facts, &flags)),
        ("flags", flags),
        ("tips", sorted_words(list(facts, "command_tips").map(str::to_lowercase))),
        ("keys", keys.collect::<Vec<_>>().join(" ")),
        ("since", text(facts, "since")),
        ("group", text(facts, "group").replace('_', "-")),
        ("complexity", text(facts, "complexity")),
        ("arguments", arguments(&facts["arguments"])),
        ("deprecated_since", text(facts, "deprecated_since")),
        ("replaced_by", text(facts, "replaced_by")),
    ])
}

/// Those that are named, and those that follow from the flags.
fn categories(facts: &Value, flags: &str) -> String {
    let has = |flag: &str| flags.split(',').any(|word| word == flag);
    let named: Vec<String> = list(facts, "acl_categories").map(str::to_lowercase).collect();
    let is_scripting = named.iter().any(|name| name == "scripting");
    let implied = [
        ("write", has("write")),
        ("read", has("readonly") && !is_scripting),
        ("admin", has("admin")),
        ("dangerous", has("admin")),
        ("pubsub", has("pubsub")),
        ("blocking", has("blocking")),
        ("fast", has("fast")),
        ("slow", !has("fast")),
    ];
    let implied = implied.iter().filter(|(_, holds)| *holds).map(|(name, _)| (*name).to_owned());
    sorted_words(named.into_iter().chain(implied))
}

fn key_spec(spec: &Value) -> String {
    let (begin, find) = (&spec["begin_search"], &spec["find_keys"]);
    let begin = if let Value::Object(index) = &begin["index"] {
        format!("at {}", index["pos"])
    } else if let Value::Object(keyword) = &begin["keyword"] {
        format!("behind {} from {}", keyword["keyword"].as_str().unwrap(), keyword["startfrom"])
    } else {
        "unknown".to_owned()
    };
    let find = if let Value::Object(range) = &find["range"] {
        format!("to {} by {} limit {}", range["lastkey"], range["step"], range["limit"])
    } else if let Value::Object(number) = &find["keynum"] {
        format!("count at {} first {} by {}", number["keynumidx"], number["firstkey"], number["step"])
    } else {
        "unknown".to_owned()
    };
    format!("[{} {begin} {find}]", sorted_words(list(spec, "flags").map(str::to_lowercase)))
}

fn arguments(list: &Value) -> String {
    let told: Vec<String> = list.as_array().into_iter().flatten().map(argument).collect();
    told.join(" ")
}

fn argument(argument: &Value) -> String {
    let name = text(argument, "name");
    let mut told = format!("{name}:{}", text(argument, "type"));
    for fact in ["token", "since"] {
        if let Some(value) = argument[fact].as_str() {
            told += &format!(" {fact}={value}");
        }
    }
    if let Some(display) = argument["display"].as_str().filter(|display| *display != name) {
        told += &format!(" display={display}");
    }
    if let Some(index) = argument["key_spec_index"].as_u64() {
        told += &format!(" keys={index}");
    }
    for fact in ["optional", "multiple", "multiple_token"] {
        if argument[fact] == Value::Bool(true) {
            told += &format!(" {fact}");
        }
    }
    if argument["arguments"].is_array() {
        told += &format!(" {}", arguments(&argument["arguments"]));
    }
    format!("({told})")
}
