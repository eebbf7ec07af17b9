//! `rcl-node`: the node as a binary of its own.
fn main() {}
