//! Up to where a collection stays packed: the thresholds of the configuration, by Redis's names, and the seed of the
//! hash function that big collections use.

/// Passed to every call that may change an encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub hash_max_listpack_entries: usize,
    pub hash_max_listpack_value: usize,
    /// Positive: entries a node. Negative, -1 to -5: 4, 8, 16, 32, 64 KiB a node.
    pub list_max_listpack_size: i32,
    /// An element of at least so many bytes is alone in its node.
    pub list_packed_threshold: usize,
    pub set_max_intset_entries: usize,
    pub set_max_listpack_entries: usize,
    pub set_max_listpack_value: usize,
    pub zset_max_listpack_entries: usize,
    pub zset_max_listpack_value: usize,
    /// 0: no limit.
    pub stream_node_max_bytes: usize,
    /// 0: no limit.
    pub stream_node_max_entries: i64,
    /// Random per process, since members come from clients who may want them to collide.
    pub hash_seed: u64,
}

/// As Redis has it: a gigabyte.
pub const LIST_PACKED_THRESHOLD: usize = 1 << 30;

impl Default for Limits {
    /// Redis's defaults: 7.0's, and 7.2's for the set listpack that 7.0 does not have.
    fn default() -> Limits {
        Limits {
            hash_max_listpack_entries: 512,
            hash_max_listpack_value: 64,
            list_max_listpack_size: -2,
            list_packed_threshold: LIST_PACKED_THRESHOLD,
            set_max_intset_entries: 512,
            set_max_listpack_entries: 128,
            set_max_listpack_value: 64,
            zset_max_listpack_entries: 128,
            zset_max_listpack_value: 64,
            stream_node_max_bytes: 4096,
            stream_node_max_entries: 100,
            hash_seed: 0,
        }
    }
}
