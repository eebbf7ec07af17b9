//! One writer and its keys.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rcl_proto::resp::{Reply, encode_request};
use tokio::time::Instant;

use super::client::{Client, Routes};
use super::item::{Item, Verdict, value_of};
use super::{Shared, WORKERS_PER_LANE};

/// While everything is read, one in so many is written too.
const WRITES_IN_SWEEP: usize = 20;

pub struct Worker {
    number: usize,
    lane: usize,
    items: Vec<Item>,
    client: Client,
    shared: Arc<Shared>,
    random: u64,
}

impl Worker {
    pub fn new(number: usize, items: usize, shared: Arc<Shared>, routes: Rc<RefCell<Routes>>) -> Worker {
        let lane = number / WORKERS_PER_LANE;
        let items = (0..items).map(|item| Item::in_lane(lane, number, item)).collect();
        let client = Client::new(shared.clone(), routes);
        Worker { number, lane, items, client, shared, random: number as u64 + 1 }
    }

    /// Writes all its items, then writes and reads at random, one operation each `interval`, until the load stops.
    /// Returns its items.
    pub async fn run(mut self, interval: Duration) -> Vec<Item> {
        for index in 0..self.items.len() {
            self.write(index).await;
        }
        let mut next = Instant::now();
        while !self.shared.stop.load(Ordering::SeqCst) {
            let wanted = self.shared.sweeps_wanted.load(Ordering::SeqCst);
            if self.shared.sweeps_done[self.number].load(Ordering::SeqCst) < wanted {
                self.sweep().await;
                self.shared.sweeps_done[self.number].store(wanted, Ordering::SeqCst);
            }
            let (index, writes) = self.choose();
            if writes {
                self.write(index).await
            } else {
                self.read(index).await
            }
            next = (next + interval).max(Instant::now() - interval * 20);
            tokio::time::sleep_until(next).await;
        }
        self.items
    }

    /// Writing goes on meanwhile, so that a sweep is no gap in it.
    async fn sweep(&mut self) {
        for index in 0..self.items.len() {
            self.read(index).await;
            self.shared.counts.lock().unwrap().swept += 1;
            if index % WRITES_IN_SWEEP == 0 {
                self.write(index).await;
            }
        }
    }

    /// Any item, and whether to write it.
    fn choose(&mut self) -> (usize, bool) {
        // A linear congruential generator; its high bits are good enough to pick keys.
        self.random = self.random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let high = (self.random >> 33) as usize;
        (high % self.items.len(), (high / self.items.len()).is_multiple_of(2))
    }

    async fn write(&mut self, index: usize) {
        let item = &mut self.items[index];
        item.attempted += 1;
        let values: Vec<Vec<u8>> = item.keys.iter().map(|key| value_of(key, item.attempted)).collect();
        let mut words: Vec<&[u8]> = vec![if item.is_pair() { b"MSET" } else { b"SET" }];
        for (key, value) in item.keys.iter().zip(&values) {
            words.extend([key.as_bytes(), value]);
        }
        if !item.is_pair() {
            words.push(b"GET");
        }
        let request = encode(&words);
        match self.call(index, request, true).await {
            None => return,
            Some(Reply::Simple(_)) if self.items[index].is_pair() => {}
            // SET … GET answers with the value before, which is as good as a read.
            Some(reply) => self.judge(index, reply),
        }
        let item = &mut self.items[index];
        item.acknowledged = item.attempted;
        self.shared.counts.lock().unwrap().write_acknowledged(self.lane);
    }

    async fn read(&mut self, index: usize) {
        let keys = self.items[index].keys.clone();
        let name: &[u8] = if keys.len() == 2 { b"MGET" } else { b"GET" };
        let words: Vec<&[u8]> = std::iter::once(name).chain(keys.iter().map(|key| key.as_bytes())).collect();
        if let Some(reply) = self.call(index, encode(&words), false).await {
            self.shared.counts.lock().unwrap().reads += 1;
            self.judge(index, reply);
        }
    }

    async fn call(&mut self, index: usize, request: Vec<u8>, is_write: bool) -> Option<Reply> {
        let (slot, shared) = (self.items[index].slot, self.shared.clone());
        let lost_answer = || shared.counts.lock().unwrap().ambiguous += u64::from(is_write);
        self.client.call(slot, &request, lost_answer).await
    }

    fn judge(&mut self, index: usize, reply: Reply) {
        let value = |reply: Reply| match reply {
            Reply::Bulk(value) => Some(value),
            Reply::Null => None,
            other => Some(format!("{other:?}").into_bytes()),
        };
        let values = match reply {
            Reply::Array(values) => values.into_iter().map(value).collect(),
            reply => vec![value(reply)],
        };
        let item = &mut self.items[index];
        let verdict = item.judge(&values);
        let mut counts = self.shared.counts.lock().unwrap();
        match verdict {
            Verdict::Right => {}
            Verdict::Lost(count) => {
                counts.lost += count;
                counts.example(format!("{}: {count} lost", item.keys[0]));
            }
            Verdict::Wrong(what) => counts.wrong(what),
        }
    }
}

fn encode(words: &[&[u8]]) -> Vec<u8> {
    let mut request = Vec::new();
    encode_request(&mut request, words.iter().copied());
    request
}
