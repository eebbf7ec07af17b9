//! `rcl-node`: the node as a binary of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    rcl_node::main_with_args(std::env::args_os().skip(1).collect())
}
