//! A machine's own clock: it may run fast or slow, and be set forward and back.

#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// At this true time it was set to this.
    set_at_ms: u64,
    set_to_ms: u64,
    /// By how many millionths it is fast; negative when it is slow.
    fast_ppm: i64,
}

impl Clock {
    pub fn right(now_ms: u64) -> Clock {
        Clock { set_at_ms: now_ms, set_to_ms: now_ms, fast_ppm: 0 }
    }

    pub fn read(&self, now_ms: u64) -> u64 {
        let passed_ms = (now_ms - self.set_at_ms) as i64;
        self.set_to_ms + (passed_ms + passed_ms * self.fast_ppm / 1_000_000) as u64
    }

    /// How much true time passes until it has gone on by so much.
    pub fn true_delay_ms(&self, own_ms: u64) -> u64 {
        (own_ms * 1_000_000).div_ceil((1_000_000 + self.fast_ppm) as u64)
    }

    pub fn jump(&mut self, now_ms: u64, by_ms: i64) {
        self.set_to_ms = self.read(now_ms).saturating_add_signed(by_ms);
        self.set_at_ms = now_ms;
    }

    pub fn run_fast(&mut self, now_ms: u64, by_ppm: i64) {
        self.jump(now_ms, 0);
        self.fast_ppm = by_ppm;
    }
}
