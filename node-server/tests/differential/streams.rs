//! Words that mean something to streams, and what of their replies hangs on the clock or on the version.
//!
//! Ids grow as entries are added, so an id that is to be met must be near the last one: the generator counts with.

use rcl_node::command::spec::Group;
use rcl_proto::resp::Reply;

/// How far the ids of entries have come.
#[derive(Default)]
pub struct Ids {
    last_ms: usize,
}

impl Ids {
    /// For the argument of this name; `below` draws a number. `None` where the usual words do.
    pub fn word(
        &mut self,
        command: &str,
        name: &str,
        below: &mut dyn FnMut(usize) -> usize,
    ) -> Option<String> {
        Some(match (command, name) {
            ("xadd", "id") => self.new_id(below),
            // 7.0 would take one below what was deleted.
            ("xsetid", "last-id") => format!("{}-0", self.forward(below) + 1),
            (_, "id" | "ID" | "lastid" | "max-deleted-id") => self.near_id(below),
            (_, "threshold") if below(2) == 0 => self.near_id(below),
            (_, "start" | "end") => match below(4) {
                0 => "-".to_owned(),
                1 => "+".to_owned(),
                2 => format!("({}", self.near_id(below)),
                _ => self.near_id(below),
            },
            _ => return None,
        })
    }

    /// The id after which a stream is read.
    pub fn word_after(
        &mut self,
        for_group: bool,
        only_new: bool,
        below: &mut dyn FnMut(usize) -> usize,
    ) -> String {
        match below(6) {
            0 => if for_group { ">" } else { "$" }.to_owned(),
            _ if only_new || (for_group && below(3) > 0) => ">".to_owned(),
            1 => "0".to_owned(),
            2 if below(8) == 0 => "x".to_owned(),
            _ => self.near_id(below),
        }
    }

    fn forward(&mut self, below: &mut dyn FnMut(usize) -> usize) -> usize {
        self.last_ms += below(3);
        self.last_ms
    }

    fn new_id(&mut self, below: &mut dyn FnMut(usize) -> usize) -> String {
        let ms = self.forward(below);
        match below(20) {
            0 => ["0-0", "0-*", "x", "18446744073709551616-0", "1-", "+", ""][below(7)].to_owned(),
            1..6 => format!("{ms}-*"),
            6..10 => ms.to_string(),
            _ => format!("{ms}-{}", below(3)),
        }
    }

    fn near_id(&mut self, below: &mut dyn FnMut(usize) -> usize) -> String {
        let ms = (self.last_ms + 2).saturating_sub(below(20));
        match below(20) {
            0 => ["0", "0-0", "x", "-", "+", "18446744073709551615-18446744073709551615", "5-x", "(1"]
                [below(8)]
            .to_owned(),
            1..4 => ms.to_string(),
            _ => format!("{ms}-{}", below(3)),
        }
    }
}

/// How many times as often as others a command is drawn: so that streams have entries, and groups something pending.
pub fn weight(group: Group, name: &str) -> usize {
    match name {
        "xadd" => 4,
        "xreadgroup" => 3,
        "create" | "xclaim" if group == Group::Stream => 2,
        _ => 1,
    }
}

/// Commands after which others have little to work on.
pub fn destroys(group: Group, name: &str) -> bool {
    group == Group::Stream && matches!(name, "destroy" | "delconsumer" | "xsetid" | "xtrim")
}

/// For the argument of this name.
pub fn words(name: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "group" => &["g0", "g1", "g0", "g1", "g0", "g2"],
        "consumer" => &["c0", "c1", "c2"],
        "min-idle-time" => &["0", "0", "0", "0", "100000000", "-5", "x"],
        "milliseconds" => &["0", "1", "100", "-1", "x"],
        "ms" => &["0", "5000", "100000000", "-1", "x"],
        "unix-time-milliseconds" => &["1000", "0", "9999999999999", "-1"],
        "entries-read" | "entriesread" | "entries-added" => &["0", "1", "5", "100", "-1", "-2", "x"],
        "field" => &["a", "b", "a", "c", "7"],
        "threshold" => &["1", "3", "5", "10", "20", "20", "10", "0", "-1", "x"],
        _ => return None,
    })
}

/// The reply without what differs although it is the same: times of delivery and of what consumers did, and when a consumer
/// was last active, of which 7.0 says nothing.
pub fn without_times(reply: &Reply) -> Reply {
    match reply {
        // XPENDING's and XINFO's list of what is pending: an id, perhaps a consumer, a time, a count.
        Reply::Array(parts)
            if matches!(&parts[..], [Reply::Bulk(_), Reply::Bulk(_), Reply::Integer(_), _]) =>
        {
            Reply::Array([&parts[..2], &[Reply::Null], &parts[3..]].concat())
        }
        Reply::Array(parts)
            if matches!(&parts[..], [Reply::Bulk(_), Reply::Integer(_), Reply::Integer(_)]) =>
        {
            Reply::Array(vec![parts[0].clone(), Reply::Null, parts[2].clone()])
        }
        // Maps are flat in RESP2.
        Reply::Array(parts) if parts.iter().any(|part| is_time(part) || is_newer(part)) => {
            // A script's table has them in an order of its own, which what is newer changes.
            let mut pairs: Vec<&[Reply]> = parts.chunks(2).filter(|pair| !is_newer(&pair[0])).collect();
            pairs.sort_by_key(|pair| pair[0].as_bytes().map(<[u8]>::to_vec));
            Reply::Array(
                pairs
                    .into_iter()
                    .flat_map(|pair| match pair {
                        [name, _] if is_time(name) => vec![name.clone(), Reply::Null],
                        pair => pair.iter().map(without_times).collect(),
                    })
                    .collect(),
            )
        }
        Reply::Array(parts) => Reply::Array(parts.iter().map(without_times).collect()),
        Reply::Map(pairs) => {
            let kept = pairs.iter().filter(|(name, _)| !is_newer(name));
            let value = |name, value| if is_time(name) { Reply::Null } else { without_times(value) };
            Reply::Map(kept.map(|(name, of)| (name.clone(), value(name, of))).collect())
        }
        other => other.clone(),
    }
}

fn is_time(name: &Reply) -> bool {
    matches!(name.as_bytes(), Some(b"idle" | b"seen-time"))
}

fn is_newer(name: &Reply) -> bool {
    matches!(name.as_bytes(), Some(b"inactive" | b"active-time"))
}
