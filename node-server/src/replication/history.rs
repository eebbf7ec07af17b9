//! Which history a data set belongs to: replication ids and offsets, and what PSYNC is answered by them.
//!
//! ```text
//!   id      names the history that is being written now
//!   id2     the history that it continues, and the first offset at which the two part
//!   offset  bytes written since the beginning of the history; a replica asks for the byte after its last one
//! ```
//!
//! A replica that is promoted gives the history a new id and keeps the old one as id2: other replicas of the
//! dead master ask by the old id, and go on without a full copy if they are not past the parting. (Redis's
//! PSYNC2; the rule is that of `masterTryPartialResynchronization`.)

use std::fmt;

/// 40 characters that name a history.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ReplicationId([u8; 40]);

impl ReplicationId {
    /// What INFO shows where there is no second history.
    pub const NONE: ReplicationId = ReplicationId([b'0'; 40]);

    /// Forty printable characters; Redis looks at nothing else.
    pub fn parse(text: &[u8]) -> Option<ReplicationId> {
        let id: [u8; 40] = text.try_into().ok()?;
        id.iter().all(u8::is_ascii_graphic).then_some(ReplicationId(id.map(|byte| byte.to_ascii_lowercase())))
    }

    pub fn from_random(bytes: [u8; 20]) -> ReplicationId {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut id = [0; 40];
        for (pair, byte) in id.chunks_exact_mut(2).zip(bytes) {
            pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        ReplicationId(id)
    }

    pub fn as_str(&self) -> &str {
        // ASCII by construction.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for ReplicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ReplicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The ids of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    pub id: ReplicationId,
    pub second: Option<SecondHistory>,
}

/// The history that the current one continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecondHistory {
    pub id: ReplicationId,
    /// The first offset that is no longer common, as PSYNC counts (from 1).
    pub parted_at: u64,
}

/// Why a replica needs a full copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FullSyncReason {
    /// It asked for one (`PSYNC ? -1`, SYNC).
    Requested,
    OtherHistory,
    /// It holds writes of the second history that this one never had.
    PastTheParting,
    /// What it misses is no longer kept, or was never written.
    NotInBacklog,
    /// What it misses holds a command that its version does not know.
    UnknownCommand,
}

impl fmt::Display for FullSyncReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FullSyncReason::Requested => "it asked for one",
            FullSyncReason::OtherHistory => "its replication id is of another history",
            FullSyncReason::PastTheParting => {
                "it is past the offset up to which the second history is common"
            }
            FullSyncReason::NotInBacklog => "what it misses is not in the backlog",
            FullSyncReason::UnknownCommand => {
                "what it misses holds a SETSLOT, which its version does not know"
            }
        })
    }
}

impl History {
    pub fn new(id: ReplicationId) -> History {
        History { id, second: None }
    }

    /// A new history that goes on where this one is: `end` bytes of it are common.
    pub fn continued_as(&self, id: ReplicationId, end: u64) -> History {
        History { id, second: Some(SecondHistory { id: self.id, parted_at: end + 1 }) }
    }

    /// By which id a data set of this history, `end` bytes long, asks to go on elsewhere. A history of which
    /// not a byte was written yet is still its predecessor.
    pub fn asked_as(&self, end: u64) -> ReplicationId {
        match self.second {
            Some(second) if second.parted_at == end + 1 => second.id,
            _ => self.id,
        }
    }

    /// Whether a data set of this history, `end` bytes long, is a point of that one, too.
    pub fn is_of(&self, id: ReplicationId, end: u64) -> bool {
        id == self.id || id == self.asked_as(end)
    }

    /// Where a replica that asks `PSYNC id offset` goes on (bytes before it), the log holding `start..=end`.
    pub fn place_of(
        &self,
        id: &[u8],
        offset: i64,
        kept: Option<std::ops::RangeInclusive<u64>>,
    ) -> Result<u64, FullSyncReason> {
        if id.first() == Some(&b'?') {
            return Err(FullSyncReason::Requested);
        }
        let id = ReplicationId::parse(id).ok_or(FullSyncReason::OtherHistory)?;
        if id != self.id {
            let second = self.second.filter(|second| second.id == id).ok_or(FullSyncReason::OtherHistory)?;
            if u64::try_from(offset).is_ok_and(|offset| offset > second.parted_at) {
                return Err(FullSyncReason::PastTheParting);
            }
        }
        let place = u64::try_from(offset).ok().and_then(|offset| offset.checked_sub(1));
        match (place, kept) {
            (Some(place), Some(kept)) if kept.contains(&place) => Ok(place),
            _ => Err(FullSyncReason::NotInBacklog),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(letter: u8) -> ReplicationId {
        ReplicationId::parse(&[letter; 40]).unwrap()
    }

    #[test]
    fn an_id_is_forty_characters() {
        assert_eq!(ReplicationId::parse(&[b'a'; 39]), None);
        assert_eq!(ReplicationId::parse(&[b' '; 40]), None);
        assert_eq!(ReplicationId::parse(&[b'A'; 40]), Some(id(b'a')));
        assert_eq!(ReplicationId::from_random([0xaf; 20]).as_str(), "af".repeat(20));
    }

    #[test]
    fn who_may_go_on() {
        let history = History::new(id(b'a')).continued_as(id(b'b'), 100);
        let place = |asked: ReplicationId, offset| {
            history.place_of(asked.as_str().as_bytes(), offset, Some(50..=200))
        };
        assert_eq!(place(id(b'b'), 201), Ok(200));
        assert_eq!(place(id(b'b'), 51), Ok(50));
        assert_eq!(place(id(b'b'), 50), Err(FullSyncReason::NotInBacklog));
        assert_eq!(place(id(b'b'), 202), Err(FullSyncReason::NotInBacklog));
        assert_eq!(place(id(b'b'), -1), Err(FullSyncReason::NotInBacklog));
        assert_eq!(place(id(b'a'), 101), Ok(100));
        assert_eq!(place(id(b'a'), 102), Err(FullSyncReason::PastTheParting));
        assert_eq!(place(id(b'c'), 60), Err(FullSyncReason::OtherHistory));
        assert_eq!(history.place_of(b"?", -1, Some(50..=200)), Err(FullSyncReason::Requested));
        assert_eq!(
            history.place_of(id(b'b').as_str().as_bytes(), 60, None),
            Err(FullSyncReason::NotInBacklog)
        );
    }

    #[test]
    fn a_history_without_a_byte_is_its_predecessor() {
        let history = History::new(id(b'a')).continued_as(id(b'b'), 100);
        assert_eq!(history.asked_as(100), id(b'a'));
        assert_eq!(history.asked_as(101), id(b'b'));
        assert!(history.is_of(id(b'a'), 100) && history.is_of(id(b'b'), 100));
        assert!(!history.is_of(id(b'a'), 101) && !history.is_of(id(b'c'), 100));
        assert_eq!(History::new(id(b'a')).asked_as(0), id(b'a'));
    }
}
