//! Clients that wait on streams: who is served when, with what, and who is told that there is nothing to wait for any more.

use crate::executor::in_memory::{WAITS, clients, logged};

const GONE: &str = "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option";
const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";

#[test]
fn all_who_read_are_served_each_after_its_own_id() {
    clients!(node: from_end, from_start, new, adder);
    adder.ask("XADD s 1-0 f v");
    new.ask("HELLO 3");
    assert_eq!(from_end.ask("XREAD BLOCK 0 STREAMS s other $ $"), WAITS);
    assert_eq!(from_start.ask("XREAD BLOCK 0 STREAMS s 5-0"), WAITS);
    assert_eq!(new.ask("XREAD BLOCK 0 STREAMS other s 0 1-0"), WAITS);
    assert_eq!(adder.ask("XADD s 2-0 f v"), "$3 2-0");
    assert_eq!(from_end.got(), "*1 *2 $1 s *1 *2 $3 2-0 *2 $1 f $1 v");
    assert_eq!(new.got(), "%1 $1 s *1 *2 $3 2-0 *2 $1 f $1 v");
    assert_eq!(from_start.got(), "");
    adder.ask("MULTI");
    adder.ask("XADD s 6-0 f v");
    adder.ask("XADD s 7-0 f v");
    adder.ask("XADD other 1-0 f v");
    adder.ask("EXEC");
    assert_eq!(from_start.got(), "*1 *2 $1 s *2 *2 $3 6-0 *2 $1 f $1 v *2 $3 7-0 *2 $1 f $1 v");
    assert_eq!(
        new.ask("XREAD COUNT 1 BLOCK 0 STREAMS other s 0 0"),
        "%2 $5 other *1 *2 $3 1-0 *2 $1 f $1 v $1 s *1 *2 $3 1-0 *2 $1 f $1 v"
    );
    assert!(node.shards.lock(0).waiters.is_empty());
}

#[test]
fn who_does_not_wait_is_answered_at_once() {
    clients!(node: one);
    assert_eq!(one.ask("XREAD STREAMS none 0"), "*-1");
    assert_eq!(one.ask("XREAD BLOCK -1 STREAMS none 0"), "-ERR timeout is negative");
    assert_eq!(one.ask("XREAD BLOCK x STREAMS none 0"), "-ERR timeout is not an integer or out of range");
    for line in ["MULTI", "XREAD BLOCK 0 STREAMS none $"] {
        one.ask(line);
    }
    assert_eq!(one.ask("EXEC"), "*1 *-1");
    assert_eq!(one.ask("XREAD BLOCK 20 STREAMS none $"), WAITS);
    assert!(one.time_out());
    assert_eq!(one.got(), "*-1");
    drop(node);
}

#[test]
fn a_script_may_read_and_not_wait() {
    clients!(node: one);
    one.ask("XADD s 1-0 f v");
    let mut run =
        |command: &str| one.ask_words(&["EVAL", &format!("return redis.pcall({command})"), "1", "s"]);
    assert_eq!(run("'xread', 'STREAMS', KEYS[1], '0'"), "*1 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v");
    let refused = run("'xread', 'BLOCK', '0', 'STREAMS', KEYS[1], '$'");
    assert!(
        refused.starts_with("-ERR xread command is not allowed with BLOCK option from scripts"),
        "{refused}"
    );
    drop(node);
}

#[test]
fn an_entry_that_goes_away_at_once_serves_nobody() {
    clients!(node: reader, adder);
    assert_eq!(reader.ask("XREAD BLOCK 0 STREAMS s $"), WAITS);
    adder.ask("XADD s MAXLEN 0 1-0 f v");
    assert_eq!(reader.got(), "");
    adder.ask("XADD s 2-0 f v");
    assert_eq!(reader.got(), "*1 *2 $1 s *1 *2 $3 2-0 *2 $1 f $1 v");
    drop(node);
}

