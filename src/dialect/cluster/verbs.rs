//! A `--cluster` command as a command line of `rcl`.
//!
//! | redis-cli --cluster | rcl |
//! |---|---|
//! | `create H:P… --cluster-replicas N` | `create H:P… --replicas N` |
//! | `fix H:P` | the same |
//! | `reshard H:P --cluster-from A,B --cluster-to T --cluster-slots N` | `reshard H:P --from A --from B --to T --slots N` |
//! | `rebalance H:P --cluster-weight A=1 B=2 --cluster-simulate` | `rebalance H:P --weight A=1 --weight B=2 --dry-run` |
//! | `add-node NEW ENTRY` | `add-node NEW ENTRY` |
//! | `add-node NEW ENTRY --cluster-slave [--cluster-master-id M]` | `add-replica NEW ENTRY [--master M]` |
//! | `del-node ENTRY ID` | `scale-down ID --entry ENTRY` |
//! | `import ENTRY --cluster-from SRC [--cluster-copy]` | `import SRC ENTRY [--move]` |
//! | `backup ENTRY DIR` | `backup ENTRY DIR` |
//!
//! `check`, `info`, `call` and `set-timeout` are done here, with redis-cli's words. `--cluster-pipeline` is the most keys in
//! a MIGRATE, `--cluster-timeout` its time limit.

use std::ffi::OsString;

use rcl_proto::Address;

use super::{ClusterCommand, Line};
use crate::cli::{Cli, Command};
use crate::connect::Credentials;
use crate::dialect::options::{Refusal, text};
use crate::verbs::moving::MoveArgs;

/// Each command with the least and the most of its arguments (an address in two words is two), and its options.
const COMMANDS: &[(&str, usize, usize, &[&str])] = &[
    ("create", 1, usize::MAX, &["replicas"]),
    ("check", 1, 2, &["search-multiple-owners"]),
    ("info", 1, 2, &[]),
    (
        "fix",
        1,
        2,
        &["search-multiple-owners", "fix-with-unreachable-masters", "replace", "timeout", "pipeline"],
    ),
    ("reshard", 1, 2, &["from", "to", "slots", "timeout", "pipeline", "replace"]),
    (
        "rebalance",
        1,
        2,
        &["weight", "use-empty-masters", "timeout", "simulate", "pipeline", "threshold", "replace"],
    ),
    ("add-node", 2, 2, &["slave", "master-id"]),
    ("del-node", 2, 3, &[]),
    ("call", 2, usize::MAX, &["only-masters", "only-replicas"]),
    ("set-timeout", 2, 3, &[]),
    ("import", 1, 2, &["from", "from-user", "from-pass", "from-askpass", "copy", "replace"]),
    ("backup", 2, 3, &[]),
    ("help", 0, usize::MAX, &[]),
];

