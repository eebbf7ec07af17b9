//! The ACL log: what was denied, and which log-ins failed, newest first.
//!
//! What happens again within a minute counts in the entry that is there (looked for among the newest ten), as in Redis.

use std::collections::VecDeque;

use crate::stats::Counter;

/// What was not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Command,
    Key,
    Channel,
    Auth,
}

impl Cause {
    pub fn name(self) -> &'static str {
        match self {
            Cause::Command => "command",
            Cause::Key => "key",
            Cause::Channel => "channel",
            Cause::Auth => "auth",
        }
    }
}

/// Where the request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    TopLevel,
    Multi,
    Lua,
}

impl Place {
    pub fn name(self) -> &'static str {
        match self {
            Place::TopLevel => "toplevel",
            Place::Multi => "multi",
            Place::Lua => "lua",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub cause: Cause,
    pub place: Place,
    /// The command, key or channel; for a log-in, the command that tried.
    pub object: Vec<u8>,
    pub user: Vec<u8>,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub id: u64,
    pub count: u64,
    pub event: Event,
    /// The client's line of CLIENT LIST, at the last time.
    pub client: String,
    pub created_ms: i64,
    pub updated_ms: i64,
}

const GROUPED_WITHIN_MS: u64 = 60_000;
const LOOKED_AT: usize = 10;

#[derive(Debug, Default)]
pub struct AccessLog {
    entries: VecDeque<Entry>,
    next_id: u64,
}

impl AccessLog {
    /// Newest first.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.iter()
    }

    pub fn reset(&mut self) {
        self.entries.clear();
    }

    pub fn add(&mut self, event: Event, client: String, now_ms: i64, max_entries: usize) {
        let is_it =
            |entry: &Entry| entry.event == event && entry.updated_ms.abs_diff(now_ms) <= GROUPED_WITHIN_MS;
        let known = self.entries.iter().take(LOOKED_AT).position(is_it);
        let entry = known.and_then(|place| self.entries.remove(place)).map(|known| Entry {
            count: known.count + 1,
            client: client.clone(),
            updated_ms: now_ms,
            ..known
        });
        self.entries.push_front(entry.unwrap_or_else(|| {
            let id = self.next_id;
            self.next_id += 1;
            Entry { id, count: 1, event, client, created_ms: now_ms, updated_ms: now_ms }
        }));
        self.entries.truncate(max_entries);
    }
}

/// How often what was not allowed, for INFO stats.
#[derive(Debug, Default)]
pub struct DenialCounts {
    pub auth: Counter,
    pub command: Counter,
    pub key: Counter,
    pub channel: Counter,
}

impl DenialCounts {
    pub fn of(&self, cause: Cause) -> &Counter {
        match cause {
            Cause::Auth => &self.auth,
            Cause::Command => &self.command,
            Cause::Key => &self.key,
            Cause::Channel => &self.channel,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(object: &str) -> Event {
        Event { cause: Cause::Key, place: Place::TopLevel, object: object.into(), user: b"u".to_vec() }
    }

    fn picture(log: &AccessLog) -> Vec<(u64, u64, String)> {
        let text = |entry: &Entry| String::from_utf8_lossy(&entry.event.object).into_owned();
        log.entries().map(|entry| (entry.id, entry.count, text(entry))).collect()
    }

    #[test]
    fn the_same_within_a_minute_is_one_entry() {
        let mut log = AccessLog::default();
        log.add(event("a"), "first".into(), 1000, 128);
        log.add(event("b"), "first".into(), 1000, 128);
        log.add(event("a"), "second".into(), 61_000, 128);
        assert_eq!(picture(&log), [(0, 2, "a".into()), (1, 1, "b".into())]);
        let newest = log.entries().next().unwrap();
        assert_eq!((&*newest.client, newest.created_ms, newest.updated_ms), ("second", 1000, 61_000));
        log.add(event("a"), "third".into(), 121_001, 128);
        assert_eq!(picture(&log), [(2, 1, "a".into()), (0, 2, "a".into()), (1, 1, "b".into())]);
        log.add(Event { place: Place::Multi, ..event("a") }, String::new(), 121_001, 128);
        assert_eq!(log.entries().len(), 4);
    }

    #[test]
    fn only_the_newest_are_kept_and_compared() {
        let mut log = AccessLog::default();
        for number in 0..12 {
            log.add(event(&number.to_string()), String::new(), 0, 11);
        }
        assert_eq!(log.entries().len(), 11);
        log.add(event("2"), String::new(), 0, 11);
        assert_eq!(log.entries().next().unwrap().count, 2);
        log.add(event("1"), String::new(), 0, 11);
        assert_eq!(log.entries().next().unwrap().count, 1, "it was the eleventh");
        log.reset();
        log.add(event("1"), String::new(), 0, 0);
        assert_eq!(log.entries().len(), 0);
    }
}
