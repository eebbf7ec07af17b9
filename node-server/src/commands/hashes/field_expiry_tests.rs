//! Fields with an expiry, with a node in memory: the oracle, Redis 7.0, does not know them.

use std::time::Duration;

use crate::executor::in_memory::{Client, clients, converse, logged};
use crate::expiry::ActiveExpiry;

const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";

/// Lets some milliseconds pass.
fn wait(client: &mut Client) {
    client.ask("DEBUG SLEEP 0.005");
}

#[test]
fn setting_asking_and_clearing() {
    clients!(node: one);
    converse(
        &mut one,
        &[
            ("HSET h a 1 b 2 c 3", ":3"),
            ("HPEXPIREAT h 2000000000500 FIELDS 2 a none", "*2 :1 :-2"),
            ("OBJECT ENCODING h", "$10 listpackex"),
            ("HEXPIRETIME h FIELDS 3 a b none", "*3 :2000000001 :-1 :-2"),
            ("HPEXPIRETIME h FIELDS 1 a", "*1 :2000000000500"),
            ("HPEXPIREAT h 2000000000400 GT FIELDS 2 a b", "*2 :0 :0"),
            ("HPEXPIREAT h 2000000000400 LT FIELDS 2 a b", "*2 :1 :1"),
            ("HEXPIREAT h 2000000000 NX FIELDS 2 a c", "*2 :0 :1"),
            ("HEXPIREAT h 2000000001 XX FIELDS 2 a none", "*2 :1 :-2"),
            ("HPERSIST h FIELDS 3 a none a", "*3 :1 :-2 :-1"),
            ("HSET h b 5", ":0"),
            ("HPTTL h FIELDS 2 a b", "*2 :-1 :-1"),
            ("HINCRBY h c 4", ":7"),
            ("HPEXPIRETIME h FIELDS 1 c", "*1 :2000000000000"),
            ("HEXPIREAT h 1 FIELDS 1 c", "*1 :2"),
            ("OBJECT ENCODING h", "$8 listpack"),
            ("HGETALL h", "*4 $1 a $1 1 $1 b $1 5"),
            ("HTTL missing FIELDS 2 a b", "*2 :-2 :-2"),
            ("HEXPIRE missing 10 FIELDS 1 a", "*1 :-2"),
            ("HPERSIST missing FIELDS 1 a", "*1 :-2"),
            ("HEXPIRE h 0 FIELDS 2 a b", "*2 :2 :2"),
            ("EXISTS h", ":0"),
            ("SET s x", "+OK"),
            ("HEXPIRE s 1 FIELDS 1 a", WRONG_TYPE),
            ("HPERSIST s FIELDS 1 a", WRONG_TYPE),
            ("HTTL s FIELDS 1 a", WRONG_TYPE),
        ],
    );
}

