//! `rcl hotkeys`: which keys are used most.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rcl_proto::resp::Reply;
use rcl_proto::{Address, key_slot};
use serde::Serialize;
use tokio::task::JoinSet;

use crate::cli::{Failure, Kind, Session};
use crate::connect::{Fields, Pipeline, Words};
use crate::keys::{Filter, Holder, KeyPlaces, Keyspace, Rate, Walk, key_text, listen, shortened};
use crate::output::{Report, count, table};

const BATCH: usize = 500;
/// A node that is listened to for so many commands has said enough.
const MOST_COMMANDS: u64 = 1_000_000;
const KEY_WIDTH: usize = 40;

/// Finds the keys that are used most
///
/// By the counters that nodes keep with an LFU eviction policy (OBJECT FREQ), which cost nothing to read. Without such a policy,
/// --monitor SECONDS listens to all commands for that time: it slows each node down while it runs.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,

    #[command(flatten)]
    pub filter: Filter,

    /// How many keys to show
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub top: u16,

    /// Counts what clients send, by MONITOR, for so many seconds: nodes are slower meanwhile
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=60),
          conflicts_with_all = ["rate", "pattern", "of_type"])]
    pub monitor: Option<u64>,

    /// No more than so many keys a second, of all nodes together
    #[arg(long, value_name = "KEYS", value_parser = clap::value_parser!(u64).range(1..))]
    pub rate: Option<u64>,
}

#[derive(Debug, Serialize)]
struct HotKeys {
    /// `lfu` or `monitor`.
    by: &'static str,
    /// Of `monitor`: how many commands were seen.
    commands: Option<u64>,
    keys: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Row {
    /// Of `lfu`, the logarithmic counter from 0 to 255; of `monitor`, how often it was used.
    uses: u64,
    key: String,
    slot: u16,
    node: String,
}

impl Report for HotKeys {
    fn text(&self) -> String {
        let cells = self.keys.iter().map(|row| {
            let node = row.node.split(' ').next().unwrap_or_default().to_owned();
            [count(row.uses), row.slot.to_string(), node, shortened(&row.key, KEY_WIDTH)]
        });
        let heading = if self.commands.is_some() { ">uses" } else { ">frequency" };
        let mut text = table(&[heading, ">slot", "node", "key"], cells);
        match self.commands {
            Some(commands) => text.push_str(&format!("\nof {} commands seen", count(commands))),
            None => text.push_str("\nfrequency: the nodes' LFU counter, 0 to 255, logarithmic"),
        }
        text
    }
}

/// The most used ones, of all that were given to it.
#[derive(Debug)]
struct Top {
    rows: BTreeSet<Row>,
    most: usize,
}

impl Top {
    fn put(&mut self, row: Row) {
        self.rows.insert(row);
        if self.rows.len() > self.most {
            self.rows.pop_first();
        }
    }
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let keyspace = Keyspace::open(&session.connector, &args.entry, 0).await?;
    let holders = keyspace.holders(false)?;
    let mut top = Top { rows: BTreeSet::new(), most: usize::from(args.top) };
    let mut commands = None;
    match args.monitor {
        Some(seconds) => commands = Some(by_monitor(session, holders, seconds, &mut top).await?),
        None => {
            refuse_without_counters(&holders, &args.entry).await?;
            by_counters(session, args, holders, &mut top).await?;
        }
    }
    let by = if commands.is_some() { "monitor" } else { "lfu" };
    session.output.print(&HotKeys { by, commands, keys: top.rows.into_iter().rev().collect() });
    Ok(())
}

async fn refuse_without_counters(holders: &[Holder], entry: &Address) -> Result<(), Failure> {
    for holder in holders {
        let memory = Fields::of_section(&holder.link, "memory").await?;
        let policy = memory.get("maxmemory_policy").unwrap_or("unknown").to_owned();
        if !policy.ends_with("-lfu") {
            return Err(Failure::refused(format!(
                "{} does not count how often keys are used: its maxmemory-policy is {policy}",
                holder.name
            ))
            .next(format!(
                "rcl hotkeys {entry} --monitor 5 listens to all commands for five seconds, which slows the nodes down; \
                 or set a policy that counts (allkeys-lfu, volatile-lfu) on all nodes and come back after a while"
            )));
        }
    }
    Ok(())
}

async fn by_counters(
    session: &Session,
    args: &Args,
    holders: Vec<Holder>,
    top: &mut Top,
) -> Result<(), Failure> {
    let progress = session.output.progress(holders.iter().map(|holder| holder.keys).sum(), "keys");
    progress.message("looking");
    let (rate, most) = (Arc::new(Rate::new(args.rate)), top.most);
    let mut tasks = JoinSet::new();
    for holder in holders {
        let (rate, filter, progress) = (Arc::clone(&rate), args.filter.clone(), progress.clone());
        tasks.spawn(async move {
            let mut best = Top { rows: BTreeSet::new(), most };
            let mut walk = Walk::new(holder.link.clone(), filter, BATCH);
            while let Some(keys) = walk.next().await? {
                rate.take(keys.len()).await;
                let asks: Pipeline = keys.iter().map(|key| Words::of(&["OBJECT", "FREQ"]).and(key)).collect();
                for (key, reply) in keys.iter().zip(holder.link.pipeline(&asks).await?) {
                    // A key that went, or lies on the wrong node, has none.
                    let Reply::Integer(uses) = reply else { continue };
                    best.put(row(&holder, key, u64::try_from(uses).unwrap_or(0)));
                }
                progress.add(keys.len() as u64);
            }
            Ok::<Top, Failure>(best)
        });
    }
    while let Some(best) = tasks.join_next().await {
        let best = best.map_err(|error| Failure::new(Kind::Internal, error.to_string()))??;
        best.rows.into_iter().for_each(|row| top.put(row));
    }
    progress.finish();
    Ok(())
}

/// How many commands were seen.
async fn by_monitor(
    session: &Session,
    holders: Vec<Holder>,
    seconds: u64,
    top: &mut Top,
) -> Result<u64, Failure> {
    session.output.status(&format!("listening to {} masters for {seconds} s", holders.len()));
    let mut tasks = JoinSet::new();
    for holder in holders {
        let connector = session.connector.clone();
        tasks.spawn(async move {
            let places = KeyPlaces::ask(&holder.link).await?;
            let address = holder.link.address().clone();
            let time = Duration::from_secs(seconds);
            let work = move || listen(&connector, &address, &places, time, MOST_COMMANDS);
            let usage = tokio::task::spawn_blocking(work).await;
            let usage = usage.map_err(|error| Failure::new(Kind::Internal, error.to_string()))??;
            Ok::<_, Failure>((holder, usage))
        });
    }
    let mut commands = 0;
    while let Some(heard) = tasks.join_next().await {
        let (holder, usage) = heard.map_err(|error| Failure::new(Kind::Internal, error.to_string()))??;
        commands += usage.commands;
        usage.keys.iter().for_each(|(key, uses)| top.put(row(&holder, key, *uses)));
    }
    Ok(commands)
}

fn row(holder: &Holder, key: &[u8], uses: u64) -> Row {
    Row { uses, key: key_text(key), slot: key_slot(key).number(), node: holder.name.clone() }
}
