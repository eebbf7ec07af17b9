//! `rcl lab`: real nodes on this machine, each a process of its own.
//!
//! ```text
//! .lab/                 --dir
//!   lab.json            which nodes there are: number, port, server, and the process last started
//!   lab.lock            held while a verb changes the lab
//!   node-1/             port 7001 (--base-port + number - 1)
//!     node.conf         written once; the node and you may change it
//!     node.log          the node's log
//!     output.log        what it printed before it opened its log
//!     process.lock      which its process holds while it lives
//!     nodes.conf, dump.rdb, …
//! ```
//!
//! A node runs detached (its own session, no terminal) and outlives the caller. Unless `--server` names
//! another program, it is this very binary: `rcl node node-1/node.conf`. A process is known by its pid *and*
//! the lock that it holds, so that a pid which the system gave to somebody else is never signalled.

mod layout;
mod ports;
mod process;
mod start;
mod status;
mod stop;

use std::num::NonZeroU16;
use std::path::PathBuf;

use crate::cli::{Failure, Session};
use layout::Lab;

/// Runs nodes on this machine: a whole cluster to try things on
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder of the nodes' data
    #[arg(long, global = true, default_value = ".lab", value_name = "DIR")]
    dir: PathBuf,

    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Starts the nodes that are not running, and waits until all answer
    Start(StartArgs),
    /// Ends nodes by SIGTERM, and waits until they are gone
    Stop(StopArgs),
    /// Shows the nodes and whether they run
    Status,
    /// Ends all nodes and removes their data
    Clean,
    /// Kills a node (SIGKILL), as a crash would
    Kill(NodeArgs),
    /// Starts a node again, ending it first if it runs
    Restart(RestartArgs),
    /// Starts one more node
    Add(AddArgs),
}

#[derive(Debug, clap::Args)]
struct StartArgs {
    /// How many nodes
    #[arg(long, default_value = "6", value_name = "COUNT")]
    nodes: NonZeroU16,
    #[command(flatten)]
    base_port: BasePort,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, clap::Args)]
struct StopArgs {
    /// The nodes' numbers; all by default
    #[arg(value_name = "N")]
    numbers: Vec<NonZeroU16>,
}

#[derive(Debug, clap::Args)]
struct NodeArgs {
    /// The node's number: 1 is the one on the base port
    #[arg(value_name = "N")]
    number: NonZeroU16,
}

#[derive(Debug, clap::Args)]
struct RestartArgs {
    #[command(flatten)]
    node: NodeArgs,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    /// The node's number; the next free one by default
    #[arg(value_name = "N")]
    number: Option<NonZeroU16>,
    #[command(flatten)]
    base_port: BasePort,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, clap::Args)]
struct BasePort {
    /// The port of node 1, for a lab that is not there yet
    #[arg(long, default_value_t = 7001, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..=55_535))]
    base_port: u16,
}

#[derive(Debug, clap::Args)]
struct Server {
    /// Another server program to run, as redis-server; it is remembered for the node
    #[arg(long, value_name = "PROGRAM")]
    server: Option<PathBuf>,
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    match &args.verb {
        Verb::Start(start) => {
            let mut lab = Lab::open_or_create(&args.dir, start.base_port.base_port)?;
            let numbers: Vec<u16> = (1..=start.nodes.get()).collect();
            let started = start::nodes(&mut lab, &numbers, start.server.server.as_deref());
            report_after(session, &lab, started)
        }
        Verb::Stop(stop) => {
            let mut lab = Lab::open(&args.dir)?;
            let numbers: Vec<u16> = stop.numbers.iter().map(|number| number.get()).collect();
            let stopped =
                if numbers.is_empty() { stop::all(&mut lab) } else { stop::some(&mut lab, &numbers) };
            report_after(session, &lab, stopped)
        }
        Verb::Status => {
            let lab = Lab::look_at(&args.dir)?;
            session.output.print(&status::of(&lab));
            Ok(())
        }
        Verb::Clean => {
            let Some(mut lab) = Lab::open_if_there(&args.dir)? else {
                session.output.status(&format!("there is no lab in {}", args.dir.display()));
                return Ok(());
            };
            stop::all(&mut lab)?;
            lab.remove()?;
            session.output.status(&format!("removed the lab in {}", args.dir.display()));
            Ok(())
        }
        Verb::Kill(node) => {
            let mut lab = Lab::open(&args.dir)?;
            let killed = stop::kill(&mut lab, node.number.get());
            report_after(session, &lab, killed)
        }
        Verb::Restart(restart) => {
            let mut lab = Lab::open(&args.dir)?;
            let number = restart.node.number.get();
            stop::some(&mut lab, &[number])?;
            let started = start::nodes(&mut lab, &[number], restart.server.server.as_deref());
            report_after(session, &lab, started)
        }
        Verb::Add(add) => {
            let mut lab = Lab::open_or_create(&args.dir, add.base_port.base_port)?;
            let number = add.number.map_or_else(|| lab.next_number(), NonZeroU16::get);
            let started = start::nodes(&mut lab, &[number], add.server.server.as_deref());
            report_after(session, &lab, started)
        }
    }
}

/// The lab as it now is, also when something went wrong on the way.
fn report_after(session: &Session, lab: &Lab, outcome: Result<(), Failure>) -> Result<(), Failure> {
    session.output.print(&status::of(lab));
    outcome
}
