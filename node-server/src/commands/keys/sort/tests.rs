//! Sorting with a node in memory. (How it compares with a real server, the differential tests see.)

use crate::executor::in_memory::{clients, converse};

#[test]
fn numbers_texts_and_parts() {
    clients!(node: one);
    converse(
        &mut one,
        &[
            ("RPUSH l 10 9 2 -1.5 2", ":5"),
            ("SORT l", "*5 $4 -1.5 $1 2 $1 2 $1 9 $2 10"),
            ("SORT l DESC LIMIT 1 2", "*2 $1 9 $1 2"),
            ("SORT l ALPHA", "*5 $4 -1.5 $2 10 $1 2 $1 2 $1 9"),
            ("SORT l LIMIT 4 10", "*1 $2 10"),
            ("SORT l LIMIT 5 10", "*0"),
            ("SORT l LIMIT -3 1", "*1 $4 -1.5"),
            ("SORT l BY nosort", "*5 $2 10 $1 9 $1 2 $4 -1.5 $1 2"),
            ("SORT l BY nosort DESC LIMIT 1 2", "*2 $4 -1.5 $1 2"),
            ("SORT_RO l LIMIT 0 1", "*1 $4 -1.5"),
            ("SORT_RO l STORE d", "-ERR syntax error"),
            ("SORT none", "*0"),
            ("RPUSH words b a c", ":3"),
            ("SORT words", "-ERR One or more scores can't be converted into double"),
            ("SORT words ALPHA DESC", "*3 $1 c $1 b $1 a"),
            ("SET s x", "+OK"),
            ("SORT s", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SORT l LIMIT 0", "-ERR syntax error"),
            ("SORT l LIMIT a b", "-ERR value is not an integer or out of range"),
            ("ZADD z 3 a 1 b 2 c", ":3"),
            ("SORT z BY nosort", "*3 $1 b $1 c $1 a"),
            ("SORT z BY nosort DESC LIMIT 0 1", "*1 $1 a"),
            ("SORT z ALPHA LIMIT 0 2", "*2 $1 a $1 b"),
        ],
    );
}

#[test]
fn by_and_get_other_keys() {
    clients!(node: one);
    one.ask("MSET w_1 3 w_2 1 w_3 2 name_1 one name_2 two");
    one.ask("HSET h_1 rank 2 title first");
    one.ask("HSET h_2 rank 1");
    one.ask("RPUSH l 1 2 3");
    converse(
        &mut one,
        &[
            ("SORT l BY w_*", "*3 $1 2 $1 3 $1 1"),
            ("SORT l BY w_* GET # GET name_*", "*6 $1 2 $3 two $1 3 $-1 $1 1 $3 one"),
            ("SORT l BY h_*->rank GET h_*->title DESC", "*3 $5 first $-1 $-1"),
            ("SORT l BY name_* ALPHA", "*3 $1 3 $1 1 $1 2"),
            ("SORT l BY none_*", "*3 $1 1 $1 2 $1 3"),
            ("SORT l GET fixed LIMIT 0 1", "*1 $-1"),
            ("SORT l BY w_* GET name_* STORE d", ":3"),
            ("LRANGE d 0 -1", "*3 $3 two $0  $3 one"),
            ("SORT none STORE d", ":0"),
            ("EXISTS d", ":0"),
            ("SADD set 3 1 2", ":3"),
            ("SORT set BY nosort STORE d", ":3"),
            ("LRANGE d 0 -1", "*3 $1 1 $1 2 $1 3"),
            ("SADD letters c a b", ":3"),
            ("EVAL return(redis.call('sort',KEYS[1],'by','nosort')) 1 letters", "*3 $1 a $1 b $1 c"),
            ("COMMAND GETKEYS SORT l BY STORE STORE d", "*2 $1 l $1 d"),
        ],
    );
}

#[test]
fn who_may_not_read_every_key_has_no_patterns() {
    clients!(node: one);
    one.ask("RPUSH l 1 2");
    one.ask("ACL SETUSER some on nopass +@all ~l");
    one.ask("ACL SETUSER reader on nopass +@all %R~*");
    one.ask("AUTH some x");
    converse(
        &mut one,
        &[
            ("SORT l BY w_*", "-ERR BY option of SORT denied due to insufficient ACL permissions."),
            ("SORT l GET #", "-ERR GET option of SORT denied due to insufficient ACL permissions."),
            ("SORT l BY nosort", "*2 $1 1 $1 2"),
            ("AUTH reader x", "+OK"),
            ("SORT_RO l BY w_* GET #", "*2 $1 1 $1 2"),
        ],
    );
}
