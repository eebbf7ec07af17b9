//! A cluster that is named by `-C NAME` or `--entry` is not named once more by its verb: `rcl -C prod check`.
//!
//! Verbs have a required `entry`, and those with two clusters a `source`. Before the arguments are read, it is looked which clusters
//! they name, and where one is named the verb's own argument becomes an option with the cluster's first entry as its default. So verbs
//! know nothing of it, and their other arguments keep their order: `rcl -C prod call PING`.
//!
//! RCL_CLUSTER only gives a default to an `entry` that stands last, as RCL_ENTRY does: what is in the environment must not change what a
//! word means.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{Arg, Command, ValueEnum};
use rcl_proto::Address;

use super::Failure;
use super::config::Config;
use crate::connect::address;
use crate::output::Format;

/// The command line with addresses read as rcl reads them, and verbs without what the arguments say before them.
pub fn prepared(mut root: Command, said: &Said) -> Result<Command, Failure> {
    root = with_addresses(root);
    let config = said.value("config").map(Path::new);
    let first = |name: &str| -> Result<String, Failure> {
        let known = Config::read(config.map(Path::to_path_buf).or_else(config_of_environment).as_deref())?
            .cluster(name)?;
        Ok(known.entries.first().map(as_argument).unwrap_or_default())
    };
    if let Some(name) = said.value("cluster") {
        let entry = first(name)?;
        // What is in the environment is about another cluster.
        root = root.mut_arg("entry", |arg| arg.env(None::<&str>));
        root = root.mut_subcommands(|verb| without(verb, "entry", "entry", &entry));
    } else if let Some(entry) = said.value("entry") {
        root = root.mut_subcommands(|verb| without(verb, "entry", "entry", entry));
    } else if let Some(name) = std::env::var_os("RCL_CLUSTER").filter(|name| !name.is_empty()) {
        // One that cannot be read is said when it is used.
        if let Ok(entry) = first(&name.to_string_lossy()) {
            root = root.mut_subcommands(|verb| with_default(verb, &entry));
        }
    }
    if let Some(name) = said.value("from_cluster") {
        let source = first(name)?;
        root = root.mut_subcommands(|verb| without(verb, "source", "source", &source));
    }
    Ok(root)
}

fn config_of_environment() -> Option<std::path::PathBuf> {
    std::env::var_os("RCL_CONFIG").map(std::path::PathBuf::from)
}

/// So that it is read again as it was.
fn as_argument(address: &Address) -> String {
    match address.host.contains(':') && !address.host.starts_with(address::UNIX) {
        true => format!("[{}]:{}", address.host, address.port),
        false if address.port == 0 => address.host.clone(),
        false => address.to_string(),
    }
}

/// Every address of the command line is read by [`address::read`].
fn with_addresses(command: Command) -> Command {
    let is_address = |arg: &Arg| arg.get_value_parser().type_id() == std::any::TypeId::of::<Address>();
    let read = |arg: Arg| if is_address(&arg) { arg.value_parser(address::read) } else { arg };
    command.mut_args(read).mut_subcommands(with_addresses)
}

/// The verb with its argument `id` as an option.
fn without(verb: Command, id: &str, long: &'static str, default: &str) -> Command {
    if !is_positional(&verb, id) {
        return verb;
    }
    verb.mut_arg(id, |arg| {
        arg.long(long).required(false).env(None::<&str>).hide(true).default_value(default.to_owned())
    })
}

/// An `entry` that stands last may be left out.
fn with_default(verb: Command, entry: &str) -> Command {
    let last = verb.get_positionals().last().map(|arg| arg.get_id().clone());
    match last {
        Some(id) if id == "entry" => {
            verb.mut_arg(id, |arg| arg.required(false).default_value(entry.to_owned()))
        }
        _ => verb,
    }
}

fn is_positional(verb: &Command, id: &str) -> bool {
    verb.get_positionals().any(|arg| arg.get_id() == id)
}

/// What the arguments say, before they are read for good: the verb, and options with their values.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Said {
    verb: Vec<String>,
    options: Vec<(String, Option<String>)>,
}

