//! The time of a record, and how it is shown.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// `2026-11-26 06:15`, in UTC.
pub fn minute_text(at_ms: u64) -> String {
    let [year, month, day, hour, minute, _] = parts(at_ms);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}")
}

/// `20261126-061500`, in UTC: a name that sorts by time.
pub fn name_of(at_ms: u64) -> String {
    let [year, month, day, hour, minute, second] = parts(at_ms);
    format!("{year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}")
}

/// Year, month, day, hour, minute, second.
fn parts(at_ms: u64) -> [u64; 6] {
    let seconds = at_ms / 1000;
    let (days, second_of_day) = (seconds / 86_400, seconds % 86_400);
    // Years begin in March, so that a leap day is a year's last; 400 years are 146,097 days.
    let since = days + 719_468;
    let (era, day_of_era) = (since / 146_097, since % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    [year, month, day, second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00"),
            (951_782_399, "2000-02-28 23:59"),
            (951_782_400, "2000-02-29 00:00"),
            (951_868_800, "2000-03-01 00:00"),
            (1_709_164_800, "2024-02-29 00:00"),
            (1_795_673_700, "2026-11-26 06:15"),
            (4_102_444_800, "2100-01-01 00:00"),
        ] {
            assert_eq!(minute_text(seconds * 1000), text);
        }
        assert_eq!(name_of(1_795_673_742_999), "20261126-061542");
    }
}
