"""An application on the cluster of which a port is given, by redis-py's RedisCluster: pipelines, locks, a stream that
a group of consumers works off, and sharded publish and subscribe; prints ok."""

import sys
import threading
import time

from redis.cluster import RedisCluster
from redis.exceptions import LockError

PATIENCE = 30
redis = RedisCluster(host="127.0.0.1", port=int(sys.argv[1]), decode_responses=True)


def pipelines():
    pipeline = redis.pipeline()
    for number in range(500):
        pipeline.set(f"order:{number}", number).incrby(f"order:{number}", 1)
        pipeline.hset(f"item:{number}", mapping={"name": f"item {number}", "price": number})
    answers = pipeline.execute()
    assert len(answers) == 1500 and answers[1::3] == [n + 1 for n in range(500)]
    pipeline = redis.pipeline()
    for number in range(500):
        pipeline.hgetall(f"item:{number}")
    assert [item["price"] for item in pipeline.execute()] == [str(n) for n in range(500)]


def locks():
    """A counter that only locks keep right: read, wait, write."""
    redis.set("{till}:count", 0)

    def work():
        for _ in range(10):
            with redis.lock("{till}:lock", timeout=20, blocking_timeout=PATIENCE, sleep=0.002):
                count = int(redis.get("{till}:count"))
                time.sleep(0.001)
                redis.set("{till}:count", count + 1)

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert redis.get("{till}:count") == "50", redis.get("{till}:count")

    lock = redis.lock("{till}:lock", timeout=20)
    assert lock.acquire() and not redis.lock("{till}:lock").acquire(blocking=False)
    assert lock.extend(10) and lock.owned()
    lock.release()
    try:
        lock.release()
        raise AssertionError("released twice")
    except LockError:
        pass


def stream():
    """Three consumers, one of which dies with what it had taken; each order is acknowledged once."""
    redis.xgroup_create("orders", "workers", id="0", mkstream=True)
    total = 200
    done, guard = [], threading.Lock()

    def consume(name, dies_after=None):
        taken = 0
        while len(done) < total:
            answer = redis.xreadgroup("workers", name, {"orders": ">"}, count=10, block=100)
            entries = [entry for _, entries in (answer or []) for entry in entries]
            if not entries and dies_after is None:
                _, entries, _ = redis.xautoclaim("orders", "workers", name, min_idle_time=50, count=10)[:3]
            for entry, fields in entries:
                taken += 1
                if dies_after is not None and taken > dies_after:
                    return
                if redis.xack("orders", "workers", entry) == 1:
                    with guard:
                        done.append(int(fields["number"]))

    consumers = [threading.Thread(target=consume, args=(name,)) for name in ("ann", "bob")]
    consumers.append(threading.Thread(target=consume, args=("dies", 3)))
    for thread in consumers:
        thread.start()
    for number in range(total):
        redis.xadd("orders", {"number": number}, maxlen=1000, approximate=True)
    for thread in consumers:
        thread.join(PATIENCE)
    assert sorted(done) == list(range(total)), len(done)
    assert redis.xpending("orders", "workers")["pending"] == 0
    groups = redis.xinfo_groups("orders")
    assert groups[0]["consumers"] == 3 and groups[0]["lag"] == 0, groups
    assert redis.xlen("orders") == total


def sharded_pubsub():
    channels = [f"news:{number}" for number in range(20)]
    subscriber = redis.pubsub()
    subscriber.ssubscribe(*channels)
    heard = {}
    limit = time.monotonic() + PATIENCE
    subscribed = set()
    while len(subscribed) < len(channels):
        assert time.monotonic() < limit, subscribed
        message = subscriber.get_sharded_message(timeout=0.1)
        if message and message["type"] == "ssubscribe":
            subscribed.add(message["channel"])
    for channel in channels:
        assert redis.spublish(channel, f"about {channel}") >= 1
    while len(heard) < len(channels):
        assert time.monotonic() < limit, heard
        message = subscriber.get_sharded_message(timeout=0.1)
        if message and message["type"] == "smessage":
            heard[message["channel"]] = message["data"]
    assert heard == {channel: f"about {channel}" for channel in channels}
    subscriber.close()


for part in (pipelines, locks, stream, sharded_pubsub):
    part()
print("ok")
