//! How long a node takes to load a file: from the start of its process to its first answer.
//!
//! ```text
//! strings   2M strings of 64 bytes
//! mixed     1M keys of all types, see mixed.rs; also by a node with a cluster, beside one of Redis's with a cluster
//! ```
//!
//! A redis-server writes the files. Both sides load the same ones, in turn, and what they have then must have the same digest.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rcl_proto::resp::Reply;

use crate::Scale;
use crate::figures::{Figures, Target};
use crate::mixed::{self, Words};
use crate::node::{Both, Node, Side};
use crate::serve;

const ALONE: &[&str] = &["--cluster-enabled", "no", "--enable-debug-command", "yes"];
const IN_CLUSTER: &[&str] = &["--cluster-enabled", "yes", "--enable-debug-command", "yes"];
const DATA_FILE: &str = "dump.rdb";
const PATIENCE: Duration = Duration::from_secs(120);
/// Requests in one write.
const REQUESTS_AT_ONCE: usize = 200;

struct Case {
    /// Of the figures by time and by CPU time.
    names: [&'static str; 2],
    title: &'static str,
    directives: &'static [&'static str],
}

pub fn measure(scale: Scale, figures: &mut Figures) -> anyhow::Result<()> {
    let rounds = scale.of(3, 1);
    let strings = scale.of(2_000_000, 200_000);
    let mixed = scale.of(1_000_000, 100_000);
    eprintln!("load: {strings} strings, {mixed} keys of all types, {rounds} rounds");
    let case = |names, title, directives| Case { names, title, directives };
    let of_strings = [case(["load_strings", "load_strings_cpu"], "strings of 64 bytes", ALONE)];
    let of_mixed = [
        case(["load_mixed", "load_mixed_cpu"], "keys of all types", ALONE),
        case(["load_mixed_cluster", "load_mixed_cluster_cpu"], "the same in a cluster", IN_CLUSTER),
    ];
    for (cases, file) in [
        (&of_strings[..], File::written("strings", |node| serve::fill(node, strings))?),
        (&of_mixed[..], File::written("mixed", |node| fill_mixed(node, mixed))?),
    ] {
        for round in 0..rounds {
            for case in cases {
                let mut loads: Both<Load> = Both::default();
                for side in Side::in_turn(round) {
                    *loads.of(side) = load(side, &file.path, case.directives)?;
                }
                ensure!(loads.ours.content == loads.theirs.content, "{}: not the same data", case.title);
                report(figures, case, &loads);
            }
        }
    }
    Ok(())
}

fn report(figures: &mut Figures, case: &Case, loads: &Both<Load>) {
    let Both { ours, theirs } = loads;
    let [by_time, by_cpu] = case.names;
    let title = format!("loading {}: seconds", case.title);
    figures.add(by_time, &title, Target::AtMost(0.35), ours.seconds, theirs.seconds);
    let title = format!("loading {}: CPU seconds", case.title);
    figures.add(by_cpu, &title, Target::AtMost(1.0), ours.cpu_seconds, theirs.cpu_seconds);
}

#[derive(Clone, Debug, Default)]
struct Load {
    seconds: f64,
    cpu_seconds: f64,
    /// The number of keys, and the digest of all data.
    content: (i64, String),
}

fn load(side: Side, file: &Path, directives: &[&str]) -> anyhow::Result<Load> {
    let lay_out = |folder: &Path| Ok(std::fs::hard_link(file, folder.join(DATA_FILE))?);
    let began = Instant::now();
    let mut node = Node::spawn_on(side, directives, lay_out)?;
    node.await_answer(PATIENCE)?;
    let (seconds, cpu_seconds) = (began.elapsed().as_secs_f64(), node.cpu_seconds()?);
    let mut client = node.client()?;
    let content = (client.number(&["DBSIZE"])?, client.text(&["DEBUG", "DIGEST"])?);
    Ok(Load { seconds, cpu_seconds, content })
}

/// An RDB file that goes with its value.
struct File {
    path: PathBuf,
}

impl File {
    fn written(name: &str, fill: impl FnOnce(&Node) -> anyhow::Result<()>) -> anyhow::Result<File> {
        let node = Node::start_many(Side::Theirs, 1, ALONE)?.pop().context("one node was started")?;
        fill(&node)?;
        node.client()?.call(&["SAVE"])?;
        let path = std::env::temp_dir().join(format!("rcl-bench-{}-{name}.rdb", std::process::id()));
        std::fs::rename(node.directory().join(DATA_FILE), &path)?;
        eprintln!("  {name}: {:.0} MB", std::fs::metadata(&path)?.len() as f64 / 1e6);
        Ok(File { path })
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn fill_mixed(node: &Node, keys: usize) -> anyhow::Result<()> {
    let mut client = node.client()?;
    for from in (0..keys).step_by(REQUESTS_AT_ONCE) {
        let requests: Vec<Words> =
            (from..keys.min(from + REQUESTS_AT_ONCE)).flat_map(mixed::requests).collect();
        for reply in client.pipeline_of(requests.iter().map(|words| words.iter().map(Vec::as_slice)))? {
            ensure!(!matches!(reply, Reply::Error(_)), "{reply:?}");
        }
    }
    Ok(())
}
