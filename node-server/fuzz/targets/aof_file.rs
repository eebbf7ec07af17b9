//! Any bytes as an append-only file, through the loader of a node that starts: an error, or data that can be walked. A file that
//! was cut off where it was torn is whole the next time, and gives the same data; and so do several threads that apply its commands.
//!
//! ```text
//!   first byte   in a cluster or not; aof-load-truncated; whether the first part is the manifest, a base, or an incremental file
//!   the rest     the parts, each up to a line of "===="
//! ```
#![no_main]

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use rcl_node::applying::{Applier, Shape, Source};
use rcl_node::client::ClientHandle;
use rcl_node::executor::in_memory::{Client, node_with};
use rcl_node::node::Node;
use rcl_node::persistence::aof;
use rcl_store::aof::CommandReader;

/// They end the process, reach for the network or the disk, change what the next input finds, or may run for ever: a file that
/// says so is no use here.
const LEFT_OUT: &[&str] = &[
    "shutdown", "debug", "config", "migrate", "slaveof", "cluster", "sync", "save", "rewrite", "acl",
    "failover", "monitor", "module", "client", "while", "rep", "for", "goto", "auth", "hello", "reset",
    "loadaof",
];

/// With large numbers these take as much memory, or draw as often.
const LARGE: &[&str] = &["setrange", "setbit", "bitfield", "rand"];

/// What these do is not the same each time.
const DIFFERS: &[&str] =
    &["spop", "xadd", "expire", "\nex\r", "\npx\r", "getex", "setex", "eval", "fcall", "rand"];

const SEPARATOR: &[u8] = b"====\n";

struct Place {
    node: Arc<Node>,
    client: Client,
    folder: PathBuf,
}

impl Place {
    fn new(cluster: &str) -> Place {
        let folder = std::env::temp_dir().join(format!("rcl-fuzz-aof-{}-{cluster}", std::process::id()));
        fs::create_dir_all(folder.join("appendonlydir")).expect("a folder for the files");
        let dir = folder.to_string_lossy().into_owned();
        let arguments = [
            ["--dir", &dir],
            ["--cluster-enabled", cluster],
            ["--appendonly", "yes"],
            ["--appendfilename", "a"],
            ["--proto-max-bulk-len", "1mb"],
        ];
        let node = node_with(arguments.as_flattened(), "");
        Place { client: Client::new(&node), node, folder: folder.join("appendonlydir") }
    }

    fn lay_out(&self, first: u8, parts: &[&[u8]]) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let _ = fs::remove_file(entry.path());
        }
        let mut manifest = String::new();
        for (number, part) in parts.iter().enumerate() {
            let (name, line) = match first >> 2 & 3 {
                0 if number == 0 => ("a.manifest".to_owned(), String::new()),
                1 if number == 0 => ("a.base".to_owned(), "file a.base seq 1 type b\n".to_owned()),
                _ => (format!("a.{number}"), format!("file a.{number} seq {} type i\n", number + 1)),
            };
            manifest.push_str(&line);
            fs::write(self.folder.join(name), part).expect("a file is written");
        }
        if first >> 2 & 3 != 0 {
            fs::write(self.folder.join("a.manifest"), manifest).expect("a manifest is written");
        }
    }

    fn empty(&mut self) {
        self.client.request(&[b"FLUSHALL"]);
        self.client.request(&[&b"FUNCTION"[..], b"FLUSH"]);
        self.client.request(&[&b"SCRIPT"[..], b"FLUSH"]);
    }

    /// Its digest; what is in it is walked.
    fn data(&mut self) -> Option<Vec<u8>> {
        self.client.request(&[&b"KEYS"[..], b"*"]);
        self.client.request(&[&b"DEBUG"[..], b"DIGEST"])
    }

    fn applied(&mut self, part: &[u8], shape: Shape) -> Option<Vec<u8>> {
        let handle = ClientHandle::new(self.node.clients.next_id(), None, String::new(), -1, 0);
        let mut applier = Applier::new(&self.node, Arc::new(handle), Source::AppendOnlyFile, shape);
        let mut reader = CommandReader::new(part, 0);
        while let Ok(true) = reader.advance() {
            applier.apply(reader.args(), self.node.commands.find(reader.args()), 0);
        }
        applier.drain();
        drop(applier);
        let data = self.data();
        self.empty();
        data
    }
}

thread_local! {
    static PLACES: RefCell<[Place; 2]> = RefCell::new([Place::new("no"), Place::new("yes")]);
}

fn says(lower: &[u8], words: &[&str]) -> bool {
    words.iter().any(|word| lower.windows(word.len()).any(|window| window == word.as_bytes()))
}

fn parts(bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(end) = rest.windows(SEPARATOR.len()).position(|window| window == SEPARATOR) {
        parts.push(&rest[..end]);
        rest = &rest[end + SEPARATOR.len()..];
    }
    parts.push(rest);
    parts
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&first, bytes)) = bytes.split_first() else { return };
    let lower = bytes.to_ascii_lowercase();
    let has_large =
        bytes.chunk_by(|one, next| one.is_ascii_digit() && next.is_ascii_digit()).any(|run| run.len() > 6);
    if says(&lower, LEFT_OUT) || (has_large && says(&lower, LARGE)) {
        return;
    }
    let parts = parts(bytes);
    PLACES.with_borrow_mut(|places| {
        let place = &mut places[usize::from(first & 1)];
        let truncates: &[u8] = if first & 2 == 0 { b"yes" } else { b"no" };
        place.client.request(&[b"CONFIG", &b"SET"[..], b"aof-load-truncated", truncates]);
        place.lay_out(first, &parts);
        let loaded = aof::load_at_start(&place.node);
        let data = place.data();
        place.empty();
        if loaded.is_ok() {
            let again = aof::load_at_start(&place.node);
            assert!(again.is_ok(), "it was whole, or is since it was cut off");
            let same = place.data();
            place.empty();
            assert!(says(&lower, DIFFERS) || data == same, "the same file gives the same data");
        }
        let serial = place.applied(parts[0], Shape { lanes: 0, commands_a_chunk: 1 });
        let by_lanes = place.applied(parts[0], Shape { lanes: 2, commands_a_chunk: 2 });
        assert!(says(&lower, DIFFERS) || serial == by_lanes, "lanes make the same of it");
    });
});
