//! What COMMAND of a `redis-server` tells, beside what ours does.

use rcl_proto::resp::Reply;

use super::{Commands, Facts, differences, sorted_words};
use crate::harness::has_redis;
use crate::harness::server::Server;

/// What Redis 7.2 tells otherwise than 7.0, against which this may run: `name fact`.
const CHANGED_SINCE_7_0: &[&str] = &[
    "acl|deluser tips",
    "acl|save tips",
    "acl|setuser tips",
    "blmove flags",
    "blpop flags",
    "brpop flags",
    "brpoplpush flags",
    "bzpopmax flags",
    "bzpopmin flags",
    "client|setname tips",
    "cluster|shards flags",
    "cluster|slots flags",
    "command|getkeys arity",
    "command|getkeysandflags arity",
    "config|resetstat tips",
    "config|rewrite tips",
    "debug flags",
    "latency|reset tips",
    "module|load flags",
    "module|loadex flags",
    "module|unload flags",
    "msetnx tips",
    "randomkey tips",
    "scan tips",
    "wait flags",
    "zrank arity",
    "zrevrank arity",
];

/// A flag that 7.0 has, but does not tell of.
const NOT_TOLD: &str = "may_replicate";

#[test]
fn command_tells_what_it_tells_on_redis() {
    if !has_redis("the facts of the commands") {
        return;
    }
    let mut redis = Server::redis(&[]);
    let is_7_0 = redis.info("redis_version").starts_with("7.0.");
    let theirs = commands(&redis.call("COMMAND"));
    let ours = commands(&Server::ours(&[]).call("COMMAND"));
    assert!(theirs.len() > 300 && ours.len() > 200);
    let is_known = |difference: &String| {
        is_7_0 && CHANGED_SINCE_7_0.iter().any(|known| difference.starts_with(&format!("{known}:")))
    };
    let mut found = differences(&theirs, &ours);
    found.retain(|difference| !is_known(difference));
    assert!(found.is_empty(), "{} differences:\n{}", found.len(), found.join("\n"));
}

fn commands(reply: &Reply) -> Commands {
    let mut all = Commands::new();
    elements(reply).iter().for_each(|command| add(command, &mut all));
    all
}

fn add(command: &Reply, all: &mut Commands) {
    let [name, arity, flags, first, last, step, categories, tips, keys, subcommands] = elements(command)
    else {
        panic!("not a command: {command:?}");
    };
    let old_style = [first, last, step].map(text).join(",");
    let categories = words(categories).map(|category| category.trim_start_matches('@').to_owned());
    let facts = Facts::from([
        ("arity", text(arity)),
        ("flags", sorted_words(words(flags).filter(|flag| flag != NOT_TOLD))),
        ("old_style_keys", old_style),
        ("categories", sorted_words(categories)),
        ("tips", sorted_words(words(tips))),
        ("keys", elements(keys).iter().map(key_spec).collect::<Vec<_>>().join(" ")),
    ]);
    all.insert(text(name), facts);
    elements(subcommands).iter().for_each(|subcommand| add(subcommand, all));
}

/// All but the notes, which are in words of our own or not there.
fn key_spec(spec: &Reply) -> String {
    let pairs = elements(spec).chunks_exact(2).filter(|pair| text(&pair[0]) != "notes");
    let told = pairs.map(|pair| match text(&pair[0]).as_str() {
        "flags" => sorted_words(words(&pair[1])),
        name => format!("{name}={}", flat(&pair[1])),
    });
    format!("[{}]", told.collect::<Vec<_>>().join(" "))
}

fn flat(reply: &Reply) -> String {
    match reply {
        Reply::Array(elements) => elements.iter().map(flat).collect::<Vec<_>>().join(" "),
        other => text(other),
    }
}

fn elements(reply: &Reply) -> &[Reply] {
    match reply {
        Reply::Array(elements) | Reply::Set(elements) => elements,
        other => panic!("not an array: {other:?}"),
    }
}

fn words(reply: &Reply) -> impl Iterator<Item = String> {
    elements(reply).iter().map(text)
}

fn text(reply: &Reply) -> String {
    match reply {
        Reply::Simple(text) => text.clone(),
        Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Reply::Integer(number) => number.to_string(),
        other => panic!("not a word: {other:?}"),
    }
}
