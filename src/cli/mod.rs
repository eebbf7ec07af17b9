//! The command line: from the arguments to a verb, and from its outcome to an exit code.
//!
//! A verb is a file in `verbs/` with an `Args` (its doc comments are the help) and a `run`. It is listed once,
//! in [`Command`].

mod complete;
mod completions;
mod config;
mod confirm;
mod connection;
mod exit;
mod global;
mod help;
mod login;
mod man;
mod named;
mod session;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser};

pub use confirm::Manners;
pub use connection::{Connection, TlsOptions};
pub use exit::{Failure, Kind, system_words};
pub use global::{Global, Voice};
pub use login::{PasswordSource, ask_password, read_password};
use named::Said;
pub use session::Session;

use crate::output::{self, Output};
use crate::{demo, dialect, key_slot, lab, metrics, verbs, watch};

/// Creates, inspects, checks, repairs and reshapes Redis and Valkey clusters.
#[derive(Debug, Parser)]
#[command(name = "rcl", version, propagate_version = true, after_help = exit::TABLE, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// The one list of verbs.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    Create(verbs::create::Args),
    Info(verbs::info::Args),
    Check(verbs::check::Args),
    Doctor(verbs::doctor::Args),
    Fix(verbs::fix::Args),
    Nodes(verbs::nodes::Args),
    SlotInfo(verbs::slot_info::Args),
    Reshard(verbs::reshard::Args),
    MoveSlots(verbs::move_slots::Args),
    Rebalance(verbs::rebalance::Args),
    AddNode(verbs::add_node::Args),
    AddReplica(verbs::add_replica::Args),
    #[command(visible_alias = "remove-node")]
    ScaleDown(verbs::scale_down::Args),
    Drain(verbs::drain::Args),
    ReplaceNode(verbs::replace_node::Args),
    Failover(verbs::failover::Args),
    RollingRestart(verbs::rolling_restart::Args),
    Forget(verbs::forget::Args),
    Export(verbs::export::Args),
    Plan(verbs::plan::Args),
    Apply(verbs::apply::Args),
    Set(verbs::set::Args),
    SetTimeout(verbs::set_timeout::Args),
    Reset(verbs::reset::Args),
    Jobs(verbs::jobs::Args),
    Resume(verbs::resume::Args),
    Undo(verbs::undo::Args),
    Call(verbs::call::Args),
    Backup(verbs::backup::Args),
    Restore(verbs::restore::Args),
    Verify(verbs::verify::Args),
    Import(verbs::import::Args),
    #[command(name = "bigkeys")]
    BigKeys(verbs::bigkeys::Args),
    #[command(name = "hotkeys")]
    HotKeys(verbs::hotkeys::Args),
    KeysInSlot(verbs::keys_in_slot::Args),
    KeySlot(key_slot::Args),
    HashTagDemo(demo::hash_tag::Args),
    CrossSlotDemo(demo::cross_slot::Args),
    Watch(watch::Args),
    Metrics(metrics::Args),
    Lab(lab::Args),
    Completions(completions::Args),
    Man(man::Args),
    Help(help::Args),
    #[command(hide = true)]
    CompleteWords(complete::Args),
    /// Runs a node of a cluster (rcl node --help says more)
    #[command(disable_help_flag = true)]
    Node(OwnArguments),
    /// Talks to one node, or the cluster behind it, at a prompt or from a script (rcl cli --help says more)
    #[command(disable_help_flag = true)]
    Cli(OwnArguments),
    /// Speaks redis-cli's dialect (rcl redis-cli --help says more)
    #[command(disable_help_flag = true)]
    RedisCli(OwnArguments),
}

/// The arguments of what reads its own command line.
#[derive(Debug, clap::Args)]
pub struct OwnArguments {
    #[arg(value_name = "ARGUMENT", trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<OsString>,
}