impl ClusterCommand {
    fn facts(&self) -> Result<&'static (&'static str, usize, usize, &'static [&'static str]), Refusal> {
        COMMANDS.iter().find(|(name, ..)| *name == self.name).ok_or_else(|| {
            Refusal::Wrong(format!("Unknown --cluster subcommand '{}'; see --cluster help", self.name))
        })
    }

    pub fn check_count(&self) -> Result<(), Refusal> {
        let (name, least, most, _) = self.facts()?;
        match (*least..=*most).contains(&self.arguments.len()) {
            true => Ok(()),
            false => Err(Refusal::Wrong(format!(
                "[ERR] Wrong number of arguments for specified --cluster sub command '{name}'"
            ))),
        }
    }

    pub fn refuse_what_means_nothing(&self) -> Result<(), Refusal> {
        let (command, _, _, options) = self.facts()?;
        let stray = self.options.iter().map(|(name, _)| name.as_str()).find(|name| !options.contains(name));
        if let Some(name) = stray {
            return Err(Refusal::Wrong(format!("--cluster-{name} has no meaning for --cluster {command}")));
        }
        if self.has("master-id") && !self.has("slave") {
            return Err(Refusal::Wrong("--cluster-master-id goes with --cluster-slave".into()));
        }
        if self.name == "import" && self.value("from").is_none() {
            return Err(Refusal::Wrong(
                "[ERR] Option '--cluster-from' is required for subcommand 'import'.".into(),
            ));
        }
        Ok(())
    }

    /// A node of the cluster that it is about.
    pub fn first_node(&self) -> Result<Address, Refusal> {
        match self.name.as_str() {
            "add-node" => address(&self.arguments[1]),
            _ => self.entry().map(|(entry, _)| entry),
        }
    }

    /// The node that is added.
    pub fn new_node(&self) -> Result<Option<Address>, Refusal> {
        match self.name.as_str() {
            "add-node" => address(&self.arguments[0]).map(Some),
            _ => Ok(None),
        }
    }

    /// The id of the node that is removed.
    pub fn removed_node(&self) -> Result<String, Refusal> {
        let (_, rest) = self.entry()?;
        match rest {
            [id] => text(id),
            _ => Err(Refusal::Wrong("[ERR] del-node takes a node and the id of the one to remove".into())),
        }
    }

    /// The arguments of `rcl` that do the same.
    pub fn translate(&self) -> Result<Line, Refusal> {
        let mut line = vec!["rcl".to_owned()];
        let mut add = |words: &[&str]| line.extend(words.iter().map(|word| (*word).to_owned()));
        let entry = self.first_node()?.to_string();
        let asks = matches!(self.name.as_str(), "create" | "fix" | "reshard");
        match self.name.as_str() {
            "create" => {
                add(&["create"]);
                for node in &self.arguments {
                    add(&[&address(node)?.to_string()]);
                }
            }
            "add-node" => {
                let verb = if self.has("slave") { "add-replica" } else { "add-node" };
                add(&[verb, &address(&self.arguments[0])?.to_string(), &entry]);
            }
            "del-node" => add(&["scale-down", &self.removed_node()?, "--entry", &entry]),
            "import" => {
                add(&[
                    "import",
                    &address(self.value("from").unwrap_or_default().as_bytes())?.to_string(),
                    &entry,
                ]);
                if !self.has("copy") {
                    add(&["--move"]);
                }
            }
            "backup" => {
                let (_, rest) = self.entry()?;
                let [folder] = rest else {
                    return Err(Refusal::Wrong("[ERR] backup takes a node and a folder".into()));
                };
                add(&["backup", &entry, &text(folder)?]);
            }
            // redis-cli looks for keys on nodes that do not own them only when it is told to, and moves them to their owner.
            "fix" => {
                let strays = if self.has("search-multiple-owners") { "return" } else { "keep" };
                add(&["fix", &entry, "--choose", &format!("orphan-keys={strays}")]);
                // redis-cli gives the slots of masters that do not answer to others. Here a replica that is there takes them over.
                if self.has("fix-with-unreachable-masters") {
                    for choice in ["master-silent=promote", "lost-shard=give-up", "uncovered-slots=assign"] {
                        add(&["--choose", choice]);
                    }
                }
            }
            name => add(&[name, &entry]),
        }
        for (name, value) in &self.options {
            let value = value.as_deref().unwrap_or_default();
            match (self.name.as_str(), name.as_str()) {
                (_, "replicas") => add(&["--replicas", value]),
                (_, "master-id") => add(&["--master", value]),
                ("reshard", "from") => value.split(',').for_each(|source| add(&["--from", source])),
                (_, "to") => add(&["--to", value]),
                (_, "slots") => add(&["--slots", value]),
                (_, "replace") => add(&["--replace"]),
                (_, "weight") => add(&["--weight", value]),
                (_, "threshold") => add(&["--threshold", value]),
                (_, "use-empty-masters") => add(&["--use-empty-masters"]),
                (_, "simulate") => add(&["--dry-run"]),
                // What is no option of ours is in the verb, or set by `adjust`.
                _ => {}
            }
        }
        if !asks || self.yes {
            add(&["--yes"]);
        }
        if self.name == "rebalance" && self.has("simulate") {
            line.retain(|word| word != "--yes");
        }
        Ok(line.into_iter().map(OsString::from).collect())
    }

    /// Whom `--cluster-weight` names.
    pub fn weighed_nodes(&self) -> Vec<String> {
        let weights = self.options.iter().filter(|(name, _)| name == "weight");
        weights.filter_map(|(_, value)| Some(value.as_ref()?.rsplit_once('=')?.0.to_owned())).collect()
    }

    pub fn forget_weight(&mut self, node: &str) {
        let is_of = |value: &Option<String>| {
            value.as_ref().and_then(|value| value.rsplit_once('=')).is_some_and(|(named, _)| named == node)
        };
        self.options.retain(|(name, value)| name != "weight" || !is_of(value));
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.value(name)?.parse().ok().filter(|number| *number > 0)
    }
}

/// What has no option of `rcl`'s: the login of an import's source, which must not stand in arguments, and how MIGRATE is called.
pub fn adjust(cli: &mut Cli, command: &ClusterCommand, from: Option<Credentials>) {
    if let Some(timeout_ms) = command.number("timeout") {
        // Our own patience must outlast MIGRATE's.
        cli.global.connection.at_least(timeout_ms.saturating_mul(2).div_ceil(1000));
    }
    let set = |moving: &mut MoveArgs| {
        moving.keys_per_call = command.number("pipeline").and_then(|keys| usize::try_from(keys).ok());
        moving.migrate_timeout_ms = command.number("timeout");
    };
    match &mut cli.command {
        Command::Import(args) => args.login.given = from,
        Command::Reshard(args) => set(&mut args.moving),
        Command::Rebalance(args) => set(&mut args.moving),
        Command::Fix(args) => set(&mut args.moving),
        _ => {}
    }
}

fn address(word: &[u8]) -> Result<Address, Refusal> {
    let text = text(word)?;
    text.parse().map_err(|_| Refusal::Wrong(format!("Invalid address format: {text}")))
}

#[cfg(test)]
mod tests {
    use rcl_proto::words;

    use super::*;
    use crate::dialect::options::Options;

