"""redis-py's RedisCluster does everyday work on a cluster and checks every answer.

    python3 commands.py PORT

Ends with exit code 0 and the line `ok` when all answers were right; an assertion says which was not.
"""

import sys
import time

import redis
from redis.cluster import LoadBalancingStrategy, RedisCluster


def main():
    client = RedisCluster(host="127.0.0.1", port=int(sys.argv[1]), decode_responses=True)
    assert len(client.get_primaries()) == 3, client.get_primaries()
    for check in [strings, all_nodes, collections, pipelines, transactions, watching, many_keys, scans]:
        check(client)
    for check in [errors, replicas, pubsub, sharded_pubsub]:
        check(client)
    resp3()
    print("ok")


def strings(client):
    for index in range(600):
        assert client.set(f"string:{index}", f"value {index}") is True
    for index in range(600):
        assert client.get(f"string:{index}") == f"value {index}"
    owners = {client.get_node_from_key(f"string:{index}").port for index in range(600)}
    assert len(owners) == 3, f"the keys lie on {owners}"
    assert client.incrby("counter", 40) == 40 and client.incr("counter") == 41
    assert client.set("short", "lived", ex=100, nx=True) is True
    assert client.set("short", "again", nx=True) is None
    assert 0 < client.ttl("short") <= 100
    assert client.setrange("range", 3, "abc") == 6 and client.getrange("range", 3, -1) == "abc"
    binary = RedisCluster(host="127.0.0.1", port=int(sys.argv[1]))
    every_byte = bytes(range(256)) * 5000
    binary.set(b"\x00\r\nkey\xff", every_byte)
    assert binary.get(b"\x00\r\nkey\xff") == every_byte


def all_nodes(client):
    """A replica is listed once its master's writes have come to it, and gossip has told of it."""
    for _ in range(300):
        client.nodes_manager.initialize()
        if len(client.get_replicas()) == 3:
            break
        time.sleep(0.1)
    assert len(client.get_replicas()) == 3, client.get_replicas()


def collections(client):
    assert client.hset("hash", mapping={"a": 1, "b": "two"}) == 2
    assert client.hgetall("hash") == {"a": "1", "b": "two"}
    assert client.hincrby("hash", "a", 4) == 5
    assert client.hmget("hash", ["a", "none"]) == ["5", None]
    assert client.rpush("list", "a", "b", "c") == 3 and client.lpush("list", "z") == 4
    assert client.lrange("list", 0, -1) == ["z", "a", "b", "c"]
    assert client.lpop("list") == "z" and client.rpop("list", 2) == ["c", "b"]
    assert client.sadd("set", "a", "b", "c") == 3 and client.srem("set", "b") == 1
    assert client.smembers("set") == {"a", "c"} and client.sismember("set", "a")
    assert client.zadd("zset", {"one": 1, "two": 2, "half": 0.5}) == 3
    assert client.zrange("zset", 0, -1, withscores=True) == [("half", 0.5), ("one", 1.0), ("two", 2.0)]
    assert client.zpopmin("zset") == [("half", 0.5)]
    assert client.zrank("zset", "two") == 1 and client.zscore("zset", "two") == 2.0
    assert client.type("zset") == "zset" and client.object("encoding", "hash") in ("listpack", "ziplist")


def pipelines(client):
    """Not a transaction: redis-py parts it by node and puts the answers back in order."""
    pipeline = client.pipeline()
    for index in range(500):
        pipeline.set(f"pipeline:{index}", index)
    assert pipeline.execute() == [True] * 500
    for index in range(500):
        pipeline.get(f"pipeline:{index}")
        pipeline.incr(f"pipeline:{index}")
    answers = pipeline.execute()
    assert answers == [answer for index in range(500) for answer in (str(index), index + 1)]
    pipeline.set("wrong:type", "x").lpush("wrong:type", 1).get("wrong:type")
    answers = pipeline.execute(raise_on_error=False)
    assert answers[0] is True and answers[2] == "x", answers
    assert isinstance(answers[1], redis.ResponseError) and "WRONGTYPE" in str(answers[1]), answers


def transactions(client):
    """MULTI and EXEC on one slot; several slots are refused."""
    pipeline = client.pipeline(transaction=True)
    answers = pipeline.set("{tx}a", 1).incr("{tx}a").rpush("{tx}b", "x").get("{tx}a").execute()
    # SET answers "OK" here: redis-py 8 leaves replies of a transaction on a cluster as they came.
    assert answers[0] in (True, "OK") and answers[1:] == [2, 1, "2"], answers
    try:
        client.pipeline(transaction=True).set("{tx}a", 9).set("other", 9).execute()
        raise AssertionError("a transaction over two slots was executed")
    except redis.exceptions.CrossSlotTransactionError:
        pass
    assert client.get("{tx}a") == "2"


