//! `redis-cli --cluster …`, by the verbs of `rcl`.
//!
//! What changes a cluster is carried out by `rcl`'s own verbs ([`verbs`]): planned as a whole, written into the
//! journal, with many slots in flight. What is said ([`told`], [`show`]) are the lines of redis-cli that scripts
//! look for, all of them on stdout, as there; `rcl`'s own lines stand between them. The exit code is 0 or 1.
//! redis-cli carries some commands out without a question; the others ask on stdin, unless `--cluster-yes` or
//! REDISCLI_CLUSTER_YES=1 says yes. An option that means nothing to a command is refused.

mod answers;
mod call;
mod help;
mod set_timeout;
mod show;
mod told;
mod verbs;

use std::ffi::OsString;
use std::process::ExitCode;

use rcl_proto::Address;

pub use help::help;
pub use told::{agreed, needs_no_rebalancing};

use self::show::Picture;
use super::options::{Options, Refusal, Words, text};
use crate::cli::{self, Connection, Failure, Global, Kind, Session, TlsOptions, Voice};
use crate::connect::{Cluster, Credentials};

/// A `--cluster` command line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterCommand {
    pub name: String,
    /// Of `call` these may be any bytes.
    pub arguments: Vec<Vec<u8>>,
    pub yes: bool,
    /// The other options, in order: name without `--cluster-`, and value.
    options: Vec<(String, Option<String>)>,
}

/// The options that take a value, and those that do not.
const WITH_VALUE: &[&str] = &[
    "replicas",
    "master-id",
    "from",
    "to",
    "slots",
    "timeout",
    "pipeline",
    "threshold",
    "from-user",
    "from-pass",
];
const WITHOUT_VALUE: &[&str] = &[
    "simulate",
    "replace",
    "copy",
    "slave",
    "use-empty-masters",
    "search-multiple-owners",
    "fix-with-unreachable-masters",
    "only-masters",
    "only-replicas",
    "from-askpass",
];

impl ClusterCommand {
    pub fn is_given(&self) -> bool {
        !self.name.is_empty()
    }

    /// Its options mean nothing without it.
    pub fn check(&self) -> Result<(), Refusal> {
        let stray = self.options.first().map(|(name, _)| name.as_str()).or(self.yes.then_some("yes"));
        match stray {
            Some(name) if !self.is_given() => {
                Err(Refusal::Wrong(format!("--cluster-{name} has a meaning only with --cluster COMMAND")))
            }
            _ => Ok(()),
        }
    }

    /// The words up to the next flag.
    pub fn take_arguments(&mut self, words: &mut Words<'_>) -> Result<(), Refusal> {
        while let Some(word) = words.peek()
            && word.first() != Some(&b'-')
        {
            self.arguments.push(word.to_vec());
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
        } else {
            return Err(Refusal::Wrong(format!("Unrecognized option or bad number of args for: '{flag}'")));
        }
        Ok(())
    }

    fn has(&self, name: &str) -> bool {
        self.options.iter().any(|(known, _)| known == name)
    }

    /// The value that is given last.
    fn value(&self, name: &str) -> Option<&str> {
        self.options.iter().rev().find(|(known, _)| known == name)?.1.as_deref()
    }

    fn set(&mut self, name: &str, value: String) {
        self.options.push((name.to_owned(), Some(value)));
    }

    /// The node that it begins with: `host:port`, or two words.
    fn entry(&self) -> Result<(Address, &[Vec<u8>]), Refusal> {
        let word = |index: usize| self.arguments.get(index).and_then(|word| std::str::from_utf8(word).ok());
        if let Some(address) = word(0).and_then(|word| word.parse::<Address>().ok()) {
            return Ok((address, &self.arguments[1..]));
        }
        match (word(0), word(1).and_then(|port| port.parse::<u16>().ok())) {
            (Some(host), Some(port)) if !host.contains(':') => {
                Ok((Address::new(host, port), &self.arguments[2..]))
            }
            _ => Err(Refusal::Wrong(
                "[ERR] Invalid arguments: you need to pass either a valid address (ie. 120.0.0.1:7000) or \
                 space separated IP and port (ie. 120.0.0.1 7000)"
                    .into(),
            )),
        }
    }
}

