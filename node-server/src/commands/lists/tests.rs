//! What each command on lists answers.

use crate::executor::in_memory::{clients, converse};

#[test]
fn pushing_where_a_list_is() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("LPUSHX l a", ":0"),
            ("RPUSHX l a", ":0"),
            ("RPUSH l b", ":1"),
            ("LPUSHX l a z", ":3"),
            ("RPUSHX l c d", ":5"),
            ("LRANGE l 0 -1", "*5 $1 z $1 a $1 b $1 c $1 d"),
        ],
    );
}

#[test]
fn elements_by_their_place() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("RPUSH l a b c d", ":4"),
            ("LINDEX l 0", "$1 a"),
            ("LINDEX l -1", "$1 d"),
            ("LINDEX l 4", "$-1"),
            ("LINDEX none 0", "$-1"),
            ("LINDEX l x", "-ERR value is not an integer or out of range"),
            ("LSET l 1 B", "+OK"),
            ("LSET l -1 D", "+OK"),
            ("LSET l 4 x", "-ERR index out of range"),
            ("LSET none 0 x", "-ERR no such key"),
            ("LINSERT l BEFORE c new", ":5"),
            ("LINSERT l AFTER D last", ":6"),
            ("LINSERT l AFTER none x", ":-1"),
            ("LINSERT none BEFORE a x", ":0"),
            ("LINSERT l ASIDE a x", "-ERR syntax error"),
            ("LRANGE l 0 -1", "*6 $1 a $1 B $3 new $1 c $1 D $4 last"),
            ("LTRIM l 1 -2", "+OK"),
            ("LRANGE l 0 -1", "*4 $1 B $3 new $1 c $1 D"),
            ("LTRIM l 5 1", "+OK"),
            ("EXISTS l", ":0"),
        ],
    );
}

#[test]
fn elements_by_their_value() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("RPUSH l a b a c a b", ":6"),
            ("LPOS l a", ":0"),
            ("LPOS l a RANK 2", ":2"),
            ("LPOS l a RANK -1", ":4"),
            ("LPOS l a COUNT 0", "*3 :0 :2 :4"),
            ("LPOS l a RANK -1 COUNT 2 MAXLEN 4", "*2 :4 :2"),
            ("LPOS l z", "$-1"),
            ("LPOS l z COUNT 1", "*0"),
            (
                "LPOS l a RANK 0",
                "-ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
            ),
            ("LPOS l a COUNT -1", "-ERR COUNT can't be negative"),
            ("LREM l 2 a", ":2"),
            ("LREM l -1 b", ":1"),
            ("LREM l 0 z", ":0"),
            ("LRANGE l 0 -1", "*3 $1 b $1 c $1 a"),
            ("LREM l 0 a", ":1"),
            ("LREM l 0 b", ":1"),
            ("LREM l 0 c", ":1"),
            ("EXISTS l", ":0"),
        ],
    );
}

#[test]
fn popping_from_the_first_that_has_some() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("RPUSH b 1 2 3", ":3"),
            ("LMPOP 2 a b LEFT", "*2 $1 b *1 $1 1"),
            ("LMPOP 2 a b RIGHT COUNT 5", "*2 $1 b *2 $1 3 $1 2"),
            ("LMPOP 1 b LEFT", "*-1"),
            ("LMPOP 0 b LEFT", "-ERR numkeys should be greater than 0"),
            ("LMPOP 1 b MIDDLE", "-ERR syntax error"),
            ("LMPOP 1 b LEFT COUNT 0", "-ERR count should be greater than 0"),
        ],
    );
}

#[test]
fn wrong_types() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("SET s v", "+OK"),
            ("LINDEX s 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("LSET s 0 x", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("LINSERT s BEFORE a b", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("LREM s 0 a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("LTRIM s 0 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("LPOS s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("LPUSHX s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("RPUSHX s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("LMPOP 1 s LEFT", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ],
    );
}
