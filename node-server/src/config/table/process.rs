//! The process: threads, logs, the supervisor, shutdown, slow commands and latency.

use super::checks;
use crate::config::choices::LogLevel;
use crate::config::directive::*;

const THREADS: Standing = no_effect("worker-threads says how many threads serve clients");
const CPU_LIST: Standing = no_effect("threads are not pinned to cores");
const SYSLOG: Standing = no_effect("there is no log to syslog");
const SHUTDOWN_FLAGS: Kind = Kind::Flags(&["default", "save", "nosave", "now", "force"]);
const INT_MAX: i64 = i32::MAX as i64;

pub const DIRECTIVES: &[Directive] = &[
    // 0: as many as the machine has cores.
    integer("worker-threads", 0, 1024, "0", EFFECT).immutable().ours(),
    integer("io-threads", 1, 128, "1", THREADS).immutable(),
    yes_no("io-threads-do-reads", "no", THREADS).immutable(),
    text("server_cpulist", "", CPU_LIST).immutable(),
    text("bio_cpulist", "", CPU_LIST).immutable(),
    text("aof_rewrite_cpulist", "", CPU_LIST).immutable(),
    text("bgsave_cpulist", "", CPU_LIST).immutable(),
    yes_no(
        "daemonize",
        "no",
        refused(
            "the node stays in the foreground: run it under a supervisor (systemd, a container) or with `&`, \
             with `--daemonize no`",
        ),
    )
    .immutable(),
    choice(
        "supervised",
        &["upstart", "systemd", "auto", "no"],
        "no",
        no_effect("no supervisor is told of the start"),
    )
    .immutable(),
    text("pidfile", "", EFFECT).immutable(),
    choice("loglevel", LogLevel::WORDS, "notice", EFFECT),
    text("logfile", "", EFFECT).immutable(),
    yes_no(
        "syslog-enabled",
        "no",
        refused("the node logs to `logfile` or to its standard output, not to syslog"),
    )
    .immutable(),
    text("syslog-ident", "redis", SYSLOG).immutable(),
    choice(
        "syslog-facility",
        &["user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"],
        "local0",
        SYSLOG,
    )
    .immutable(),
    yes_no("always-show-logo", "no", no_effect("there is no logo")).immutable(),
    yes_no("set-proc-title", "yes", EFFECT).immutable(),
    checked_text(
        "proc-title-template",
        checks::proc_title_template,
        "{title} {listen-addr} {server-mode}",
        EFFECT,
    ),
    text("locale-collate", "", no_effect("text is compared by its bytes")),
    text("ignore-warnings", "", no_effect("the start gives no warning that could be switched off")),
    yes_no("crash-log-enabled", "yes", EFFECT),
    yes_no("crash-memcheck-enabled", "yes", no_effect("the memory is not tested after a crash")),
    yes_no("use-exit-on-panic", "no", no_effect("a node that crashes ends by its signal")).hidden(),
    // On, where Redis's is off: it costs nothing and stops nothing.
    integer("watchdog-period", 0, INT_MAX, "500", EFFECT).hidden(),
    choice("oom-score-adj", &["no", "yes|relative", "absolute"], "no", EFFECT),
    // Of a master, of a replica; the third, of a child that saves, is for nobody.
    Directive::new("oom-score-adj-values", Kind::OomScores, "0 200 800", EFFECT),
    yes_no("disable-thp", "yes", no_effect("snapshots don't fork, so huge pages cost nothing extra"))
        .immutable(),
    integer("hz", 0, INT_MAX, "10", EFFECT),
    yes_no("dynamic-hz", "yes", no_effect("the cost of the timers doesn't grow with the clients")),
    integer("shutdown-timeout", 0, INT_MAX, "10", EFFECT),
    Directive::new("shutdown-on-sigint", SHUTDOWN_FLAGS, "default", EFFECT),
    Directive::new("shutdown-on-sigterm", SHUTDOWN_FLAGS, "default", EFFECT),
    integer("slowlog-log-slower-than", -1, i64::MAX, "10000", EFFECT),
    integer("slowlog-max-len", 0, i64::MAX, "128", EFFECT),
    yes_no("latency-tracking", "yes", EFFECT),
    Directive::new("latency-tracking-info-percentiles", Kind::Percentiles, "50 99 99.9", EFFECT),
    integer("latency-monitor-threshold", 0, i64::MAX, "0", EFFECT),
    integer("busy-reply-threshold", 0, i64::MAX, "5000", EFFECT).alias("lua-time-limit"),
];
