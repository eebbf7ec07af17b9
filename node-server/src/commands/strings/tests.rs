//! What each command on strings answers.

use crate::executor::in_memory::{clients, converse};

#[test]
fn setting_in_older_ways() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("SETNX k v", ":1"),
            ("SETNX k w", ":0"),
            ("GET k", "$1 v"),
            ("SETEX k 100 x", "+OK"),
            ("TTL k", ":100"),
            ("SETEX k 0 x", "-ERR invalid expire time in 'setex' command"),
            ("PSETEX k 100000 y", "+OK"),
            ("TTL k", ":100"),
            ("PSETEX k -1 y", "-ERR invalid expire time in 'psetex' command"),
            ("GETSET k z", "$1 y"),
            ("TTL k", ":-1"),
            ("GETSET none v", "$-1"),
            ("MSETNX a 1 b 2", ":1"),
            ("MSETNX b 3 c 4", ":0"),
            ("MGET a b c", "*3 $1 1 $1 2 $-1"),
            ("MSETNX a", "-ERR wrong number of arguments for 'msetnx' command"),
        ],
    );
}

#[test]
fn reading_and_changing_the_expiry() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("SET k v EX 100", "+OK"),
            ("GETEX k", "$1 v"),
            ("TTL k", ":100"),
            ("GETEX k PERSIST", "$1 v"),
            ("TTL k", ":-1"),
            ("GETEX k EX 50", "$1 v"),
            ("TTL k", ":50"),
            ("GETEX none EX 5", "$-1"),
            ("GETEX k EX 0", "-ERR invalid expire time in 'getex' command"),
            ("GETDEL k", "$1 v"),
            ("GETDEL k", "$-1"),
            ("GET k", "$-1"),
        ],
    );
}

#[test]
fn counting() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("DECR n", ":-1"),
            ("DECRBY n 9", ":-10"),
            ("INCRBY n 20", ":10"),
            ("INCR n", ":11"),
            ("INCRBY n x", "-ERR value is not an integer or out of range"),
            ("INCRBYFLOAT n 0.5", "$4 11.5"),
            ("INCR n", "-ERR value is not an integer or out of range"),
            ("INCRBYFLOAT n -10.5", "$1 1"),
            ("GET n", "$1 1"),
            ("SET max 9223372036854775807", "+OK"),
            ("INCRBY max 1", "-ERR increment or decrement would overflow"),
            ("DECRBY max -1", "-ERR increment or decrement would overflow"),
            ("DECRBY max 9223372036854775807", ":0"),
            ("DECRBY max -9223372036854775808", "-ERR decrement would overflow"),
            ("INCRBYFLOAT n inf", "-ERR increment would produce NaN or Infinity"),
            ("SET s x", "+OK"),
            ("DECR s", "-ERR value is not an integer or out of range"),
            ("INCRBYFLOAT s 1", "-ERR value is not a valid float"),
        ],
    );
    // As many digits as 80 bits may have are read again.
    assert!(client.ask("INCRBYFLOAT long 1e1000").starts_with("$1000 99999999999999999997310731766956"));
    assert!(client.ask("INCRBYFLOAT long 1e1000").starts_with("$1001 19999999999999999999462146353391"));
}

#[test]
fn parts_of_a_string() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("SETRANGE k 5 World", ":10"),
            ("GETRANGE k 5 -1", "$5 World"),
            ("SETRANGE k 0 Hello", ":10"),
            ("GETRANGE k 0 4", "$5 Hello"),
            ("GETRANGE k -5 -2", "$4 Worl"),
            ("GETRANGE k 7 3", "$0"),
            ("GETRANGE none 0 -1", "$0"),
            ("SUBSTR k 0 1", "$2 He"),
            ("SETRANGE k -1 x", "-ERR offset is out of range"),
            ("SETRANGE none 4 x", ":5"),
            ("STRLEN none", ":5"),
            ("SETRANGE other 4 z", ":5"),
            ("APPEND k !", ":11"),
            ("STRLEN k", ":11"),
        ],
    );
}

#[test]
fn the_longest_common_subsequence() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("MSET a ohmytext b mynewtext", "+OK"),
            ("LCS a b", "$6 mytext"),
            ("LCS a b LEN", ":6"),
            ("LCS a b IDX", "*4 $7 matches *2 *2 *2 :4 :7 *2 :5 :8 *2 *2 :2 :3 *2 :0 :1 $3 len :6"),
            ("LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN", "*4 $7 matches *1 *3 *2 :4 :7 *2 :5 :8 :4 $3 len :6"),
            ("LCS a none", "$0"),
            ("LCS a b LEN IDX", "-ERR If you want both the length and indexes, please just use IDX."),
            ("RPUSH l x", ":1"),
            ("LCS a l", "-ERR The specified keys must contain string values"),
        ],
    );
}

#[test]
fn wrong_types() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("RPUSH l x", ":1"),
            ("GETDEL l", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("GETEX l", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("GETSET l v", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SETRANGE l 0 v", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("GETRANGE l 0 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("INCRBY l 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("INCRBYFLOAT l 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("SETNX l v", ":0"),
            ("GET l", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ],
    );
}
