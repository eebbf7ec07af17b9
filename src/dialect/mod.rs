//! `rcl` under the name of `redis-cli`: the flags, the output and the exit codes that operators' fingers and
//! scripts know. It answers when the program is called as `redis-cli` (a link to it), as `rcl redis-cli …`,
//! and as `rcl cli [HOST:PORT] …`, which follows redirects by itself and takes `rcl`'s own global options.
//!
//! [`options`] reads the flags, [`session`] talks to the server, [`format`] prints replies, [`prompt`] reads
//! lines with what [`docs`] knows of commands, [`modes`] are `--scan`, `--pipe`, `--stat` and their like, [`script`] is `--eval`, and
//! [`cluster`] turns `--cluster …` into verbs of `rcl`. What is measured here is redis-cli 7.0.15, and 7.2 for
//! hints and for subscriptions at the prompt; a flag that is not offered is refused by name.

pub mod cluster;
pub mod docs;
pub mod format;
mod interrupt;
mod modes;
mod options;
mod prompt;
mod script;
mod session;
mod terminal;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::ExitCode;

use rcl_proto::Address;

use interrupt::Interrupt;
use options::{Options, Refusal};
use session::{Session, Trouble};

use crate::cli::system_words;
use crate::connect::{Credentials, Tls};

/// The name under which this dialect is spoken.
pub const NAME: &str = "redis-cli";

/// What `--version` says.
const VERSION: &str = concat!("7.0 (as spoken by rcl ", env!("CARGO_PKG_VERSION"), ")");

/// Which of its two names it goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    RedisCli,
    /// `rcl cli`
    Rcl,
}

impl Name {
    fn shown(self) -> &'static str {
        match self {
            Name::RedisCli => "redis-cli",
            Name::Rcl => "rcl cli",
        }
    }
}

/// Carries out a redis-cli command line (`arguments` without the program's name).
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<Vec<u8>> = arguments.into_iter().map(OsString::into_vec).collect();
    let mut options = match Options::parse(&arguments) {
        Ok(options) => options,
        Err(refusal) => return report(&refusal),
    };
    if options.password.is_some() && !options.no_auth_warning {
        eprintln!(
            "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe."
        );
    }
    if let Err(refusal) = find_password(&mut options) {
        return report(&refusal);
    }
    if options.cluster.is_given() {
        return run_cluster_command(&options);
    }
    if let Err(refusal) = open_tls(&mut options) {
        return report(&refusal);
    }
    converse(&options, Name::RedisCli)
}

/// Reads the files that the flags of TLS name.
fn open_tls(options: &mut Options) -> Result<(), Refusal> {
    if let Some(settings) = options.tls.over(None) {
        let tls = Tls::new(&settings).map_err(|failure| Refusal::Wrong(failure.what))?;
        options.transport.tls = Some(tls);
    }
    Ok(())
}

/// `rcl cli [HOST:PORT] [OPTION …] [COMMAND …]`, with what `rcl`'s own options say of the connection.
pub fn cli(session: &crate::cli::Session, words: &[OsString]) -> ExitCode {
    let mut words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
    let named = words.first().and_then(|word| std::str::from_utf8(word).ok()?.parse::<Address>().ok());
    if named.is_some() {
        words.remove(0);
    }
    let mut options = Options { follow_redirects: true, ..Options::default() };
    if let Some(address) = named.as_ref().or(session.entry.as_ref()) {
        (options.host, options.port) = (address.host.clone(), address.port);
    }
    options.transport = session.connector.transport.clone();
    if let Some(login) = &session.connector.credentials {
        options.password = Some(login.password.clone().into_bytes());
        options.user = login.user.clone().map(String::into_bytes);
    }
    let parsed = options.and(&words).and_then(|mut options| {
        find_password(&mut options)?;
        open_tls(&mut options)?;
        match options.cluster.is_given() {
            true => Err(Refusal::NotOffered {
                flag: "--cluster".into(),
                instead: "the verbs of rcl do that: rcl --help",
            }),
            false => Ok(options),
        }
    });
    match parsed {
        Ok(options) => converse(&options, Name::Rcl),
        Err(Refusal::Help) => {
            print!(
                "{}",
                HELP.replace("redis-cli, as spoken by rcl", CLI_HEADING)
                    .replace("redis-cli [", "rcl cli [HOST:PORT] [")
            );
            ExitCode::SUCCESS
        }
        Err(refusal) => report(&refusal),
    }
}

