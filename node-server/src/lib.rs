//! The node: the server around the pure crates `proto`, `cluster` and `store`.

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs a node with these arguments (without the program's name). In this build there is none yet, and it
/// says so.
pub fn main_with_args(_arguments: Vec<OsString>) -> ExitCode {
    eprintln!("rcl node: this build holds no node yet; rcl lab start --server PROGRAM runs another server");
    ExitCode::FAILURE
}
