//! `--intrinsic-latency SECONDS`: the longest time for which this machine takes a busy program off the
//! processor. It runs here and asks no server: what is seen is what a server on this machine would see.

use std::hint::black_box;
use std::time::{Duration, Instant};

use super::super::interrupt::Interrupt;
use super::super::session::Trouble;
use super::emit;

pub fn run(seconds: u64) -> Result<(), Trouble> {
    let interrupt = Interrupt::listen();
    let caught = interrupt.catch();
    let began = Instant::now();
    let (mut longest, mut runs) = (Duration::ZERO, 0_u64);
    let length = Duration::from_secs(seconds);
    while began.elapsed() < length && !caught.came() {
        let start = Instant::now();
        black_box(some_work(black_box(0)));
        let took = start.elapsed();
        runs += 1;
        if took.as_micros() > longest.as_micros() {
            longest = took;
            emit(&format!("Max latency so far: {} microseconds.\n", took.as_micros()))?;
        }
    }
    emit(&summary(began.elapsed(), longest, runs.max(1)))
}

fn summary(all: Duration, longest: Duration, runs: u64) -> String {
    let average_us = all.as_secs_f64() * 1e6 / runs as f64;
    format!(
        "\n{runs} total runs (avg latency: {average_us:.4} microseconds / {:.2} nanoseconds per run).\n\
         Worst run took {:.0}x longer than the average latency.\n",
        average_us * 1e3,
        longest.as_micros() as f64 / average_us
    )
}

/// A microsecond or so of computing, in no more memory than the nearest cache has.
fn some_work(seed: u64) -> u64 {
    (0..1000).fold(seed, |value: u64, step| value.rotate_left(7).wrapping_mul(0x9e37_79b9).wrapping_add(step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_and_the_worst_are_told() {
        let text = summary(Duration::from_secs(1), Duration::from_micros(50), 1_000_000);
        assert!(
            text.contains(
                "1000000 total runs (avg latency: 1.0000 microseconds / 1000.00 nanoseconds per run)"
            )
        );
        assert!(text.contains("Worst run took 50x longer than the average latency."));
    }
}
