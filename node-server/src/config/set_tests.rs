//! CONFIG SET, GET and REWRITE where the real server isn't needed to know the answer.

use super::*;

fn config() -> Config {
    Config::new(Path::new("/"))
}

fn set(config: &mut Config, words: &[&str]) -> Result<Changes, SetError> {
    let pairs: Vec<(&[u8], &[u8])> =
        words.chunks(2).map(|pair| (pair[0].as_bytes(), pair[1].as_bytes())).collect();
    config.set(&pairs, ClientOrigin::Elsewhere, false)
}

#[test]
fn a_failed_set_changes_nothing() {
    let mut config = config();
    let before = config.clone();
    set(&mut config, &["timeout", "9", "maxclients", "none"]).unwrap_err();
    set(&mut config, &["timeout", "9", "activedefrag", "yes"]).unwrap_err();
    assert_eq!(config, before);
}

#[test]
fn changes_name_what_changed_by_its_first_name() {
    let changes =
        set(&mut config(), &["slave-priority", "7", "timeout", "0", "activerehashing", "no"]).unwrap();
    assert_eq!(changes.changed, ["replica-priority", "activerehashing"], "in the order of the request");
    let changes = set(&mut config(), &["activerehashing", "no", "slave-priority", "7"]).unwrap();
    assert_eq!(changes.changed, ["activerehashing", "replica-priority"]);
    assert!(changes.contains("replica-priority") && !changes.contains("timeout"));
    assert_eq!(
        changes.without_effect.iter().map(|directive| directive.name).collect::<Vec<_>>(),
        ["activerehashing"]
    );
}

#[test]
fn what_is_not_there_yet_is_refused_with_its_reason() {
    let error = set(&mut config(), &["activedefrag", "yes"]).unwrap_err().to_string();
    assert!(
        error.starts_with("ERR CONFIG SET failed (possibly related to argument 'activedefrag') - "),
        "{error}"
    );
    assert!(error.contains("active defragmentation is not there"), "{error}");
    set(&mut config(), &["activedefrag", "no", "tls-port", "0", "maxmemory-policy", "noeviction"]).unwrap();
}

#[test]
fn loading_denies_some() {
    let loading = config().set(&[(b"appendonly", b"no")], ClientOrigin::Elsewhere, true).unwrap_err();
    assert_eq!(loading.to_string(), "LOADING Redis is loading the dataset in memory");
    config().set(&[(b"timeout", b"1")], ClientOrigin::Elsewhere, true).unwrap();
}

/// Redis reads both as a number: the first as 0, the second as something smaller than what was written.
#[test]
fn memory_without_digits_or_too_big_is_refused() {
    for value in ["", "kb", "99999999999999999999", "20000000000gb"] {
        set(&mut config(), &["maxmemory", value]).unwrap_err();
    }
}

#[test]
fn get_by_name_pattern_and_hidden_name() {
    let names = |pattern: &str| -> Vec<String> {
        let pairs = config().get(pattern.as_bytes());
        pairs.into_iter().map(|(name, _)| String::from_utf8(name).unwrap()).collect()
    };
    assert_eq!(names("TimeOut"), ["TimeOut"]);
    assert_eq!(names("repl-ping-*"), ["repl-ping-replica-period", "repl-ping-slave-period"]);
    assert_eq!(names("watchdog-period"), ["watchdog-period"]);
    assert_eq!(names("watchdog-*"), Vec::<String>::new());
    assert_eq!(names("include"), Vec::<String>::new());
}

