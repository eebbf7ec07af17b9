//! What a second thread brings inside the node: a node in cluster mode that owns all slots, and requests that come from memory.
//!
//! ```text
//! a million keys of 16 bytes over all slots, values of 64 bytes; each thread four GETs to one SET of random keys, 16 in a batch
//! ```
//!
//! One thread and two run in turn, and the figure is the median of the rounds' ratios. `ROUNDS` and `REQUESTS` (of a thread and
//! round) may be given. It means something only where two cores are idle.

use std::sync::{Arc, Barrier};
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rcl_cluster::{ClusterMap, ClusterState, MapNode, NodeIndex};
use rcl_node::allocator::borrow_cell;
use rcl_node::client::{ClientHandle, Session};
use rcl_node::config;
use rcl_node::executor::{Batch, process};
use rcl_node::node::Node;
use rcl_proto::nodes_text::NodeFlags;
use rcl_proto::resp::OwnedArgs;
use rcl_proto::{NodeId, SLOT_COUNT};

const KEYS: usize = 1_000_000;
const VALUE: &[u8] = &[b'v'; 64];
const BATCH: usize = 16;
const GETS_TO_A_SET: usize = 4;
/// Prepared once, so that what is measured is the node's work.
const PREPARED: usize = 200_000;

fn number_from(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}

/// A lone master with all slots.
fn map() -> ClusterMap {
    let myself = MapNode {
        id: NodeId::from_bits([1; 20]),
        ip: "127.0.0.1".into(),
        hostname: "".into(),
        port: 7001,
        second_port: 0,
        bus_port: 17001,
        flags: NodeFlags::MASTER,
        master: None,
    };
    ClusterMap {
        version: 1,
        state: ClusterState::Ok,
        allow_reads_when_down: false,
        allow_pubsubshard_when_down: true,
        myself: NodeIndex(0),
        nodes: vec![myself],
        owners: Box::new([0; SLOT_COUNT]),
        migrating: Vec::new(),
        importing: Vec::new(),
    }
}

fn node(threads: usize) -> Arc<Node> {
    let words = ["-", "--cluster-enabled", "yes"].map(Into::into);
    let loaded = config::load(&words, &std::env::temp_dir(), &mut std::io::empty()).expect("it is valid");
    let mut node = Node::new(loaded.config, None, "0".repeat(40), 7, threads);
    node.commands = loaded.commands;
    let map = Arc::new(map());
    for index in 0..node.shards.count() {
        node.shards.lock(index).map = Some(map.clone());
    }
    Arc::new(node)
}

fn session(node: &Arc<Node>) -> Session {
    let handle = ClientHandle::new(node.clients.next_id(), None, String::new(), -1, 0);
    Session::new(Arc::new(handle), node.default_user(), true)
}

fn key(number: usize) -> String {
    format!("key:{number:012}")
}

fn set(number: usize) -> OwnedArgs {
    OwnedArgs::new([&b"SET"[..], key(number).as_bytes(), VALUE])
}

fn fill(node: &Arc<Node>) {
    let mut session = session(node);
    let mut output = Vec::new();
    for number in 0..KEYS {
        output.clear();
        process(node, &mut session, set(number).as_args(), &mut output, &mut Batch::start(Arc::default()));
        assert_eq!(output, b"+OK\r\n");
    }
}

fn requests(seed: u64) -> Vec<OwnedArgs> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut request = |_| {
        let number = random.random_range(0..KEYS);
        match random.random_range(0..=GETS_TO_A_SET) {
            0 => set(number),
            _ => OwnedArgs::new([&b"GET"[..], key(number).as_bytes()]),
        }
    };
    (0..PREPARED).map(&mut request).collect()
}

/// Requests a second of so many threads together.
fn throughput(node: &Arc<Node>, prepared: &[Vec<OwnedArgs>], count: usize) -> f64 {
    let begin = Arc::new(Barrier::new(prepared.len() + 1));
    std::thread::scope(|scope| {
        let work = |requests: &[OwnedArgs], begin: Arc<Barrier>| {
            // As each worker of a node counts.
            let _own = borrow_cell();
            let (mut session, mut output) = (session(node), Vec::with_capacity(BATCH * 128));
            begin.wait();
            for start in (0..count).step_by(BATCH) {
                output.clear();
                let mut batch = Batch::start(Arc::default());
                let start = start % PREPARED;
                for request in &requests[start..start + BATCH] {
                    process(node, &mut session, request.as_args(), &mut output, &mut batch);
                }
                batch.stats.flush_into(&node.stats);
                assert!(output.len() > BATCH * 4 && !output.contains(&b'-'));
            }
        };
        let threads: Vec<_> = prepared
            .iter()
            .map(|requests| {
                let begin = begin.clone();
                scope.spawn(move || work(requests, begin))
            })
            .collect();
        begin.wait();
        let started = Instant::now();
        threads.into_iter().for_each(|thread| thread.join().expect("a thread ends well"));
        (count * prepared.len()) as f64 / started.elapsed().as_secs_f64()
    })
}

fn main() {
    let rounds = number_from("ROUNDS").unwrap_or(9);
    let count = number_from("REQUESTS").unwrap_or(2_000_000);
    let node = node(2);
    fill(&node);
    let prepared = [requests(1), requests(2)];
    let mut ratios: Vec<f64> = (0..rounds)
        .map(|round| {
            let one = throughput(&node, &prepared[..1], count);
            let two = throughput(&node, &prepared, count);
            let ratio = two / one;
            println!("round {round}: one thread {one:.0} requests a second, two {two:.0}, ratio {ratio:.3}");
            ratio
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    println!("two threads do {:.3} times what one does (target: at least 1.7)", ratios[ratios.len() / 2]);
}
