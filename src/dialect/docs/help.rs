//! `help`, `help COMMAND` and `help @GROUP`, as redis-cli writes them on a terminal.

use super::{CommandDoc, Docs};

/// What `help` alone says; `program` is the name that it goes by.
pub fn general(program: &str) -> String {
    format!(
        "{program}\n\
         To get help about Redis commands type:\n      \
               \"help @<group>\" to get a list of commands in <group>\n      \
               \"help <command>\" for help on <command>\n      \
               \"help <tab>\" to get a list of possible help topics\n      \
               \"quit\" to exit\n\n\
         To set redis-cli preferences:\n      \
               \":set hints\" enable online hints\n      \
               \":set nohints\" disable online hints\n\
         Set your preferences in ~/.redisclirc\n"
    )
}

/// What is known of a group's commands (`@list`), or of the command that begins with these words.
pub fn on(docs: &Docs, words: &[Vec<u8>]) -> String {
    let Some(first) = words.first() else { return String::new() };
    let mut text = String::new();
    if let Some(group) = first.strip_prefix(b"@") {
        for doc in docs.commands.iter().filter(|doc| doc.group.as_bytes().eq_ignore_ascii_case(group)) {
            text.push_str(&entry(doc, false));
        }
    } else {
        let begins = |doc: &&CommandDoc| {
            let mut name = doc.words();
            words
                .iter()
                .all(|word| name.next().is_some_and(|part| word.eq_ignore_ascii_case(part.as_bytes())))
        };
        for doc in docs.commands.iter().filter(begins) {
            text.push_str(&entry(doc, true));
        }
    }
    text + "\r\n"
}

fn entry(doc: &CommandDoc, with_group: bool) -> String {
    let mut text = format!("\r\n  \x1b[1m{}\x1b[0m \x1b[90m{}\x1b[0m\r\n", doc.name, doc.parameters());
    let mut line = |label: &str, value: &str| {
        text.push_str(&format!("  \x1b[33m{label}:\x1b[0m {value}\r\n"));
    };
    line("summary", &doc.summary);
    if !doc.since.is_empty() {
        line("since", &doc.since);
    }
    if with_group {
        line("group", &doc.group);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::built_in;
    use super::*;

    fn help(line: &str) -> String {
        let words: Vec<Vec<u8>> = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        on(&built_in(None), &words)
    }

    #[test]
    fn a_command_a_container_and_a_group_have_help() {
        assert!(
            help("get")
                .starts_with("\r\n  \x1b[1mGET\x1b[0m \x1b[90mkey\x1b[0m\r\n  \x1b[33msummary:\x1b[0m ")
        );
        assert!(help("Config").contains("CONFIG SET"));
        assert!(!help("config set").contains("CONFIG GET"));
        assert!(help("@list").contains("LPUSH"));
        assert_eq!(help("nonsense"), "\r\n");
    }
}