#[test]
fn secrets_do_not_show_when_settings_are_printed() {
    let mut config = config();
    set(&mut config, &["requirepass", "topsecret", "masterauth", "topsecret"]).unwrap();
    assert!(!format!("{:?}", config.settings()).contains("topsecret"));
    assert_eq!(format!("{config:?}"), r#"{"masterauth": "(secret)", "requirepass": "(secret)"}"#);
}

#[test]
fn a_recorded_master_is_got_and_rewritten() {
    let mut config = config();
    config.record_replica_of(Some(("10.0.0.1", 7000)));
    assert_eq!(config.get(b"slaveof"), [(b"slaveof".to_vec(), b"10.0.0.1 7000".to_vec())]);
    assert!(rewritten(&config, "slaveof 10.0.0.2 7000\n").starts_with("replicaof 10.0.0.1 7000\n"));
    config.record_replica_of(None);
    assert_eq!(config.get(b"replicaof")[0].1, b"");
    assert!(!rewritten(&config, "port 1\nreplicaof a 1\n").contains("replicaof"));
}

fn rewritten(config: &Config, old: &str) -> String {
    rewritten_with(config, old, &[])
}

fn rewritten_with(config: &Config, old: &str, users: &[(&str, bool)]) -> String {
    let users = users.iter().map(|(line, must)| (line.as_bytes().to_vec(), *must)).collect();
    String::from_utf8(config.rewrite(old.as_bytes(), users)).unwrap()
}

#[test]
fn the_lines_of_users_are_replaced() {
    let config = config();
    let users = [("user a on", true), ("user default on nopass", false)];
    let text = rewritten_with(&config, "port 6379\nuser x off\nuser y off\nUSER z off\n# end\n", &users);
    assert!(text.starts_with("port 6379\nuser a on\nuser default on nopass\n\n# end\n"), "{text}");
    let text = rewritten_with(&config, "port 6379\n", &users);
    assert!(text.contains("user a on\n") && !text.contains("user default"), "{text}");
}

#[test]
fn rewrite_keeps_comments_and_order_and_appends_the_rest() {
    let mut config = config();
    set(&mut config, &["timeout", "30", "maxmemory", "3gb", "save", "60 5", "masterauth", "p w"]).unwrap();
    let old = "# head\n  Timeout 5 \n\n\n\nsave 900 1\nsave 300 10\n# between\nbind 127.0.0.1\ninclude other.conf\nwhat is this\nuser a on\nmaxclients 10000\n";
    let expected = "# head\ntimeout 30\n\nsave 60 5\n\n# between\n\ninclude other.conf\n# ??? what is this\n\nmaxclients 10000\n\
                    # Generated by CONFIG REWRITE\ndir \"/\"\nmasterauth \"p w\"\nmaxmemory 3gb\n";
    assert_eq!(rewritten(&config, old), expected);
    assert_eq!(rewritten(&config, expected), expected, "a second rewrite changes nothing");
}

#[test]
fn rewrite_of_output_limits_uses_the_lines_there_are() {
    let mut config = config();
    set(&mut config, &["client-output-buffer-limit", "pubsub 1mb 0 0"]).unwrap();
    let text = rewritten(&config, "# Generated by CONFIG REWRITE\n");
    assert!(
        text.contains("client-output-buffer-limit pubsub 1mb 0 0\n") && !text.contains("normal"),
        "{text}"
    );
    assert_eq!(text.matches("Generated").count(), 1);
}

#[test]
fn a_rewrite_of_all_has_a_line_for_each_directive_and_is_read_back() {
    let mut config = config();
    set(&mut config, &["timeout", "30", "masterauth", "p w"]).unwrap();
    let text = config.rewrite_all(b"# head\n", Vec::new());
    let again = load::load(&["-".into()], Path::new("/"), &mut text.as_slice()).unwrap();
    assert_eq!(again.config, config);
    let text = String::from_utf8(text).unwrap();
    for line in ["timeout 30\n", "maxclients 10000\n", "hash-max-listpack-value 64\n"] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[test]
fn what_cannot_change_may_be_set_to_what_it_is_if_it_is_ours() {
    let mut config = config();
    assert!(set(&mut config, &["worker-threads", "0"]).is_ok());
    assert!(set(&mut config, &["worker-threads", "3"]).unwrap_err().to_string().contains("immutable"));
    assert!(set(&mut config, &["databases", "16"]).unwrap_err().to_string().contains("immutable"));
}
