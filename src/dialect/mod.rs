//! `rcl` under the name of `redis-cli`: the flags, the output and the exit codes that operators' fingers and
//! scripts know. It answers when the program is called as `redis-cli` (a link to it) and as
//! `rcl redis-cli …`.
//!
//! [`options`] reads the flags, [`session`] talks to the server, [`format`] prints replies, [`prompt`] reads
//! lines, [`scan`] and [`script`] are `--scan` and `--eval`, and [`cluster`] turns `--cluster …` into verbs of
//! `rcl`. What is measured here is redis-cli 7.0.15; a flag of it that is not offered is refused by name.

mod cluster;
pub mod format;
mod options;
mod prompt;
mod scan;
mod script;
mod session;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::ExitCode;

use options::{Options, Refusal};
use session::{Session, Trouble};

use crate::connect::Credentials;

/// The name under which this dialect is spoken.
pub const NAME: &str = "redis-cli";

/// Carries out a redis-cli command line (`arguments` without the program's name). A `--cluster` command is
/// handed to `run_verb` as arguments of `rcl`, with the password that it is to log in with.
pub fn main(
    arguments: impl IntoIterator<Item = OsString>,
    run_verb: impl Fn(Vec<OsString>, Option<Credentials>) -> ExitCode,
) -> ExitCode {
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
    if options.password.is_none() {
        let from_environment = std::env::var_os("REDISCLI_AUTH");
        options.password = from_environment.map(|password| password.as_bytes().to_vec());
    }
    if let Some(command) = options.cluster.take() {
        return run_cluster_command(command, &options, run_verb);
    }
    match converse(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn converse(options: &Options) -> Result<(), Trouble> {
    let pretends_terminal = std::env::var_os("FAKETTY").is_some();
    let mut session = Session::new(options, io::stdout().is_terminal() || pretends_terminal);
    if options.scan {
        return scan::run(&mut session, options);
    }
    if options.eval.is_none() && options.command.is_empty() {
        return prompt::read_lines(&mut session);
    }
    let words = given_words(options).ok_or_else(|| {
        // To stdout, as redis-cli does.
        println!("Invalid quoted string");
        Trouble::ErrorReply
    })?;
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
fn command_words(options: &Options, mut words: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, String> {
    if let Some(path) = &options.eval {
        return script::command(path, &words);
    }
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
    read.map_err(|error| format!("Reading from standard input: {error}"))?;
    Ok(bytes)
}

fn run_cluster_command(
    mut command: cluster::ClusterCommand,
    options: &Options,
    run_verb: impl Fn(Vec<OsString>, Option<Credentials>) -> ExitCode,
) -> ExitCode {
    if command.name == "help" {
        println!("Cluster commands:");
        for line in cluster::USAGE {
            println!("  {line}");
        }
        return ExitCode::SUCCESS;
    }
    command.yes |= std::env::var_os("REDISCLI_CLUSTER_YES").is_some_and(|value| value == "1");
    command.yes = command.yes || (command.may_ask() && yes_is_piped_in());
    let lines = match command.translate() {
        Ok(lines) => lines,
        Err(refusal) => return report(&refusal),
    };
    let readable = |bytes: &[u8]| String::from_utf8(bytes.to_vec());
    let login = match &options.password {
        None => None,
        Some(password) => match (readable(password), options.user.as_deref().map(readable).transpose()) {
            (Ok(password), Ok(user)) => Some(Credentials { user, password }),
            _ => return report(&Refusal::Wrong("the user or the password is not UTF-8".into())),
        },
    };
    for line in lines {
        let arguments = std::iter::once("rcl".into()).chain(line.into_iter().map(OsString::from)).collect();
        let code = run_verb(arguments, login.clone());
        if code != ExitCode::SUCCESS {
            return code;
        }
    }
    ExitCode::SUCCESS
}

/// Scripts answer redis-cli's question before it is asked: `echo yes | redis-cli --cluster create …`.
fn yes_is_piped_in() -> bool {
    let stdin = io::stdin();
    let mut answer = [0; 3];
    !stdin.is_terminal() && stdin.lock().read_exact(&mut answer).is_ok() && answer == *b"yes"
}

fn report(refusal: &Refusal) -> ExitCode {
    match refusal {
        Refusal::Help => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Refusal::Version => {
            println!("redis-cli 7.0 (as spoken by rcl {})", env!("CARGO_PKG_VERSION"));
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

Without a command it reads commands from its input, one a line.

  -h HOST               where the server is (127.0.0.1)
  -p PORT               its port (6379)
  -s PATH               its unix socket
  -u URI                all at once: redis://user:password@host:port/database
  -a, --pass PASSWORD   logs in (better: the environment variable REDISCLI_AUTH)
  --user NAME           logs in as this ACL user
  --no-auth-warning     does not warn of a password in the arguments
  -n NUMBER             selects a database
  -2, -3                speaks RESP2, RESP3
  -c                    follows the redirects of a cluster
  -r COUNT              runs the command so many times; -1: for ever
  -i SECONDS            waits between them
  -x                    takes the last argument from stdin
  -X TAG                takes the argument that is TAG from stdin
  --quoted-input        arguments are in quotes with escapes
  -e                    an error reply makes the exit code 1
  --raw, --no-raw       prints bytes as they are; prints as on a terminal
  --csv, --json, --quoted-json
  -d TEXT, -D TEXT      parts elements, ends replies in the raw form
  --show-pushes yes|no  prints RESP3 pushes (yes on a terminal)
  --scan                lists the keys
  --pattern GLOB, --quoted-pattern GLOB
                        only those that match
  --eval FILE [KEY ...] [, ARG ...]
                        runs a Lua script
  --cluster COMMAND     works on a cluster; --cluster help lists the commands
  --help, --version

Other options of Redis's redis-cli are refused by name.
";
