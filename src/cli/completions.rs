//! `rcl completions`: what a shell needs to complete `rcl`'s words. bash, zsh and fish ask `rcl` itself, and so know nodes, jobs and
//! clusters; the others get a list of words, made from the one list of verbs, and kept nowhere.

use std::io::{self, Write};

use clap_complete::Shell;

use super::Failure;

/// Prints the completions for a shell
#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(value_enum)]
    pub shell: Shell,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    // A reader that went away is no error.
    let _ = io::stdout().lock().write_all(&script(args.shell));
    Ok(())
}

/// The script for `shell`.
pub fn script(shell: Shell) -> Vec<u8> {
    if let Some(script) = super::complete::script(shell) {
        return script.into();
    }
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut super::command(), "rcl", &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names under which the shells look for them.
    const FILES: [(Shell, &str); 3] =
        [(Shell::Bash, "rcl.bash"), (Shell::Zsh, "_rcl"), (Shell::Fish, "rcl.fish")];

    #[test]
    fn the_files_in_completions_are_those_of_this_code() {
        for (shell, name) in FILES {
            let path = format!("{}/completions/{name}", env!("CARGO_MANIFEST_DIR"));
            let kept = std::fs::read(&path).unwrap_or_default();
            assert!(kept == script(shell), "{path} is out of date: run make completions");
        }
    }
}
