//! Held against the real redis-server (7.0; what newer versions added is listed and explained).

use super::real_redis::{RealRedis, TestDirectory};
use super::*;
use rcl_proto::resp::Reply;
use std::collections::BTreeMap;

/// Names that Redis 7.2 and Valkey 8 have and 7.0 has not, and our own.
const NOT_IN_7_0: &[&str] = &[
    "cluster-announce-human-nodename",
    "cluster-fast-suspicion",
    "auto-failover-on-shutdown",
    "availability-zone",
    "cluster-bus-port-protected-mode",
    "cluster-slot-stats-enabled",
    "locale-collate",
    "set-max-listpack-entries",
    "set-max-listpack-value",
    "worker-threads",
];

/// Redis 7.2 hides what 7.0 shows.
const NOT_HIDDEN_IN_7_0: [&str; 1] = ["aof-disable-auto-gc"];

/// Values that depend on how the server of the test was started.
const OF_THE_TEST: [&str; 3] = ["port", "bind", "dir"];

#[test]
fn names_and_defaults_are_those_of_the_real_server() {
    let Some(mut redis) = RealRedis::start("defaults", &[]) else { return };
    let theirs: BTreeMap<String, String> = redis.config_get(b"*").into_iter().collect();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let ours: BTreeMap<String, String> = Config::new(Path::new("/"))
        .get(b"*")
        .into_iter()
        .map(|(name, value)| (text(name), text(value)))
        .collect();

    let missing: Vec<_> = theirs.keys().filter(|name| !ours.contains_key(*name)).collect();
    assert_eq!(missing, NOT_HIDDEN_IN_7_0);
    let extra: Vec<_> = ours.keys().filter(|name| !theirs.contains_key(*name)).collect();
    assert!(extra.iter().all(|name| NOT_IN_7_0.contains(&name.as_str())), "{extra:?}");
    for (name, value) in ours.iter().filter(|(name, _)| !OF_THE_TEST.contains(&name.as_str())) {
        if let Some(real) = theirs.get(name) {
            assert_eq!(value, real, "the default of {name}");
        }
    }
}