#[test]
fn arguments_of_each_command() {
    clients!(node: one);
    let missing = "-ERR Mandatory argument FIELDS is missing or not at the right position";
    let positive = "-ERR Number of fields must be a positive integer";
    let counted = "-ERR The `numfields` parameter must match the number of arguments";
    converse(
        &mut one,
        &[
            ("HEXPIRE h x FIELDS 1 a", "-ERR value is not an integer or out of range"),
            ("HEXPIRE h -1 FIELDS 1 a", "-ERR invalid expire time, must be >= 0"),
            ("HEXPIRE h 70368744177 FIELDS 1 a", "-ERR invalid expire time in 'hexpire' command"),
            ("HPEXPIRE h 9223372036854775807 FIELDS 1 a", "-ERR invalid expire time in 'hpexpire' command"),
            ("HEXPIRE h 1 1 FIELDS a", missing),
            ("HPEXPIRE h 1 FIELDS 0 a", "-ERR Parameter `numFields` should be greater than 0"),
            ("HEXPIREAT h 1 FIELDS 2 a", counted),
            ("HTTL h a b c", missing),
            ("HPTTL h FIELDS x a", positive),
            ("HEXPIRETIME h FIELDS 2 a", counted),
            ("HPEXPIRETIME h FIELDS -1 a", positive),
            ("HPERSIST h FIELDS 2 a", counted),
            ("HGETDEL h FIELDS 0 a", positive),
            ("HGETEX h EX 1 PERSIST FIELDS 1 a", missing),
            ("HGETEX h SOON FIELDS 1 a", missing),
            ("HGETEX h PERSIST 1 FIELDS 1 a", missing),
            ("HGETEX h PXAT 1 1", missing),
            ("HGETEX h FIELDS 2 a", counted),
            ("HGETEX h FIELDS -1 a", positive),
            ("HGETEX h EX -1 FIELDS 1 a", "-ERR invalid expire time, must be >= 0"),
            ("HSETEX h NX FIELDS 1 a 1", "-ERR unknown argument: NX"),
            ("HSETEX h EX FIELDS 1 a 1", "-ERR value is not an integer or out of range"),
            ("HSETEX h FNX FXX FIELDS 1 a 1", "-ERR Only one of FXX or FNX arguments can be specified"),
            (
                "HSETEX h EX 1 KEEPTTL FIELDS 1 a 1",
                "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified",
            ),
            ("HSETEX h FIELDS 2 a 1", "-ERR wrong number of arguments for 'hsetex' command"),
            ("HSETEX h FIELDS 1 a 1 more", "-ERR wrong number of arguments for 'hsetex' command"),
            ("HSETEX h FIELDS 0 a 1", "-ERR invalid number of fields"),
            ("EXISTS h", ":0"),
        ],
    );
}

#[test]
fn reading_and_setting_together_with_an_expiry() {
    clients!(node: one);
    converse(
        &mut one,
        &[
            ("HSETEX h FXX FIELDS 1 a 1", ":0"),
            ("HSETEX h FNX PXAT 2000000000000 FIELDS 2 a 1 b 2", ":1"),
            ("HSETEX h FNX FIELDS 2 a 5 c 5", ":0"),
            ("HPEXPIRETIME h FIELDS 2 a b", "*2 :2000000000000 :2000000000000"),
            ("HSETEX h KEEPTTL FIELDS 1 a 3", ":1"),
            ("HSETEX h FIELDS 1 b 4", ":1"),
            ("HPEXPIRETIME h FIELDS 2 a b", "*2 :2000000000000 :-1"),
            ("HGETEX h FIELDS 3 a b none", "*3 $1 3 $1 4 $-1"),
            ("HGETEX h PERSIST FIELDS 1 a", "*1 $1 3"),
            ("HGETEX h PXAT 2000000000001 FIELDS 2 b none", "*2 $1 4 $-1"),
            ("HPEXPIRETIME h FIELDS 2 a b", "*2 :-1 :2000000000001"),
            ("HGETDEL h FIELDS 2 b none", "*2 $1 4 $-1"),
            ("HSETEX h EXAT 1 FIELDS 2 a 1 new 1", ":1"),
            ("EXISTS h", ":0"),
            ("HGETDEL h FIELDS 1 a", "*1 $-1"),
            ("HGETEX h EX 10 FIELDS 1 a", "*1 $-1"),
            ("HSET h a 1", ":1"),
            ("HGETEX h PX 0 FIELDS 1 a", "*1 $1 1"),
            ("EXISTS h", ":0"),
        ],
    );
}