/// Carries the command out.
pub fn run(options: &Options, login: Option<Credentials>) -> Result<ExitCode, Refusal> {
    let mut command = options.cluster.clone();
    command.yes |= std::env::var_os("REDISCLI_CLUSTER_YES").is_some_and(|value| value == "1");
    take_stdin(options, &mut command)?;
    command.refuse_what_means_nothing()?;
    command.check_count()?;
    let deed = Deed { command, login, tls: options.tls.clone(), verbose: options.verbose };
    all_to_stdout();
    Ok(match deed.carry_out()? {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            told::failure(&failure);
            ExitCode::FAILURE
        }
    })
}

/// `-x`: the last argument; `-X`: the one that is the tag.
fn take_stdin(options: &Options, command: &mut ClusterCommand) -> Result<(), Refusal> {
    let words = std::mem::take(&mut command.arguments);
    command.arguments = super::with_stdin(options, words).map_err(Refusal::Wrong)?;
    Ok(())
}

struct Deed {
    command: ClusterCommand,
    login: Option<Credentials>,
    tls: TlsOptions,
    verbose: bool,
}

/// Whether it succeeded; a failure says why not.
type Done = Result<bool, Failure>;

impl Deed {
    fn carry_out(mut self) -> Result<Done, Refusal> {
        let name = self.command.name.clone();
        Ok(match name.as_str() {
            "check" => {
                let (entry, _) = self.command.entry()?;
                let owners = self.command.has("search-multiple-owners");
                self.look(&entry, async |picture| {
                    told::say(&picture.info());
                    let check = picture.check();
                    told::say(&check.text);
                    Ok(check.ok && (!owners || show::multiple_owners(picture).await?))
                })
            }
            "info" => {
                let (entry, _) = self.command.entry()?;
                self.look(&entry, async |picture| {
                    told::say(&picture.info());
                    Ok(true)
                })
            }
            "call" => {
                let (entry, words) = self.command.entry()?;
                let (only_masters, only_replicas) =
                    (self.command.has("only-masters"), self.command.has("only-replicas"));
                self.look(&entry, async |picture| {
                    call::run(picture, words, only_masters, only_replicas).await
                })
            }
            "set-timeout" => {
                let (entry, rest) = self.command.entry()?;
                let timeout_ms = set_timeout::parse(rest)?;
                self.look(&entry, async |picture| set_timeout::run(picture, timeout_ms).await)
            }
            _ => self.change()?,
        })
    }

    /// By a verb of `rcl`, with what redis-cli says before and after it.
    fn change(&mut self) -> Result<Done, Refusal> {
        let opening = told::opening(&self.command)?;
        told::say(&opening);
        if let Some(refused) = self.checked_before()? {
            return Ok(refused);
        }
        if self.command.name == "reshard" {
            answers::ask_for_what_is_missing(&mut self.command)?;
        }
        let line = self.command.translate()?;
        let entry = self.command.first_node()?;
        let from = self.source_login()?;
        let (command, login, tls) = (self.command.clone(), self.login.clone(), self.tls.clone());
        let verbose = self.verbose;
        let adjust = move |cli: &mut cli::Cli| {
            cli.global.connection.login = login;
            cli.global.connection.tls = tls;
            cli.global.voice = Voice::RedisCli { rebalances: command.name == "rebalance", verbose };
            verbs::adjust(cli, &command, from);
        };
        if let Err(failure) = cli::carry_out(line, adjust) {
            return Ok(match failure.kind {
                // redis-cli takes a no for an answer.
                Kind::NotConfirmed => Ok(self.command.name == "create"),
                _ => Err(failure),
            });
        }
        if matches!(self.command.name.as_str(), "create" | "fix") {
            return Ok(self.look(&entry, async |picture| {
                let check = picture.check();
                told::say(&check.text);
                Ok(check.ok)
            }));
        }
        told::say(&told::closing(&self.command));
        Ok(Ok(true))
    }

