//! `--latency` and `--latency-history`: how long PINGs take, in milliseconds, some hundred a second.
//!
//! | | on a terminal | elsewhere (`--raw`, `--csv`, `--json`) |
//! |---|---|---|
//! | `--latency` | one line that changes, for ever | one line after a second (`-i`), then the end |
//! | `--latency-history` | a line each 15 seconds (`-i`) | a line for each PING, and its range each 15 seconds |

use std::thread;
use std::time::{Duration, Instant};

use super::super::format::Form;
use super::super::options::Options;
use super::super::session::{Session, Trouble};
use super::emit;

/// The pause between two PINGs.
const PAUSE: Duration = Duration::from_millis(10);

/// Clears the line that the cursor is in.
const CLEAR_LINE: &str = "\x1b[0G\x1b[2K";

#[derive(Clone, Copy, Debug, Default)]
struct Range {
    min: u64,
    max: u64,
    total: u64,
    count: u64,
}

impl Range {
    fn add(&mut self, took_ms: u64) {
        self.min = if self.count == 0 { took_ms } else { self.min.min(took_ms) };
        self.max = self.max.max(took_ms);
        self.total += took_ms;
        self.count += 1;
    }

    fn text(&self, form: Form) -> String {
        let Range { min, max, count, .. } = self;
        let average = self.total as f64 / (*count).max(1) as f64;
        match form {
            Form::Standard => format!("min: {min}, max: {max}, avg: {average:.2} ({count} samples)"),
            Form::Csv => format!("{min},{max},{average:.2},{count}\n"),
            Form::Raw => format!("{min} {max} {average:.2} {count}\n"),
            Form::Json | Form::QuotedJson => {
                format!("{{\"min\": {min}, \"max\": {max}, \"avg\": {average:.2}, \"count\": {count}}}\n")
            }
        }
    }
}

pub fn run(mut session: Session<'_>, options: &Options, history: bool) -> Result<(), Trouble> {
    session.connect()?;
    let given = (options.interval_seconds > 0.0).then(|| Duration::from_secs_f64(options.interval_seconds));
    let range_lasts = given.unwrap_or(Duration::from_secs(15));
    let run_lasts = given.unwrap_or(Duration::from_secs(1));
    let form = session.form();
    let mut range = Range::default();
    let mut range_began = Instant::now();
    loop {
        range.add(ping(&mut session)?.as_millis() as u64);
        if form == Form::Standard {
            emit(&format!("{CLEAR_LINE}{}", range.text(form)))?;
        } else if history {
            emit(&range.text(form))?;
        } else if range_began.elapsed() > run_lasts {
            return emit(&range.text(form));
        }
        if history && range_began.elapsed() > range_lasts {
            emit(&format!(" -- {:.2} seconds range\n", range_began.elapsed().as_secs_f64()))?;
            (range, range_began) = (Range::default(), Instant::now());
        }
        thread::sleep(PAUSE);
    }
}

/// How long a PING takes. A connection that was lost meanwhile is replaced, and that is part of it.
pub fn ping(session: &mut Session<'_>) -> Result<Duration, Trouble> {
    let start = Instant::now();
    session.ask_patiently(&[b"PING"])?;
    Ok(start.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_its_ends_and_its_average() {
        let mut range = Range::default();
        [3, 1, 5].into_iter().for_each(|took| range.add(took));
        assert_eq!(range.text(Form::Standard), "min: 1, max: 5, avg: 3.00 (3 samples)");
        assert_eq!(range.text(Form::Raw), "1 5 3.00 3\n");
        assert_eq!(range.text(Form::Csv), "1,5,3.00,3\n");
        assert_eq!(range.text(Form::Json), "{\"min\": 1, \"max\": 5, \"avg\": 3.00, \"count\": 3}\n");
    }
}
