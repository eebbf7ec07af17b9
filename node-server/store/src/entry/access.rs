//! The 24 access bits of an entry: a clock for the LRU policies, a decaying counter for the LFU ones.
//!
//! ```text
//!   LRU   seconds, modulo 2²⁴
//!   LFU   minutes modulo 2¹⁶ at the last decay << 8 | logarithmic counter 0–255
//! ```
//! As Redis documents maxmemory-policy, lfu-log-factor and lfu-decay-time, so OBJECT IDLETIME and OBJECT FREQ agree with it.

use rand::Rng;

/// The counter that a new key starts with, so that it isn't the first to be evicted.
pub const LFU_INITIAL: u8 = 5;

const CLOCK_MASK: u32 = 0x00ff_ffff;

/// The clock of an access now.
pub fn lru_clock(now_ms: i64) -> u32 {
    now_ms.div_euclid(1000) as u32 & CLOCK_MASK
}

/// Milliseconds since the access, up to 194 days back.
pub fn lru_idle_ms(clock: u32, now_ms: i64) -> i64 {
    i64::from(lru_clock(now_ms).wrapping_sub(clock) & CLOCK_MASK) * 1000
}

pub fn lfu_new(now_ms: i64) -> u32 {
    lfu_pack(now_ms, LFU_INITIAL)
}

/// The bits for a counter that was set now, for RESTORE … FREQ and the RDB.
pub fn lfu_pack(now_ms: i64, counter: u8) -> u32 {
    minutes(now_ms) << 8 | u32::from(counter)
}

/// The counter as it is now, one less for each `decay_minutes` since the last decay; 0 turns decay off.
pub fn lfu_counter(clock: u32, now_ms: i64, decay_minutes: u32) -> u8 {
    let elapsed = minutes(now_ms).wrapping_sub(clock >> 8) & 0xffff;
    let periods = elapsed.checked_div(decay_minutes).unwrap_or(0);
    (clock as u8).saturating_sub(u8::try_from(periods).unwrap_or(u8::MAX))
}

/// The bits after an access: decayed, then counted up with a chance that falls as the counter rises.
pub fn lfu_touch(clock: u32, now_ms: i64, decay_minutes: u32, log_factor: u32, rng: &mut dyn Rng) -> u32 {
    let counter = lfu_counter(clock, now_ms, decay_minutes);
    let above_initial = u64::from(counter.saturating_sub(LFU_INITIAL));
    let odds_against = above_initial * u64::from(log_factor) + 1;
    // One in `odds_against`, without a modulo's bias that matters.
    let counts = (u128::from(rng.next_u64()) * u128::from(odds_against)) >> 64 == 0;
    lfu_pack(now_ms, if counts { counter.saturating_add(1) } else { counter })
}

fn minutes(now_ms: i64) -> u32 {
    now_ms.div_euclid(60_000) as u32 & 0xffff
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng, rngs::StdRng};

    #[test]
    fn idle_time_survives_the_wrap_of_the_clock() {
        let wrap_ms = (1i64 << 24) * 1000;
        let clock = lru_clock(wrap_ms - 5_000);
        assert_eq!(lru_idle_ms(clock, wrap_ms + 7_000), 12_000);
        assert_eq!(lru_idle_ms(lru_clock(123_456), 123_999), 0);
    }

    #[test]
    fn the_counter_decays_by_the_minute_and_can_be_told_not_to() {
        let clock = lfu_pack(0, 10);
        assert_eq!(lfu_counter(clock, 3 * 60_000, 1), 7);
        assert_eq!(lfu_counter(clock, 3 * 60_000, 2), 9);
        assert_eq!(lfu_counter(clock, 600 * 60_000, 1), 0);
        assert_eq!(lfu_counter(clock, 600 * 60_000, 0), 10);
    }

    #[test]
    fn the_counter_rises_with_the_logarithm_of_accesses() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut clock = lfu_new(0);
        let mut after = |accesses: usize| {
            (0..accesses).for_each(|_| clock = lfu_touch(clock, 0, 1, 10, &mut rng));
            lfu_counter(clock, 0, 1)
        };
        // Redis's documentation gives 10 for 100 hits, 18 for 1000, 142 for 100 000 with factor 10.
        let (hundred, thousand, many) = (after(100), after(900), after(99_000));
        assert!((8..=13).contains(&hundred), "{hundred}");
        assert!((15..=24).contains(&thousand), "{thousand}");
        assert!((125..=160).contains(&many), "{many}");
    }
}
