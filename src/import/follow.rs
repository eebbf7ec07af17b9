//! Until the target has what the source has: the keys that were written since are copied again, and again.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rcl_proto::resp::Reply;

use super::copy::{Copied, Copier};
use super::stream::Ear;
use crate::cli::{Failure, Kind};
use crate::connect::{Connector, Fields, Words};
use crate::keys::{Filter, Holder, KeyPlaces};
use crate::output::Output;

/// How many keys are copied at once.
const BATCH: usize = 250;
const PAUSE: Duration = Duration::from_millis(20);

/// An ear at each node of the source.
#[derive(Debug)]
pub struct Follower {
    ears: Vec<(Holder, Ear)>,
    filter: Filter,
    /// Ends the threads that listen.
    stop: Arc<AtomicBool>,
}

impl Follower {
    /// Returns when whatever is written from now on is heard.
    pub async fn start(
        connector: &Connector,
        holders: &[Holder],
        filter: &Filter,
        database: u32,
    ) -> Result<Follower, Failure> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut follower = Follower { ears: Vec::new(), filter: filter.clone(), stop: Arc::clone(&stop) };
        for holder in holders {
            let (ear, connector) = (Ear::default(), connector.clone());
            let places = KeyPlaces::ask(&holder.link).await?;
            follower.ears.push((holder.clone(), ear.clone()));
            let (address, stop) = (holder.link.address().clone(), Arc::clone(&stop));
            // It ends within a moment after `stop`, so that the runtime's end does not wait for it.
            tokio::task::spawn_blocking(move || ear.listen(&connector, &address, &places, database, &stop));
        }
        while !follower.all(|told| told.offset.is_some())? {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(follower)
    }

    fn all(&self, is_so: impl Fn(&super::stream::Told) -> bool) -> Result<bool, Failure> {
        for (_, ear) in &self.ears {
            let told = ear.told();
            if let Some(failure) = &told.failed {
                return Err(failure.clone().next("begin anew: what is there already is seen as the same"));
            }
            if !is_so(&told) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Copies what was written, until `enough` is true and nothing is behind. How many times keys were copied.
    pub async fn follow(
        &self,
        copier: &Copier,
        output: &Output,
        enough: &AtomicBool,
    ) -> Result<Copied, Failure> {
        let (mut copied, mut has_caught_up) = (Copied::default(), false);
        loop {
            // First whether it is enough: what was written before that is copied below.
            let ends = enough.load(Ordering::Relaxed);
            if ends {
                self.wait_for_all_that_was_written().await?;
            }
            let mut is_idle = self.all(|told| told.is_streaming)?;
            for keys in self.written().await? {
                is_idle = false;
                copied.add(copier.again(keys).await?);
            }
            if is_idle && ends {
                return Ok(copied);
            }
            if is_idle && !has_caught_up {
                has_caught_up = true;
                output.status("the target has caught up and follows; when the source's writers have stopped, Ctrl-C ends it");
            }
            if is_idle {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// The streams are read up to where the nodes are now.
    async fn wait_for_all_that_was_written(&self) -> Result<(), Failure> {
        for (holder, ear) in &self.ears {
            let replication = Fields::of_section(&holder.link, "replication").await?;
            let written = replication.number("master_repl_offset");
            loop {
                let (offset, failed) = {
                    let told = ear.told();
                    (told.offset.unwrap_or(0), told.failed.clone())
                };
                match failed {
                    Some(failure) => return Err(failure),
                    None if offset >= written => break,
                    None => tokio::time::sleep(PAUSE).await,
                }
            }
        }
        Ok(())
    }

    /// Keys that were written since the last time, in batches.
    async fn written(&self) -> Result<Vec<Vec<Vec<u8>>>, Failure> {
        let mut keys: HashSet<Vec<u8>> = HashSet::new();
        for (holder, ear) in &self.ears {
            let (dirty, unclear) = {
                let mut told = ear.told();
                (std::mem::take(&mut told.dirty), std::mem::take(&mut told.unclear))
            };
            keys.extend(dirty);
            for words in unclear {
                keys.extend(keys_of(holder, &words).await?);
            }
        }
        let keys: Vec<Vec<u8>> = keys.into_iter().filter(|key| self.filter.takes_name(key)).collect();
        Ok(keys.chunks(BATCH).map(<[Vec<u8>]>::to_vec).collect())
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// What the node itself says are the keys of a command.
async fn keys_of(holder: &Holder, words: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Failure> {
    let ask = words.iter().fold(Words::of(&["COMMAND", "GETKEYS"]), |ask, word| ask.and(word));
    match holder.link.raw(&ask).await? {
        Reply::Array(keys) => Ok(keys.iter().filter_map(|key| key.as_bytes().map(<[u8]>::to_vec)).collect()),
        Reply::Error(error) if error.contains("no key arguments") => Ok(Vec::new()),
        other => {
            let name =
                words.first().map(|name| String::from_utf8_lossy(name).into_owned()).unwrap_or_default();
            Err(Failure::new(
                Kind::Stopped,
                format!("{} does not tell which keys {name} has written: {other:?}", holder.name),
            ))
        }
    }
}