/// What is there goes to who came first; who gets nothing waits on behind the others.
#[test]
fn the_consumers_of_a_group_share() {
    clients!(node: first, second, adder);
    adder.ask("XGROUP CREATE s g 0 MKSTREAM");
    assert_eq!(first.ask("XREADGROUP GROUP g first BLOCK 0 STREAMS s >"), WAITS);
    assert_eq!(second.ask("XREADGROUP GROUP g second BLOCK 0 NOACK STREAMS s >"), WAITS);
    adder.ask("XADD s 1-0 f v");
    assert_eq!((first.got().as_str(), second.got().as_str()), ("*1 *2 $1 s *1 *2 $3 1-0 *2 $1 f $1 v", ""));
    assert_eq!(first.ask("XREADGROUP GROUP g first BLOCK 0 STREAMS s >"), WAITS);
    adder.ask("XADD s 2-0 f v");
    assert_eq!((first.got().as_str(), second.got().as_str()), ("", "*1 *2 $1 s *1 *2 $3 2-0 *2 $1 f $1 v"));
    let log: Vec<String> =
        logged(&node, 0).into_iter().map(|line| line.split(" TIME ").next().unwrap().to_owned()).collect();
    let expected = [
        "XGROUP CREATE s g 0 MKSTREAM",
        "XGROUP CREATECONSUMER s g second",
        "XADD s 1-0 f v",
        "XCLAIM s g first 0 1-0",
        "XADD s 2-0 f v",
        "XGROUP SETID s g 2-0 ENTRIESREAD 2",
    ];
    assert_eq!(log, expected);
}

#[test]
fn who_waits_for_a_group_is_told_when_it_can_not_come() {
    for (line, expected) in [
        ("DEL s", GONE),
        ("UNLINK s", GONE),
        ("FLUSHALL", GONE),
        ("FLUSHDB", GONE),
        ("RENAME s other", GONE),
        ("EXPIRE s -1", GONE),
        ("XGROUP DESTROY s g", GONE),
        ("COPY empty s REPLACE", GONE),
        ("SET s v", WRONG_TYPE),
        ("RENAME list s", WRONG_TYPE),
        ("SUNIONSTORE s set", WRONG_TYPE),
        ("SORT list STORE s", WRONG_TYPE),
        ("MOVE s 1", GONE),
        ("SWAPDB 0 1", GONE),
    ] {
        clients!(node: reader, plain, other);
        for before in
            ["XGROUP CREATE s g 0 MKSTREAM", "RPUSH list 1", "SADD set x", "XADD empty MAXLEN 0 1-0 f v"]
        {
            other.ask(before);
        }
        assert_eq!(reader.ask("XREADGROUP GROUP g c BLOCK 0 STREAMS s >"), WAITS);
        assert_eq!(plain.ask("XREAD BLOCK 0 STREAMS s $"), WAITS);
        if other.ask(line).starts_with("-ERR unknown command") {
            continue;
        }
        assert_eq!((reader.got().as_str(), plain.got().as_str()), (expected, ""), "{line}");
        drop(node);
    }
}

#[test]
fn a_key_whose_time_comes_is_missed_too() {
    clients!(node: reader, other);
    other.ask("XGROUP CREATE s g 0 MKSTREAM");
    other.ask("PEXPIRE s 1");
    assert_eq!(reader.ask("XREADGROUP GROUP g c BLOCK 0 STREAMS s >"), WAITS);
    while other.ask("EXISTS s") == ":1" {}
    assert_eq!(reader.got(), GONE);
    drop(node);
}

#[test]
fn a_stream_that_comes_back_with_its_group_serves() {
    clients!(node: reader, other);
    other.ask("XGROUP CREATE s g 0 MKSTREAM");
    assert_eq!(reader.ask("XREADGROUP GROUP g c BLOCK 0 STREAMS s >"), WAITS);
    for line in ["MULTI", "DEL s", "XGROUP CREATE s g 0 MKSTREAM", "EXEC"] {
        other.ask(line);
    }
    assert_eq!(reader.got(), "");
    for line in ["XADD from 4-0 f v", "XGROUP CREATE from g 0", "RENAME from s"] {
        other.ask(line);
    }
    assert_eq!(reader.got(), "*1 *2 $1 s *1 *2 $3 4-0 *2 $1 f $1 v");
    drop(node);
}