const CLI_HEADING: &str = "\
Talks to one node, or to the cluster behind it: redirects are followed

HOST:PORT is RCL_ENTRY or 127.0.0.1:6379 when not given. A redis-cli script runs as it is with
rcl redis-cli, which follows redirects only with -c.";

/// From a prompt or the environment, where no flag says it.
fn find_password(options: &mut Options) -> Result<(), Refusal> {
    if options.asks_password {
        let typed = crate::cli::ask_password("Please input password: ");
        options.password = Some(typed.map_err(|failure| Refusal::Wrong(failure.what))?.into_bytes());
    } else if options.password.is_none() {
        let from_environment = std::env::var_os("REDISCLI_AUTH");
        options.password = from_environment.map(|password| password.as_bytes().to_vec());
    }
    Ok(())
}

fn converse(options: &Options, name: Name) -> ExitCode {
    match talk(options, name) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn talk(options: &Options, name: Name) -> Result<(), Trouble> {
    let pretends_terminal = std::env::var_os("FAKETTY").is_some();
    let new = || Session::new(options, io::stdout().is_terminal() || pretends_terminal);
    if let Some(outcome) = modes::run(new(), options) {
        return outcome;
    }
    let mut session = new();
    if options.eval.is_none() && options.command.is_empty() {
        return prompt::read_lines(&mut session, name, &Interrupt::listen()).map(|_| ());
    }
    let words = given_words(options).ok_or_else(|| {
        // To stdout, as redis-cli does.
        println!("Invalid quoted string");
        Trouble::ErrorReply
    })?;
    if let (Some(path), Some(_)) = (&options.eval, options.debugger) {
        return script::debug(&mut session, options, path, name, &words);
    }
    if let [help, topic @ ..] = words.as_slice()
        && options.eval.is_none()
        && (help.eq_ignore_ascii_case(b"help") || help == b"?")
    {
        return prompt::help_on(&mut session, name, topic);
    }
    let command = command_words(options, words).map_err(|what| {
        eprintln!("{what}");
        Trouble::ErrorReply
    })?;
    session.run(&command, options.repeat)
}

/// The command's arguments as given, their quotes taken off with `--quoted-input`.
fn given_words(options: &Options) -> Option<Vec<Vec<u8>>> {
    let words = options.command.iter();
    match options.quoted_input {
        true => words.map(|word| rcl_proto::words::unquote(word)).collect(),
        false => Some(words.cloned().collect()),
    }
}

/// The command, with what stdin or a script file adds.
fn command_words(options: &Options, words: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, String> {
    match &options.eval {
        Some(path) => script::command(path, &words),
        None => with_stdin(options, words),
    }
}

fn with_stdin(options: &Options, mut words: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, String> {
    if options.stdin_as_last_argument {
        words.push(all_of_stdin()?);
    }
    if let Some(tag) = &options.stdin_in_place_of {
        let place = words.iter_mut().find(|word| *word == tag);
        *place.ok_or("Using -X option but stdin tag not match.")? = all_of_stdin()?;
    }
    Ok(words)
}

fn all_of_stdin() -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = io::stdin().lock().read_to_end(&mut bytes);
    read.map_err(|error| format!("Reading from standard input: {}", system_words(&error.to_string())))?;
    Ok(bytes)
}

fn run_cluster_command(options: &Options) -> ExitCode {
    if options.cluster.name == "help" {
        print!("{}", cluster::help());
        return ExitCode::SUCCESS;
    }
    let readable = |bytes: &[u8]| String::from_utf8(bytes.to_vec());
    let login = match &options.password {
        None => None,
        Some(password) => match (readable(password), options.user.as_deref().map(readable).transpose()) {
            (Ok(password), Ok(user)) => Some(Credentials { user, password }),
            _ => return report(&Refusal::Wrong("the user or the password is not UTF-8".into())),
        },
    };
    cluster::run(options, login).unwrap_or_else(|refusal| report(&refusal))
}

fn report(refusal: &Refusal) -> ExitCode {
    match refusal {
        Refusal::Help => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Refusal::Version => {
            println!("redis-cli {VERSION}");
            return ExitCode::SUCCESS;
        }
        Refusal::NotOffered { flag, instead } => {
            eprintln!("{flag} is not offered by rcl's redis-cli: {instead}")
        }
        Refusal::Wrong(what) => eprintln!("{what}"),
    }
    ExitCode::FAILURE
}

const HELP: &str = "\
redis-cli, as spoken by rcl

Usage: redis-cli [OPTIONS] [COMMAND [ARG ...]]

Without a command it reads commands from its input, one a line; on a terminal with hints of their
arguments, completion (Tab) and history. help says more there.

Connection
  -h HOST               where the server is (127.0.0.1)
  -p PORT               its port (6379)
  -s PATH               its unix socket
  -u URI                all at once: redis://user:password@host:port/database; rediss:// through TLS
  -t SECONDS            how long a connection may take to come up
  -a, --pass PASSWORD   logs in (better: the environment variable REDISCLI_AUTH, or --askpass)
  --askpass             asks for the password
  --user NAME           logs in as this ACL user
  --no-auth-warning     does not warn of a password in the arguments
  -n NUMBER             selects a database
  --tls                 through TLS; --cacert FILE, --cacertdir DIR: whom to trust (the system's CAs),
                        --cert FILE, --key FILE: our own certificate, --sni NAME, --insecure
  -2, -3                speaks RESP2, RESP3
  -c                    follows the redirects of a cluster

Commands
  -r COUNT              runs the command so many times; -1: for ever
  -i SECONDS            waits between them, and between the steps of the modes below
  -x                    takes the last argument from stdin
  -X TAG                takes the argument that is TAG from stdin
  --quoted-input        arguments are in quotes with escapes
  --eval FILE [KEY ...] [, ARG ...]
                        runs a Lua script
  --ldb                 with --eval: in the debugger; what the script writes is taken back
  --ldb-sync-mode       the same; the server waits, and what it writes stays

Output
  -e                    an error reply makes the exit code 1
  --raw, --no-raw       prints bytes as they are; prints as on a terminal
  --csv, --json, --quoted-json
  -d TEXT, -D TEXT      parts elements, ends replies in the raw form
  --show-pushes yes|no  prints RESP3 pushes (yes on a terminal)

Modes
  --scan                lists the keys
  --bigkeys             the biggest key of each type, by elements
  --memkeys             by memory; --memkeys-samples N looks at N elements of each
  --hotkeys             the keys that are used most, with an LFU maxmemory-policy
  --pattern GLOB, --quoted-pattern GLOB, --type TYPE, --count N
                        for these: only such keys; how many a SCAN looks at
  --pipe                sends stdin as it is; --pipe-timeout SECONDS ends the waiting for replies (30)
  --stat                the node's figures, a line a second
  --latency             how long PINGs take; --latency-history, --latency-dist (--mono) show it over time
  --intrinsic-latency SECONDS
                        how long this machine takes a busy program off the processor
  --lru-test KEYS       how well a cache holds an 80-20 load; it writes keys lru:...
  --replica             shows what a master writes, as its replicas get it
  --rdb FILE            the data set as an RDB file; --functions-rdb FILE just the functions
  --test_hint LINE, --test_hint_file FILE
                        what would be hinted behind a line

  --cluster COMMAND     works on a cluster; --cluster help lists the commands
  --verbose             says more: --cluster rebalance, --test_hint_file
  --help, --version

Other options of Redis's redis-cli are refused by name.
";
