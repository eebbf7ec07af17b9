//! Options that every verb takes.

use std::path::PathBuf;

use super::Connection;
use crate::output::Format;

#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// How data is printed to stdout
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        env = "RCL_OUTPUT"
    )]
    pub output: Format,

    /// The same as -o json
    #[arg(long, global = true)]
    pub json: bool,

    /// Says nothing on stderr but errors and questions: no plan, no progress
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// Prints without colour, as with NO_COLOR; CLICOLOR_FORCE=1 prints with colour also into a pipe
    #[arg(long, global = true)]
    pub no_color: bool,

    /// Tells instead of drawing, for screen readers: tables as a line for each figure, progress as lines, no bars, no colour, nothing
    /// that is painted over
    #[arg(long, global = true, env = "RCL_PLAIN", value_parser = clap::builder::FalseyValueParser::new())]
    pub plain: bool,

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

    #[command(flatten)]
    pub connection: Connection,

    #[arg(skip)]
    pub voice: Voice,
}

/// In whose words a change is told and asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Voice {
    #[default]
    Own,
    RedisCli {
        /// It is `--cluster rebalance`, which is told in another way than a reshard.
        rebalances: bool,
        /// `--verbose`
        verbose: bool,
    },
}

impl Global {
    pub fn format(&self) -> Format {
        if self.json { Format::Json } else { self.output }
    }
}
