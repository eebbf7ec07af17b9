//! How long a node needs to replay its append-only file.
//!
//! ```text
//! the same file for both: a manifest with one incremental file, written here
//!   sets     2M SETs of as many keys, 64-byte values, no slot like the one before
//!   mixed    2M commands that write all types, among them transactions, deletions and expiries
//! as nodes of a cluster, and once without one
//! ```
//!
//! Counted is from the start of the process to its first answer that is no -LOADING. Then both have the same data, of which a part is
//! read back.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::ensure;
use rcl_proto::resp::{Reply, encode_request};

use crate::Scale;
use crate::client::{Client, field};
use crate::figures::{Figures, Target};
use crate::node::{Both, Node, Side, await_that};
use crate::serve::{self, value};

/// So many keys of each kind are compared.
const READ_BACK: usize = 2000;
const FOLDER: &str = "appendonlydir";
const FILE: &str = "appendonly.aof.1.incr.aof";
const MANIFEST: (&str, &str) = ("appendonly.aof.manifest", "file appendonly.aof.1.incr.aof seq 1 type i\n");

pub fn measure(scale: Scale, figures: &mut Figures) -> anyhow::Result<()> {
    let (rounds, commands) = scale.of((3, 2_000_000), (1, 200_000));
    eprintln!("aof-replay: {commands} commands, {rounds} rounds");
    let folder = Scratch::new()?;
    let sets = folder.write("sets", |out| (0..commands).try_for_each(|index| set(index, out)))?;
    let mixed = folder.write("mixed", |out| write_mixed(commands, out))?;
    for round in 0..rounds {
        for (names, title, file, cluster) in [
            (["replay_sets", "replay_sets_cpu"], "AOF of SETs", &sets, "yes"),
            (["replay_mixed", "replay_mixed_cpu"], "AOF of all types", &mixed, "yes"),
            (["replay_alone", "replay_alone_cpu"], "the same, no cluster", &mixed, "no"),
        ] {
            let mut runs: Both<Run> = Both::default();
            for side in Side::in_turn(round) {
                *runs.of(side) = replay(side, file, cluster)?;
            }
            let Both { ours, theirs } = runs;
            ensure!(ours.keys == theirs.keys, "ours has {} keys, theirs {}", ours.keys, theirs.keys);
            for (ours, theirs) in ours.data.iter().zip(&theirs.data) {
                ensure!(ours == theirs, "ours has {ours}, theirs {theirs}");
            }
            let [seconds, cpu] = names;
            let what = |of: &str| format!("{title}: {of}");
            figures.add(seconds, &what("seconds"), Target::AtMost(0.5), ours.seconds, theirs.seconds);
            figures.add(cpu, &what("CPU seconds"), Target::AtMost(1.0), ours.cpu, theirs.cpu);
        }
    }
    Ok(())
}

#[derive(Clone, Debug, Default)]
struct Run {
    seconds: f64,
    cpu: f64,
    keys: i64,
    /// What some keys hold.
    data: Vec<String>,
}

fn replay(side: Side, file: &Path, cluster: &str) -> anyhow::Result<Run> {
    // It has the slots of its keys, and no others.
    let directives =
        ["--cluster-enabled", cluster, "--cluster-require-full-coverage", "no", "--appendonly", "yes"];
    let lay_out = |folder: &Path| -> anyhow::Result<()> {
        let folder = folder.join(FOLDER);
        fs::create_dir(&folder)?;
        fs::write(folder.join(MANIFEST.0), MANIFEST.1)?;
        fs::copy(file, folder.join(FILE))?;
        Ok(())
    };
    let mut node = Node::spawn_on(side, &directives, lay_out)?;
    let began = Instant::now();
    node.await_answer(Duration::from_secs(120))?;
    let seconds = began.elapsed().as_secs_f64();
    let cpu = node.cpu_seconds()?;
    let mut client = node.client()?;
    if cluster == "yes" {
        await_that("the node is ok", || {
            Ok(field(&client.text(&["CLUSTER", "INFO"])?, "cluster_state") == Some("ok"))
        })?;
    }
    let keys = client.number(&["DBSIZE"])?;
    Ok(Run { seconds, cpu, keys, data: some_data(&mut client)? })
}

