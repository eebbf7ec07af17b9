//! The `rcl` binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    rcl::cli::main(std::env::args_os())
}
