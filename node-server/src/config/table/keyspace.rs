//! Data: databases, encodings, memory, eviction, expiry, keyspace events.

use crate::config::choices::MaxmemoryPolicy;
use crate::config::directive::*;

const INT_MIN: i64 = i32::MIN as i64;
const INT_MAX: i64 = i32::MAX as i64;
const LONG_MAX: u64 = i64::MAX as u64;
const NO_DEFRAGMENTATION: Standing = no_effect("active defragmentation is not there");

pub const DIRECTIVES: &[Directive] = &[
    integer("databases", 1, INT_MAX, "16", EFFECT).immutable(),
    memory("maxmemory", 0, u64::MAX, "0", EFFECT),
    choice("maxmemory-policy", MaxmemoryPolicy::WORDS, "noeviction", EFFECT),
    integer("maxmemory-samples", 1, INT_MAX, "5", EFFECT),
    integer("maxmemory-eviction-tenacity", 0, 100, "10", EFFECT),
    integer("lfu-log-factor", 0, INT_MAX, "10", EFFECT),
    integer("lfu-decay-time", 0, INT_MAX, "1", EFFECT),
    integer("active-expire-effort", 1, 10, "1", EFFECT),
    yes_no("lazyfree-lazy-eviction", "no", EFFECT),
    yes_no("lazyfree-lazy-expire", "no", EFFECT),
    yes_no("lazyfree-lazy-server-del", "no", EFFECT),
    yes_no("lazyfree-lazy-user-del", "no", EFFECT),
    yes_no("lazyfree-lazy-user-flush", "no", EFFECT),
    Directive::new("notify-keyspace-events", Kind::KeyspaceEvents, "", EFFECT),
    integer("hash-max-listpack-entries", 0, i64::MAX, "512", EFFECT).alias("hash-max-ziplist-entries"),
    memory("hash-max-listpack-value", 0, LONG_MAX, "64", EFFECT).alias("hash-max-ziplist-value"),
    integer("list-max-listpack-size", INT_MIN, INT_MAX, "-2", EFFECT).alias("list-max-ziplist-size"),
    integer("list-compress-depth", 0, INT_MAX, "0", no_effect("list nodes are not compressed in memory")),
    integer("set-max-intset-entries", 0, i64::MAX, "512", EFFECT),
    integer("set-max-listpack-entries", 0, i64::MAX, "128", EFFECT),
    integer("set-max-listpack-value", 0, i64::MAX, "64", EFFECT),
    integer("zset-max-listpack-entries", 0, i64::MAX, "128", EFFECT).alias("zset-max-ziplist-entries"),
    memory("zset-max-listpack-value", 0, LONG_MAX, "64", EFFECT).alias("zset-max-ziplist-value"),
    memory("hll-sparse-max-bytes", 0, LONG_MAX, "3000", EFFECT),
    memory("stream-node-max-bytes", 0, LONG_MAX, "4096", EFFECT),
    integer("stream-node-max-entries", 0, i64::MAX, "100", EFFECT),
    yes_no("activerehashing", "yes", no_effect("tables grow a segment at a time; nothing is ever rehashed")),
    yes_no("activedefrag", "no", refused("active defragmentation is not there")),
    memory("active-defrag-ignore-bytes", 1, LONG_MAX, "100mb", NO_DEFRAGMENTATION),
    integer("active-defrag-threshold-lower", 0, 1000, "10", NO_DEFRAGMENTATION),
    integer("active-defrag-threshold-upper", 0, 1000, "100", NO_DEFRAGMENTATION),
    integer("active-defrag-cycle-min", 1, 99, "1", NO_DEFRAGMENTATION),
    integer("active-defrag-cycle-max", 1, 99, "25", NO_DEFRAGMENTATION),
    integer("active-defrag-max-scan-fields", 1, i64::MAX, "1000", NO_DEFRAGMENTATION),
    yes_no("jemalloc-bg-thread", "yes", no_effect("the allocator is not tuned at run time")),
];
