//! The files that are replaced as a whole: configuration, users, nodes.conf.

use super::{Deed, every_call_fails};
use crate::harness::wait_until;

/// The number after `word` in a text that is whole: but for the number it is that of the beginning.
fn number_after(text: &str, word: &str) -> Option<u64> {
    let after = text.split(word).nth(1).unwrap_or_else(|| panic!("{word} is not in {text}"));
    after.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}

#[test]
fn configuration() {
    every_call_fails(
        &Deed {
            name: "CONFIG REWRITE",
            arguments: &["DATA/redis.conf", "--save", ""],
            change: |subject, number| {
                subject.said(&["SET", "foo", "value"]).unwrap();
                subject.said(&["CONFIG", "SET", "timeout", &number.to_string()]).unwrap();
            },
            keep: |subject| subject.said(&["CONFIG", "REWRITE"]),
            kept: |home| {
                let text = std::fs::read_to_string(home.data().join("redis.conf")).unwrap();
                assert!(text.starts_with("# a comment\n") && text.ends_with('\n'), "{text}");
                number_after(&text, "\ntimeout ")
            },
        },
        None,
    );
}

#[test]
fn users() {
    every_call_fails(
        &Deed {
            name: "ACL SAVE",
            arguments: &["--aclfile", "DATA/users.acl", "--save", ""],
            change: |subject, number| {
                subject.said(&["SET", "foo", "value"]).unwrap();
                subject.said(&["ACL", "SETUSER", "one", "reset", &format!("~key{number}:*")]).unwrap();
            },
            keep: |subject| subject.said(&["ACL", "SAVE"]),
            kept: |home| {
                let text = std::fs::read_to_string(home.data().join("users.acl")).unwrap();
                assert!(text.contains("user default on ") && text.ends_with('\n'), "{text}");
                number_after(&text, "~key")
            },
        },
        None,
    );
}

#[test]
fn cluster() {
    every_call_fails(
        &Deed {
            name: "nodes.conf",
            arguments: &["--cluster-enabled", "yes", "--save", "", "--cluster-require-full-coverage", "no"],
            change: |subject, number| {
                if number == 1 {
                    subject.said(&["CLUSTER", "ADDSLOTSRANGE", "8000", "16383"]).unwrap();
                    wait_until("it serves", || subject.said(&["SET", "foo", "value"]).is_ok());
                }
            },
            keep: |subject| {
                let slot = subject.asked.to_string();
                subject.said(&["CLUSTER", "ADDSLOTS", &slot])
            },
            kept: |home| {
                let text = std::fs::read_to_string(home.data().join("nodes.conf")).unwrap();
                assert!(text.ends_with('\n') && text.contains("vars currentEpoch"), "{text}");
                let line = text.lines().find(|line| line.contains("myself")).unwrap();
                // As in "… connected 1-7 8000-16383".
                let slots = line.rsplit(' ').nth(1).unwrap();
                Some(slots.rsplit('-').next().unwrap().parse().unwrap())
            },
        },
        None,
    );
}
