//! `rcl` as an operator meets it: the real binary, on real nodes. One program for all themes, so that it is linked once and
//! no core waits for the end of another program.
//!
//! `cargo test --test operator` runs all, `cargo test --test operator -- data:: recover::` these two themes.

mod harness;

mod clients;
mod connection;
mod data;
mod day_two;
mod described;
mod dialect;
mod documents;
mod drain;
mod end_to_end;
mod engine;
mod face;
mod faults;
mod handover;
mod health;
mod journal;
mod kill_node;
mod kill_rcl;
mod layering;
mod operate;
mod recover;
mod refuse;
mod replace;
mod static_binary;
mod terminal;
