//! Whole snapshots of a node in memory. What happens meanwhile the sinks do: they are written to while no lock is held.

use std::collections::BTreeMap;
use std::sync::Mutex;

use rcl_store::rdb::{FileDecoder, Item};
use rcl_store::types::Limits;

use super::*;
use crate::executor::in_memory::{Client, node, node_with};

/// Keeps what it gets, and does something at each piece.
struct Collecting<F> {
    bytes: Arc<Mutex<Vec<u8>>>,
    at_each: F,
}

impl<F: FnMut() -> SinkState + Send> Sink for Collecting<F> {
    fn write(&mut self, bytes: &Bytes) -> io::Result<SinkState> {
        let state = (self.at_each)();
        if state == SinkState::Taken {
            self.bytes.lock().unwrap().extend_from_slice(bytes);
        }
        Ok(state)
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
}

fn collecting(at_each: impl FnMut() -> SinkState + Send + 'static) -> (Box<dyn Sink>, Arc<Mutex<Vec<u8>>>) {
    let bytes: Arc<Mutex<Vec<u8>>> = Arc::default();
    (Box::new(Collecting { bytes: bytes.clone(), at_each }), bytes)
}

/// Keys with values of 1000 bytes that can't be compressed to nothing.
fn fill(node: &Arc<Node>, keys: usize) {
    let mut client = Client::new(node);
    (0..keys).for_each(|number| set(&mut client, number, "before"));
}

fn set(client: &mut Client, number: usize, what: &str) {
    let value: String =
        (0..100).map(|part| format!("{what}{:04}", (number * 31 + part * 17) % 10_000)).collect();
    assert_eq!(client.ask_words(&["SET", &number.to_string(), &value]), "+OK");
}

fn read(bytes: &[u8]) -> BTreeMap<Vec<u8>, String> {
    let mut decoder = FileDecoder::new(bytes, Limits::default());
    let mut keys = BTreeMap::new();
    loop {
        match decoder.next_item().unwrap() {
            Item::Key(item) => {
                let again = keys.insert(item.entry.key().to_vec(), format!("{:?}", item.entry.value()));
                assert!(again.is_none());
            }
            Item::End => return keys,
            _ => {}
        }
    }
}

fn made(node: &Arc<Node>, room_bytes: usize, sinks: Vec<Box<dyn Sink>>) -> Result<Summary, SnapshotError> {
    let claim = claim(node).unwrap();
    run_within(node, claim, Pace::GivingWay, Arc::new(Room::new(room_bytes)), Format::Rdb, |_| sinks)
}

/// The value of a line of INFO.
fn info(client: &mut Client, name: &str) -> String {
    let text = client.ask("INFO persistence stats");
    let start = text.find(&format!(" {name}:")).unwrap() + name.len() + 2;
    text[start..].split(' ').next().unwrap().to_owned()
}

#[test]
fn what_writers_do_meanwhile_is_not_in_it() {
    let node = node();
    fill(&node, 1000);
    let (mut client, mut next) = (Client::new(&node), 0);
    let (sink, bytes) = collecting(move || {
        for _ in 0..100 {
            set(&mut client, next, "after");
            next += 1;
        }
        SinkState::Taken
    });
    let summary = made(&node, LEAST_ROOM_BYTES, vec![sink]).unwrap();
    assert_eq!(summary.keys, 1000);
    let keys = read(&bytes.lock().unwrap());
    assert_eq!(keys.len(), 1000);
    // Each begins with the `b` of `before`.
    assert!(keys.values().all(|value| value.starts_with("String([98")));
    let mut client = Client::new(&node);
    assert_ne!(info(&mut client, "rdb_last_cow_size"), "0");
    assert!(info(&mut client, "snapshot_handed_over").starts_with("entries="));
    assert_eq!(info(&mut client, "total_forks"), "1");
    assert_eq!(info(&mut client, "latest_fork_usec"), info(&mut client, "snapshot_point_usec"));
    for name in ["snapshot_locks_usec", "snapshot_locks_cpu_usec"] {
        assert!(!info(&mut client, name).starts_with("count=0,"), "{name}");
    }
    // Nothing was left behind.
    assert!((0..node.shards.count()).all(|index| !node.shards.lock(index).keyspace.snapshot_is_running()));
}

#[test]
fn a_sink_so_slow_that_writers_fill_the_room_costs_the_snapshot_and_no_more_memory() {
    let node = node();
    fill(&node, 2000);
    let (mut client, room) = (Client::new(&node), Arc::new(Room::new(100_000)));
    let seen = room.clone();
    let (sink, _) = collecting(move || {
        (0..2000).for_each(|number| set(&mut client, number, "after"));
        assert!(seen.used_bytes() <= 100_000);
        SinkState::Taken
    });
    let ended = run_within(&node, claim(&node).unwrap(), Pace::GivingWay, room, Format::Rdb, |_| vec![sink]);
    let overrun = rcl_store::snapshot::SnapshotError::Overrun;
    assert!(matches!(ended, Err(SnapshotError::Store(error)) if error == overrun), "{ended:?}");
    assert!((0..node.shards.count()).all(|index| !node.shards.lock(index).keyspace.snapshot_is_running()));
    // The next one begins anew.
    let (sink, bytes) = collecting(|| SinkState::Taken);
    assert_eq!(made(&node, 100_000, vec![sink]).unwrap().keys, 2000);
    assert_eq!(read(&bytes.lock().unwrap()).len(), 2000);
}

#[test]
fn a_replica_that_takes_nothing_is_given_up_before_the_snapshot_is() {
    let node = node();
    fill(&node, 2000);
    let (mut client, mut next) = (Client::new(&node), 0);
    let (full, _) = collecting(move || {
        set(&mut client, next % 2000, "after");
        next += 1;
        SinkState::Full
    });
    let (sink, bytes) = collecting(|| SinkState::Taken);
    assert_eq!(made(&node, 100_000, vec![full, sink]).unwrap().keys, 2000);
    assert_eq!(read(&bytes.lock().unwrap()).len(), 2000);
}

/// One in the background would bring back what is gone; who waits for one gets the data that there were.
#[test]
fn when_all_data_are_flushed_one_in_the_background_is_called_off() {
    for (pace, keys) in [(Pace::GivingWay, None), (Pace::Prompt, Some(500))] {
        let node = node();
        fill(&node, 500);
        let (flusher, mut flushed) = (node.clone(), false);
        let (sink, _) = collecting(move || {
            if !std::mem::replace(&mut flushed, true) {
                assert_eq!(Client::new(&flusher).ask("FLUSHALL"), "+OK");
            }
            SinkState::Taken
        });
        let result = run(&node, claim(&node).unwrap(), pace, |_| vec![sink]);
        assert_eq!(result.as_ref().map(|summary| summary.keys).ok(), keys);
        assert_eq!(matches!(result, Err(SnapshotError::CalledOff)), keys.is_none());
        assert!(!node.persistence.snapshot_is_running());
    }
}

/// Who is kept waiting by a delay that is taken back is kept waiting no longer.
#[test]
fn a_delay_ends_with_its_directive() {
    let node = node();
    fill(&node, 3);
    let mut client = Client::new(&node);
    // As long as a test that fails takes.
    assert_eq!(client.ask("CONFIG SET rdb-key-save-delay 1000000000"), "+OK");
    let (sink, _) = collecting(|| SinkState::Taken);
    let snapshot = {
        let (node, claim) = (node.clone(), claim(&node).unwrap());
        std::thread::spawn(move || run(&node, claim, Pace::GivingWay, |_| vec![sink]))
    };
    while info(&mut client, "current_save_keys_total") == "0" {
        std::thread::yield_now();
    }
    assert_eq!(client.ask("CONFIG SET rdb-key-save-delay 0"), "+OK");
    assert_eq!(snapshot.join().unwrap().unwrap().keys, 3);
}

/// A copy that is put into a file first is made for nobody when who waits for it is gone.
#[test]
fn it_ends_when_no_sink_wants_it_any_more() {
    struct Unwanted;
    impl Sink for Unwanted {
        fn write(&mut self, _bytes: &Bytes) -> io::Result<SinkState> {
            unreachable!("nobody wants it");
        }
        fn finish(self: Box<Self>) -> io::Result<()> {
            Ok(())
        }
        fn is_called_off(&self) -> bool {
            true
        }
    }
    let node = node();
    fill(&node, 500);
    let result = run(&node, claim(&node).unwrap(), Pace::GivingWay, |_| vec![Box::new(Unwanted)]);
    assert!(matches!(result, Err(SnapshotError::NoSink)), "{result:?}");
}

#[test]
fn a_save_that_is_scheduled_goes_along() {
    let folder = std::env::temp_dir().join(format!("along-{}-{}", std::process::id(), clock::now_us()));
    std::fs::create_dir(&folder).unwrap();
    let node = node_with(&["--dir", folder.to_str().unwrap()], "");
    fill(&node, 100);
    save::schedule(&node);
    let (sink, bytes) = collecting(|| SinkState::Taken);
    made(&node, LEAST_ROOM_BYTES, vec![sink]).unwrap();
    assert_eq!(std::fs::read(folder.join("dump.rdb")).unwrap(), *bytes.lock().unwrap());
    let mut client = Client::new(&node);
    for (name, value) in
        [("rdb_saves", "1"), ("rdb_changes_since_last_save", "0"), ("rdb_last_bgsave_status", "ok")]
    {
        assert_eq!(info(&mut client, name), value, "{name}");
    }
    // It was the one that was scheduled.
    std::fs::remove_file(folder.join("dump.rdb")).unwrap();
    let (sink, _) = collecting(|| SinkState::Taken);
    made(&node, LEAST_ROOM_BYTES, vec![sink]).unwrap();
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    // Where the file can't be, the others go on.
    std::fs::remove_dir(&folder).unwrap();
    save::schedule(&node);
    let (sink, bytes) = collecting(|| SinkState::Taken);
    made(&node, LEAST_ROOM_BYTES, vec![sink]).unwrap();
    assert_eq!(read(&bytes.lock().unwrap()).len(), 100);
    assert_eq!(info(&mut client, "rdb_last_bgsave_status"), "err");
}

#[test]
fn info_tells_how_far_it_is() {
    let node = node();
    fill(&node, 1000);
    let seen: Arc<Mutex<Vec<u64>>> = Arc::default();
    let (mut client, seen_by_sink) = (Client::new(&node), seen.clone());
    let (sink, _) = collecting(move || {
        assert_eq!(info(&mut client, "current_save_keys_total"), "1000");
        assert_eq!(info(&mut client, "rdb_bgsave_in_progress"), "1");
        seen_by_sink.lock().unwrap().push(info(&mut client, "current_save_keys_processed").parse().unwrap());
        SinkState::Taken
    });
    made(&node, LEAST_ROOM_BYTES, vec![sink]).unwrap();
    let seen = seen.lock().unwrap();
    assert!(seen.is_sorted() && seen.len() > 3, "{seen:?}");
    assert!(seen.last().is_some_and(|keys| (500..=1000).contains(keys)), "{seen:?}");
    let mut client = Client::new(&node);
    for name in ["current_save_keys_processed", "current_save_keys_total", "rdb_bgsave_in_progress"] {
        assert_eq!(info(&mut client, name), "0", "{name}");
    }
}

#[test]
fn snapshots_that_are_given_up_do_not_use_up_the_epochs() {
    let node = node();
    fill(&node, 300);
    for _ in 0..300 {
        let (sink, _) = collecting(|| SinkState::Taken);
        struct Failing(Box<dyn Sink>);
        impl Sink for Failing {
            fn write(&mut self, bytes: &Bytes) -> io::Result<SinkState> {
                self.0.write(bytes)?;
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn finish(self: Box<Self>) -> io::Result<()> {
                Ok(())
            }
        }
        assert!(made(&node, LEAST_ROOM_BYTES, vec![Box::new(Failing(sink))]).is_err());
    }
    let (sink, bytes) = collecting(|| SinkState::Taken);
    made(&node, LEAST_ROOM_BYTES, vec![sink]).unwrap();
    assert_eq!(read(&bytes.lock().unwrap()).len(), 300);
}

#[test]
fn a_long_list_goes_in_pieces() {
    /// Notes how long the longest piece was.
    struct Measuring(Arc<Mutex<usize>>);
    impl Sink for Measuring {
        fn write(&mut self, bytes: &Bytes) -> io::Result<SinkState> {
            let mut most = self.0.lock().unwrap();
            *most = bytes.len().max(*most);
            Ok(SinkState::Taken)
        }
        fn finish(self: Box<Self>) -> io::Result<()> {
            Ok(())
        }
    }
    let node = node_with(&["--rdbcompression", "no"], "");
    let mut client = Client::new(&node);
    let element = "e".repeat(1000);
    let words: Vec<&str> = ["RPUSH", "list"].into_iter().chain([element.as_str(); 1000]).collect();
    (0..3).for_each(|_| drop(client.ask_words(&words)));
    for format in [Format::Rdb, Format::Commands] {
        let most: Arc<Mutex<usize>> = Arc::default();
        let sink: Box<dyn Sink> = Box::new(Measuring(most.clone()));
        let summary = run_as(&node, claim(&node).unwrap(), Pace::Prompt, format, |_| vec![sink]).unwrap();
        assert!(summary.bytes > 3_000_000, "{summary:?}");
        let most = *most.lock().unwrap();
        assert!(most < 200_000, "{format:?}: a piece of {most} bytes");
    }
}
