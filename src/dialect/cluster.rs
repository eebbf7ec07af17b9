//! `redis-cli --cluster …` as verbs of `rcl`.
//!
//! | redis-cli --cluster | rcl |
//! |---|---|
//! | `create H:P… --cluster-replicas N` | `create H:P… --replicas N` |
//! | `check`, `info`, `fix` `H:P` | the same |
//! | `reshard H:P --cluster-from A,B --cluster-to T --cluster-slots N` | `reshard H:P --from A --from B --to T --slots N` |
//! | `rebalance H:P --cluster-weight A=1 B=2 --cluster-simulate` | `rebalance H:P --weight A=1 --weight B=2 --dry-run` |
//! | `add-node NEW ENTRY` | `add-node NEW ENTRY` |
//! | `add-node NEW ENTRY --cluster-slave [--cluster-master-id M]` | `add-replica NEW ENTRY [--master M]` |
//! | `del-node ENTRY ID` | `scale-down ID --entry ENTRY` |
//! | `call H:P CMD…` | `call H:P CMD…` |
//! | `set-timeout H:P MS` | `call H:P CONFIG SET cluster-node-timeout MS`, then `CONFIG REWRITE` |
//!
//! An address may be given as `host:port` or as two words. The verbs that redis-cli carries out without a
//! question get `--yes`; the others get it from `--cluster-yes`, REDISCLI_CLUSTER_YES=1, or a `yes` on stdin. An option that
//! has no counterpart is refused, except those that ask for what `rcl` always does
//! (`--cluster-search-multiple-owners`: a check always asks every node).

use super::options::{Refusal, Words, text};

/// A `--cluster` command line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterCommand {
    pub name: String,
    pub arguments: Vec<String>,
    pub yes: bool,
    /// The other options, in order: name without `--cluster-`, and value.
    options: Vec<(String, Option<String>)>,
}

/// The options that take a value, and those that do not.
const WITH_VALUE: &[&str] =
    &["replicas", "master-id", "from", "to", "slots", "timeout", "pipeline", "threshold"];
const WITHOUT_VALUE: &[&str] = &[
    "simulate",
    "replace",
    "slave",
    "use-empty-masters",
    "search-multiple-owners",
    "only-masters",
    "only-replicas",
];
const NOT_OFFERED: &[(&str, &str)] = &[
    ("fix-with-unreachable-masters", "bring the masters back, or fail over to their replicas, then fix"),
    ("copy", "import is not offered"),
    ("from-user", "import is not offered"),
    ("from-pass", "import is not offered"),
    ("from-askpass", "import is not offered"),
];

impl ClusterCommand {
    pub fn new(name: String) -> ClusterCommand {
        ClusterCommand { name, ..ClusterCommand::default() }
    }

    /// The words up to the next flag.
    pub fn take_arguments(&mut self, words: &mut Words<'_>) -> Result<(), Refusal> {
        while let Some(word) = words.peek()
            && word.first() != Some(&b'-')
        {
            self.arguments.push(text(word)?);
            words.next();
        }
        Ok(())
    }

    /// `--cluster-<name>` and its value.
    pub fn take_option(&mut self, name: &[u8], words: &mut Words<'_>) -> Result<(), Refusal> {
        let name = text(name)?;
        let flag = format!("--cluster-{name}");
        if name == "yes" {
            self.yes = true;
        } else if name == "weight" {
            while let Some(word) = words.peek()
                && word.first() != Some(&b'-')
                && word.contains(&b'=')
            {
                self.options.push((name.clone(), Some(text(word)?)));
                words.next();
            }
        } else if WITH_VALUE.contains(&name.as_str()) {
            let value = text(words.value(flag.as_bytes())?)?;
            self.options.push((name, Some(value)));
        } else if WITHOUT_VALUE.contains(&name.as_str()) {
            self.options.push((name, None));
        } else if let Some((_, instead)) = NOT_OFFERED.iter().find(|(known, _)| *known == name) {
            return Err(Refusal::NotOffered { flag, instead });
        } else {
            return Err(Refusal::Wrong(format!("Unrecognized option or bad number of args for: '{flag}'")));
        }
        Ok(())
    }

    /// Whether redis-cli asks before it carries this out.
    pub fn may_ask(&self) -> bool {
        matches!(self.name.as_str(), "create" | "fix" | "reshard")
    }