impl Command {
    /// Whether it may talk to nodes, and so needs to know how to log in.
    fn connects(&self) -> bool {
        !matches!(
            self,
            Command::Completions(_)
                | Command::CompleteWords(_)
                | Command::Man(_)
                | Command::Help(_)
                | Command::Lab(_)
        )
    }

    async fn run(&self, session: &Session) -> Result<(), Failure> {
        match self {
            Command::Info(args) => verbs::info::run(session, args).await,
            Command::Create(args) => verbs::create::run(session, args).await,
            Command::Check(args) => verbs::check::run(session, args).await,
            Command::Doctor(args) => verbs::doctor::run(session, args).await,
            Command::Fix(args) => verbs::fix::run(session, args).await,
            Command::Nodes(args) => verbs::nodes::run(session, args).await,
            Command::SlotInfo(args) => verbs::slot_info::run(session, args).await,
            Command::Reshard(args) => verbs::reshard::run(session, args).await,
            Command::MoveSlots(args) => verbs::move_slots::run(session, args).await,
            Command::Rebalance(args) => verbs::rebalance::run(session, args).await,
            Command::AddNode(args) => verbs::add_node::run(session, args).await,
            Command::AddReplica(args) => verbs::add_replica::run(session, args).await,
            Command::ScaleDown(args) => verbs::scale_down::run(session, args).await,
            Command::Drain(args) => verbs::drain::run(session, args).await,
            Command::ReplaceNode(args) => verbs::replace_node::run(session, args).await,
            Command::Failover(args) => verbs::failover::run(session, args).await,
            Command::Export(args) => verbs::export::run(session, args).await,
            Command::Plan(args) => verbs::plan::run(session, args).await,
            Command::Apply(args) => verbs::apply::run(session, args).await,
            Command::RollingRestart(args) => verbs::rolling_restart::run(session, args).await,
            Command::Forget(args) => verbs::forget::run(session, args).await,
            Command::Set(args) => verbs::set::run(session, args).await,
            Command::SetTimeout(args) => verbs::set_timeout::run(session, args).await,
            Command::Reset(args) => verbs::reset::run(session, args).await,
            Command::Jobs(args) => verbs::jobs::run(session, args),
            Command::Resume(args) => verbs::resume::run(session, args).await,
            Command::Undo(args) => verbs::undo::run(session, args).await,
            Command::Call(args) => verbs::call::run(session, args).await,
            Command::Backup(args) => verbs::backup::run(session, args).await,
            Command::Restore(args) => verbs::restore::run(session, args).await,
            Command::Verify(args) => verbs::verify::run(session, args).await,
            Command::Import(args) => verbs::import::run(session, args).await,
            Command::BigKeys(args) => verbs::bigkeys::run(session, args).await,
            Command::HotKeys(args) => verbs::hotkeys::run(session, args).await,
            Command::KeysInSlot(args) => verbs::keys_in_slot::run(session, args).await,
            Command::KeySlot(args) => key_slot::run(session, args).await,
            Command::HashTagDemo(args) => demo::hash_tag::run(session, args).await,
            Command::CrossSlotDemo(args) => demo::cross_slot::run(session, args).await,
            Command::Watch(args) => watch::run(session, args).await,
            Command::Metrics(args) => metrics::run(session, args).await,
            Command::Lab(args) => lab::run(session, args).await,
            Command::Completions(args) => completions::run(args),
            Command::Man(args) => man::run(args),
            Command::Help(args) => help::run(args),
            Command::CompleteWords(args) => {
                complete::run(args);
                Ok(())
            }
            Command::Node(_) | Command::Cli(_) | Command::RedisCli(_) => {
                Err(Failure::usage("rcl's own options do not go with this verb")
                    .next("put it first: rcl node …, rcl redis-cli …"))
            }
        }
    }
}

