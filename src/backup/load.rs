//! The keys of a file, each with RESTORE to the owner of its slot.
//!
//! ```text
//! file ──► a thread that cuts it into batches ──► some batches at a time, those keys of a batch that go to one node in one write
//! ```
//!
//! A value's bytes are handed on as they are. Only where the target is older than the form of the value (a set in a listpack, as
//! Redis 7.2 has it, for 7.0) it is decoded and written in the older form.

use std::sync::Arc;

use rcl_proto::resp::Reply;
use rcl_proto::{SlotRange, SlotSet, key_slot};
use rcl_store::rdb::{self, Item, RawKey, Step};
use rcl_store::types::Limits;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::folder::Folder;
use super::manifest::FileRecord;
use super::now_ms;
use super::open::{damaged, open_file};
use super::target::Readable;
use crate::cli::{Failure, Kind};
use crate::connect::Words;
use crate::keys::{Answer, Keyspace, Question, Rate, key_text};
use crate::output::Progress;

/// A batch is sent when it has so many keys or so many bytes.
const BATCH_KEYS: usize = 500;
const BATCH_BYTES: usize = 1 << 20;
/// How many batches of a file are under way at once.
const UNDER_WAY: usize = 4;

/// What becomes of a key that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// The work ends, for nobody said that there may be one.
    Refuse,
    Replace,
    /// It stays, and the one of the backup is left out.
    Keep,
}

/// What became of a file's keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    pub restored: u64,
    /// Were there, and stayed.
    pub kept: u64,
    /// Their time has come since.
    pub expired: u64,
    /// Of slots that the file's master did not own.
    pub elsewhere: u64,
    pub bytes: u64,
}

impl Loaded {
    pub fn add(&mut self, other: Loaded) {
        self.restored += other.restored;
        self.kept += other.kept;
        self.expired += other.expired;
        self.elsewhere += other.elsewhere;
        self.bytes += other.bytes;
    }
}

#[derive(Clone, Debug)]
pub struct Loader {
    pub keyspace: Arc<Keyspace>,
    pub existing: Existing,
    pub readable: Arc<Readable>,
    pub rate: Arc<Rate>,
    pub progress: Progress,
}

impl Loader {
    /// All keys of one file.
    pub async fn load(&self, folder: &Folder, record: &FileRecord) -> Result<Loaded, Failure> {
        let (batches, mut ready) = mpsc::channel(1);
        let (folder, record) = (folder.clone(), record.clone());
        let reader = tokio::task::spawn_blocking(move || read_batches(&folder, &record, &batches));
        let mut loaded = Loaded::default();
        let mut under_way = JoinSet::new();
        while let Some(batch) = ready.recv().await {
            if under_way.len() >= UNDER_WAY
                && let Some(sent) = under_way.join_next().await
            {
                loaded.add(ended(sent)?);
            }
            let loader = self.clone();
            under_way.spawn(async move { loader.send(batch).await });
        }
        while let Some(sent) = under_way.join_next().await {
            loaded.add(ended(sent)?);
        }
        let elsewhere = ended(reader.await)?;
        Ok(Loaded { elsewhere, ..loaded })
    }

    async fn send(&self, batch: Vec<RawKey>) -> Result<Loaded, Failure> {
        let (now, mut loaded, count) = (now_ms(), Loaded::default(), batch.len() as u64);
        let mut questions = Vec::with_capacity(batch.len());
        for mut key in batch {
            if key.expiry_ms.is_some_and(|expiry| u64::try_from(expiry).unwrap_or(0) <= now) {
                loaded.expired += 1;
                continue;
            }
            let payload = payload_for(&mut key, &self.readable)?;
            loaded.bytes += payload.len() as u64;
            let commands = vec![restore_command(&key, payload, self.existing == Existing::Replace)];
            questions.push(Question { key: key.key, commands });
        }
        self.rate.take(questions.len()).await;
        let answers = self.keyspace.ask(&questions).await?;
        for (question, answer) in questions.iter().zip(answers) {
            if self.judge(&question.key, &answer)? {
                loaded.restored += 1;
            } else {
                loaded.kept += 1;
            }
        }
        self.progress.add(count);
        Ok(loaded)
    }

