//! The cluster core in simulation. `SEED=n` replays one seed of a test, `SEEDS=n` runs so many.

mod checkers;
mod creation;
mod faults;
mod operations;
mod redis_view;
mod world;
