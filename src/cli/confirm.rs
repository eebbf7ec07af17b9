//! The question before a change.

use std::io::{BufRead, IsTerminal, Write};

use super::{Failure, Kind};

/// How a verb asks when there is no terminal to ask on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manners {
    /// Without `--yes` and without a terminal the change is refused.
    MustConfirm,
    /// Without a terminal the change is made: scripts call these verbs bare, as they call redis-cli's
    /// add-node and del-node, which never ask.
    AskOnTerminal,
}

/// `Ok` when the change is to be made.
pub fn confirm(question: &str, yes: bool, manners: Manners) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let stdin = std::io::stdin();
    if !(stdin.is_terminal() && std::io::stderr().is_terminal()) {
        return match manners {
            Manners::AskOnTerminal => Ok(()),
            Manners::MustConfirm => Err(Failure::new(Kind::NotConfirmed, "there is no terminal to ask on")
                .next("look at the plan with --dry-run, then run it with --yes")),
        };
    }
    anstream::eprint!("{question} [y/N] ");
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let _ = stdin.lock().read_line(&mut answer);
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::new(Kind::NotConfirmed, "not confirmed, nothing was changed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_asks_nothing() {
        assert!(confirm("?", true, Manners::MustConfirm).is_ok());
    }
}