fn some_data(client: &mut Client) -> anyhow::Result<Vec<String>> {
    let mut data = Vec::new();
    for number in 0..READ_BACK {
        let key = |kind: &str| name(kind, number);
        let requests = [
            vec!["GET".to_owned(), String::from_utf8(serve::key(number))?],
            vec!["GET".to_owned(), key("counter")],
            vec!["LRANGE".to_owned(), key("list"), "0".to_owned(), "-1".to_owned()],
            vec![
                "ZRANGE".to_owned(),
                key("sorted"),
                "0".to_owned(),
                "-1".to_owned(),
                "WITHSCORES".to_owned(),
            ],
            vec!["XRANGE".to_owned(), key("stream"), "-".to_owned(), "+".to_owned()],
            vec!["PEXPIRETIME".to_owned(), key("hash")],
            vec!["HGETALL".to_owned(), key("hash")],
            vec!["SMEMBERS".to_owned(), key("set")],
        ];
        let replies = client.pipeline_of(requests.iter().map(|words| words.iter().map(String::as_bytes)))?;
        for (request, reply) in requests.iter().zip(replies) {
            let mut shown = format!("{reply:?}");
            if let Reply::Array(mut items) = reply
                && ["HGETALL", "SMEMBERS"].contains(&&*request[0])
            {
                // In no order that both have.
                items.sort_by_cached_key(|item| format!("{item:?}"));
                shown = format!("{items:?}");
            }
            data.push(format!("{}: {shown}", request.join(" ")));
        }
    }
    Ok(data)
}

fn name(kind: &str, number: usize) -> String {
    format!("{kind}:{{{number}}}")
}

fn set(index: usize, out: &mut Vec<u8>) -> anyhow::Result<()> {
    encode_request(out, [b"SET".as_slice(), &serve::key(index), &value(index)]);
    Ok(())
}

/// Commands as a node logs them, about a tenth as many keys.
fn write_mixed(commands: usize, out: &mut Vec<u8>) -> anyhow::Result<()> {
    let mut random = 1u64;
    let mut draw = |from: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % from
    };
    let mut count = 0;
    while count < commands {
        let number = draw(commands / 50 + 1);
        let name = |kind: &str| name(kind, number);
        let id = format!("{}-1", count + 1);
        let mut add = |words: &[&str]| {
            encode_request(out, words.iter().map(|word| word.as_bytes()));
            count += 1;
        };
        let word = format!("element:{}", draw(64));
        match draw(100) {
            0..30 => {
                let index = draw(commands / 4);
                encode_request(out, [b"SET".as_slice(), &serve::key(index), &value(index)]);
                count += 1;
            }
            30..40 => add(&["INCRBY", &name("counter"), &draw(1000).to_string()]),
            40..55 => add(&["HSET", &name("hash"), &word, "the value of a field"]),
            55..63 => add(&["RPUSH", &name("list"), &word, &word]),
            63..68 => add(&["LPOP", &name("list")]),
            68..78 => add(&["SADD", &name("set"), &word]),
            78..81 => add(&["SREM", &name("set"), &word]),
            81..91 => add(&["ZADD", &name("sorted"), &draw(10_000).to_string(), &word]),
            91..94 => add(&["PEXPIREAT", &name("hash"), "4000000000000"]),
            94..96 => add(&["XADD", &name("stream"), &id, "field", &word]),
            96..98 => add(&["DEL", &name("set")]),
            _ => {
                add(&["MULTI"]);
                add(&["INCRBY", &name("counter"), "1"]);
                add(&["HSET", &name("hash"), &word, "in a transaction"]);
                add(&["EXEC"]);
            }
        }
    }
    Ok(())
}

/// Where the files are while it is measured.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> anyhow::Result<Scratch> {
        let folder = std::env::temp_dir().join(format!("rcl-bench-replay-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Scratch(folder))
    }

    fn write(
        &self,
        name: &str,
        write: impl FnOnce(&mut Vec<u8>) -> anyhow::Result<()>,
    ) -> anyhow::Result<PathBuf> {
        let path = self.0.join(name);
        let mut bytes = Vec::new();
        write(&mut bytes)?;
        fs::write(&path, &bytes)?;
        eprintln!("  {name}: {:.0} MB", bytes.len() as f64 / 1e6);
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