    /// The arguments of `rcl` that do the same, one list for each verb to run, in order.
    pub fn translate(&self) -> Result<Vec<Vec<String>>, Refusal> {
        let words = self.addresses_joined();
        let one_line = |line: Vec<String>| Ok(vec![line]);
        match (self.name.as_str(), words.as_slice()) {
            ("create", [_, ..]) => one_line(self.line("create", &words, false)?),
            ("check" | "info" | "fix" | "reshard", [_]) => one_line(self.line(&self.name, &words, false)?),
            ("rebalance", [_]) => one_line(self.line("rebalance", &words, true)?),
            ("add-node", [_, _]) if self.has("slave") => one_line(self.line("add-replica", &words, true)?),
            ("add-node", [_, _]) => one_line(self.line("add-node", &words, true)?),
            ("del-node", [entry, id]) => {
                let words = [id.clone(), "--entry".into(), entry.clone()];
                one_line(self.line("scale-down", &words, true)?)
            }
            ("call", [entry, command @ ..]) if !command.is_empty() => {
                let mut line = self.line("call", &[], true)?;
                line.push(entry.clone());
                line.extend_from_slice(command);
                one_line(line)
            }
            ("set-timeout", [entry, timeout_ms]) => {
                let words = |tail: &[&str]| {
                    let mut line = vec!["call".to_owned(), "--yes".into(), entry.clone()];
                    line.extend(tail.iter().map(|&word| word.to_owned()));
                    line
                };
                Ok(vec![
                    words(&["CONFIG", "SET", "cluster-node-timeout", timeout_ms]),
                    words(&["CONFIG", "REWRITE"]),
                ])
            }
            ("import" | "backup", _) => Err(Refusal::NotOffered {
                flag: format!("--cluster {}", self.name),
                instead: "use the redis-cli of Redis",
            }),
            (name, _) if USAGE.iter().any(|line| line.starts_with(name)) => Err(Refusal::Wrong(format!(
                "[ERR] Wrong number of arguments for specified --cluster sub command '{name}'"
            ))),
            (name, _) => {
                Err(Refusal::Wrong(format!("Unknown --cluster subcommand '{name}'; see --cluster help")))
            }
        }
    }

    /// `host port` written as two words becomes `host:port`, in the places where an address stands.
    fn addresses_joined(&self) -> Vec<String> {
        let two_words = |words: &[String]| match words {
            [host, port] if !host.contains(':') && port.parse::<u16>().is_ok() => {
                Some(format!("{host}:{port}"))
            }
            _ => None,
        };
        let words = &self.arguments;
        let joined = match self.name.as_str() {
            "check" | "info" | "fix" | "reshard" | "rebalance" => two_words(words).map(|word| vec![word]),
            "del-node" | "set-timeout" if words.len() == 3 => {
                words.get(..2).and_then(two_words).map(|first| [&[first], &words[2..]].concat())
            }
            _ => None,
        };
        joined.unwrap_or_else(|| words.clone())
    }

    fn has(&self, name: &str) -> bool {
        self.options.iter().any(|(known, _)| known == name)
    }

    /// The verb with its words and this command's options under `rcl`'s names.
    fn line(&self, verb: &str, words: &[String], never_asks: bool) -> Result<Vec<String>, Refusal> {
        let mut line = vec![verb.to_owned()];
        line.extend_from_slice(words);
        for (name, value) in &self.options {
            let value = value.as_deref().unwrap_or_default();
            match (verb, name.as_str()) {
                ("create", "replicas") => line.extend(pair("--replicas", value)),
                ("check" | "fix", "search-multiple-owners") | ("add-replica", "slave") => {}
                ("add-replica", "master-id") => line.extend(pair("--master", value)),
                ("reshard", "from") => {
                    for source in value.split(',') {
                        line.extend(pair("--from", source));
                    }
                }
                ("reshard", "to") => line.extend(pair("--to", value)),
                ("reshard", "slots") => line.extend(pair("--slots", value)),
                ("reshard" | "rebalance" | "fix", "replace") => line.push("--replace".into()),
                ("rebalance", "weight") => line.extend(pair("--weight", value)),
                ("rebalance", "threshold") => line.extend(pair("--threshold", value)),
                ("rebalance", "use-empty-masters") => line.push("--use-empty-masters".into()),
                ("rebalance", "simulate") => line.push("--dry-run".into()),
                ("call", "only-masters") => line.push("--only-masters".into()),
                ("call", "only-replicas") => line.push("--only-replicas".into()),
                (_, "timeout" | "pipeline") => {
                    return Err(Refusal::NotOffered {
                        flag: format!("--cluster-{name}"),
                        instead: "rcl sizes its batches and their time limit by itself; leave it out",
                    });
                }
                _ => {
                    return Err(Refusal::Wrong(format!(
                        "--cluster-{name} has no meaning for --cluster {}",
                        self.name
                    )));
                }
            }
        }
        if never_asks || self.yes {
            line.push("--yes".into());
        }
        Ok(line)
    }
}

fn pair(flag: &str, value: &str) -> [String; 2] {
    [flag.to_owned(), value.to_owned()]
}

/// The lines of `--cluster help`.
pub const USAGE: &[&str] = &[
    "create host1:port1 ... hostN:portN [--cluster-replicas <count>]",
    "check <host:port> or <host> <port> [--cluster-search-multiple-owners]",
    "info <host:port> or <host> <port>",
    "fix <host:port> or <host> <port> [--cluster-search-multiple-owners] [--cluster-replace]",
    "reshard <host:port> or <host> <port> [--cluster-from <ids>|all] [--cluster-to <id>] [--cluster-slots <count>] [--cluster-replace] [--cluster-yes]",
    "rebalance <host:port> or <host> <port> [--cluster-weight <id1=w1> ... <idN=wN>] [--cluster-use-empty-masters] [--cluster-threshold <percent>] [--cluster-simulate] [--cluster-replace]",
    "add-node new_host:new_port existing_host:existing_port [--cluster-slave] [--cluster-master-id <id>]",
    "del-node <host:port> <node_id>",
    "call <host:port> <command> [arg ...] [--cluster-only-masters] [--cluster-only-replicas]",
    "set-timeout <host:port> <milliseconds>",
    "help",
];

