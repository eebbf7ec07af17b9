//! A batch of keys from the source to the target.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rcl_proto::resp::Reply;
use rcl_store::rdb::{self, oldest_payload};
use rcl_store::types::Limits;
use sha1::{Digest, Sha1};

use crate::cli::{Failure, Kind};
use crate::connect::Words;
use crate::keys::{Answer, Keyspace, Question, key_text};
use crate::verify::Contents;

/// How many bytes of values are on their way at once; one longer value travels alone.
const BATCH_BYTES: u64 = 4 << 20;
/// What a key is taken for whose size nobody tells.
const UNKNOWN_BYTES: u64 = 64 << 10;
/// How often a key that changes while it is moved is copied once more.
const ATTEMPTS: usize = 5;
/// Takes a key away if its value is the one that was copied. As one step at the source: so no write gets lost in between.
const REMOVE_IF_SAME: &str = "local dump = redis.call('DUMP', KEYS[1]) \
    if dump and redis.sha1hex(dump) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/// What becomes of a key that the target has with another value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    Refuse,
    Replace,
    Keep,
}

/// What became of the keys of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    pub copied: u64,
    pub bytes: u64,
    /// The target had them with the same value.
    pub same: u64,
    /// The target had them with another value, and keeps it.
    pub kept: u64,
    /// Went away at the source before they could be read.
    pub gone: u64,
    /// Deleted at the source.
    pub removed: u64,
    /// Changed at the source whenever they were copied, so that they are still there.
    pub left: u64,
}

impl Copied {
    pub fn add(&mut self, other: Copied) {
        self.copied += other.copied;
        self.bytes += other.bytes;
        self.same += other.same;
        self.kept += other.kept;
        self.gone += other.gone;
        self.removed += other.removed;
        self.left += other.left;
    }
}

/// A value on its way.
#[derive(Clone, Debug)]
struct Parcel {
    key: Vec<u8>,
    payload: Arc<Vec<u8>>,
    /// Milliseconds; 0: for ever.
    ttl_ms: i64,
    /// The target has it from us.
    is_ours: bool,
}

/// A key that was not the same any more when it was to be deleted at the source.
#[derive(Clone, Debug)]
struct Changed {
    key: Vec<u8>,
    /// If it is gone now, a client deleted it: what the target has of it is ours, and goes, too.
    is_ours: bool,
}

#[derive(Clone, Debug)]
pub struct Copier {
    source: Arc<Keyspace>,
    target: Arc<Keyspace>,
    conflict: Conflict,
    moves: bool,
    /// The target is older than the source: payloads are sent in the oldest version that knows their type.
    is_older: Arc<AtomicBool>,
}

impl Copier {
    pub fn new(source: Arc<Keyspace>, target: Arc<Keyspace>, conflict: Conflict, moves: bool) -> Copier {
        Copier { source, target, conflict, moves, is_older: Arc::default() }
    }

    pub async fn batch(&self, keys: Vec<Vec<u8>>) -> Result<Copied, Failure> {
        let mut all = Copied::default();
        for part in self.parts(keys).await? {
            all.add(self.part(part).await?);
        }
        Ok(all)
    }

    /// Keys that were written at the source: the target gets them as they are now, or loses them, too.
    pub async fn again(&self, keys: Vec<Vec<u8>>) -> Result<Copied, Failure> {
        let mut copied = Copied::default();
        for part in self.parts(keys).await? {
            let part: Vec<Changed> = part.into_iter().map(|key| Changed { key, is_ours: true }).collect();
            let parcels = self.fetch(&part, &mut copied).await?;
            self.deliver(parcels, true, &mut copied).await?;
        }
        Ok(copied)
    }

    /// Cuts a batch by the sizes of its values.
    async fn parts(&self, keys: Vec<Vec<u8>>) -> Result<Vec<Vec<Vec<u8>>>, Failure> {
        let size = |key: &Vec<u8>| one(key, Words::of(&["MEMORY", "USAGE"]).and(key));
        let answers = self.source.ask(&keys.iter().map(size).collect::<Vec<_>>()).await?;
        let (mut parts, mut part, mut bytes) = (Vec::new(), Vec::new(), 0);
        for (key, answer) in keys.into_iter().zip(answers) {
            let size = match answer.replies.first() {
                Some(Reply::Integer(size)) => u64::try_from(*size).unwrap_or(0),
                Some(Reply::Null) => 0,
                _ => UNKNOWN_BYTES,
            };
            if !part.is_empty() && bytes + size > BATCH_BYTES {
                parts.push(std::mem::take(&mut part));
                bytes = 0;
            }
            bytes += size;
            part.push(key);
        }
        parts.push(part);
        Ok(parts)
    }