/// Sets that both must answer alike: to the word when refused, and with the same value afterwards.
const SETS: &[&[&str]] = &[
    &["timeout", "5"],
    &["TimeOut", "05"],
    &["timeout", "-1"],
    &["timeout", "2147483648"],
    &["timeout", " 5"],
    &["timeout", "+5"],
    &["timeout", "-0"],
    &["timeout", ""],
    &["maxmemory", "5k"],
    &["maxmemory", "5KB"],
    &["maxmemory", "1Gb"],
    &["maxmemory", "010"],
    &["maxmemory", "-1"],
    &["maxmemory", "5x"],
    &["maxmemory", "0"],
    &["proto-max-bulk-len", "5"],
    &["proto-max-bulk-len", "1mb"],
    &["hash-max-listpack-entries", "-1"],
    &["hash-max-ziplist-entries", "7"],
    &["list-max-ziplist-size", "-5"],
    &["maxmemory-clients", "101%"],
    &["maxmemory-clients", "x"],
    &["maxmemory-clients", "-5"],
    &["slowlog-log-slower-than", "-2"],
    &["slowlog-log-slower-than", "-1"],
    &["maxclients", "0"],
    &["replica-read-only", "YES"],
    &["replica-read-only", "maybe"],
    &["slave-read-only", "maybe"],
    &["maxmemory-policy", "lru"],
    &["oom-score-adj", "sometimes"],
    &["cluster-preferred-endpoint-type", "HostName"],
    &["shutdown-on-sigint", "now save"],
    &["shutdown-on-sigint", "save nosave"],
    &["shutdown-on-sigint", "never"],
    &["shutdown-on-sigint", ""],
    &["shutdown-on-sigterm", "default"],
    &["save", "60 1 5 1"],
    &["save", "60 1  5 1"],
    &["save", "60"],
    &["save", "0 1"],
    &["save", ""],
    &["client-output-buffer-limit", "slave 1k 1kb 5"],
    &["client-output-buffer-limit", "replica 2k 2kb 5 normal 1 1 1"],
    &["client-output-buffer-limit", "master 1 1 1"],
    &["client-output-buffer-limit", "normal 1 1"],
    &["client-output-buffer-limit", "normal 1 x 1"],
    &["client-output-buffer-limit", "normal 1 1 -1"],
    &["oom-score-adj-values", "1 2"],
    &["oom-score-adj-values", "0 200 2001"],
    &["oom-score-adj-values", "0 300 800"],
    &["notify-keyspace-events", "Q"],
    &["latency-tracking-info-percentiles", "50 99.00 99.95 100"],
    &["latency-tracking-info-percentiles", "101"],
    &["latency-tracking-info-percentiles", "x"],
    &["latency-tracking-info-percentiles", ""],
    &["cluster-announce-hostname", "a_b"],
    &["cluster-announce-hostname", "node-1.example.org"],
    &["proc-title-template", "{title} {nonsense}"],
    &["proc-title-template", "{title} {{ {port}"],
    &["hz", "1000"],
    &["hz", "0"],
    &["requirepass", ""],
    &["masterauth", "se cret"],
    &["masterauth", ""],
    &["dir", "/"],
    &["dbfilename", "x"],
    &["databases", "4"],
    &["DataBases", "4"],
    &["replicaof", "a 1"],
    &["nosuch", "1"],
    &["NoSuch", "1"],
    &["timeout", "1", "TIMEOUT", "2"],
    &["replica-priority", "1", "slave-priority", "2"],
    &["timeout", "77", "tcp-keepalive", "x"],
    &["timeout", "78", "tcp-keepalive", "79"],
    &["nosuch", "1", "databases", "3"],
    &["databases", "3", "nosuch", "1"],
    &["timeout", "1", "timeout", "2", "databases", "1"],
    &["lua-time-limit", "9"],
];

fn set_both(redis: &mut RealRedis, config: &mut Config, words: &[&str]) {
    let mut request: Vec<&[u8]> = vec![b"CONFIG", b"SET"];
    request.extend(words.iter().map(|word| word.as_bytes()));
    let theirs = match redis.ask(&request) {
        Reply::Error(text) => text,
        Reply::Simple(text) => text,
        other => panic!("{other:?}"),
    };
    let pairs: Vec<(&[u8], &[u8])> =
        words.chunks(2).map(|pair| (pair[0].as_bytes(), pair[1].as_bytes())).collect();
    let ours = match config.set(&pairs, ClientOrigin::ThisMachine, false) {
        Ok(_) => "OK".to_string(),
        Err(error) => error.to_string(),
    };
    assert_eq!(ours, theirs, "CONFIG SET {words:?}");
    for (name, _) in &pairs {
        let ours: Vec<(String, String)> = config
            .get(name)
            .into_iter()
            .map(|(name, value)| (String::from_utf8(name).unwrap(), String::from_utf8(value).unwrap()))
            .collect();
        if !OF_THE_TEST.contains(&&*String::from_utf8_lossy(name)) {
            assert_eq!(ours, redis.config_get(name), "after CONFIG SET {words:?}");
        }
    }
}

#[test]
fn config_set_answers_as_the_real_server() {
    let Some(mut redis) = RealRedis::start("set", &[]) else { return };
    let mut config = Config::new(Path::new("/"));
    for words in SETS {
        set_both(&mut redis, &mut config, words);
    }
}