    /// Whether the key is the backup's now; false when there was one that stays.
    fn judge(&self, key: &[u8], answer: &Answer) -> Result<bool, Failure> {
        let Some(Reply::Error(error)) = answer.replies.first() else { return Ok(true) };
        if error.starts_with("BUSYKEY") {
            // Our own, when the answer to it was lost.
            if answer.repeated {
                return Ok(true);
            }
            if self.existing == Existing::Keep {
                return Ok(false);
            }
        }
        Err(refused(key, error))
    }
}

fn refused(key: &[u8], error: &str) -> Failure {
    let failure = Failure::new(Kind::Stopped, format!("'{}' could not be restored: {error}", key_text(key)));
    let go_on = "the same command with --into-non-empty goes on where it stopped";
    if error.starts_with("BUSYKEY") {
        return failure.next(
            "somebody wrote it meanwhile; --replace overwrites, --into-non-empty leaves what is there",
        );
    }
    if error.starts_with("OOM") {
        return failure
            .next(format!("give the target more memory (maxmemory, or more masters); then {go_on}"));
    }
    failure.next(format!("when that is mended, {go_on}"))
}

/// What came of a task.
fn ended<T>(task: Result<Result<T, Failure>, tokio::task::JoinError>) -> Result<T, Failure> {
    task.unwrap_or_else(|error| Err(Failure::new(Kind::Internal, error.to_string())))
}

/// Cuts a file into batches, until nobody wants more; how many keys were left out since they are not the file's to give.
fn read_batches(
    folder: &Folder,
    record: &FileRecord,
    batches: &mpsc::Sender<Vec<RawKey>>,
) -> Result<u64, Failure> {
    let slots = slots_of(record)?;
    let mut file = open_file(folder, record)?;
    let (mut batch, mut bytes, mut elsewhere) = (Vec::new(), 0, 0);
    loop {
        let step = file.next_step().map_err(|error| damaged(record, &error.to_string()))?;
        let has_ended = matches!(step, Step::Other(Item::End));
        if let Step::Key(key) = step {
            if slots.contains(key_slot(&key.key)) {
                bytes += key.payload.as_ref().map_or(0, Vec::len) + key.key.len();
                batch.push(key);
            } else {
                elsewhere += 1;
            }
        }
        if has_ended || batch.len() >= BATCH_KEYS || bytes >= BATCH_BYTES {
            bytes = 0;
            if batches.blocking_send(std::mem::take(&mut batch)).is_err() || has_ended {
                return Ok(elsewhere);
            }
        }
    }
}

/// The slots of the file's master.
pub fn slots_of(record: &FileRecord) -> Result<SlotSet, Failure> {
    let ranges: Result<Vec<SlotRange>, _> = record.slots.split_whitespace().map(str::parse).collect();
    ranges.map(|ranges| ranges.into_iter().collect()).map_err(|error| damaged(record, &error.to_string()))
}

/// A payload that the target can read.
fn payload_for(key: &mut RawKey, readable: &Readable) -> Result<Vec<u8>, Failure> {
    let payload = key.payload.take().unwrap_or_default();
    let Some(who) = readable.who_cannot(key.form.payload_version()) else { return Ok(payload) };
    let cannot = |why: &str| {
        let (name, of_type) = (key_text(&key.key), key.form.type_name());
        Failure::refused(format!("{who} is too old for the {of_type} '{name}'{why}"))
            .next("restore into servers of the version that the backup is of, or a newer one")
    };
    let value = rdb::restore(&payload, &Limits::default()).map_err(|error| cannot(&format!(": {error}")))?;
    let older = rdb::dump(value.as_ref(), true);
    let version = older.len().checked_sub(10).and_then(|end| older.get(end..end + 2));
    let version = version.map_or(0, |bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
    if readable.who_cannot(version).is_some() {
        return Err(cannot(", whose fields have expiries"));
    }
    Ok(older)
}

fn restore_command(key: &RawKey, payload: Vec<u8>, replace: bool) -> Words {
    let expiry = key.expiry_ms.unwrap_or(0).to_string();
    let mut words = Words::of(&["RESTORE"]).and(&key.key).and(expiry).and(payload);
    if replace {
        words = words.and("REPLACE");
    }
    if key.expiry_ms.is_some() {
        words = words.and("ABSTTL");
    }
    match (key.idle_s, key.frequency) {
        (Some(idle), _) => words.and("IDLETIME").and(idle.to_string()),
        (None, Some(frequency)) => words.and("FREQ").and(frequency.to_string()),
        (None, None) => words,
    }
}