    async fn part(&self, keys: Vec<Vec<u8>>) -> Result<Copied, Failure> {
        let mut copied = Copied::default();
        let mut left: Vec<Changed> = keys.into_iter().map(|key| Changed { key, is_ours: false }).collect();
        let mut replace = self.conflict == Conflict::Replace;
        for _ in 0..ATTEMPTS {
            let parcels = self.fetch(&left, &mut copied).await?;
            let there = self.deliver(parcels, replace, &mut copied).await?;
            if !self.moves {
                return Ok(copied);
            }
            left = self.remove(there, &mut copied).await?;
            if left.is_empty() {
                return Ok(copied);
            }
            // What is on the target is an older value of the same key, from here.
            replace = true;
        }
        copied.left += left.len() as u64;
        Ok(copied)
    }

    async fn fetch(&self, keys: &[Changed], copied: &mut Copied) -> Result<Vec<Parcel>, Failure> {
        let question = |Changed { key, .. }: &Changed| Question {
            key: key.clone(),
            commands: vec![Words::of(&["DUMP"]).and(key), Words::of(&["PTTL"]).and(key)],
        };
        let answers = self.source.ask(&keys.iter().map(question).collect::<Vec<_>>()).await?;
        let (mut parcels, mut deleted) = (Vec::with_capacity(keys.len()), Vec::new());
        for (Changed { key, is_ours }, answer) in keys.iter().zip(answers) {
            let [payload, ttl] =
                <[Reply; 2]>::try_from(answer.replies).map_err(|_| unread(key, "no answer"))?;
            match (payload, ttl) {
                (Reply::Bulk(payload), Reply::Integer(ttl)) if ttl != -2 => {
                    let ttl_ms = if ttl == -1 { 0 } else { ttl.max(1) };
                    let payload = Arc::new(payload);
                    parcels.push(Parcel { key: key.clone(), payload, ttl_ms, is_ours: *is_ours });
                }
                (Reply::Error(error), _) | (_, Reply::Error(error)) => return Err(unread(key, &error)),
                _ => {
                    copied.gone += 1;
                    deleted.extend(is_ours.then(|| one(key, Words::of(&["DEL"]).and(key))));
                }
            }
        }
        self.target.ask(&deleted).await?;
        Ok(parcels)
    }

    /// Those that are on the target now.
    async fn deliver(
        &self,
        parcels: Vec<Parcel>,
        replace: bool,
        copied: &mut Copied,
    ) -> Result<Vec<Parcel>, Failure> {
        let answers = self.target.ask(&self.questions(&parcels, replace)).await?;
        let (mut there, mut again, mut taken) = (Vec::with_capacity(parcels.len()), Vec::new(), Vec::new());
        for (parcel, answer) in parcels.into_iter().zip(answers) {
            match answer.replies.first() {
                Some(Reply::Error(error)) if error.starts_with("BUSYKEY") && !answer.repeated => {
                    taken.push(parcel)
                }
                Some(Reply::Error(error)) if error.contains("version or checksum") => again.push(parcel),
                Some(Reply::Error(error)) if !error.starts_with("BUSYKEY") => {
                    return Err(unwritten(&parcel.key, error));
                }
                _ => there.push(parcel),
            }
        }
        if !again.is_empty() {
            self.is_older.store(true, Ordering::Relaxed);
            let answers = self.target.ask(&self.questions(&again, replace)).await?;
            for (parcel, answer) in again.into_iter().zip(answers) {
                match (answer.replies.first(), older(&parcel.payload)) {
                    (Some(Reply::Error(error)), _) if error.starts_with("BUSYKEY") => taken.push(parcel),
                    (Some(Reply::Error(error)), Some(older)) if error.contains("version or checksum") => {
                        self.write_older(&parcel, &older, replace).await?;
                        there.push(parcel);
                    }
                    (Some(Reply::Error(error)), _) => return Err(unwritten(&parcel.key, error)),
                    _ => there.push(parcel),
                }
            }
        }
        copied.copied += there.len() as u64;
        copied.bytes += there.iter().map(|parcel| parcel.payload.len() as u64).sum::<u64>();
        there.iter_mut().for_each(|parcel| parcel.is_ours = true);
        there.extend(self.settle(taken, copied).await?);
        Ok(there)
    }

