//! Options that every verb takes.

use std::path::PathBuf;

use rcl_proto::Address;

use crate::connect::Credentials;
use crate::output::Format;

#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// How data is printed to stdout
    #[arg(short, long, global = true, value_enum, default_value_t)]
    pub output: Format,

    /// Does not ask before a change
    #[arg(short, long, global = true)]
    pub yes: bool,

    /// Shows the plan of a change and stops
    #[arg(long, global = true)]
    pub dry_run: bool,

    /// Where journals of changes are kept; $XDG_STATE_HOME/rcl when not given
    #[arg(long, global = true, value_name = "DIR", env = "RCL_STATE_DIR")]
    pub state_dir: Option<PathBuf>,

    /// Writes no journal: an interrupted change cannot be resumed or undone
    #[arg(long, global = true)]
    pub no_journal: bool,

    /// A node of the cluster, where a verb takes a node id
    #[arg(long, global = true, value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Option<Address>,

    /// The ACL user to log in as
    #[arg(long, global = true, value_name = "NAME")]
    pub user: Option<String>,

    /// A file whose first line is the password (or set REDISCLI_AUTH)
    #[arg(long, global = true, value_name = "FILE")]
    pub password_file: Option<PathBuf>,

    /// Asks for the password
    #[arg(long, global = true, conflicts_with = "password_file")]
    pub askpass: bool,

    /// Refused: every user of this machine could read it
    #[arg(short = 'a', long, global = true, hide = true, value_parser = refuse_password)]
    pub password: Option<String>,

    /// The login that the redis-cli dialect took from its own options
    #[arg(skip)]
    pub login: Option<Credentials>,

    #[arg(skip)]
    pub voice: Voice,

    /// How long a node may take to answer, in seconds
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 15,
          value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub timeout: u64,
}

/// In whose words a change is told and asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Voice {
    #[default]
    Own,
    RedisCli {
        /// `--verbose`
        verbose: bool,
    },
}

fn refuse_password(_: &str) -> Result<String, String> {
    Err("a password in the arguments can be read by every user of this machine; \
         set REDISCLI_AUTH, or use --password-file or --askpass"
        .into())
}
