//! Randomness for handlers (SPOP, HRANDFIELD, …): one generator a thread, seeded by the system.

use std::cell::RefCell;
use std::convert::Infallible;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng, TryRng};

thread_local! {
    static GENERATOR: RefCell<StdRng> = RefCell::new(seeded());
}

/// The generator of this thread.
#[derive(Clone, Copy, Debug)]
pub struct ThreadRandom;

pub fn rng() -> ThreadRandom {
    ThreadRandom
}

fn seeded() -> StdRng {
    let mut seed = [0; 32];
    // The node took its own seed from there when it started, and would not run without.
    getrandom::fill(&mut seed).expect("the system that gave random bytes at the start still does");
    StdRng::from_seed(seed)
}

impl TryRng for ThreadRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(GENERATOR.with_borrow_mut(Rng::next_u32))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(GENERATOR.with_borrow_mut(Rng::next_u64))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        GENERATOR.with_borrow_mut(|generator| generator.fill_bytes(bytes));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_draw_different_numbers() {
        let here: Vec<u64> = (0..4).map(|_| rng().next_u64()).collect();
        let there =
            std::thread::spawn(|| (0..4).map(|_| rng().next_u64()).collect::<Vec<u64>>()).join().unwrap();
        assert_ne!(here, there);
        assert_ne!(here[0], here[1]);
    }
}
