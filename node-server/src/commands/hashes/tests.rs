//! What each command on hashes answers.

use crate::executor::in_memory::{clients, converse};

#[test]
fn fields_one_by_one() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("HSETNX h a 1", ":1"),
            ("HSETNX h a 2", ":0"),
            ("HMSET h b 2 c three", "+OK"),
            ("HMSET h b", "-ERR wrong number of arguments for 'hmset' command"),
            ("HGET h a", "$1 1"),
            ("HGET h none", "$-1"),
            ("HGET none a", "$-1"),
            ("HMGET h a none c", "*3 $1 1 $-1 $5 three"),
            ("HMGET none a b", "*2 $-1 $-1"),
            ("HLEN h", ":3"),
            ("HLEN none", ":0"),
            ("HSTRLEN h c", ":5"),
            ("HSTRLEN h none", ":0"),
            ("HEXISTS h a", ":1"),
            ("HEXISTS h none", ":0"),
            ("HKEYS h", "*3 $1 a $1 b $1 c"),
            ("HVALS h", "*3 $1 1 $1 2 $5 three"),
            ("HKEYS none", "*0"),
            ("HDEL h a none b", ":2"),
            ("HDEL h c", ":1"),
            ("EXISTS h", ":0"),
            ("HDEL h c", ":0"),
        ],
    );
}

#[test]
fn counting_in_a_field() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("HINCRBY h n 5", ":5"),
            ("HINCRBY h n -7", ":-2"),
            ("HINCRBY h n x", "-ERR value is not an integer or out of range"),
            ("HINCRBYFLOAT h n 0.5", "$4 -1.5"),
            ("HINCRBY h n 1", "-ERR hash value is not an integer"),
            ("HINCRBYFLOAT h n 1.5", "$1 0"),
            ("HINCRBYFLOAT h n nan", "-ERR value is not a valid float"),
            ("HSET h s x max 9223372036854775807", ":2"),
            ("HINCRBY h s 1", "-ERR hash value is not an integer"),
            ("HINCRBYFLOAT h s 1", "-ERR hash value is not a float"),
            ("HINCRBY h max 1", "-ERR increment or decrement would overflow"),
            ("HGET h n", "$1 0"),
        ],
    );
}

#[test]
fn drawing_and_going_through() {
    clients!(_node: client);
    converse(
        &mut client,
        &[
            ("HRANDFIELD none", "$-1"),
            ("HRANDFIELD none 2", "*0"),
            ("HSET h a 1", ":1"),
            ("HRANDFIELD h", "$1 a"),
            ("HRANDFIELD h 5", "*1 $1 a"),
            ("HRANDFIELD h -3", "*3 $1 a $1 a $1 a"),
            ("HRANDFIELD h 1 WITHVALUES", "*2 $1 a $1 1"),
            ("HRANDFIELD h 0", "*0"),
            ("HRANDFIELD h x", "-ERR value is not an integer or out of range"),
            ("HSCAN h 0", "*2 $1 0 *2 $1 a $1 1"),
            ("HSCAN h 0 MATCH b* COUNT 10", "*2 $1 0 *0"),
            ("HSCAN none 0", "*2 $1 0 *0"),
            ("HSCAN h x", "-ERR invalid cursor"),
            ("HSCAN h 0 COUNT 0", "-ERR syntax error"),
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
            ("HGET s f", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("HMGET s f", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("HDEL s f", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("HLEN s", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("HKEYS s", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("HINCRBY s f 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("HSETNX s f v", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("HSCAN s 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("HRANDFIELD s", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ],
    );
}
