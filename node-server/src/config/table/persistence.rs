//! RDB files and the append-only file.

use super::checks;
use crate::config::directive::*;

const AOF: Standing = no_effect("the append-only file is not there yet");
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
    choice(
        "sanitize-dump-payload",
        &["no", "yes", "clients"],
        "no",
        no_effect("every payload and RDB file is checked in full"),
    ),
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
    yes_no("appendonly", "no", refused("the append-only file is not there yet; RDB snapshots (`save`) are"))
        .denied_while_loading(),
    checked_text("appendfilename", checks::appendfilename, "appendonly.aof", AOF).immutable(),
    checked_text("appenddirname", checks::appenddirname, "appendonlydir", AOF).immutable(),
    choice("appendfsync", &["everysec", "always", "no"], "everysec", AOF),
    yes_no("no-appendfsync-on-rewrite", "no", AOF),
    integer("auto-aof-rewrite-percentage", 0, INT_MAX, "100", AOF),
    memory("auto-aof-rewrite-min-size", 0, i64::MAX as u64, "64mb", AOF),
    yes_no("aof-load-truncated", "yes", AOF),
    yes_no("aof-use-rdb-preamble", "yes", AOF),
    yes_no("aof-timestamp-enabled", "no", AOF),
    yes_no("aof-rewrite-incremental-fsync", "yes", AOF),
    yes_no("aof-disable-auto-gc", "no", AOF).hidden(),
];