    fn translated(line: &str) -> Result<String, Refusal> {
        let line = format!("--cluster {line}");
        let command = Options::parse(&words::split(line.as_bytes()).unwrap())?.cluster;
        command.refuse_what_means_nothing()?;
        command.check_count()?;
        let words: Vec<String> =
            command.translate()?.into_iter().map(|word| word.into_string().unwrap()).collect();
        Ok(words[1..].join(" "))
    }

    #[test]
    fn each_command_finds_its_verb() {
        for (line, expected) in [
            (
                "create a:1 b:2 c:3 --cluster-replicas 1 --cluster-yes",
                "create a:1 b:2 c:3 --replicas 1 --yes",
            ),
            ("fix a:1", "fix a:1 --choose orphan-keys=keep"),
            (
                "fix a:1 --cluster-fix-with-unreachable-masters",
                "fix a:1 --choose orphan-keys=keep --choose master-silent=promote --choose lost-shard=give-up \
                 --choose uncovered-slots=assign",
            ),
            (
                "fix a 1 --cluster-search-multiple-owners --cluster-yes",
                "fix a:1 --choose orphan-keys=return --yes",
            ),
            (
                "reshard a:1 --cluster-from x,y --cluster-to z --cluster-slots 10 --cluster-yes",
                "reshard a:1 --from x --from y --to z --slots 10 --yes",
            ),
            (
                "rebalance a:1 --cluster-weight x=1 y=2 --cluster-use-empty-masters --cluster-threshold 5 \
                 --cluster-simulate",
                "rebalance a:1 --weight x=1 --weight y=2 --use-empty-masters --threshold 5 --dry-run",
            ),
            ("add-node n:1 a:1", "add-node n:1 a:1 --yes"),
            (
                "add-node n:1 a:1 --cluster-slave --cluster-master-id m",
                "add-replica n:1 a:1 --master m --yes",
            ),
            ("del-node a:1 id", "scale-down id --entry a:1 --yes"),
            ("del-node a 1 id", "scale-down id --entry a:1 --yes"),
            ("import a:1 --cluster-from s:1 --cluster-replace", "import s:1 a:1 --move --replace --yes"),
            ("import a 1 --cluster-from s:1 --cluster-copy", "import s:1 a:1 --yes"),
            ("backup a:1 dir", "backup a:1 dir --yes"),
        ] {
            assert_eq!(translated(line).as_deref(), Ok(expected), "{line}");
        }
    }

    #[test]
    fn our_command_line_takes_what_comes_out() {
        use clap::Parser;
        for line in [
            "create a:1 b:2 c:3 --cluster-replicas 1 --cluster-yes",
            "fix a:1 --cluster-replace --cluster-yes",
            "reshard a:1 --cluster-from x,y --cluster-to z --cluster-slots 10 --cluster-replace --cluster-yes",
            "reshard a:1 --cluster-from all --cluster-to z --cluster-slots 10",
            "rebalance a:1 --cluster-weight x=1 y=2 --cluster-use-empty-masters --cluster-threshold 5 \
             --cluster-simulate --cluster-replace",
            "add-node n:1 a:1",
            "add-node n:1 a:1 --cluster-slave --cluster-master-id m",
            "del-node a:1 id",
            "import a:1 --cluster-from s:1 --cluster-copy",
            "backup a:1 dir",
        ] {
            let translated = translated(line).unwrap();
            let arguments = std::iter::once("rcl").chain(translated.split(' '));
            if let Err(error) = Cli::try_parse_from(arguments) {
                panic!("{line}\nbecame {translated}\n{error}");
            }
        }
    }

    #[test]
    fn how_migrate_is_called_is_set() {
        use clap::Parser;
        let line = "--cluster reshard a:1 --cluster-pipeline 7 --cluster-timeout 500";
        let command = Options::parse(&words::split(line.as_bytes()).unwrap()).unwrap().cluster;
        let mut cli = Cli::try_parse_from(["rcl", "reshard", "a:1", "--to", "z", "--slots", "1"]).unwrap();
        adjust(&mut cli, &command, None);
        let Command::Reshard(args) = &cli.command else { panic!() };
        assert_eq!(args.moving.settings().keys_per_call, 7);
        assert_eq!(args.moving.migrate_timeout_ms, Some(500));
    }

    #[test]
    fn weights_can_be_forgotten_by_node() {
        let line = "--cluster rebalance a:1 --cluster-weight x=1 y=2 --cluster-threshold 3";
        let mut command = Options::parse(&words::split(line.as_bytes()).unwrap()).unwrap().cluster;
        assert_eq!(command.weighed_nodes(), ["x", "y"]);
        command.forget_weight("x");
        assert_eq!(command.weighed_nodes(), ["y"]);
        assert_eq!(command.value("threshold"), Some("3"));
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for line in [
            "nonsense a:1",
            "create",
            "add-node a:1",
            "check a:1 --cluster-replicas 1",
            "check a:1 --cluster-no-such",
            "import a:1",
            "add-node n:1 a:1 --cluster-master-id m",
            "create noport",
            "backup a:1",
        ] {
            assert!(matches!(translated(line), Err(Refusal::Wrong(_))), "{line}");
        }
    }
}
