//! How far something is: a bar with rate and time left on a terminal, elsewhere a line every ten seconds.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::{Output, bytes, count};

/// How often lines say how far it is.
pub const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// Clones count together.
#[derive(Clone, Debug)]
pub struct Progress {
    bar: ProgressBar,
    lines: Option<Arc<Lines>>,
}

#[derive(Debug)]
struct Lines {
    output: Output,
    unit: &'static str,
    said: Mutex<Instant>,
}

impl Progress {
    /// `unit` names what is counted (`keys`, `slots`, `bytes`).
    pub(super) fn bar(total: u64, unit: &'static str) -> Progress {
        Progress::shown_by(ProgressDrawTarget::stderr_with_hz(10), total, unit, None)
    }

    /// As lines to `output`; where there is none, not at all.
    pub(super) fn lines(total: u64, unit: &'static str, output: Option<Output>) -> Progress {
        let lines = output.map(|output| Arc::new(Lines { output, unit, said: Mutex::new(Instant::now()) }));
        Progress::shown_by(ProgressDrawTarget::hidden(), total, unit, lines)
    }

    fn shown_by(
        target: ProgressDrawTarget,
        total: u64,
        unit: &'static str,
        lines: Option<Arc<Lines>>,
    ) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(total), target);
        let template =
            format!("{{msg}} {{wide_bar}} {{human_pos}}/{{human_len}} {unit} {{rate}} left {{eta}}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            let rate = |state: &ProgressState, text: &mut dyn std::fmt::Write| {
                // Nobody is there to tell when a figure cannot be drawn.
                let _ = write!(text, "{:.0}/s", state.per_sec());
            };
            bar.set_style(style.with_key("rate", rate));
        }
        bar.enable_steady_tick(Duration::from_millis(250));
        Progress { bar, lines }
    }

    pub fn message(&self, text: impl Into<String>) {
        self.bar.set_message(text.into());
    }

    pub fn add(&self, done: u64) {
        self.bar.inc(done);
        self.tell(Instant::now());
    }

    /// So much is done of so much; the whole may become known late.
    pub fn show(&self, done: u64, total: u64) {
        self.bar.set_length(total.max(done));
        self.bar.set_position(done);
        self.tell(Instant::now());
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn tell(&self, now: Instant) {
        let Some(lines) = &self.lines else { return };
        let mut said = lines.said.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(*said) >= BETWEEN_LINES {
            *said = now;
            let far = far(self.bar.position(), self.bar.length().unwrap_or(0), lines.unit);
            lines.output.status(format!("{} {far}", self.bar.message()).trim_start());
        }
    }
}

/// `1,200 of 60,000 keys`
fn far(done: u64, total: u64, unit: &str) -> String {
    match unit {
        "bytes" => format!("{} of {}", bytes(done), bytes(total)),
        "ms" => format!("{:.0} of {:.0} s", done as f64 / 1000.0, total as f64 / 1000.0),
        _ => format!("{} of {} {unit}", count(done), count(total)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_how_far_it_is_in_its_unit() {
        assert_eq!(far(1200, 60_000, "keys"), "1,200 of 60,000 keys");
        assert_eq!(far(512, 2048, "bytes"), "512 B of 2.0 KiB");
        assert_eq!(far(2500, 10_000, "ms"), "2 of 10 s");
    }
}