    fn questions(&self, parcels: &[Parcel], replace: bool) -> Vec<Question> {
        let is_older = self.is_older.load(Ordering::Relaxed);
        let question = |parcel: &Parcel| {
            let payload = if is_older { oldest_payload(&parcel.payload) } else { None };
            let payload = payload.as_deref().unwrap_or(&parcel.payload);
            one(&parcel.key, restore_command(parcel, payload, replace))
        };
        parcels.iter().map(question).collect()
    }

    /// In a form that an older target knows.
    async fn write_older(&self, parcel: &Parcel, payload: &[u8], replace: bool) -> Result<(), Failure> {
        let answers = self.target.ask(&[one(&parcel.key, restore_command(parcel, payload, replace))]).await?;
        match answers.first().and_then(|answer| answer.replies.first()) {
            Some(Reply::Error(error)) => Err(unwritten(&parcel.key, error)),
            _ => Ok(()),
        }
    }

    /// Keys that the target has already: those that may be taken as copied.
    async fn settle(&self, taken: Vec<Parcel>, copied: &mut Copied) -> Result<Vec<Parcel>, Failure> {
        let dump = |parcel: &Parcel| one(&parcel.key, Words::of(&["DUMP"]).and(&parcel.key));
        let answers = self.target.ask(&taken.iter().map(dump).collect::<Vec<_>>()).await?;
        let mut same = Vec::new();
        for (parcel, answer) in taken.into_iter().zip(answers) {
            let found = match answer.replies.into_iter().next() {
                Some(Reply::Bulk(payload)) => Contents::Payload(Arc::new(payload)),
                _ => Contents::Unknown,
            };
            if Contents::Payload(Arc::clone(&parcel.payload)).is_same(&found) == Some(true) {
                copied.same += 1;
                same.push(parcel);
            } else if self.conflict == Conflict::Keep {
                copied.kept += 1;
            } else {
                let name = key_text(&parcel.key);
                return Err(Failure::new(
                    Kind::Stopped,
                    format!("the target has '{name}' with another value"),
                )
                .next("--replace takes the source's value, --keep-existing the target's"));
            }
        }
        Ok(same)
    }

    /// Deletes at the source what is still as it was copied; the keys that are not.
    async fn remove(&self, there: Vec<Parcel>, copied: &mut Copied) -> Result<Vec<Changed>, Failure> {
        let question = |parcel: &Parcel| {
            let sha1: String =
                Sha1::digest(parcel.payload.as_slice()).iter().map(|byte| format!("{byte:02x}")).collect();
            one(&parcel.key, Words::of(&["EVAL", REMOVE_IF_SAME, "1"]).and(&parcel.key).and(sha1))
        };
        let answers: Vec<Answer> = self.source.ask(&there.iter().map(question).collect::<Vec<_>>()).await?;
        let mut changed = Vec::new();
        for (parcel, answer) in there.into_iter().zip(answers) {
            match answer.replies.first() {
                Some(Reply::Integer(1)) => copied.removed += 1,
                // Gone or changed; or our own deletion, when the answer to it was lost.
                Some(Reply::Integer(_)) => {
                    changed.push(Changed { key: parcel.key, is_ours: parcel.is_ours && !answer.repeated });
                }
                Some(Reply::Error(error)) => {
                    return Err(Failure::new(
                        Kind::Stopped,
                        format!(
                            "'{}' was copied and could not be deleted at the source: {error}",
                            key_text(&parcel.key)
                        ),
                    ));
                }
                _ => return Err(unread(&parcel.key, "no answer")),
            }
        }
        Ok(changed)
    }
}

fn one(key: &[u8], command: Words) -> Question {
    Question { key: key.to_vec(), commands: vec![command] }
}

fn restore_command(parcel: &Parcel, payload: &[u8], replace: bool) -> Words {
    let words = Words::of(&["RESTORE"]).and(&parcel.key).and(parcel.ttl_ms.to_string()).and(payload);
    if replace { words.and("REPLACE") } else { words }
}

/// The value as this program writes it, which Redis 7.0 reads.
fn older(payload: &[u8]) -> Option<Vec<u8>> {
    let value = rdb::restore(payload, &Limits::default()).ok()?;
    Some(rdb::dump(value.as_ref(), true))
}

fn unread(key: &[u8], why: &str) -> Failure {
    Failure::new(Kind::Stopped, format!("'{}' could not be read: {why}", key_text(key)))
}

fn unwritten(key: &[u8], error: &str) -> Failure {
    let failure = Failure::new(Kind::Stopped, format!("'{}' could not be written: {error}", key_text(key)));
    if error.contains("version or checksum") {
        return failure
            .next("the target is too old for this value: import into servers of the source's version");
    }
    failure.next("when that is mended, the same command goes on")
}
