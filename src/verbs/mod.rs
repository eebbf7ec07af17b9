//! One file a verb: its arguments (the doc comments are the help) and the order of what it does.

pub mod info;