#[test]
fn protected_directives_open_as_in_the_real_server() {
    let Some(mut redis) = RealRedis::start("protected", &["--enable-protected-configs", "local"]) else {
        return;
    };
    let mut config = Config::new(Path::new("/"));
    let local = [b"local".to_vec()];
    let (row, directive) = table::find(b"enable-protected-configs").unwrap();
    config.assign(row, directive, &local).unwrap();
    for words in [
        &["dbfilename", "x.rdb"][..],
        &["dbfilename", "a/b"],
        &["dir", "/nonexistent"],
        &["dir", "/dev/null"],
        &["dir", "/"],
        &["dir", "dev"],
    ] {
        set_both(&mut redis, &mut config, words);
    }
    assert_eq!(config.settings().dir, Path::new("/dev"));
    let far = config.set(&[(b"dbfilename", b"y")], ClientOrigin::Elsewhere, false).unwrap_err();
    assert!(far.to_string().ends_with("can't set protected config"), "{far}");
}

/// All texts up to a length over a small alphabet, against many patterns, as KEYS matches them.
#[test]
fn globs_match_as_in_the_real_server() {
    let Some(mut redis) = RealRedis::start("glob", &["--save", ""]) else { return };
    let texts = words_over(b"ab-]", 3);
    for text in &texts {
        redis.ask(&[b"SET", text, b""]);
    }
    let mut state = 0x9e37_79b9_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut matched = 0;
    for _ in 0..4000 {
        let pattern: Vec<u8> = (0..random(8)).map(|_| b"ab-]a*?[^\\*["[random(12)]).collect();
        let Reply::Array(keys) = redis.ask(&[b"KEYS", &pattern]) else { panic!("no array") };
        // KEYS looks at no key for a lone star.
        if pattern == b"*" {
            continue;
        }
        let mut theirs: Vec<&[u8]> = keys.iter().filter_map(Reply::as_bytes).collect();
        theirs.sort();
        let mut ours: Vec<&[u8]> =
            texts.iter().map(Vec::as_slice).filter(|text| glob::matches(&pattern, text)).collect();
        ours.sort();
        assert_eq!(ours, theirs, "pattern {}", String::from_utf8_lossy(&pattern));
        matched += ours.len();
    }
    assert!(matched > 1000, "the patterns match too little to show anything: {matched}");
}

fn words_over(alphabet: &[u8], longest: usize) -> Vec<Vec<u8>> {
    let mut words = vec![Vec::new()];
    let mut last = words.clone();
    for _ in 0..longest {
        last = last
            .iter()
            .flat_map(|word| alphabet.iter().map(move |byte| [&word[..], &[*byte]].concat()))
            .collect();
        words.extend(last.clone());
    }
    words
}

/// What we rewrite, a real server reads, and sees the same values; and the reverse.
#[test]
fn rewritten_files_are_understood_both_ways() {
    let directory = TestDirectory::new("rewrite");
    let file = directory.write("redis.conf", "# my file\ntimeout 7\nsave 900 1\nslave-priority 3\n");
    let Some(mut redis) = RealRedis::start("rewrite", &[file.to_str().unwrap()]) else { return };
    for (name, value) in [
        ("maxmemory", "100mb"),
        ("masterauth", "a \"b\" \u{1}"),
        ("client-output-buffer-limit", "pubsub 1 2 3"),
    ] {
        redis.ask(&[b"CONFIG", b"SET", name.as_bytes(), value.as_bytes()]);
    }
    assert_eq!(redis.ask(&[b"CONFIG", b"REWRITE"]), Reply::Simple("OK".to_string()));
    let loaded = load(&[file.clone().into_os_string()], Path::new("/"), &mut std::io::empty()).unwrap();
    let mut config = loaded.config;
    assert_same_values(&config, &mut redis);

    let pairs: [(&[u8], &[u8]); 3] =
        [(b"timeout", b"9"), (b"cluster-announce-hostname", b"h.example"), (b"save", b"")];
    config.set(&pairs, ClientOrigin::ThisMachine, false).unwrap();
    let rewritten = config.rewrite(&std::fs::read(&file).unwrap(), Vec::new());
    let ours = directory.write("ours.conf", std::str::from_utf8(&rewritten).unwrap());
    let mut reader = RealRedis::start("rewrite", &[ours.to_str().unwrap()]).unwrap();
    assert_same_values(&config, &mut reader);
}