impl Said {
    /// Walks over the arguments as clap will. Where a verb takes the words of another program's command, it ends.
    pub fn by(root: &Command, arguments: &[OsString]) -> Said {
        let (mut said, mut verb) = (Said::default(), root);
        let mut words = arguments.iter().skip(1).map(OsString::as_os_str);
        while let Some(word) = words.next().map(OsStr::to_string_lossy) {
            if word == "--" {
                break;
            } else if let Some(long) = word.strip_prefix("--") {
                let (name, value) =
                    long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
                let has_name = |arg: &&Arg| arg.get_long() == Some(name);
                if let Some(arg) = find(root, verb, has_name) {
                    said.take(arg, value.map(str::to_owned), &mut words);
                }
            } else if let Some(letters) = word.strip_prefix('-') {
                for (at, letter) in letters.char_indices() {
                    let Some(arg) = find(root, verb, |arg| arg.get_short() == Some(letter)) else { break };
                    let rest = letters[at + letter.len_utf8()..].trim_start_matches('=');
                    let value = (!rest.is_empty()).then(|| rest.to_owned());
                    said.take(arg, value, &mut words);
                    if arg.get_action().takes_values() {
                        break;
                    }
                }
            } else if let Some(found) = verb.find_subcommand(word.as_ref()) {
                verb = found;
                said.verb.push(found.get_name().to_owned());
                if verb.get_positionals().any(Arg::is_trailing_var_arg_set) {
                    break;
                }
            }
        }
        said
    }

    fn take<'a>(&mut self, arg: &Arg, value: Option<String>, words: &mut impl Iterator<Item = &'a OsStr>) {
        let value = match (arg.get_action().takes_values(), value) {
            (false, _) => None,
            (true, None) => words.next().map(|word| word.to_string_lossy().into_owned()),
            (true, value) => value,
        };
        self.options.push((arg.get_id().to_string(), value));
    }

    /// `lab status`. It is said once in a process, and so may stay for as long.
    pub fn verb(&self) -> &'static str {
        Box::leak(self.verb.join(" ").into_boxed_str())
    }

    /// As it will be; `-o` with what is none is found later.
    pub fn format(&self) -> Format {
        let named = self.value("output").and_then(|name| Format::from_str(name, true).ok());
        if self.has("json") { Format::Json } else { named.unwrap_or_default() }
    }

    pub fn has(&self, id: &str) -> bool {
        self.options.iter().any(|(said, _)| said == id)
    }

    fn value(&self, id: &str) -> Option<&str> {
        self.options.iter().rev().find(|(said, _)| said == id)?.1.as_deref()
    }
}

fn find<'a>(root: &'a Command, verb: &'a Command, fits: impl Fn(&&Arg) -> bool) -> Option<&'a Arg> {
    verb.get_arguments().find(|arg| fits(arg)).or_else(|| root.get_arguments().find(|arg| fits(arg)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> Said {
        let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        Said::by(&crate::cli::command(), &arguments)
    }

    #[test]
    fn options_are_found_wherever_they_may_stand() {
        for line in [
            "rcl -C prod check",
            "rcl check -C prod",
            "rcl check --cluster=prod",
            "rcl -yCprod check",
            "rcl -o json --cluster prod",
        ] {
            assert_eq!(said(line).value("cluster"), Some("prod"), "{line}");
        }
        assert_eq!(said("rcl -y lab --dir x status -o yaml").verb, ["lab", "status"]);
        let both = said("rcl --config f --entry h:1 check");
        assert!(both.has("entry") && both.value("config") == Some("f"));
    }

    #[test]
    fn what_is_a_value_or_another_s_argument_is_no_option() {
        for line in [
            "rcl check -- -C prod",
            "rcl call h:1 GET -C prod",
            "rcl --user -C check",
            "rcl redis-cli -C prod",
        ] {
            assert_eq!(said(line).value("cluster"), None, "{line}");
        }
    }

    #[test]
    fn every_address_is_read_alike() {
        fn parsers(command: &Command) -> usize {
            let own = command.get_arguments().filter(|arg| arg.get_id() == "entry");
            own.count() + command.get_subcommands().map(parsers).sum::<usize>()
        }
        assert!(parsers(&with_addresses(crate::cli::command())) > 10);
        let line = ["rcl", "check", "::1"].map(OsString::from);
        let root = crate::cli::command();
        let said = Said::by(&root, &line);
        let root = prepared(root, &said).unwrap();
        let matches = root.try_get_matches_from(&line).unwrap();
        let entry = matches.subcommand().unwrap().1.get_one::<Address>("entry").unwrap();
        assert_eq!(*entry, Address::new("::1", address::DEFAULT_PORT));
    }

    #[test]
    fn an_entry_that_was_named_is_not_asked_for_again() {
        let line: Vec<OsString> =
            ["rcl", "--entry", "h:1", "call", "PING"].into_iter().map(OsString::from).collect();
        let root = crate::cli::command();
        let said = Said::by(&root, &line);
        let root = prepared(root, &said).unwrap();
        let matches = root.try_get_matches_from(&line).unwrap();
        let verb = matches.subcommand().unwrap().1;
        assert_eq!(verb.get_one::<Address>("entry"), Some(&Address::new("h", 1)));
        assert_eq!(verb.get_many::<String>("command").unwrap().collect::<Vec<_>>(), ["PING"]);
    }
}
