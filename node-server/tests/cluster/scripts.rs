//! Scripts and functions in a cluster: which keys they may touch, where they run, and what their replicas have of them.

use rcl_proto::resp::Reply;

use super::client::Client;
use super::server::{Kind, Server, cluster, cluster_of, with_both};

/// `foo` is in slot 12182, `bar` in 5061.
const SETS_TWO: &str = "redis.call('SET', 'foo', ARGV[1]) redis.call('SET', 'bar', ARGV[1])
                        return redis.call('GET', 'foo') .. redis.call('GET', 'bar')";
const LIBRARY: &str = "#!lua name=lib
redis.register_function('both', function(keys, args)
  redis.call('SET', 'foo', args[1]) return redis.call('SET', 'bar', args[1])
end)
redis.register_function{function_name = 'anywhere', flags = {'allow-cross-slot-keys'}, callback = function(keys, args)
  redis.call('SET', 'foo', args[1]) return redis.call('SET', 'bar', args[1])
end}
redis.register_function('push', function(keys, args) return redis.call('RPUSH', keys[1], unpack(args)) end)
redis.register_function{function_name = 'read', flags = {'no-writes'}, callback = function(keys)
  return redis.call('LRANGE', keys[1], 0, -1)
end}";

fn connect(server: &Server) -> Client {
    Client::connect(server.port).unwrap()
}