#[test]
fn what_is_over_is_not_seen_and_goes_when_it_is_come_upon() {
    clients!(node: one);
    one.ask("CONFIG SET notify-keyspace-events KEA");
    one.ask("HSET h a 1 b 2 c 3 d 4");
    one.ask("HPEXPIRE h 1 FIELDS 3 a b c");
    wait(&mut one);
    let from = node.replication.offset();
    converse(
        &mut one,
        &[
            ("HGETALL h", "*2 $1 d $1 4"),
            ("HKEYS h", "*1 $1 d"),
            ("HVALS h", "*1 $1 4"),
            ("HSCAN h 0", "*2 $1 0 *2 $1 d $1 4"),
            ("HPTTL h FIELDS 2 a d", "*2 :-2 :-1"),
            ("HLEN h", ":4"),
        ],
    );
    assert!(logged(&node, from).is_empty(), "nothing was deleted yet");
    converse(&mut one, &[("HGET h a", "$-1"), ("HLEN h", ":3"), ("HSETNX h b 5", ":1"), ("HDEL h c", ":1")]);
    assert_eq!(logged(&node, from), ["HDEL h a", "MULTI", "HDEL h b", "HSETNX h b 5", "EXEC", "HDEL h c"]);
    one.ask("HPEXPIRE h 1 FIELDS 2 b d");
    wait(&mut one);
    converse(
        &mut one,
        &[
            ("HGETALL h", "*0"),
            ("EXISTS h", ":1"),
            ("HMGET h b d", "*2 $-1 $-1"),
            ("EXISTS h", ":0"),
            ("HSET h a 1 b 2", ":2"),
            ("HPEXPIRE h 1 FIELDS 2 a b", "*2 :1 :1"),
            ("DEBUG SLEEP 0.005", "+OK"),
            ("HRANDFIELD h -3", "*0"),
            ("EXISTS h", ":0"),
        ],
    );
}

#[test]
fn the_active_cycle_deletes_what_nobody_comes_upon() {
    clients!(node: one);
    for number in 0..300 {
        one.ask(&format!("HSET h{number} a 1 b 2"));
        one.ask(&format!("HPEXPIRE h{number} 1 FIELDS 1 a"));
    }
    one.ask("HSET gone a 1");
    one.ask("HPEXPIRE gone 1 FIELDS 1 a");
    wait(&mut one);
    let from = node.replication.offset();
    let mut expiry = ActiveExpiry::default();
    for _ in 0..1000 {
        expiry.tick(&node, Duration::from_millis(100));
    }
    assert_eq!(one.ask("HLEN h7"), ":1");
    assert_eq!(one.ask("DBSIZE"), ":300");
    let log = logged(&node, from);
    assert_eq!(log.len(), 301);
    assert!(log.contains(&"HDEL h7 a".to_owned()) && log.contains(&"HDEL gone a".to_owned()));
}

#[test]
fn replicas_get_moments_and_what_older_servers_know() {
    clients!(node: one);
    one.ask("HSET h a 1 b 2.5 c 3");
    let from = node.replication.offset();
    one.ask("HPEXPIREAT h 2000000000000 FIELDS 3 a none b");
    one.ask("HEXPIREAT h 1 FIELDS 2 c none");
    one.ask("HINCRBYFLOAT h b 1");
    one.ask("HSETEX h PXAT 2000000000001 FIELDS 1 d 4");
    one.ask("HGETEX h PERSIST FIELDS 2 a b");
    one.ask("HGETDEL h FIELDS 2 a none");
    one.ask("HTTL h FIELDS 1 d");
    assert_eq!(
        logged(&node, from),
        [
            "HPEXPIREAT h 2000000000000 FIELDS 2 a b",
            "HDEL h c",
            "MULTI",
            "HSET h b 3.5",
            "HPEXPIREAT h 2000000000000 FIELDS 1 b",
            "EXEC",
            "MULTI",
            "HSET h d 4",
            "HPEXPIREAT h 2000000000001 FIELDS 1 d",
            "EXEC",
            "HPERSIST h FIELDS 2 a b",
            "HDEL h a",
        ]
    );
}

#[test]
fn expiries_go_with_the_key() {
    clients!(node: one);
    one.ask("HSET h a 1 b 2");
    one.ask("HPEXPIREAT h 2000000000000 FIELDS 1 a");
    converse(
        &mut one,
        &[
            ("COPY h copy", ":1"),
            ("RENAME h other", "+OK"),
            ("MOVE other 1", ":1"),
            ("HPEXPIRETIME copy FIELDS 2 a b", "*2 :2000000000000 :-1"),
            ("SELECT 1", "+OK"),
            ("HPEXPIRETIME other FIELDS 2 a b", "*2 :2000000000000 :-1"),
            ("SORT_RO none", "*0"),
        ],
    );
}
