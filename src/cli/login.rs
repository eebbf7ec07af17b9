//! Where a password comes from. It is never an argument, which every user of the machine could read, and never printed.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Failure;
use crate::output::Typing;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordSource {
    /// Its first line.
    File(PathBuf),
    /// The first line that it prints; run by the shell, as `pass show redis/prod`.
    Command(String),
    /// A variable of the environment.
    Environment(String),
    /// The user, who types it unseen.
    Prompt,
}

impl PasswordSource {
    pub fn read(&self) -> Result<String, Failure> {
        match self {
            PasswordSource::File(path) => read_password(path),
            PasswordSource::Command(command) => of_command(command),
            PasswordSource::Environment(name) => from_environment(name)
                .ok_or_else(|| Failure::usage(format!("the password is to be in {name}, which is not set"))),
            PasswordSource::Prompt => ask_password("Password: "),
        }
    }
}

pub fn from_environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|password| !password.is_empty())
}

/// The first line of a file.
pub fn read_password(path: &Path) -> Result<String, Failure> {
    let bad = |why: &str| Failure::usage(format!("cannot read a password from {}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| bad(&error.to_string()))?;
    first_line(&text).ok_or_else(|| bad("its first line is empty"))
}

fn first_line(text: &str) -> Option<String> {
    text.lines().next().filter(|line| !line.is_empty()).map(str::to_owned)
}

/// The command may ask the user itself, on the terminal; what it says on stderr is seen.
fn of_command(command: &str) -> Result<String, Failure> {
    let bad = |why: &str| Failure::usage(format!("the command for the password ({command}) {why}"));
    let output = Command::new("/bin/sh")
        .arg("-c")
        .arg(command)
        .stderr(Stdio::inherit())
        .stdin(Stdio::inherit())
        .output();
    let output = output.map_err(|error| bad(&format!("cannot be run: {error}")))?;
    if !output.status.success() {
        return Err(bad(&format!("failed: {}", output.status)));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| bad("printed what is not UTF-8"))?;
    first_line(&text).ok_or_else(|| bad("printed nothing"))
}

/// What is typed behind `question` and is not shown.
pub fn ask_password(question: &str) -> Result<String, Failure> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Failure::usage("there is no terminal to ask for the password on")
            .next("set REDISCLI_AUTH, or use --password-file or --password-command"));
    }
    eprint!("{question}");
    let _ = std::io::stderr().flush();
    let mut line = String::new();
    let unseen = Typing::unseen();
    let read = stdin.lock().read_line(&mut line);
    drop(unseen);
    eprintln!();
    read.map_err(|error| Failure::usage(format!("cannot read the password: {error}")))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_gives_its_first_line_or_says_why_not() {
        let of = |command: &str| PasswordSource::Command(command.into()).read();
        assert_eq!(of("printf 'se cret\\nmore\\n'").unwrap(), "se cret");
        for (command, why) in
            [("exit 3", "exit status: 3"), ("true", "printed nothing"), ("printf '\\377'", "UTF-8")]
        {
            assert!(of(command).unwrap_err().what.contains(why), "{command}");
        }
        let missing = PasswordSource::Environment("RCL_NO_SUCH_VARIABLE".into()).read();
        assert!(missing.unwrap_err().what.contains("RCL_NO_SUCH_VARIABLE"));
    }
}
