//! `rcl bigkeys`: which keys take the most memory, and which have the most elements.

use std::sync::Arc;

use rcl_proto::Address;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::cli::{Failure, Kind, Session};
use crate::connect::Words;
use crate::keys::{Filter, Keyspace, Measured, Rate, Tally, Walk, key_text, measure, shortened};
use crate::output::{Paint, Report, bytes, count, number_of, paint, table};

/// How many keys a SCAN looks at: few enough that no node is held up by what is asked about them.
const BATCH: usize = 250;
/// What fits beside the other columns.
const KEY_WIDTH: usize = 26;

/// Finds the keys with the most bytes and the most elements, of each type
///
/// All masters are walked at the same time, by SCAN, with TYPE, MEMORY USAGE and the length of each key.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,

    #[command(flatten)]
    pub filter: Filter,

    /// How many keys to show of each type
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub top: u16,

    /// Asks a replica that is in sync instead of its master
    #[arg(long)]
    pub from_replicas: bool,

    /// How many elements of a collection MEMORY USAGE looks at; 0 for all of them
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    pub samples: u32,

    /// No more than so many keys a second, of all nodes together
    #[arg(long, value_name = "KEYS", value_parser = clap::value_parser!(u64).range(1..))]
    pub rate: Option<u64>,
}

#[derive(Debug, Serialize)]
struct BigKeys {
    keys: u64,
    bytes: u64,
    /// Keys on nodes that do not own their slot.
    keys_elsewhere: u64,
    /// Why bytes are not known.
    no_bytes: Option<String>,
    types: Vec<OfType>,
}

#[derive(Debug, Serialize)]
struct OfType {
    #[serde(rename = "type")]
    of_type: String,
    keys: u64,
    bytes: u64,
    elements: u64,
    most_bytes: Vec<Row>,
    most_elements: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    key: String,
    slot: u16,
    node: String,
    bytes: u64,
    elements: u64,
}

impl Row {
    fn of(measured: Measured) -> Row {
        let Measured { key, slot, node, bytes, elements } = measured;
        Row { key: key_text(&key), slot, node, bytes, elements }
    }
}

impl BigKeys {
    fn of(tally: Tally) -> BigKeys {
        let rows = |best: Vec<Measured>| best.into_iter().map(Row::of).collect();
        let types: Vec<OfType> = tally
            .types
            .into_iter()
            .map(|(of_type, found)| OfType {
                of_type,
                keys: found.keys,
                bytes: found.bytes,
                elements: found.elements,
                most_bytes: rows(found.most_bytes),
                most_elements: rows(found.most_elements),
            })
            .collect();
        BigKeys {
            keys: types.iter().map(|found| found.keys).sum(),
            bytes: types.iter().map(|found| found.bytes).sum(),
            keys_elsewhere: tally.elsewhere,
            no_bytes: tally.no_bytes,
            types,
        }
    }
}

impl Report for BigKeys {
    fn text(&self) -> String {
        let mut parts = vec![format!("{}, {}", number_of(self.keys, "key"), bytes(self.bytes))];
        let cells = self.types.iter().map(|found| {
            [
                found.of_type.clone(),
                count(found.keys),
                bytes(found.bytes),
                bytes(found.bytes / found.keys.max(1)),
                count(found.elements),
            ]
        });
        if !self.types.is_empty() {
            parts.push(table(&["type", ">keys", ">bytes", ">a key", ">elements"], cells));
        }
        let ranked = |title: &str, rows: &dyn Fn(&OfType) -> Vec<[String; 6]>| {
            let cells: Vec<_> = self.types.iter().flat_map(rows).collect();
            let headings = ["type", ">bytes", ">elements", ">slot", "node", "key"];
            format!("{}\n{}", paint(Paint::Strong, title), table(&headings, cells))
        };
        if !self.types.is_empty() {
            parts.push(ranked("most bytes", &|found| {
                found.most_bytes.iter().map(|row| cell(found, row)).collect()
            }));
            parts.push(ranked("most elements (of strings: longest)", &|found| {
                found.most_elements.iter().map(|row| cell(found, row)).collect()
            }));
        }
        if self.keys_elsewhere > 0 {
            parts.push(format!(
                "{} keys lie on nodes that do not own their slots; rcl check says more",
                count(self.keys_elsewhere)
            ));
        }
        if let Some(why) = &self.no_bytes {
            parts.push(format!("bytes are not known: {why}"));
        }
        parts.join("\n\n")
    }
}

fn cell(found: &OfType, row: &Row) -> [String; 6] {
    [
        found.of_type.clone(),
        bytes(row.bytes),
        count(row.elements),
        row.slot.to_string(),
        row.node.split(' ').next().unwrap_or_default().to_owned(),
        shortened(&row.key, KEY_WIDTH),
    ]
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let keyspace = Keyspace::open(&session.connector, &args.entry, 0).await?;
    let holders = keyspace.holders(args.from_replicas)?;
    let progress = session.output.progress(holders.iter().map(|holder| holder.keys).sum(), "keys");
    progress.message("measuring");
    let (rate, top) = (Arc::new(Rate::new(args.rate)), usize::from(args.top));
    let mut measured = JoinSet::new();
    for holder in holders {
        let (rate, progress) = (Arc::clone(&rate), progress.clone());
        let (filter, samples, from_replicas) = (args.filter.clone(), args.samples, args.from_replicas);
        measured.spawn(async move {
            if from_replicas {
                holder.link.call(Words::of(&["READONLY"])).await?;
            }
            let walk = Walk::new(holder.link.clone(), filter, BATCH);
            let counted = |keys| progress.add(keys);
            measure(&holder.name, &holder.link, walk, (samples, top), &rate, counted).await
        });
    }
    let mut tally = Tally::default();
    while let Some(part) = measured.join_next().await {
        let part = part.map_err(|error| Failure::new(Kind::Internal, error.to_string()))??;
        tally.merge(part, top);
    }
    progress.finish();
    session.output.print(&BigKeys::of(tally));
    Ok(())
}
