use rcl_proto::resp::OwnedArgs;

use super::*;
use crate::access::merge_selectors;
use crate::command::{Lookup, find};

fn user(rules: &str) -> std::sync::Arc<User> {
    let mut user = Rules::new(false);
    user.apply_all(&merge_selectors(rules.split(' ').map(str::as_bytes)).unwrap(), false).unwrap();
    User::new(b"u", user)
}

fn asked(user: &User, line: &str) -> String {
    let args = OwnedArgs::new(line.split(' ').map(str::as_bytes));
    let Lookup::Found(known) = find(args.as_args()) else { panic!("{line}") };
    let request = Request::new(known, args.as_args());
    match user.may(&request) {
        Ok(()) => "may".to_owned(),
        Err(denied) => denied.verbose_text(user, &request),
    }
}

fn command(name: &str) -> String {
    format!("User u has no permissions to run the '{name}' command")
}

fn key(name: &str) -> String {
    format!("User u has no permissions to access the '{name}' key")
}

fn channel(name: &str) -> String {
    format!("User u has no permissions to access the '{name}' channel")
}

#[test]
fn commands_and_subcommands() {
    let user = user("~* &* +get +config|get +@connection -client|kill +select|0");
    for allowed in ["GET k", "config get port", "PING", "CLIENT LIST", "AUTH pw", "SELECT 0"] {
        assert_eq!(asked(&user, allowed), "may", "{allowed}");
    }
    for (line, name) in [
        ("set k v", "set"),
        ("CONFIG SET port 1", "config|set"),
        ("config", "config"),
        ("CLIENT KILL ID 3", "client|kill"),
    ] {
        assert_eq!(asked(&user, line), command(name));
    }
}

#[test]
fn only_with_that_first_argument() {
    let user = user("+@all -select +select|0 +select|x");
    assert_eq!(asked(&user, "SELECT 0"), "may");
    assert_eq!(asked(&user, "select X"), "may");
    assert_eq!(asked(&user, "SELECT 1"), command("select"));
}

#[test]
fn keys_by_what_is_done_with_them() {
    let user = user("+@all %R~read* %W~write* %RW~rw* ~glob[ab]");
    for allowed in [
        "get read1",
        "get rw1",
        "get globa",
        "lpush write1 v",
        "lpush rw v",
        "copy read write",
        "copy rw rw2",
        "mset write1 v globb v",
        "set write v",
        "set rw v get",
        "ping",
        "sort_ro_is_not_here_yet",
    ] {
        if !allowed.starts_with("sort") {
            assert_eq!(asked(&user, allowed), "may", "{allowed}");
        }
    }
    for (line, name) in [
        ("get write1", "write1"),
        ("get other", "other"),
        ("get globc", "globc"),
        ("lpush read1 v", "read1"),
        ("copy write read", "write"),
        ("copy read read2", "read2"),
        ("mget read1 rw other", "other"),
        ("set write v get", "write"),
        ("set read v", "read"),
        ("bitfield write get u4 0", "write"),
        ("bitfield read set u4 0 1", "read"),
        ("bitfield read get u4 0 overflow", "?"),
        ("rename rw read", "read"),
        ("migrate h 1 rw 0 5 keys other", "?"),
        ("migrate h 1 read 0 5", "read"),
    ] {
        let expected = if name == "?" { "may".to_owned() } else { key(name) };
        assert_eq!(asked(&user, line), expected, "{line}");
    }
}

#[test]
fn the_keys_of_migrate_are_those_that_it_would_move() {
    let user = user("+@all ~ok*");
    let migrate = |words: &[&str]| {
        let args = OwnedArgs::new(["MIGRATE", "h", "1"].iter().chain(words).map(|word| word.as_bytes()));
        let Lookup::Found(known) = find(args.as_args()) else { panic!() };
        let request = Request::new(known, args.as_args());
        user.may(&request).map_err(|denied| denied.object(&request).to_vec())
    };
    assert_eq!(migrate(&["", "0", "5", "KEYS", "ok1", "ok2"]), Ok(()));
    assert_eq!(migrate(&["", "0", "5", "KEYS", "secret", "KEYS", "ok1"]), Err(b"secret".to_vec()));
    assert_eq!(migrate(&["", "0", "5", "AUTH", "KEYS", "KEYS", "ok1"]), Ok(()));
    assert_eq!(migrate(&["", "0", "5", "AUTH2", "KEYS", "KEYS", "KEYS", "secret"]), Err(b"secret".to_vec()));
    assert_eq!(migrate(&["secret", "0", "5", "KEYS", "ok1"]), Err(b"secret".to_vec()));
}

#[test]
fn channels_and_patterns_of_them() {
    let user = user("+@all ~* &news.* &foo");
    for allowed in [
        "publish news.x m",
        "subscribe foo news.1",
        "psubscribe news.* foo",
        "ssubscribe news.a",
        "spublish foo m",
        "unsubscribe other",
        "punsubscribe *",
        "sunsubscribe other",
        "pubsub channels *",
    ] {
        assert_eq!(asked(&user, allowed), "may", "{allowed}");
    }
    for (line, name) in [
        ("publish other m", "other"),
        ("subscribe foo other", "other"),
        ("psubscribe news.1", "news.1"),
        ("psubscribe *", "*"),
        ("ssubscribe other", "other"),
        ("spublish other m", "other"),
    ] {
        assert_eq!(asked(&user, line), channel(name), "{line}");
    }
}

#[test]
fn one_selector_has_to_allow_all_of_it() {
    let user = user("+mget ~key (+mget ~key ~other) (+get %R~r) (+publish &c)");
    assert_eq!(asked(&user, "mget key other"), "may");
    assert_eq!(asked(&user, "get r"), "may");
    assert_eq!(asked(&user, "get key"), key("key"));
    assert_eq!(asked(&user, "mget other further"), key("further"));
    assert_eq!(asked(&user, "mget key other further"), key("further"));
    assert_eq!(asked(&user, "publish d m"), channel("d"));
    assert_eq!(asked(&user, "set r v"), command("set"));
}

#[test]
fn who_may_do_everything_is_asked_nothing() {
    assert!(user("+@all ~* &*").is_unrestricted());
    assert!(user("+get (allcommands allkeys allchannels)").is_unrestricted());
    for rules in ["+@all ~*", "+@all &*", "~* &* +@all -get", "+@all (~* &*)"] {
        assert!(!user(rules).is_unrestricted(), "{rules}");
    }
}

#[test]
fn a_command_with_every_key() {
    let args = OwnedArgs::new([b"GET".as_slice(), b"k"]);
    let Lookup::Found(known) = find(args.as_args()) else { panic!() };
    let request = Request::new(known, args.as_args());
    for (rules, expected) in [
        ("+get ~*", true),
        ("+get %R~*", true),
        ("+get %W~* ~k", false),
        ("+get ~k*", false),
        ("~* (+get ~k)", false),
        ("+set ~* (+get %R~*)", true),
    ] {
        assert_eq!(user(rules).may_with_every_key(&request, key_flag::ACCESS), expected, "{rules}");
    }
}
