//! What the node keeps on disk: the RDB file.

use crate::stats::Counter;

#[derive(Debug)]
pub struct Persistence {
    /// Unix time of the last save that succeeded, or of the start, in seconds.
    pub last_save_s: Counter,
}

impl Persistence {
    pub fn new(now_ms: i64) -> Persistence {
        let last_save_s = Counter::default();
        last_save_s.set((now_ms / 1000) as u64);
        Persistence { last_save_s }
    }
}

pub fn info_section(_node: &crate::node::Node) -> String {
    String::new()
}
