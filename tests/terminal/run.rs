//! The real binary, in pipes or with its stdout on a terminal, with nothing of the environment that changes what it says.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::pty;

/// What a run said.
pub struct Said {
    pub stdout: String,
    pub stderr: String,
    pub exit_code: i32,
}

/// Both streams are pipes. Journals go to `state`.
pub fn in_pipes(arguments: &[String], state: &Path) -> Said {
    let output = command(arguments, state).output().unwrap();
    Said {
        stdout: text(output.stdout),
        stderr: text(output.stderr),
        exit_code: output.status.code().unwrap_or(-1),
    }
}

/// stdout is a terminal of 80 columns with colours.
pub fn on_a_terminal(arguments: &[String], state: &Path) -> Said {
    let (ours, theirs) = pty::open();
    let mut process = command(arguments, state)
        .env("TERM", "xterm-256color")
        .stdout(Stdio::from(theirs))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let reader = std::thread::spawn(move || pty::read_to_the_end(ours));
    let mut stderr = Vec::new();
    process.stderr.take().unwrap().read_to_end(&mut stderr).unwrap();
    let exit_code = process.wait().unwrap().code().unwrap_or(-1);
    let stdout = text(reader.join().unwrap()).replace("\r\n", "\n");
    Said { stdout, stderr: text(stderr), exit_code }
}

fn command(arguments: &[String], state: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rcl"));
    for (name, _) in std::env::vars_os() {
        let word = name.to_string_lossy().into_owned();
        if word.starts_with("RCL_")
            || word.starts_with("CLICOLOR")
            || word == "NO_COLOR"
            || word == "REDISCLI_AUTH"
        {
            command.env_remove(name);
        }
    }
    // Help is as wide as COLUMNS says where there is no terminal.
    command.args(arguments).env("RCL_STATE_DIR", state).env("COLUMNS", "80").stdin(Stdio::null());
    command
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}
