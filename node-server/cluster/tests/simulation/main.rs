//! The cluster core in simulation: whole clusters on a virtual clock, each drawn from a seed.
//!
//! `make sim` runs seeds ([`runner`]); a failing one is replayed by the command that is printed with it. What a seed
//! lives through is in [`life`], what must hold in [`checkers`].

mod checkers;
mod clients;
mod clock;
mod creation;
mod data;
mod disk;
mod events;
mod fast_suspicion;
mod faults;
mod garbage;
mod hash;
mod liar;
mod life;
mod loading;
mod machine;
mod network;
mod operations;
mod planned;
mod planted;
mod redis_view;
mod refusals;
mod regressions;
mod repair;
mod runner;
mod scale;
mod world;
