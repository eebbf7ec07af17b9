//! A machine's disk, as far as nodes.conf goes: it takes its time, one write after the other; a crash loses what it
//! has not finished; and it may be full, or lie.

use std::collections::VecDeque;
use std::sync::Arc;

use rand::RngExt;
use rcl_cluster::Input;

use crate::events::Event;
use crate::planted::Plant;
use crate::world::World;

/// How often a write is tried again on a full disk.
const RETRY_MS: u64 = 50;

#[derive(Default)]
pub struct Disk {
    /// The nodes.conf that would survive a crash now.
    pub stored: Option<Arc<str>>,
    waiting: VecDeque<(u64, String)>,
    busy_until_ms: u64,
    pub is_full: bool,
}

impl Disk {
    /// The process is gone. What it had handed over is lost, or, with `flushed`, still gets there.
    pub fn crash(&mut self, flushed: bool) {
        let last = self.waiting.pop_back();
        self.waiting.clear();
        self.busy_until_ms = 0;
        if let Some((_, text)) = last.filter(|_| flushed && !self.is_full) {
            self.stored = Some(text.into());
        }
    }
}

impl World {
    pub(crate) fn persist(&mut self, index: usize, seq: u64, text: String) {
        let delay_ms = self.rng.random_range(0..=self.disk_ms);
        let text = if self.is_lean { own_lines(&text) } else { text };
        let machine = &mut self.machines[index];
        let done_ms = (self.now_ms + delay_ms).max(machine.disk.busy_until_ms);
        machine.disk.busy_until_ms = done_ms;
        machine.disk.waiting.push_back((seq, text));
        let life = machine.life;
        self.queue.push(done_ms, Event::Stored { machine: index, life, seq });
    }

    pub(crate) fn stored(&mut self, index: usize, life: u64, seq: u64) {
        let machine = &mut self.machines[index];
        if machine.life != life {
            return;
        }
        if machine.disk.is_full {
            return self.queue.push(self.now_ms + RETRY_MS, Event::Stored { machine: index, life, seq });
        }
        while machine.disk.waiting.front().is_some_and(|(number, _)| *number <= seq) {
            let text = machine.disk.waiting.pop_front().map(|(_, text)| text);
            if self.plant != Some(Plant::DiskLies) {
                machine.disk.stored = text.map(Arc::from);
            }
        }
        self.step(index, life, Input::Persisted { seq });
    }
}

/// What the checkers look at.
fn own_lines(text: &str) -> String {
    let is_own = |line: &&str| line.starts_with("vars") || line.contains("myself");
    text.lines().filter(is_own).map(|line| format!("{line}\n")).collect()
}
