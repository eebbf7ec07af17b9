//! RDB files and the append-only file.

use super::checks;
use crate::config::choices::{AppendFsync, SanitizeDump};
use crate::config::directive::*;

const INT_MIN: i64 = i32::MIN as i64;
const INT_MAX: i64 = i32::MAX as i64;

pub const DIRECTIVES: &[Directive] = &[
    // The default `.` becomes the folder that the node was started in.
    Directive::new("dir", Kind::Directory, ".", EFFECT).protected().denied_while_loading(),
    checked_text("dbfilename", checks::dbfilename, "dump.rdb", EFFECT).protected(),
    Directive::new("save", Kind::Save, "3600 1 300 100 60 10000", EFFECT),
    yes_no("rdbcompression", "yes", EFFECT),
    yes_no("rdbchecksum", "yes", EFFECT).immutable(),
    yes_no("stop-writes-on-bgsave-error", "yes", EFFECT),
    yes_no("rdb-save-incremental-fsync", "yes", EFFECT),
    yes_no("rdb-del-sync-files", "no", no_effect("a full sync leaves no file behind")),
    // Every payload and RDB file is checked in full; this says which payloads INFO counts.
    choice("sanitize-dump-payload", SanitizeDump::WORDS, "no", EFFECT),
    integer("rdb-key-save-delay", INT_MIN, INT_MAX, "0", EFFECT).hidden(),
    integer("key-load-delay", INT_MIN, INT_MAX, "0", EFFECT).hidden(),
    integer(
        "loading-process-events-interval-bytes",
        1024,
        INT_MAX,
        "2097152",
        no_effect("loading holds nobody up"),
    )
    .hidden(),
    yes_no("appendonly", "no", EFFECT).denied_while_loading(),
    checked_text("appendfilename", checks::appendfilename, "appendonly.aof", EFFECT).immutable(),
    checked_text("appenddirname", checks::appenddirname, "appendonlydir", EFFECT).immutable(),
    choice("appendfsync", AppendFsync::WORDS, "everysec", EFFECT),
    yes_no("no-appendfsync-on-rewrite", "no", EFFECT),
    integer("auto-aof-rewrite-percentage", 0, INT_MAX, "100", EFFECT),
    memory("auto-aof-rewrite-min-size", 0, i64::MAX as u64, "64mb", EFFECT),
    yes_no("aof-load-truncated", "yes", EFFECT),
    yes_no("aof-use-rdb-preamble", "yes", EFFECT),
    yes_no("aof-timestamp-enabled", "no", EFFECT),
    yes_no("aof-rewrite-incremental-fsync", "yes", EFFECT),
    yes_no("aof-disable-auto-gc", "no", EFFECT).hidden(),
];
