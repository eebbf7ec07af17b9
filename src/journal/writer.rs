//! The journal of the job under way.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rcl_proto::{NodeId, Slot, SlotSet};

use super::record::{Batch, Deed, Ending, Record};
use super::sole::{History, Sole, Soles};
use super::time::now_ms;
use crate::cli::{Failure, Kind};
use crate::plan::Plan;

/// Clones write to the same journal. While one lives, the job's file is locked.
#[derive(Clone, Debug, Default)]
pub struct Journal(Option<Arc<Open>>);

#[derive(Debug)]
struct Open {
    id: String,
    path: PathBuf,
    file: Mutex<File>,
    soles: Mutex<Soles>,
}

impl Journal {
    /// Writes nothing down.
    pub fn none() -> Journal {
        Journal(None)
    }

    /// `file` is open for appending, ends with a whole line, and is locked.
    pub(super) fn open(id: String, path: PathBuf, file: File, soles: Soles) -> Journal {
        Journal(Some(Arc::new(Open { id, path, file: Mutex::new(file), soles: Mutex::new(soles) })))
    }

    pub fn id(&self) -> Option<&str> {
        self.0.as_deref().map(|open| open.id.as_str())
    }

    pub fn begin(&self, deed: Deed, plan: &Plan) -> Result<(), Failure> {
        let (plan, rcl) = (plan.clone(), env!("CARGO_PKG_VERSION").to_owned());
        self.write(&Record::Begin { deed, plan, rcl, pid: std::process::id(), at_ms: now_ms() }, true)
    }

    /// Before `count` steps are done side by side.
    pub fn step(&self, first: usize, count: usize) -> Result<(), Failure> {
        self.write(&Record::Step { first, count, at_ms: now_ms() }, true)
    }

    pub fn done(&self, steps: usize) -> Result<(), Failure> {
        self.write(&Record::Done { steps, at_ms: now_ms() }, true)
    }

    /// `sole`: of which of them the source has the only keys.
    pub fn opening(
        &self,
        source: NodeId,
        target: NodeId,
        slots: &SlotSet,
        sole: Option<Sole>,
    ) -> Result<(), Failure> {
        let slots = Batch { source, target, slots: slots.clone() };
        self.know(|soles| soles.opened(&slots, sole.as_ref()));
        self.write(&Record::Opening { slots, sole: sole.map(Box::new), at_ms: now_ms() }, false)
    }

    /// The history of the source that had the only keys of the slot when it was opened on this way, if it had.
    pub fn sole_holder(&self, source: NodeId, target: NodeId, slot: Slot) -> Option<History> {
        let soles = self.0.as_deref()?.soles.lock().unwrap_or_else(PoisonError::into_inner);
        soles.of(source, target, slot).cloned()
    }

    fn know(&self, what: impl FnOnce(&mut Soles)) {
        if let Some(open) = self.0.as_deref() {
            what(&mut open.soles.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    pub fn moved(&self, source: NodeId, target: NodeId, slots: &SlotSet, keys: u64) -> Result<(), Failure> {
        let slots = Batch { source, target, slots: slots.clone() };
        self.know(|soles| soles.moved(&slots.slots));
        self.write(&Record::Moved { slots, keys, at_ms: now_ms() }, false)
    }

    pub fn end(&self, ending: Ending, why: Option<String>) -> Result<(), Failure> {
        self.write(&Record::End { ending, why, at_ms: now_ms() }, true)
    }

    /// `durable`: a machine that loses its power keeps it. All others survive the end of this process.
    pub(super) fn write(&self, record: &Record, durable: bool) -> Result<(), Failure> {
        let Some(open) = &self.0 else { return Ok(()) };
        let mut line =
            serde_json::to_vec(record).map_err(|error| Failure::new(Kind::Internal, error.to_string()))?;
        line.push(b'\n');
        let mut file = open.file.lock().unwrap_or_else(PoisonError::into_inner);
        let written = file.write_all(&line).and_then(|()| if durable { file.sync_data() } else { Ok(()) });
        written.map_err(|error| {
            Failure::new(Kind::Stopped, format!("cannot write the journal {}: {error}", open.path.display()))
                .next("make room, or name another folder with --state-dir")
        })
    }
}
