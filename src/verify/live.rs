//! Keys of a living data set as they are now.

use std::sync::Arc;

use rcl_proto::resp::Reply;

use super::fingerprint::{Fingerprint, of_payload};
use super::pieces;
use crate::backup::now_ms;
use crate::cli::{Failure, Kind};
use crate::connect::Words;
use crate::keys::{Keyspace, Question, key_text};

/// What takes more than this is read piece by piece, so that no node builds a long answer.
pub const BIG_BYTES: u64 = 256 << 10;

/// A key without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub of_type: String,
    /// Unix milliseconds.
    pub expiry_ms: Option<i64>,
    pub is_big: bool,
}

/// What a value is compared by.
#[derive(Clone, Debug)]
pub enum Contents {
    /// As DUMP gives it.
    Payload(Arc<Vec<u8>>),
    Print(Fingerprint),
    /// The key is not there any more.
    Gone,
    /// A type that is not known here, as of a module.
    Unknown,
}

impl Contents {
    /// Whether both are the same; `None` when that cannot be said.
    pub fn is_same(&self, other: &Contents) -> Option<bool> {
        if let (Contents::Payload(mine), Contents::Payload(other)) = (self, other)
            && body(mine) == body(other)
        {
            return Some(true);
        }
        match (self, other) {
            (Contents::Gone, Contents::Gone) => Some(true),
            (Contents::Gone, _) | (_, Contents::Gone) => Some(false),
            _ => Some(self.print()? == other.print()?),
        }
    }

    fn print(&self) -> Option<Fingerprint> {
        match self {
            Contents::Payload(payload) => of_payload(payload),
            Contents::Print(print) => Some(*print),
            Contents::Gone | Contents::Unknown => None,
        }
    }
}

/// Without the version and the checksum.
fn body(payload: &[u8]) -> &[u8] {
    payload.split_at_checked(payload.len().saturating_sub(10)).map_or(payload, |(body, _)| body)
}

/// Of each key; `None`: it is not there.
pub async fn heads(keyspace: &Keyspace, keys: &[&[u8]]) -> Result<Vec<Option<Head>>, Failure> {
    let question = |key: &&[u8]| Question {
        key: key.to_vec(),
        commands: vec![
            Words::of(&["TYPE"]).and(key),
            Words::of(&["PEXPIRETIME"]).and(key),
            Words::of(&["PTTL"]).and(key),
            Words::of(&["MEMORY", "USAGE"]).and(key),
        ],
    };
    let questions: Vec<Question> = keys.iter().map(question).collect();
    let answers = keyspace.ask(&questions).await?;
    let now = i64::try_from(now_ms()).unwrap_or(i64::MAX);
    keys.iter().zip(answers).map(|(key, answer)| head(key, &answer.replies, now)).collect()
}

fn head(key: &[u8], replies: &[Reply], now_ms: i64) -> Result<Option<Head>, Failure> {
    let [of_type, expires_at, expires_in, bytes] = replies else { return Ok(None) };
    let of_type = match of_type {
        Reply::Simple(none) if none == "none" => return Ok(None),
        Reply::Simple(of_type) => of_type.clone(),
        other => return Err(unreadable(key, other)),
    };
    let expiry_ms = match (expires_at, expires_in) {
        (Reply::Integer(at), _) => (*at >= 0).then_some(*at),
        // Before Redis 7.0 nobody said when, only how long still.
        (_, Reply::Integer(left)) => (*left >= 0).then_some(now_ms.saturating_add(*left)),
        (_, other) => return Err(unreadable(key, other)),
    };
    // Who does not say how big a value is has it read piece by piece.
    let is_big = match bytes {
        Reply::Integer(bytes) => u64::try_from(*bytes).unwrap_or(0) > BIG_BYTES,
        _ => true,
    };
    Ok(Some(Head { of_type, expiry_ms, is_big }))
}

fn unreadable(key: &[u8], reply: &Reply) -> Failure {
    let why = match reply {
        Reply::Error(error) => error.clone(),
        other => format!("{other:?}").chars().take(100).collect(),
    };
    Failure::new(Kind::Stopped, format!("'{}' cannot be looked at: {why}", key_text(key)))
}

/// The values of keys with these heads.
pub async fn contents(keyspace: &Keyspace, keys: &[(&[u8], &Head)]) -> Result<Vec<Contents>, Failure> {
    let dump = |key: &[u8]| Question { key: key.to_vec(), commands: vec![Words::of(&["DUMP"]).and(key)] };
    let small: Vec<Question> =
        keys.iter().filter(|(_, head)| !head.is_big).map(|(key, _)| dump(key)).collect();
    let mut answers = keyspace.ask(&small).await?.into_iter();
    let mut found = Vec::with_capacity(keys.len());
    for (key, head) in keys {
        let payload = if head.is_big { None } else { answers.next() };
        let contents = match payload.map(|answer| answer.replies.into_iter().next()) {
            Some(Some(Reply::Bulk(payload))) => Contents::Payload(Arc::new(payload)),
            Some(Some(Reply::Null)) => Contents::Gone,
            // No DUMP, or none that we may use.
            _ => pieces::read(keyspace, key, &head.of_type).await?,
        };
        found.push(contents);
    }
    Ok(found)
}

/// A payload that cannot be read here, though the type can, is read piece by piece: its server is newer.
pub async fn readable(
    keyspace: &Keyspace,
    key: &[u8],
    head: &Head,
    found: Contents,
) -> Result<Contents, Failure> {
    match &found {
        Contents::Payload(payload) if of_payload(payload).is_none() => {
            pieces::read(keyspace, key, &head.of_type).await
        }
        _ => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_all_servers() {
        let simple = |text: &str| Reply::Simple(text.into());
        let unknown = || Reply::Error("ERR unknown command 'PEXPIRETIME'".into());
        let of = |replies: [Reply; 4]| head(b"k", &replies, 1000);
        let none = [simple("none"), Reply::Integer(-2), Reply::Integer(-2), Reply::Null];
        assert_eq!(of(none).unwrap(), None);
        let new = of([simple("hash"), Reply::Integer(5000), Reply::Integer(7), Reply::Integer(100)]).unwrap();
        assert_eq!(new, Some(Head { of_type: "hash".into(), expiry_ms: Some(5000), is_big: false }));
        let old = of([simple("hash"), unknown(), Reply::Integer(7), unknown()]).unwrap();
        assert_eq!(old, Some(Head { of_type: "hash".into(), expiry_ms: Some(1007), is_big: true }));
        assert!(of([Reply::Error("NOPERM".into()), unknown(), unknown(), unknown()]).is_err());
    }
}
