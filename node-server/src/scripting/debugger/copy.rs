//! SCRIPT DEBUG YES: the script works on a copy, and other clients go on.
//!
//! The copy is another node in this process: with the same configuration, users and map, but without clients, replicas and
//! threads. Whatever the script does there (changes, expiries, messages that it publishes, what is counted) stays there, and goes
//! with it.
//!
//! Keys come into it when they are needed. A command that names its keys has these copied first, each as it is when the script
//! first comes to it; a command that looks at more (KEYS, DBSIZE, FLUSHALL, SORT) has all copied that is not there yet, and that
//! takes time and memory as all the data do. So the script does not see one moment of the data, as in a process that was
//! forked, but each key at one moment.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rcl_proto::resp::Args;
use rcl_store::entry::Entry;

use crate::command::{CommandSpec, Data, Locks, find_keys};
use crate::executor::node_state;
use crate::node::Node;

/// What the copy is told of the node's state. That a script there runs for long is nobody's concern here.
const STATES: [u32; 4] =
    [node_state::READ_ONLY_REPLICA, node_state::STALE, node_state::SAVE_FAILED, node_state::TOO_FEW_REPLICAS];

/// A node like this one, without its data.
pub fn node_like(node: &Node) -> Node {
    let config = node.lock_config().clone();
    let threads = node.worker_count.load(Ordering::Relaxed);
    let mut copy = Node::new(config, node.config_file.clone(), node.run_id.clone(), node.hash_seed, threads);
    copy.commands = node.commands.clone();
    let users = node.access.all();
    copy.access.add_all(users.iter().map(|user| (user.name.to_vec(), (**user.rules()).clone())).collect());
    let state = node.state();
    STATES.iter().for_each(|bit| copy.set_state(*bit, state & bit != 0));
    for index in 0..copy.shards.count().min(node.shards.count()) {
        copy.shards.lock(index).map = node.shards.lock(index).map.clone();
    }
    copy
}

/// What of the data is in the copy.
pub struct Copied {
    node: Arc<Node>,
    keys: HashSet<Box<[u8]>>,
    has_all: bool,
}

impl Copied {
    pub fn of(node: Arc<Node>) -> Copied {
        Copied { node, keys: HashSet::new(), has_all: false }
    }

    /// Brings what a command may touch into the copy, which is behind `data`.
    pub fn bring(&mut self, data: &mut Data<'_>, spec: &'static CommandSpec, args: Args<'_>) {
        if self.has_all {
            return;
        }
        // BY and GET of SORT make keys out of what is sorted.
        if spec.locks != Locks::Keys || spec.name.starts_with("sort") {
            return self.bring_all(data);
        }
        for found in find_keys(spec, args).unwrap_or_default().iter() {
            self.bring_key(data, &args[found.index]);
        }
    }

    fn bring_key(&mut self, data: &mut Data<'_>, key: &[u8]) {
        if !self.keys.insert(key.into()) {
            return;
        }
        let at = self.node.key(key);
        let entries: Vec<(usize, Entry)> = {
            let shard = self.node.shards.lock_slot(at.slot());
            let databases = 0..shard.keyspace.database_count();
            databases
                .filter_map(|database| Some((database, shard.keyspace.find(database, &at)?.clone())))
                .collect()
        };
        data.adopt(entries);
    }

    fn bring_all(&mut self, data: &mut Data<'_>) {
        self.has_all = true;
        for index in 0..self.node.shards.count() {
            let mut entries = Vec::new();
            {
                let shard = self.node.shards.lock(index);
                for database in 0..shard.keyspace.database_count() {
                    let new =
                        shard.keyspace.entries(database).filter(|entry| !self.keys.contains(entry.key()));
                    entries.extend(new.map(|entry| (database, entry.clone())));
                }
            }
            data.adopt(entries);
        }
        self.keys = HashSet::new();
    }
}
