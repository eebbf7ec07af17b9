//! Each command on a node in memory. That Redis answers the same is the differential tester's to say.

use crate::executor::in_memory::{clients, converse, logged};

#[test]
fn entries_are_added_and_read() {
    clients!(node: one);
    converse(
        &mut one,
        &[
            ("XADD s 1-1 f v", "$3 1-1"),
            ("XADD s 1-* f v g w", "$3 1-2"),
            ("XADD s 2 a b", "$3 2-0"),
            (
                "XADD s 2-0 a b",
                "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
            ),
            ("XADD s 0-0 a b", "-ERR The ID specified in XADD must be greater than 0-0"),
            ("XADD s * a", "-ERR wrong number of arguments for 'xadd' command"),
            ("XADD s 3-0 a b c", "-ERR wrong number of arguments for 'xadd' command"),
            (
                "XADD s MAXLEN 5 LIMIT 1 3-0 a b",
                "-ERR syntax error, LIMIT cannot be used without the special ~ option",
            ),
            ("XADD none NOMKSTREAM * a b", "$-1"),
            ("XLEN none", ":0"),
            ("XLEN s", ":3"),
            ("XRANGE s - + COUNT 1", "*1 *2 $3 1-1 *2 $1 f $1 v"),
            ("XRANGE s (1-1 1", "*1 *2 $3 1-2 *4 $1 f $1 v $1 g $1 w"),
            ("XREVRANGE s + - COUNT 1", "*1 *2 $3 2-0 *2 $1 a $1 b"),
            ("XRANGE s - + COUNT 0", "*-1"),
            ("XRANGE none - +", "*0"),
            ("XRANGE s x +", "-ERR Invalid stream ID specified as stream command argument"),
            ("XRANGE s - + COUNT", "-ERR syntax error"),
            ("TYPE s", "+stream"),
            ("OBJECT ENCODING s", "$6 stream"),
            ("LPUSH s x", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SET text v", "+OK"),
            ("XADD text * f v", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("COPY s t", ":1"),
            ("XLEN t", ":3"),
        ],
    );
    let id = one.ask("XADD s * f v");
    assert!(id.ends_with("-0") && id.len() > 15, "{id}");
    drop(node);
}

#[test]
fn entries_go_away() {
    clients!(node: one);
    for ms in 1..=10 {
        one.ask(&format!("XADD s {ms}-0 f v"));
    }
    converse(
        &mut one,
        &[
            ("XDEL s 3 4-0 99-0", ":2"),
            ("XDEL s x", "-ERR Invalid stream ID specified as stream command argument"),
            ("XDEL none 1-0", ":0"),
            ("XTRIM s MAXLEN ~ 5", ":0"),
            ("XTRIM s MAXLEN 5", ":3"),
            ("XTRIM s MINID = 8", ":2"),
            ("XTRIM s", "-ERR wrong number of arguments for 'xtrim' command"),
            (
                "XTRIM s LIMIT 5",
                "-ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
            ),
            ("XTRIM s MAXLEN -1", "-ERR The MAXLEN argument must be >= 0."),
            ("XRANGE s - +", "*3 *2 $3 8-0 *2 $1 f $1 v *2 $3 9-0 *2 $1 f $1 v *2 $4 10-0 *2 $1 f $1 v"),
            ("XSETID s 9-0", "-ERR The ID specified in XSETID is smaller than the target stream top item"),
            (
                "XSETID s 20-0 ENTRIESADDED 2",
                "-ERR The entries_added specified in XSETID is smaller than the target stream length",
            ),
            ("XSETID s 20-0 ENTRIESADDED 50 MAXDELETEDID 15-0", "+OK"),
            ("XSETID s 14-0", "-ERR The ID specified in XSETID is smaller than current max_deleted_entry_id"),
            ("XSETID none 1-0", "-ERR no such key"),
            ("XADD s MAXLEN 0 21-0 f v", "$4 21-0"),
            ("XLEN s", ":0"),
            ("EXISTS s", ":1"),
        ],
    );
    drop(node);
}

#[test]
fn groups_and_their_consumers() {
    clients!(node: one);
    converse(
        &mut one,
        &[
            (
                "XGROUP CREATE s g $",
                "-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.",
            ),
            ("XGROUP CREATE s g $ MKSTREAM", "+OK"),
            ("XGROUP CREATE s g 0", "-BUSYGROUP Consumer Group name already exists"),
            ("XGROUP CREATE s h 0 ENTRIESREAD -2", "-ERR value for ENTRIESREAD must be positive or -1"),
            (
                "XGROUP CREATE s h 0 WORD",
                "-ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.",
            ),
            ("XGROUP SETID s g 5 ENTRIESREAD 3", "+OK"),
            ("XGROUP SETID s none 5", "-NOGROUP No such consumer group 'none' for key name 's'"),
            ("XGROUP CREATECONSUMER s g c", ":1"),
            ("XGROUP CREATECONSUMER s g c", ":0"),
            (
                "XINFO GROUPS s",
                "*1 *12 $4 name $1 g $9 consumers :1 $7 pending :0 $17 last-delivered-id $3 5-0 $12 entries-read :3 $3 lag :0",
            ),
            ("XGROUP DELCONSUMER s g c", ":0"),
            ("XGROUP DESTROY s g", ":1"),
            ("XGROUP DESTROY s g", ":0"),
            ("XGROUP DESTROY", "-ERR wrong number of arguments for 'xgroup|destroy' command"),
        ],
    );
    assert!(one.ask("XGROUP HELP").starts_with("*13 +XGROUP <subcommand>"));
    assert!(one.ask("XINFO HELP").starts_with("*9 +XINFO <subcommand>"));
    drop(node);
}

#[test]
fn what_is_read_for_a_group_is_pending_until_it_is_acknowledged() {
    clients!(node: one);
    for line in ["XGROUP CREATE s g 0 MKSTREAM", "XADD s 1-0 a 1", "XADD s 2-0 b 2", "XADD s 3-0 c 3"] {
        one.ask(line);
    }
    converse(
        &mut one,
        &[
            ("XREADGROUP GROUP g alice COUNT 1 STREAMS s >", "*1 *2 $1 s *1 *2 $3 1-0 *2 $1 a $1 1"),
            ("XREADGROUP GROUP g bob COUNT 1 STREAMS s >", "*1 *2 $1 s *1 *2 $3 2-0 *2 $1 b $1 2"),
            ("XREADGROUP GROUP g bob NOACK STREAMS s >", "*1 *2 $1 s *1 *2 $3 3-0 *2 $1 c $1 3"),
            ("XREADGROUP GROUP g bob STREAMS s >", "*-1"),
            ("XPENDING s g", "*4 :2 $3 1-0 $3 2-0 *2 *2 $5 alice $1 1 *2 $3 bob $1 1"),
            ("XDEL s 1-0", ":1"),
            ("XREADGROUP GROUP g alice STREAMS s 0", "*1 *2 $1 s *1 *2 $3 1-0 *-1"),
            ("XREADGROUP GROUP g bob STREAMS s 0", "*1 *2 $1 s *1 *2 $3 2-0 *2 $1 b $1 2"),
            ("XREADGROUP GROUP g bob STREAMS s 2-0", "*1 *2 $1 s *0"),
            ("XPENDING s g IDLE 100000 - + 10", "*0"),
            ("XPENDING s g - + 10 nobody", "*0"),
            ("XPENDING s none", "-NOGROUP No such key 's' or consumer group 'none'"),
            ("XPENDING s g - +", "-ERR syntax error"),
            ("XACK s g 2-0 2-0 7-0", ":1"),
            ("XACK s none 2-0", ":0"),
            ("XACK s g x", "-ERR Invalid stream ID specified as stream command argument"),
            ("XGROUP DELCONSUMER s g alice", ":1"),
            ("XPENDING s g", "*4 :0 $-1 $-1 *-1"),
            (
                "XREADGROUP GROUP none c STREAMS s >",
                "-NOGROUP No such key 's' or consumer group 'none' in XREADGROUP with GROUP option",
            ),
            (
                "XREADGROUP GROUP g c STREAMS s $",
                "-ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.",
            ),
            ("XREADGROUP COUNT 1 NOACK NOACK STREAMS s >", "-ERR Missing GROUP option for XREADGROUP"),
            (
                "XREADGROUP GROUP g c STREAMS s s >",
                "-ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.",
            ),
            (
                "XREAD GROUP g c STREAMS s >",
                "-ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.",
            ),
        ],
    );
    let pending = one.ask("XREADGROUP GROUP g bob STREAMS s 0");
    assert_eq!(pending, "*1 *2 $1 s *0");
    drop(node);
}

#[test]
fn pending_entries_change_hands() {
    clients!(node: one);
    one.ask("XGROUP CREATE s g 0 MKSTREAM");
    for ms in 1..=5 {
        one.ask(&format!("XADD s {ms}-0 f {ms}"));
    }
    one.ask("XREADGROUP GROUP g alice STREAMS s >");
    one.ask("XDEL s 2-0 5-0");
    converse(
        &mut one,
        &[
            ("XCLAIM s g bob 0 1-0 2-0 9-0", "*1 *2 $3 1-0 *2 $1 f $1 1"),
            ("XCLAIM s g bob 100000 3-0", "*0"),
            ("XCLAIM s g bob 0 3-0 JUSTID RETRYCOUNT 7 IDLE 5000", "*1 $3 3-0"),
            ("XCLAIM s g bob 0 3-0 UNKNOWN", "-ERR Unrecognized XCLAIM option 'UNKNOWN'"),
            ("XCLAIM s g bob x 3-0", "-ERR Invalid min-idle-time argument for XCLAIM"),
            ("XCLAIM s none bob 0 3-0", "-NOGROUP No such key 's' or consumer group 'none'"),
            ("XPENDING s g", "*4 :4 $3 1-0 $3 5-0 *2 *2 $5 alice $1 2 *2 $3 bob $1 2"),
            ("XAUTOCLAIM s g carol 0 - COUNT 1 JUSTID", "*3 $3 3-0 *1 $3 1-0 *0"),
            ("XAUTOCLAIM s g carol 0 (3-0", "*3 $3 0-0 *1 *2 $3 4-0 *2 $1 f $1 4 *1 $3 5-0"),
            ("XAUTOCLAIM s g carol 0 0 COUNT 0", "-ERR COUNT must be > 0"),
            ("XAUTOCLAIM s g carol 100000 0", "*3 $3 0-0 *0 *0"),
            ("XPENDING s g", "*4 :3 $3 1-0 $3 4-0 *2 *2 $3 bob $1 1 *2 $5 carol $1 2"),
            ("XCLAIM s g bob 0 3-0 FORCE LASTID 8-0 JUSTID", "*1 $3 3-0"),
        ],
    );
    let info = one.ask("XINFO STREAM s FULL COUNT 1");
    assert!(info.contains("last-delivered-id $3 8-0") && info.contains("$9 pel-count :3"), "{info}");
    assert!(info.contains("$3 bob") && info.contains(" :7"), "{info}");
    drop(node);
}

#[test]
fn what_a_stream_is() {
    clients!(node: one);
    for line in ["XADD s 1-0 a 1", "XADD s 2-0 b 2", "XADD s 3-0 c 3", "XDEL s 3-0", "XGROUP CREATE s g 1-0"]
    {
        one.ask(line);
    }
    converse(
        &mut one,
        &[
            (
                "XINFO STREAM s",
                "*20 $6 length :2 $15 radix-tree-keys :1 $16 radix-tree-nodes :2 $17 last-generated-id $3 3-0 $20 max-deleted-entry-id $3 3-0 $13 entries-added :3 $23 recorded-first-entry-id $3 1-0 $6 groups :1 $11 first-entry *2 $3 1-0 *2 $1 a $1 1 $10 last-entry *2 $3 2-0 *2 $1 b $1 2",
            ),
            ("XINFO STREAM none", "-ERR no such key"),
            ("XINFO STREAM s FULL COUNT x", "-ERR value is not an integer or out of range"),
            (
                "XINFO STREAM s FULLER",
                "-ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.",
            ),
            ("XINFO CONSUMERS s none", "-NOGROUP No such consumer group 'none' for key name 's'"),
            ("XINFO CONSUMERS s g", "*0"),
            (
                "XINFO GROUPS s",
                "*1 *12 $4 name $1 g $9 consumers :0 $7 pending :0 $17 last-delivered-id $3 1-0 $12 entries-read $-1 $3 lag $-1",
            ),
            ("XGROUP CREATECONSUMER s g c", ":1"),
        ],
    );
    let consumer = one.ask("XINFO CONSUMERS s g");
    assert!(consumer.starts_with("*1 *8 $4 name $1 c $7 pending :0 $4 idle :"), "{consumer}");
    assert!(consumer.ends_with("$8 inactive :-1"), "{consumer}");
    drop(node);
}

/// None hangs on a clock, on how nodes are cut, or on who was served.
#[test]
fn what_replicas_are_told() {
    clients!(node: one);
    one.ask("CONFIG SET stream-node-max-entries 2");
    let id = one.ask("XADD s * f v");
    let id = id.split(' ').nth(1).unwrap().to_owned();
    for line in [
        "DEL s",
        "XADD s 1-* f v",
        "XADD s MAXLEN ~ 1 2-0 f v",
        "XADD s MAXLEN ~ 1 LIMIT 10 3-0 f v",
        "XADD s MINID ~ 3 4-0 f v",
        "XTRIM s MAXLEN ~ 5",
        "XADD s 5-0 f v",
        "XTRIM s MINID ~ 5",
        "XGROUP CREATE s g 0",
        "XREADGROUP GROUP g idle COUNT 1 STREAMS s 0",
        "XREADGROUP GROUP g n NOACK STREAMS s >",
        "XACK s g 7-0",
        "XCLAIM s g other 0 9-0",
        "XCLAIM s g other 0 5-0 FORCE JUSTID TIME 1000",
        "XCLAIM s g other 0 9-0 LASTID 8-0",
        "XDEL s 5-0",
        "XAUTOCLAIM s g third 0 0",
    ] {
        one.ask(line);
    }
    let claim = |consumer: &str, last: &str| {
        format!("XCLAIM s g {consumer} 0 5-0 TIME 1000 RETRYCOUNT 1 FORCE JUSTID LASTID {last}")
    };
    let expected = [
        format!("XADD s {id} f v"),
        "DEL s".into(),
        "XADD s 1-0 f v".into(),
        "XADD s MAXLEN = 2 2-0 f v".into(),
        "XADD s MAXLEN = 1 LIMIT 10 3-0 f v".into(),
        "XADD s MINID = 3-0 4-0 f v".into(),
        "XADD s 5-0 f v".into(),
        "XTRIM s MINID = 5-0".into(),
        "XGROUP CREATE s g 0".into(),
        "XGROUP CREATECONSUMER s g n".into(),
        "XGROUP SETID s g 5-0 ENTRIESREAD 5".into(),
        claim("other", "5-0"),
        "XGROUP SETID s g 8-0 ENTRIESREAD 5".into(),
        "XDEL s 5-0".into(),
        claim("other", "8-0"),
    ];
    let log: Vec<String> =
        logged(&node, 0).into_iter().filter(|line| !matches!(&line[..], "MULTI" | "EXEC")).collect();
    assert_eq!(log, expected);
}

/// As the stream from a master is taken, even where a client would be refused.
#[test]
fn a_replica_trims_as_its_master_says() {
    clients!(node: master_link);
    master_link.session.is_master_link = true;
    assert_eq!(master_link.ask("XADD s MAXLEN = 1 LIMIT 10 3-0 f v"), "$3 3-0");
    assert_eq!(master_link.ask("XADD s MAXLEN = 1 LIMIT 10 4-0 f v"), "$3 4-0");
    assert_eq!(master_link.ask("XLEN s"), ":1");
    drop(node);
}

#[test]
fn a_transaction_is_broken_by_entries_and_not_by_groups() {
    clients!(node: watching, other);
    other.ask("XADD s 1-0 f v");
    for (line, breaks) in [
        ("XGROUP CREATE s g 0", false),
        ("XREADGROUP GROUP g c STREAMS s >", false),
        ("XACK s g 1-0", false),
        ("XSETID s 5-0", false),
        ("XADD s 6-0 f v", true),
        ("XDEL s 1-0", true),
        ("XTRIM s MAXLEN 0", true),
        ("XGROUP CREATE new g 0 MKSTREAM", true),
    ] {
        watching.ask("WATCH s new");
        other.ask(line);
        watching.ask("MULTI");
        assert_eq!(watching.ask("EXEC"), if breaks { "*-1" } else { "*0" }, "{line}");
    }
    drop(node);
}

#[test]
fn what_happened_is_told() {
    clients!(node: listener, one);
    listener.ask("CONFIG SET notify-keyspace-events Et");
    listener.ask("PSUBSCRIBE __keyevent@0__:*");
    for line in [
        "XADD s 1-0 f v",
        "XADD s MAXLEN 1 2-0 f v",
        "XGROUP CREATE s g 0",
        "XREADGROUP GROUP g c STREAMS s >",
        "XGROUP DELCONSUMER s g c",
        "XGROUP SETID s g 0",
        "XGROUP DESTROY s g",
        "XSETID s 9-0",
        "XDEL s 2-0",
    ] {
        one.ask(line);
    }
    let events: Vec<String> = listener
        .pushed()
        .iter()
        .map(|message| message.split("__:").last().unwrap().split(' ').next().unwrap().to_owned())
        .collect();
    let expected = [
        "xadd",
        "xadd",
        "xtrim",
        "xgroup-create",
        "xgroup-createconsumer",
        "xgroup-delconsumer",
        "xgroup-setid",
        "xgroup-destroy",
        "xsetid",
        "xdel",
    ];
    assert_eq!(events, expected);
    drop(node);
}
