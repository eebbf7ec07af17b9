//! What a server says of its commands: the replies of COMMAND DOCS and of COMMAND.
//!
//! Both protocols' shapes are read: a map of RESP3 is a flat array in RESP2. What has another shape is left
//! out: a hint less is no harm.

use rcl_proto::resp::Reply;

use super::{Argument, CommandDoc, Kind};

/// `None` when the reply is no table of commands.
pub fn from_docs(reply: &Reply) -> Option<Vec<CommandDoc>> {
    let mut docs = Vec::new();
    for (name, fields) in pairs(reply)? {
        take(&text(name)?.to_ascii_uppercase(), fields, &mut docs);
    }
    Some(docs)
}

fn take(name: &str, reply: &Reply, docs: &mut Vec<CommandDoc>) {
    let mut doc = CommandDoc { name: name.to_owned(), arguments: Some(Vec::new()), ..CommandDoc::default() };
    let mut subcommands = Vec::new();
    for (key, value) in pairs(reply).unwrap_or_default() {
        match text(key).unwrap_or_default().as_str() {
            "summary" => doc.summary = text(value).unwrap_or_default(),
            "since" => doc.since = text(value).unwrap_or_default(),
            "group" => doc.group = text(value).unwrap_or_default(),
            "arguments" => doc.arguments = Some(arguments(value)),
            "subcommands" => subcommands = pairs(value).unwrap_or_default(),
            _ => {}
        }
    }
    docs.push(doc);
    for (subname, fields) in subcommands {
        // `config|set` or `set`.
        let subname = text(subname).unwrap_or_default();
        let last = subname.rsplit('|').next().unwrap_or_default().to_ascii_uppercase();
        take(&format!("{name} {last}"), fields, docs);
    }
}

fn arguments(reply: &Reply) -> Vec<Argument> {
    elements(reply).unwrap_or_default().iter().map(argument).collect()
}

fn argument(reply: &Reply) -> Argument {
    let mut argument = Argument::default();
    let mut name = String::new();
    for (key, value) in pairs(reply).unwrap_or_default() {
        match text(key).unwrap_or_default().as_str() {
            "name" => name = text(value).unwrap_or_default(),
            "display_text" => argument.shown = text(value).unwrap_or_default(),
            "token" => argument.token = text(value),
            "type" => argument.kind = Kind::named(&text(value).unwrap_or_default()),
            "arguments" => argument.arguments = arguments(value),
            "flags" => {
                for flag in elements(value).unwrap_or_default() {
                    match text(flag).unwrap_or_default().as_str() {
                        "optional" => argument.optional = true,
                        "multiple" => argument.multiple = true,
                        "multiple_token" => argument.multiple_token = true,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    if argument.shown.is_empty() {
        argument.shown = name;
    }
    argument
}

/// The commands that COMMAND lists, with their arguments as far as their number and first key tell.
pub fn from_commands(reply: &Reply) -> Vec<CommandDoc> {
    let doc = |entry: &Reply| {
        let [name, Reply::Integer(arity), _, Reply::Integer(first_key), ..] = elements(entry)? else {
            return None;
        };
        let mut left = arity.unsigned_abs().saturating_sub(1);
        let mut usage = Vec::new();
        if *first_key == 1 {
            usage.push("key");
            left = left.saturating_sub(1);
        }
        usage.extend((0..left.min(16)).map(|_| "arg"));
        if *arity < 0 {
            usage.push("...options...");
        }
        Some(CommandDoc {
            name: text(name)?.to_ascii_uppercase(),
            summary: "Help not available".into(),
            since: "Not known".into(),
            group: "generic".into(),
            arguments: None,
            usage: usage.join(" "),
        })
    };
    elements(reply).unwrap_or_default().iter().filter_map(doc).collect()
}

fn pairs(reply: &Reply) -> Option<Vec<(&Reply, &Reply)>> {
    match reply {
        Reply::Map(pairs) => Some(pairs.iter().map(|(key, value)| (key, value)).collect()),
        Reply::Array(flat) => Some(flat.chunks_exact(2).map(|pair| (&pair[0], &pair[1])).collect()),
        _ => None,
    }
}

fn elements(reply: &Reply) -> Option<&[Reply]> {
    match reply {
        Reply::Array(elements) | Reply::Set(elements) => Some(elements),
        _ => None,
    }
}

fn text(reply: &Reply) -> Option<String> {
    match reply {
        Reply::Simple(text) => Some(text.clone()),
        other => other.as_bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Reply {
        Reply::Bulk(text.as_bytes().to_vec())
    }

    fn argument(name: &str, kind: &str, flags: &[&str]) -> Vec<(Reply, Reply)> {
        let flags = flags.iter().map(|flag| Reply::Simple((*flag).into())).collect();
        vec![(bulk("name"), bulk(name)), (bulk("type"), bulk(kind)), (bulk("flags"), Reply::Set(flags))]
    }

    fn flat(pairs: Vec<(Reply, Reply)>) -> Reply {
        Reply::Array(pairs.into_iter().flat_map(|(key, value)| [key, value]).collect())
    }

    #[test]
    fn both_protocols_say_the_same() {
        let docs = |map: fn(Vec<(Reply, Reply)>) -> Reply| {
            let list = Reply::Array(vec![
                map(argument("key", "key", &[])),
                map(argument("n", "integer", &["optional"])),
            ]);
            let sub = map(vec![(bulk("summary"), bulk("Does.")), (bulk("arguments"), list)]);
            let container = map(vec![
                (bulk("group"), bulk("server")),
                (bulk("subcommands"), map(vec![(bulk("box|do"), sub)])),
            ]);
            from_docs(&map(vec![(bulk("box"), container)])).unwrap()
        };
        let found = docs(Reply::Map);
        assert_eq!(found, docs(flat));
        let names: Vec<&str> = found.iter().map(|doc| doc.name.as_str()).collect();
        assert_eq!(names, ["BOX", "BOX DO"]);
        assert_eq!((found[1].summary.as_str(), found[1].parameters().as_str()), ("Does.", "key [n]"));
    }

    #[test]
    fn a_command_without_documentation_is_told_by_its_arity() {
        let entry =
            Reply::Array(vec![bulk("m.set"), Reply::Integer(-4), Reply::Array(vec![]), Reply::Integer(1)]);
        let docs = from_commands(&Reply::Array(vec![entry, Reply::Null]));
        assert_eq!(docs.len(), 1);
        assert_eq!(
            (docs[0].name.as_str(), docs[0].parameters().as_str()),
            ("M.SET", "key arg arg ...options...")
        );
    }
}