def watching(client):
    """A watched key that somebody writes fails EXEC; one that nobody writes does not."""
    client.set("{watch}a", 1)
    with client.pipeline(transaction=True) as pipeline:
        pipeline.watch("{watch}a")
        client.set("{watch}a", 2)
        pipeline.multi()
        pipeline.set("{watch}a", 3)
        try:
            pipeline.execute()
            raise AssertionError("a transaction was executed though its watched key was written")
        except redis.WatchError:
            pass
    assert client.get("{watch}a") == "2"
    with client.pipeline(transaction=True) as pipeline:
        pipeline.watch("{watch}a")
        assert pipeline.get("{watch}a") == "2"
        pipeline.multi()
        pipeline.incr("{watch}a")
        assert pipeline.execute() == [3]


def many_keys(client):
    """One slot as it is; over all slots redis-py parts the call."""
    assert client.mset({"{m}1": 1, "{m}2": 2}) is True
    assert client.mget("{m}1", "{m}2", "{m}3") == ["1", "2", None]
    names = [f"many:{index}" for index in range(100)]
    client.mset_nonatomic({name: name for name in names})
    assert client.mget_nonatomic(names) == names
    assert client.exists(*names) == 100 and client.delete(*names) == 100 and client.exists(*names) == 0
    assert client.rename("{m}1", "{m}4") is True and client.get("{m}4") == "1"


def scans(client):
    seen = set(client.scan_iter(match="string:*", count=50))
    assert seen == {f"string:{index}" for index in range(600)}, len(seen)
    assert client.dbsize(target_nodes=RedisCluster.PRIMARIES) >= 600
    info = client.cluster_info(target_nodes=RedisCluster.RANDOM)
    assert info["cluster_state"] == "ok" and info["cluster_size"] == "3", info
    assert len(client.cluster_nodes()) == 6
    assert client.cluster_keyslot("user:1001") == 5712
    roles = client.info("replication", target_nodes=RedisCluster.ALL_NODES)
    assert sorted(role["role"] for role in roles.values()) == ["master"] * 3 + ["slave"] * 3
    assert all(client.ping(target_nodes=RedisCluster.ALL_NODES) for _ in range(3))


def errors(client):
    for call, word in [
        (lambda: client.execute_command("GETEX", "string:1", "NO-SUCH-OPTION"), "syntax error"),
        (lambda: client.incr("wrong:type"), "not an integer"),
        (lambda: client.lpush("string:1", "x"), "WRONGTYPE"),
    ]:
        try:
            answer = call()
        except redis.ResponseError as error:
            assert word in str(error), error
        else:
            raise AssertionError(f"no error with '{word}': {answer}")


def replicas(client):
    """READONLY on the replicas' connections lets them answer."""
    assert client.wait(1, 10_000, target_nodes=client.get_node_from_key("string:7")) >= 0
    client.set("{copied}", "x")
    assert client.wait(1, 10_000, target_nodes=client.get_node_from_key("{copied}")) == 1
    reader = RedisCluster(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        decode_responses=True,
        load_balancing_strategy=LoadBalancingStrategy.ROUND_ROBIN,
    )
    assert [reader.get("{copied}") for _ in range(8)] == ["x"] * 8


def next_message(read, *, tries=200):
    for _ in range(tries):
        message = read(timeout=0.1)
        if message is not None:
            return message
    raise AssertionError("no message came")


def pubsub(client):
    """A message published on any node reaches a subscriber of any other."""
    nodes = client.get_primaries() + client.get_replicas()
    subscribers = [client.pubsub(node=node) for node in nodes]
    for subscriber in subscribers:
        subscriber.subscribe("news")
        subscriber.psubscribe("n?ws")
        kinds = {next_message(subscriber.get_message)["type"] for _ in range(2)}
        assert kinds == {"subscribe", "psubscribe"}, kinds
    for node in nodes:
        client.execute_command("PUBLISH", "news", f"from {node.port}", target_nodes=node)
    expected = {(kind, f"from {node.port}") for node in nodes for kind in ("message", "pmessage")}
    for subscriber in subscribers:
        got = {(m["type"], m["data"]) for m in (next_message(subscriber.get_message) for _ in expected)}
        assert got == expected, expected - got
        subscriber.close()


def sharded_pubsub(client):
    subscriber = client.pubsub()
    channels = ["shard:a", "shard:b", "shard:c", "shard:d"]
    subscriber.ssubscribe(*channels)
    answers = [next_message(subscriber.get_sharded_message) for _ in channels]
    assert {answer["type"] for answer in answers} == {"ssubscribe"}, answers
    for channel in channels:
        assert client.spublish(channel, f"to {channel}") == 1
    got = {}
    for _ in channels:
        message = next_message(subscriber.get_sharded_message)
        assert message["type"] == "smessage", message
        got[message["channel"]] = message["data"]
    assert got == {channel: f"to {channel}" for channel in channels}, got
    subscriber.sunsubscribe()
    subscriber.close()


def resp3():
    client = RedisCluster(host="127.0.0.1", port=int(sys.argv[1]), decode_responses=True, protocol=3)
    client.hset("hash:3", mapping={"a": "1"})
    assert client.hgetall("hash:3") == {"a": "1"}
    client.zadd("zset:3", {"m": 1.5})
    assert client.zscore("zset:3", "m") == 1.5
    assert client.sadd("set:3", "x") == 1 and client.smembers("set:3") == {"x"}
    assert client.pipeline().set("three", 3).get("three").execute() == [True, "3"]
    assert client.get("none") is None


main()