fn ask(client: &mut Client, words: &[&str]) -> Reply {
    client.ask_words(words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
}

fn bulk(text: &str) -> Reply {
    Reply::Bulk(text.as_bytes().to_vec())
}

fn ok() -> Reply {
    Reply::Simple("OK".to_owned())
}

#[track_caller]
fn assert_error(reply: &Reply, beginning: &str) {
    assert!(matches!(reply, Reply::Error(text) if text.starts_with(beginning)), "{reply:?}");
}

const CROSSES: &str = "ERR Script attempted to access keys that do not hash to the same slot";
const CROSS_SLOT: &str = "CROSSSLOT ";

#[test]
fn a_script_may_touch_what_it_has_not_declared() {
    with_both("a_script_may_touch_what_it_has_not_declared", |kind| {
        let servers = cluster_of(kind, 1, 1);
        let client = &mut connect(&servers[0]);
        // Twice each: what goes beyond its locks is known from the first time.
        for value in ["1", "2"] {
            assert_eq!(ask(client, &["EVAL", SETS_TWO, "0", value]), bulk(&value.repeat(2)));
            assert_eq!(ask(client, &["EVAL", SETS_TWO, "1", "foo", value]), bulk(&value.repeat(2)));
            assert_eq!(ask(client, &["EVAL", SETS_TWO, "1", "other", value]), bulk(&value.repeat(2)));
            let reads = "return redis.call('GET', 'foo') .. redis.call('GET', 'bar')";
            assert_eq!(ask(client, &["EVAL_RO", reads, "0"]), bulk(&value.repeat(2)));
            let flagged = format!("#!lua flags=allow-cross-slot-keys\n{SETS_TWO}");
            assert_eq!(ask(client, &["EVAL", &flagged, "0", value]), bulk(&value.repeat(2)));
            assert_error(&ask(client, &["EVAL", &format!("#!lua\n{SETS_TWO}"), "0", value]), CROSSES);
            assert_error(&ask(client, &["EVAL", &format!("#!lua\n{SETS_TWO}"), "1", "foo", value]), CROSSES);
            // The whole node, from within a script.
            assert_eq!(ask(client, &["EVAL", "return redis.call('DBSIZE')", "0"]), Reply::Integer(2));
            // What is declared lies in one slot, whatever the script says of itself.
            assert_error(&ask(client, &["EVAL", &flagged, "2", "foo", "bar", value]), CROSS_SLOT);
        }
        assert_eq!(ask(client, &["FUNCTION", "LOAD", LIBRARY]), bulk("lib"));
        assert_error(&ask(client, &["FCALL", "both", "0", "3"]), CROSSES);
        assert_eq!(ask(client, &["GET", "foo"]), bulk("3"));
        for value in ["4", "5"] {
            assert_eq!(ask(client, &["FCALL", "anywhere", "0", value]), ok());
            assert_eq!(ask(client, &["GET", "bar"]), bulk(value));
        }
        assert_error(&ask(client, &["FCALL", "anywhere", "2", "foo", "bar", "6"]), CROSS_SLOT);
    });
}

#[test]
fn scripts_run_where_their_keys_are() {
    with_both("scripts_run_where_their_keys_are", |kind| {
        // The first has the lower half of the slots.
        let servers = cluster_of(kind, 2, 2);
        let (first, second) = (&mut connect(&servers[0]), &mut connect(&servers[1]));
        let moved = format!("MOVED 12182 127.0.0.1:{}", servers[1].port);
        let script = "return redis.call('INCR', KEYS[1])";
        assert_eq!(ask(first, &["EVAL", script, "1", "foo"]), Reply::Error(moved.clone()));
        assert_eq!(ask(second, &["EVAL", script, "1", "foo"]), Reply::Integer(1));
        assert_eq!(ask(first, &["EVAL_RO", "return 1", "1", "foo"]), Reply::Error(moved.clone()));
        let not_local = "ERR Script attempted to access a non local key in a cluster node";
        assert_error(&ask(first, &["EVAL", "return redis.call('GET', 'foo')", "0"]), not_local);
        assert_error(&ask(first, &["EVAL", "return redis.call('GET', 'foo')", "1", "bar"]), not_local);
        assert_error(&ask(first, &["EVAL", "return redis.call('MGET', 'bar', 'foo')", "0"]), not_local);
        assert_error(&ask(first, &["EVAL", SETS_TWO, "0", "1"]), not_local);
        // The digest of a script is known where it was run.
        let digest = ask(first, &["SCRIPT", "LOAD", script]);
        let digest = String::from_utf8(digest.as_bytes().unwrap().to_vec()).unwrap();
        assert_eq!(ask(first, &["EVALSHA", &digest, "1", "bar"]), Reply::Integer(1));
        assert_eq!(ask(first, &["EVALSHA", &digest, "1", "foo"]), Reply::Error(moved.clone()));
        for client in [&mut *first, &mut *second] {
            assert_eq!(ask(client, &["FUNCTION", "LOAD", LIBRARY]), bulk("lib"));
        }
        assert_eq!(ask(first, &["FCALL", "push", "1", "foo{foo}", "a"]), Reply::Error(moved.clone()));
        assert_eq!(ask(second, &["FCALL", "push", "1", "foo{foo}", "a"]), Reply::Integer(1));
        assert_eq!(ask(first, &["FCALL_RO", "read", "1", "foo{foo}"]), Reply::Error(moved));
        assert_eq!(ask(second, &["FCALL_RO", "read", "1", "foo{foo}"]), Reply::Array(vec![bulk("a")]));
    });
}

#[test]
fn replicas_have_what_scripts_did() {
    let mut servers = cluster(&[Kind::Ours], &[(Kind::Ours, 0)]);
    let mut replica = servers.pop().unwrap();
    let (master, reader) = (&mut connect(&servers[0]), &mut connect(&replica));
    assert_eq!(ask(reader, &["READONLY"]), ok());
    assert_eq!(ask(master, &["FUNCTION", "LOAD", LIBRARY]), bulk("lib"));
    // What comes by chance or by time, in two slots.
    let script = "for number = 1, 50 do redis.call('SADD', 'foo:set', number) end
                  redis.call('SPOP', 'foo:set', 20)
                  redis.call('SET', 'bar', redis.call('TIME')[2], 'EX', 1000)
                  redis.call('SET', 'random', math.random(1000000))
                  redis.set_repl(redis.REPL_NONE) redis.call('SET', 'hidden', 1) redis.set_repl(redis.REPL_ALL)
                  return redis.call('INCR', 'last')";
    for round in 1..=3 {
        assert_eq!(ask(master, &["EVAL", script, "0"]), Reply::Integer(round));
        assert_eq!(ask(master, &["FCALL", "push", "1", "list", "a", "b"]), Reply::Integer(round * 2));
    }
    replica.wait_for("INFO keyspace", |text| text.contains("keys=5"));
    let reading: [&[&str]; 5] = [
        &["GET", "bar"],
        &["GET", "random"],
        &["GET", "last"],
        &["EXPIRETIME", "bar"],
        &["EVAL_RO", "local m = redis.call('SMEMBERS', KEYS[1]) table.sort(m) return m", "1", "foo:set"],
    ];
    let last = || ask(&mut connect(&servers[0]), &["FCALL_RO", "read", "1", "list"]);
    crate::harness::wait_until("the replica has all", || {
        ask(reader, &["FCALL_RO", "read", "1", "list"]) == last()
    });
    for words in reading {
        assert_eq!(ask(reader, words), ask(master, words), "{words:?}");
    }
    assert_eq!(ask(reader, &["GET", "hidden"]), Reply::Null);
    // A function says that it writes before it runs; of a script that is seen when it does.
    let writes = "return redis.call('SET', KEYS[1], 1)";
    assert_error(
        &ask(reader, &["EVAL", writes, "1", "foo"]),
        "READONLY You can't write against a read only replica.",
    );
    assert_error(&ask(reader, &["FCALL", "push", "1", "list", "c"]), "MOVED ");
}
