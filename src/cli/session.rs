//! What a verb works with: the global options made ready for use.

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::confirm::{self, Manners};
use super::{Failure, Global, Voice};
use crate::connect::{Connector, Credentials};
use crate::journal::StateFolder;
use crate::output::{Output, Report};

#[derive(Debug)]
pub struct Session {
    pub output: Output,
    pub connector: Connector,
    pub entry: Option<rcl_proto::Address>,
    /// Where journals are kept; `None`: none are written.
    pub state: Option<StateFolder>,
    pub voice: Voice,
    yes: bool,
    dry_run: bool,
}

impl Session {
    pub fn new(global: &Global) -> Result<Session, Failure> {
        let credentials = credentials(global)?;
        Ok(Session {
            output: Output::new(global.output),
            connector: Connector::new(credentials, Duration::from_secs(global.timeout)),
            entry: global.entry.clone(),
            state: state_folder(global),
            voice: global.voice,
            yes: global.yes,
            dry_run: global.dry_run,
        })
    }

    pub fn says_yes(&self) -> bool {
        self.yes
    }

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
        self.output.status(&plan.text());
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

/// From, in this order: the redis-cli dialect, `--password-file`, `--askpass`, the environment as redis-cli reads it.
fn credentials(global: &Global) -> Result<Option<Credentials>, Failure> {
    if let Some(login) = &global.login {
        return Ok(Some(login.clone()));
    }
    let password = if let Some(path) = &global.password_file {
        Some(read_password(path)?)
    } else if global.askpass {
        Some(ask_password("Password: ")?)
    } else {
        std::env::var("REDISCLI_AUTH").ok().filter(|password| !password.is_empty())
    };
    match (password, &global.user) {
        (Some(password), user) => Ok(Some(Credentials { user: user.clone(), password })),
        (None, None) => Ok(None),
        (None, Some(user)) => Err(Failure::usage(format!("--user {user} needs a password"))
            .next("set REDISCLI_AUTH, or use --password-file or --askpass")),
    }
}

/// The first line of a file.
pub fn read_password(path: &Path) -> Result<String, Failure> {
    let bad = |why: String| Failure::usage(format!("cannot read a password from {}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err(bad("its first line is empty".into())),
    }
}

/// What is typed behind `question` and is not shown.
pub fn ask_password(question: &str) -> Result<String, Failure> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(
            Failure::usage("--askpass needs a terminal").next("set REDISCLI_AUTH, or use --password-file")
        );
    }
    eprint!("{question}");
    let _ = std::io::stderr().flush();
    let mut line = String::new();
    let read = without_echo(|| stdin.lock().read_line(&mut line));
    eprintln!();
    read.map_err(|error| Failure::usage(format!("cannot read the password: {error}")))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Runs `read` while the terminal does not show what is typed.
fn without_echo<T>(read: impl FnOnce() -> T) -> T {
    // SAFETY: termios is plain data for which all-zero bytes are a value; tcgetattr fills it, and only what
    // it filled is given back to tcsetattr. Both take a descriptor that lives as long as the process.
    unsafe {
        let mut settings: libc::termios = std::mem::zeroed();
        if libc::tcgetattr(libc::STDIN_FILENO, &mut settings) != 0 {
            return read();
        }
        let shown = settings;
        settings.c_lflag &= !libc::ECHO;
        libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &settings);
        let value = read();
        libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &shown);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn echo_is_left_as_it_was_and_the_value_comes_through() {
        assert_eq!(without_echo(|| 7), 7);
    }

    #[test]
    fn a_user_without_a_password_is_refused() {
        let global = Global { user: Some("ann".into()), ..Global::default() };
        if std::env::var_os("REDISCLI_AUTH").is_none() {
            assert_eq!(credentials(&global).unwrap_err().kind, super::super::Kind::Usage);
        }
    }
}
