//! The `rcl` binary.
fn main() {}