/// The whole program: `arguments`, of which the first is the program's name, are those of `rcl`, of the
/// redis-cli dialect (by name, or as `rcl redis-cli`) or of the node (`rcl node`), whose flags are their own.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let called = arguments.first().and_then(|path| Path::new(path).file_name()).unwrap_or_default();
    if called == dialect::NAME {
        return dialect::main(arguments.into_iter().skip(1));
    }
    match arguments.get(1).and_then(|verb| verb.to_str()) {
        Some(dialect::NAME) => dialect::main(arguments.into_iter().skip(2)),
        Some("node") => rcl_node::main_with_args(arguments.into_iter().skip(2).collect()),
        Some("cli") => {
            // All that follows is its own, also what looks like an option of rcl.
            let mut arguments = arguments;
            arguments.insert(2, "--".into());
            run(arguments)
        }
        _ => run(arguments),
    }
}

/// Parses the arguments of `rcl`, runs the verb, reports a failure.
fn run(arguments: Vec<OsString>) -> ExitCode {
    let said = Said::by(&command(), &arguments);
    if said.has("no_color") {
        anstream::ColorChoice::Never.write_global();
    }
    if said.has("plain") {
        output::speak_plainly();
    }
    let output = Output::new(said.format(), said.verb(), said.has("quiet"));
    match parsed(&said, arguments) {
        Ok(Ok(cli)) => {
            // What is in the environment counts, too.
            let output = Output::new(cli.global.format(), said.verb(), cli.global.quiet);
            if cli.global.plain {
                output::speak_plainly();
            }
            ended(output, run_verb(&cli, output))
        }
        Ok(Err(error)) => {
            // Help and version go to stdout with 0, a wrong usage to stderr with 2.
            let _ = error.print();
            if error.use_stderr() {
                let text = error.to_string();
                output.print_failure(&Failure::usage(text.trim_start_matches("error: ").trim_end()));
            }
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Kind::Usage.code()))
        }
        Err(failure) => ended(output, Err(failure)),
    }
}

fn parsed(said: &Said, arguments: Vec<OsString>) -> Result<Result<Cli, clap::Error>, Failure> {
    let matches = named::prepared(command(), said)?.try_get_matches_from(arguments);
    Ok(matches.and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches)))
}

fn run_verb(cli: &Cli, output: Output) -> Result<ExitCode, Failure> {
    match &cli.command {
        Command::Cli(own) => {
            let session = Session::new(&cli.global, output, true)?;
            Ok(dialect::cli(&session, &own.arguments))
        }
        command => {
            let session = Session::new(&cli.global, output, command.connects())?;
            on_runtime(&session, async |session| command.run(session).await).map(|()| ExitCode::SUCCESS)
        }
    }
}

fn ended(output: Output, outcome: Result<ExitCode, Failure>) -> ExitCode {
    outcome.unwrap_or_else(|failure| {
        output.fail(&failure);
        ExitCode::from(failure.kind.code())
    })
}

/// The same for the redis-cli dialect, which adjusts what it cannot say in arguments and reports by itself.
pub fn carry_out(arguments: Vec<OsString>, adjust: impl FnOnce(&mut Cli)) -> Result<(), Failure> {
    let said = Said::by(&command(), &arguments);
    let mut cli = parsed(&said, arguments)?.map_err(|error| Failure::usage(error.to_string()))?;
    adjust(&mut cli);
    with_session(&cli.global, async |session| cli.command.run(session).await)
}

/// Does something with a session of these options, on a runtime of its own.
pub fn with_session<T>(
    global: &Global,
    deed: impl AsyncFnOnce(&Session) -> Result<T, Failure>,
) -> Result<T, Failure> {
    on_runtime(&Session::new(global, Output::new(global.format(), "", global.quiet), true)?, deed)
}

fn on_runtime<T>(
    session: &Session,
    deed: impl AsyncFnOnce(&Session) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Kind::Internal, format!("cannot start: {error}")))?;
    runtime.block_on(deed(session))
}

/// The command line's structure, for completions and manual pages.
pub fn command() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        super::command().debug_assert();
    }
}
