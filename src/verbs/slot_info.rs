//! `rcl slot-info`: who owns which slots, and how many keys lie in them.

use rcl_proto::{Address, SLOT_COUNT};
use serde::Serialize;

use crate::cli::{Failure, Session};
use crate::connect::Cluster;
use crate::output::{Report, bar, count, table};

/// Shows each master's slots: ranges, counts, keys, share
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any node of the cluster
    #[arg(value_name = "HOST:PORT", env = "RCL_ENTRY")]
    pub entry: Address,
}

#[derive(Debug, Serialize)]
struct Shares {
    masters: Vec<Share>,
    uncovered: String,
}

#[derive(Debug, Serialize)]
struct Share {
    id: String,
    address: String,
    slots: usize,
    ranges: String,
    /// Of all slots.
    share_percent: f64,
    keys: Option<u64>,
    keys_percent: Option<f64>,
}

impl Report for Shares {
    fn text(&self) -> String {
        let largest = self.masters.iter().map(|share| share.slots).max().unwrap_or(0).max(1);
        let cells = |share: &Share| {
            let percent = |value: f64| format!("{value:.1} %");
            [
                share.address.clone(),
                count(share.slots as u64),
                percent(share.share_percent),
                bar(share.slots as f64 / largest as f64, 12),
                share.keys.map_or_else(|| "?".to_owned(), count),
                share.keys_percent.map_or_else(String::new, percent),
                shortened(&share.ranges),
            ]
        };
        let headings = ["master", ">slots", ">share", "", ">keys", ">of keys", "ranges"];
        let mut text = table(&headings, self.masters.iter().map(cells));
        if !self.uncovered.is_empty() {
            text.push_str(&format!("\nwithout an owner: {}", shortened(&self.uncovered)));
        }
        text
    }
}

/// As many ranges as stay on one line; JSON has all of them.
fn shortened(ranges: &str) -> String {
    let words: Vec<&str> = ranges.split(' ').collect();
    match words.len() {
        0..=2 => ranges.to_owned(),
        more => format!("{} {} +{}", words[0], words[1], more - 2),
    }
}

pub async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let cluster = Cluster::observe(&session.connector, &args.entry).await?;
    let masters = cluster.topology.masters();
    let keys: u64 = masters.iter().map(|node| node.keys()).sum();
    let share = |part: f64, whole: f64| if whole > 0.0 { 100.0 * part / whole } else { 0.0 };
    let masters = masters.iter().map(|node| Share {
        id: node.id.to_string(),
        address: node.address.to_string(),
        slots: node.slots.len(),
        ranges: node.slots.to_string(),
        share_percent: share(node.slots.len() as f64, SLOT_COUNT as f64),
        keys: node.answers().then(|| node.keys()),
        keys_percent: node.answers().then(|| share(node.keys() as f64, keys as f64)),
    });
    let masters = masters.collect();
    session.output.print(&Shares { masters, uncovered: cluster.topology.uncovered().to_string() });
    Ok(())
}