#[cfg(test)]
mod tests {
    use super::super::options::Options;
    use rcl_proto::words;

    use super::*;

    fn translated(line: &str) -> Result<Vec<String>, Refusal> {
        let options = Options::parse(&words::split(line.as_bytes()).unwrap())?;
        let lines = options.cluster.unwrap().translate()?;
        Ok(lines.iter().map(|line| line.join(" ")).collect())
    }

    fn assert_becomes(line: &str, expected: &[&str]) {
        assert_eq!(translated(line).unwrap(), expected, "{line}");
    }

    #[test]
    fn each_command_finds_its_verb() {
        assert_becomes(
            "--cluster create a:1 b:2 c:3 --cluster-replicas 1 --cluster-yes",
            &["create a:1 b:2 c:3 --replicas 1 --yes"],
        );
        assert_becomes("--cluster check a:1 --cluster-search-multiple-owners", &["check a:1"]);
        assert_becomes("--cluster info localhost 7001", &["info localhost:7001"]);
        assert_becomes("--cluster fix a:1", &["fix a:1"]);
        assert_becomes(
            "--cluster reshard a:1 --cluster-from x,y --cluster-to z --cluster-slots 10 --cluster-yes",
            &["reshard a:1 --from x --from y --to z --slots 10 --yes"],
        );
        assert_becomes(
            "--cluster rebalance a:1 --cluster-weight x=1 y=2 --cluster-use-empty-masters --cluster-threshold 5 --cluster-simulate",
            &["rebalance a:1 --weight x=1 --weight y=2 --use-empty-masters --threshold 5 --dry-run --yes"],
        );
        assert_becomes("--cluster add-node n:1 a:1", &["add-node n:1 a:1 --yes"]);
        assert_becomes(
            "--cluster add-node n:1 a:1 --cluster-slave --cluster-master-id m",
            &["add-replica n:1 a:1 --master m --yes"],
        );
        assert_becomes("--cluster del-node a:1 id", &["scale-down id --entry a:1 --yes"]);
        assert_becomes("--cluster del-node a 1 id", &["scale-down id --entry a:1 --yes"]);
        assert_becomes("--cluster call a:1 CONFIG GET save", &["call --yes a:1 CONFIG GET save"]);
        assert_becomes(
            "--cluster call --cluster-only-masters a:1 PING",
            &["call --only-masters --yes a:1 PING"],
        );
        assert_becomes(
            "--cluster set-timeout a:1 5000",
            &["call --yes a:1 CONFIG SET cluster-node-timeout 5000", "call --yes a:1 CONFIG REWRITE"],
        );
    }

    #[test]
    fn our_command_line_takes_what_comes_out() {
        use clap::Parser;
        for line in [
            "create a:1 b:2 c:3 --cluster-replicas 1 --cluster-yes",
            "check a:1",
            "info a 1",
            "fix a:1 --cluster-replace --cluster-yes",
            "reshard a:1 --cluster-from x,y --cluster-to z --cluster-slots 10 --cluster-replace --cluster-yes",
            "reshard a:1 --cluster-from all --cluster-to z --cluster-slots 10",
            "rebalance a:1 --cluster-weight x=1 y=2 --cluster-use-empty-masters --cluster-threshold 5 \
             --cluster-simulate --cluster-replace",
            "add-node n:1 a:1",
            "add-node n:1 a:1 --cluster-slave --cluster-master-id m",
            "del-node a:1 id",
            "call a:1 CONFIG GET save --cluster-only-replicas",
            "call a:1 CONFIG GET save --cluster-only-masters",
            "set-timeout a:1 5000",
        ] {
            let line = format!("--cluster {line}");
            for translated in translated(&line).unwrap() {
                let arguments = std::iter::once("rcl").chain(translated.split(' '));
                if let Err(error) = crate::cli::Cli::try_parse_from(arguments) {
                    panic!("{line}\nbecame {translated}\n{error}");
                }
            }
        }
    }

    #[test]
    fn what_has_no_counterpart_is_refused() {
        for line in [
            "--cluster import a:1 --cluster-from b:1",
            "--cluster backup a:1 dir",
            "--cluster fix a:1 --cluster-fix-with-unreachable-masters",
            "--cluster reshard a:1 --cluster-pipeline 100",
        ] {
            assert!(matches!(translated(line), Err(Refusal::NotOffered { .. })), "{line}");
        }
        for line in [
            "--cluster nonsense a:1",
            "--cluster create",
            "--cluster add-node a:1",
            "--cluster check a:1 --cluster-replicas 1",
            "--cluster check a:1 --cluster-no-such",
        ] {
            assert!(matches!(translated(line), Err(Refusal::Wrong(_))), "{line}");
        }
    }
}
