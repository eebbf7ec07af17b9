//! What each command on sorted sets answers.

use crate::executor::in_memory::{clients, converse};

#[test]
fn members_one_by_one() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("ZADD z 1 a 2 b 3 c", ":3"),
            ("ZMSCORE z a none c", "*3 $1 1 $-1 $1 3"),
            ("ZMSCORE none a", "*1 $-1"),
            ("ZRANK z c", ":2"),
            ("ZRANK z none", "$-1"),
            ("ZRANK none a", "$-1"),
            ("ZREVRANK z c", ":0"),
            ("ZREVRANK z none", "$-1"),
            ("ZREM z a none", ":1"),
            ("ZREM none a", ":0"),
            ("ZCARD z", ":2"),
            ("ZREM z b c", ":2"),
            ("EXISTS z", ":0"),
        ],
    );
}

#[test]
fn ranges_in_older_ways() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("ZADD z 1 a 2 b 3 c 4 d", ":4"),
            ("ZREVRANGE z 0 1", "*2 $1 d $1 c"),
            ("ZREVRANGE z 0 0 WITHSCORES", "*2 $1 d $1 4"),
            ("ZRANGEBYSCORE z 2 3", "*2 $1 b $1 c"),
            ("ZRANGEBYSCORE z (1 +inf WITHSCORES LIMIT 1 1", "*2 $1 c $1 3"),
            ("ZRANGEBYSCORE z x y", "-ERR min or max is not a float"),
            ("ZREVRANGEBYSCORE z 3 (1", "*2 $1 c $1 b"),
            ("ZREVRANGEBYSCORE z +inf -inf LIMIT 0 1", "*1 $1 d"),
            ("ZCOUNT z 2 +inf", ":3"),
            ("ZCOUNT z (2 3", ":1"),
            ("ZCOUNT z x 3", "-ERR min or max is not a float"),
            ("ZADD l 0 a 0 b 0 c 0 d", ":4"),
            ("ZRANGEBYLEX l [b (d", "*2 $1 b $1 c"),
            ("ZRANGEBYLEX l - + LIMIT 1 2", "*2 $1 b $1 c"),
            ("ZRANGEBYLEX l b d", "-ERR min or max not valid string range item"),
            ("ZREVRANGEBYLEX l (d [b", "*2 $1 c $1 b"),
            ("ZREVRANGEBYLEX l + - LIMIT 0 1", "*1 $1 d"),
            ("ZLEXCOUNT l - +", ":4"),
            ("ZLEXCOUNT l [b (c", ":1"),
            ("ZLEXCOUNT l x y", "-ERR min or max not valid string range item"),
        ],
    );
}

#[test]
fn removing_ranges() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("ZADD z 1 a 2 b 3 c 4 d 5 e", ":5"),
            ("ZREMRANGEBYRANK z 0 0", ":1"),
            ("ZREMRANGEBYRANK z 9 10", ":0"),
            ("ZREMRANGEBYSCORE z (2 3", ":1"),
            ("ZREMRANGEBYSCORE z x 3", "-ERR min or max is not a float"),
            ("ZRANGE z 0 -1", "*3 $1 b $1 d $1 e"),
            ("ZADD l 0 a 0 b 0 c", ":3"),
            ("ZREMRANGEBYLEX l [b +", ":2"),
            ("ZREMRANGEBYLEX l b c", "-ERR min or max not valid string range item"),
            ("ZRANGE l 0 -1", "*1 $1 a"),
            ("ZREMRANGEBYRANK z 0 -1", ":3"),
            ("EXISTS z", ":0"),
        ],
    );
}

#[test]
fn several_sorted_sets_together() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("ZADD a 1 x 2 y", ":2"),
            ("ZADD b 10 y 20 z", ":2"),
            ("ZUNION 2 a b WITHSCORES", "*6 $1 x $1 1 $1 y $2 12 $1 z $2 20"),
            ("ZUNION 2 a b WEIGHTS 2 1 AGGREGATE MAX WITHSCORES", "*6 $1 x $1 2 $1 y $2 10 $1 z $2 20"),
            ("ZUNION 2 a none", "*2 $1 x $1 y"),
            ("ZINTER 2 a b WITHSCORES", "*2 $1 y $2 12"),
            ("ZINTER 2 a b WEIGHTS 1 0 AGGREGATE MIN WITHSCORES", "*2 $1 y $1 0"),
            ("ZINTERCARD 2 a b", ":1"),
            ("ZINTERCARD 2 a b LIMIT 0", ":1"),
            ("ZINTERCARD 2 a none", ":0"),
            ("ZINTERCARD 0 a", "-ERR at least 1 input key is needed for 'zintercard' command"),
            ("ZDIFF 2 a b", "*1 $1 x"),
            ("ZDIFF 2 b a WITHSCORES", "*2 $1 z $2 20"),
            ("ZDIFF 1 none", "*0"),
            ("ZUNION 2 a", "-ERR syntax error"),
        ],
    );
}

#[test]
fn popping_from_the_first_that_has_some() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("ZADD b 1 x 2 y 3 z", ":3"),
            ("ZMPOP 2 a b MIN", "*2 $1 b *1 *2 $1 x $1 1"),
            ("ZMPOP 2 a b MAX COUNT 5", "*2 $1 b *2 *2 $1 z $1 3 *2 $1 y $1 2"),
            ("ZMPOP 1 b MIN", "*-1"),
            ("ZMPOP 0 b MIN", "-ERR numkeys should be greater than 0"),
            ("ZMPOP 1 b MIDDLE", "-ERR syntax error"),
            ("ZMPOP 1 b MIN COUNT 0", "-ERR count should be greater than 0"),
        ],
    );
}

#[test]
fn drawing_and_going_through() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("ZRANDMEMBER none", "$-1"),
            ("ZRANDMEMBER none 2", "*0"),
            ("ZADD z 1.5 a", ":1"),
            ("ZRANDMEMBER z", "$1 a"),
            ("ZRANDMEMBER z 3", "*1 $1 a"),
            ("ZRANDMEMBER z -2", "*2 $1 a $1 a"),
            ("ZRANDMEMBER z 1 WITHSCORES", "*2 $1 a $3 1.5"),
            ("ZRANDMEMBER z 0", "*0"),
            ("ZSCAN z 0", "*2 $1 0 *2 $1 a $3 1.5"),
            ("ZSCAN z 0 MATCH b* COUNT 3", "*2 $1 0 *0"),
            ("ZSCAN none 0", "*2 $1 0 *0"),
            ("ZSCAN z x", "-ERR invalid cursor"),
        ],
    );
}

#[test]
fn wrong_types() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("SET k v", "+OK"),
            ("ZREM k a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("ZMSCORE k a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("ZRANK k a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("ZREVRANK k a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("ZCOUNT k 0 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("ZLEXCOUNT k - +", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("ZREVRANGE k 0 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("ZRANGEBYSCORE k 0 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("ZRANGEBYLEX k - +", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("ZREMRANGEBYSCORE k 0 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("ZREMRANGEBYRANK k 0 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("ZREMRANGEBYLEX k - +", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("ZUNION 1 k", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("ZINTER 1 k", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("ZDIFF 1 k", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("ZMPOP 1 k MIN", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("ZSCAN k 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ],
    );
}