    /// What redis-cli looks at before it changes anything; `Some` when it is not to be changed.
    fn checked_before(&mut self) -> Result<Option<Done>, Refusal> {
        let name = self.command.name.clone();
        let name = name.as_str();
        if !matches!(name, "reshard" | "rebalance" | "add-node" | "del-node" | "import" | "fix") {
            return Ok(None);
        }
        let entry = self.command.first_node()?;
        let removed = match name {
            "del-node" => Some(self.command.removed_node()?),
            _ => None,
        };
        let new = self.command.new_node()?;
        let mut weightless = Vec::new();
        let done = self.look(&entry, async |picture| {
            if let Some(id) = &removed {
                return show::may_be_removed(picture, id);
            }
            if name == "fix" {
                told::say(&picture.info());
            }
            let check = picture.check();
            told::say(&check.text);
            if !check.ok && name != "fix" {
                told::say_bad("*** Please fix your cluster problems before continuing.\n");
                return Ok(false);
            }
            weightless = show::replicas_among(picture, &self.command.weighed_nodes());
            match &new {
                Some(new) => show::has_no_functions(picture, new).await,
                None => Ok(true),
            }
        });
        for node in weightless {
            told::say(&told::warning(&format!("*** {node} is a replica: its weight means nothing\n")));
            self.command.forget_weight(&node);
        }
        Ok(match done {
            Ok(true) => None,
            // `fix` mends what its check finds.
            Ok(false) if name == "fix" => None,
            done => Some(done),
        })
    }

    /// Observes the cluster of `entry` and looks at it.
    fn look(&self, entry: &Address, look: impl AsyncFnOnce(&Picture) -> Done) -> Done {
        let (login, tls) = (self.login.clone(), self.tls.clone());
        let connection = Connection { login, tls, ..Connection::default() };
        let global = Global { connection, no_journal: true, ..Global::default() };
        cli::with_session(&global, async |session: &Session| {
            let cluster = Cluster::observe(&session.connector, entry).await?;
            look(&Picture::of(cluster, entry).await?).await
        })
    }

    fn source_login(&self) -> Result<Option<Credentials>, Refusal> {
        let password = if self.command.has("from-askpass") {
            let typed = cli::ask_password("Please input import source node password: ");
            Some(typed.map_err(|failure| Refusal::Wrong(failure.what))?)
        } else {
            self.command.value("from-pass").map(str::to_owned)
        };
        let user = self.command.value("from-user").map(str::to_owned);
        match (password, user) {
            (Some(password), user) => Ok(Some(Credentials { user, password })),
            (None, None) => Ok(None),
            (None, Some(_)) => Err(Refusal::Wrong("--cluster-from-user needs --cluster-from-pass".into())),
        }
    }
}

/// redis-cli's cluster commands say everything on stdout, what went wrong too, and scripts read it there.
fn all_to_stdout() {
    // SAFETY: both descriptors are the process's own, open or not; dup2 only makes the second name what the
    // first names, and says so when it cannot.
    unsafe {
        libc::dup2(libc::STDOUT_FILENO, libc::STDERR_FILENO);
    }
}

/// Arguments of `rcl`.
type Line = Vec<OsString>;

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(words: &[&str]) -> Option<String> {
        let arguments = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        let command = ClusterCommand { arguments, ..ClusterCommand::default() };
        command.entry().ok().map(|(address, rest)| format!("{address} {}", rest.len()))
    }

    #[test]
    fn an_address_is_one_word_or_two() {
        assert_eq!(entry(&["h:1", "x"]).as_deref(), Some("h:1 1"));
        assert_eq!(entry(&["localhost", "7001"]).as_deref(), Some("localhost:7001 0"));
        assert_eq!(entry(&["[::1]:7001"]).as_deref(), Some("::1:7001 0"));
        assert_eq!(entry(&["localhost"]), None);
        assert_eq!(entry(&[]), None);
    }
}
