//! What each command on sets answers.

use crate::executor::in_memory::{clients, converse};

#[test]
fn members_one_by_one() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("SADD s 1 2 3", ":3"),
            ("SCARD s", ":3"),
            ("SCARD none", ":0"),
            ("SISMEMBER s 2", ":1"),
            ("SISMEMBER s 9", ":0"),
            ("SISMEMBER none 2", ":0"),
            ("SMISMEMBER s 1 9 3", "*3 :1 :0 :1"),
            ("SMISMEMBER none 1", "*1 :0"),
            ("SREM s 1 9", ":1"),
            ("SREM none 1", ":0"),
            ("SMOVE s t 2", ":1"),
            ("SMOVE s t 2", ":0"),
            ("SMOVE none t 2", ":0"),
            ("SMEMBERS s", "*1 $1 3"),
            ("SMEMBERS t", "*1 $1 2"),
            ("SREM s 3", ":1"),
            ("EXISTS s", ":0"),
        ],
    );
}

#[test]
fn drawing_and_going_through() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("SRANDMEMBER none", "$-1"),
            ("SRANDMEMBER none 2", "*0"),
            ("SADD s 7", ":1"),
            ("SRANDMEMBER s", "$1 7"),
            ("SRANDMEMBER s 3", "*1 $1 7"),
            ("SRANDMEMBER s -3", "*3 $1 7 $1 7 $1 7"),
            ("SRANDMEMBER s 0", "*0"),
            ("SRANDMEMBER s x", "-ERR value is not an integer or out of range"),
            ("SSCAN s 0", "*2 $1 0 *1 $1 7"),
            ("SSCAN s 0 MATCH 8* COUNT 5", "*2 $1 0 *0"),
            ("SSCAN none 0", "*2 $1 0 *0"),
            ("SSCAN s y", "-ERR invalid cursor"),
        ],
    );
}

#[test]
fn several_sets_together() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("SADD a 1 2 3 4", ":4"),
            ("SADD b 3 4 5", ":3"),
            ("SADD c 4", ":1"),
            ("SINTER a b", "*2 $1 3 $1 4"),
            ("SINTER a none", "*0"),
            ("SINTERCARD 2 a b", ":2"),
            ("SINTERCARD 2 a b LIMIT 1", ":1"),
            ("SINTERCARD 3 a b c", ":1"),
            ("SINTERCARD 0 a", "-ERR numkeys should be greater than 0"),
            ("SINTERCARD 3 a b", "-ERR Number of keys can't be greater than number of args"),
            ("SINTERSTORE d a b", ":2"),
            ("SMEMBERS d", "*2 $1 3 $1 4"),
            ("SINTERSTORE d a none", ":0"),
            ("EXISTS d", ":0"),
            ("SUNION b c", "*3 $1 3 $1 4 $1 5"),
            ("SUNIONSTORE d b c", ":3"),
            ("SDIFF a b", "*2 $1 1 $1 2"),
            ("SDIFF a b none", "*2 $1 1 $1 2"),
            ("SDIFF none a", "*0"),
            ("SDIFFSTORE d a b", ":2"),
            ("SMEMBERS d", "*2 $1 1 $1 2"),
            ("SDIFFSTORE d b a b", ":0"),
            ("EXISTS d", ":0"),
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
            ("SREM k 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SMOVE k t 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SISMEMBER k 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SMISMEMBER k 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SCARD k", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SRANDMEMBER k", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SSCAN k 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SINTER k", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SINTERCARD 1 k", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SINTERSTORE d k", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SUNION k", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SDIFF k", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SDIFFSTORE d k", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ],
    );
}
