//! What a verb works with: the global options made ready for use.

use std::time::Duration;

use serde::Serialize;

use super::confirm::{self, Manners};
use super::{Connection, Failure, Global, Voice};
use crate::connect::Connector;
use crate::journal::StateFolder;
use crate::output::{Output, Report};

#[derive(Debug)]
pub struct Session {
    pub output: Output,
    pub connector: Connector,
    pub entry: Option<rcl_proto::Address>,
    /// As it was asked for, for verbs that connect to another cluster, too.
    pub connection: Connection,
    /// Where journals are kept; `None`: none are written.
    pub state: Option<StateFolder>,
    pub voice: Voice,
    yes: bool,
    dry_run: bool,
}

impl Session {
    /// `connects` is false for what talks to nobody: then no password is asked for.
    pub fn new(global: &Global, output: Output, connects: bool) -> Result<Session, Failure> {
        let connector =
            if connects { global.connection.connector()? } else { Connector::new(None, Duration::ZERO) };
        Ok(Session {
            output,
            entry: connector.entries.first().cloned(),
            connector,
            connection: global.connection.clone(),
            state: state_folder(global),
            voice: global.voice,
            yes: global.yes,
            dry_run: global.dry_run,
        })
    }

    pub fn says_yes(&self) -> bool {
        self.yes
    }

    /// Plans are to be shown, and nothing is to be changed.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// Shows a plan and asks. True when it is to be carried out, false after `--dry-run`.
    ///
    /// The plan is data only for `--dry-run` (stdout); else stdout is kept for the outcome and the plan is
    /// status (stderr).
    pub fn show_and_confirm<P: Report + Serialize>(
        &self,
        plan: &P,
        question: &str,
        manners: Manners,
    ) -> Result<bool, Failure> {
        if self.dry_run {
            self.output.print(plan);
            return Ok(false);
        }
        // Whoever is asked sees what about.
        if self.yes {
            self.output.status(&plan.text());
        } else {
            self.output.say(&plan.text());
        }
        confirm::confirm(question, self.yes, manners)?;
        Ok(true)
    }
}

/// As named, else where the user's programs keep their state.
fn state_folder(global: &Global) -> Option<StateFolder> {
    match &global.state_dir {
        _ if global.no_journal => None,
        Some(path) => Some(StateFolder::at(path)),
        None => StateFolder::usual(),
    }
}
