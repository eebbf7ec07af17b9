//! What we know ourselves of commands: the table of our own node.

use rcl_node::command::all;
use rcl_node::command::spec::{self, CommandSpec};

use super::{Argument, CommandDoc, Docs, Kind};

/// Our table, without what a server of version `server` does not have yet (`None`: all).
pub fn built_in(server: Option<&str>) -> Docs {
    let server = server.and_then(Version::parse);
    let mut commands = Vec::new();
    for command in all().filter(|command| server.is_none_or(|server| server.has(command.since))) {
        commands.push(doc(command.name, command, server));
        for subcommand in command.subcommands {
            if server.is_none_or(|server| server.has(subcommand.since)) {
                commands.push(doc(&format!("{} {}", command.name, subcommand.name), subcommand, server));
            }
        }
    }
    Docs::new(commands)
}

fn doc(name: &str, command: &CommandSpec, server: Option<Version>) -> CommandDoc {
    CommandDoc {
        name: name.to_ascii_uppercase(),
        summary: command.summary.to_owned(),
        since: command.since.to_owned(),
        group: command.group.name().to_owned(),
        arguments: Some(arguments(command.arguments, server)),
        usage: String::new(),
    }
}

fn arguments(arguments: &[spec::Argument], server: Option<Version>) -> Vec<Argument> {
    let known = |argument: &&spec::Argument| {
        argument.since.is_empty() || server.is_none_or(|server| server.has(argument.since))
    };
    arguments.iter().filter(known).map(|argument| one(argument, server)).collect()
}

fn one(argument: &spec::Argument, server: Option<Version>) -> Argument {
    let kind = Kind::named(argument.kind.name());
    let shown = if argument.display.is_empty() { argument.name } else { argument.display };
    let has_token = !argument.token.is_empty() || kind == Kind::PureToken;
    Argument {
        shown: shown.to_owned(),
        kind,
        token: has_token.then(|| argument.token.to_ascii_uppercase()),
        optional: argument.optional,
        multiple: argument.multiple,
        multiple_token: argument.multiple_token,
        arguments: arguments(argument.arguments, server),
    }
}

/// `7.0.15`; what comes behind the third number does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version([u32; 3]);

impl Version {
    fn parse(text: &str) -> Option<Version> {
        let number = |part: Option<&str>| {
            let digits: String = part?.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        };
        let mut parts = text.trim().split('.');
        let major = number(parts.next())?;
        Some(Version([major, number(parts.next()).unwrap_or(0), number(parts.next()).unwrap_or(0)]))
    }

    fn has(self, since: &str) -> bool {
        Version::parse(since).is_none_or(|since| since <= self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_server_has_no_new_commands_and_no_new_arguments() {
        let (new, old) = (built_in(None), built_in(Some("5.0.14")));
        assert!(new.find(&["FUNCTION", "LOAD"]).is_some());
        assert!(old.find(&["FUNCTION"]).is_none());
        let set = |docs: &Docs| docs.find(&["SET"]).unwrap().parameters();
        assert!(set(&new).contains("KEEPTTL"));
        assert!(!set(&old).contains("KEEPTTL"), "{}", set(&old));
        assert!(set(&old).contains("EX seconds"), "{}", set(&old));
    }
}