/// Every directive that both know, except those that the test itself sets.
fn assert_same_values(config: &Config, redis: &mut RealRedis) {
    let theirs: BTreeMap<String, String> = redis.config_get(b"*").into_iter().collect();
    for (name, ours) in config.get(b"*") {
        let name = String::from_utf8(name).unwrap();
        if let Some(theirs) = theirs.get(&name).filter(|_| !OF_THE_TEST.contains(&name.as_str())) {
            assert_eq!(&String::from_utf8(ours).unwrap(), theirs, "{name}");
        }
    }
}

/// The words of a command line, after a file that has `save 900 1` and `timeout 3`.
#[test]
fn command_lines_are_read_as_by_the_real_server() {
    let directory = TestDirectory::new("command-line");
    let file =
        directory.write("redis.conf", "save 900 1\ntimeout 3\nclient-output-buffer-limit normal 9 9 9\n");
    for options in [
        &["--timeout", "5"][..],
        &["--TIMEOUT 6"],
        &["--save", "60", "1"],
        &["--save", "60 1 70 2"],
        &["--save", "--timeout", "9"],
        &["--save", ""],
        &["--save", "", "--save", "5", "6"],
        &["--save 8 9"],
        &["--masterauth", "--two words", "--timeout", "8"],
        &["--masterauth", "tab\there \"quoted\""],
        &["--client-output-buffer-limit", "pubsub", "1kb", "2kb", "3"],
        &["--slave-priority", "7", "--shutdown-on-sigterm", "nosave", "force"],
    ] {
        let arguments = [&[file.to_str().unwrap()], options].concat();
        let Some(mut redis) = RealRedis::start("command-line", &arguments) else { return };
        let words: Vec<_> = arguments.iter().map(std::ffi::OsString::from).collect();
        let loaded = load(&words, Path::new("/"), &mut std::io::empty());
        let config = loaded.unwrap_or_else(|error| panic!("{options:?}: {error}")).config;
        eprintln!("{options:?}");
        assert_same_values(&config, &mut redis);
    }
}

/// The words of `loglevel` are those of 7.2, which has one more; `maxclients` allocates for as many as it is told.
const NOT_COMPARED: [&str; 2] = ["loglevel", "maxclients"];

/// Which directives CONFIG SET may change, and every range and word list: each directive is set to what it is, and
/// to values that can't be right.
#[test]
fn every_directive_refuses_what_the_real_server_refuses() {
    let Some(mut redis) = RealRedis::start("ranges", &["--enable-protected-configs", "yes"]) else { return };
    let mut config = Config::new(Path::new("/"));
    let (row, directive) = table::find(b"enable-protected-configs").unwrap();
    config.assign(row, directive, &[b"yes".to_vec()]).unwrap();
    let mut compared = 0;
    for directive in table::directives() {
        let known = !redis.config_get(directive.name.as_bytes()).is_empty();
        if !known || NOT_COMPARED.contains(&directive.name) || OF_THE_TEST.contains(&directive.name) {
            continue;
        }
        let current = String::from_utf8(config.get(directive.name.as_bytes()).remove(0).1).unwrap();
        set_both(&mut redis, &mut config, &[directive.name, &current]);
        let wrong: &[&str] = match directive.kind {
            Kind::Number { notation: directive::Notation::Decimal, .. } => {
                &["x", "-1", "2147483648", "4294967296", "9223372036854775808", "-2147483649"]
            }
            Kind::Number { .. } => &["x", "-1"],
            Kind::YesNo | Kind::Choice(_) | Kind::Flags(_) => &["x", "yes no"],
            _ => &[],
        };
        for value in wrong {
            // A number that both take is no error; that it is in range for both is then what is compared.
            set_both(&mut redis, &mut config, &[directive.name, value]);
            compared += 1;
        }
    }
    assert!(compared > 300, "{compared}");
}
