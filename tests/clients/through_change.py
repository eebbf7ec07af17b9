"""redis-py's RedisCluster goes on writing and reading while the cluster under it changes.

    python3 through_change.py PORT

Prints `running` when all threads are at work, goes on until stdin ends, reads everything back, and prints one line
of JSON: how many writes and reads, what was wrong, and what errors the application saw (there should be none:
redirects are the client's business). Every key has one writer, so the one right answer to each read is known.
"""

import json
import sys
import threading

from redis.cluster import RedisCluster

THREADS = 4
KEYS = 200

client = RedisCluster(host="127.0.0.1", port=int(sys.argv[1]), decode_responses=True)
stop = threading.Event()
wrong, errors = [], []


class Writer(threading.Thread):
    def __init__(self, number):
        super().__init__(daemon=True)
        self.number, self.written, self.writes, self.reads = number, {}, 0, 0
        self.at_work = threading.Event()

    def run(self):
        turn = 0
        while not stop.is_set():
            turn += 1
            try:
                self.step(turn)
            except Exception as error:  # Whatever the application would have seen.
                errors.append(f"{type(error).__name__}: {error}")
            if turn == 50:
                self.at_work.set()
        self.at_work.set()

    def step(self, turn):
        key = f"change:{self.number}:{turn * 7919 % KEYS}"
        self.check(key)
        # What is not known to be written is not known at all; an error here is reported anyway.
        if turn % 10:
            client.set(key, turn)
            self.written[key] = str(turn)
            self.writes += 1
        else:
            keys = [f"change:{self.number}:{(turn + place) % KEYS}" for place in range(20)]
            pipeline = client.pipeline()
            for key in keys:
                pipeline.set(key, turn)
            assert pipeline.execute() == [True] * len(keys)
            self.written.update((key, str(turn)) for key in keys)
            self.writes += len(keys)

    def check(self, key):
        value = client.get(key)
        if value != self.written.get(key):
            wrong.append(f"{key} is {value}, not {self.written.get(key)}")
        self.reads += 1


writers = [Writer(number) for number in range(THREADS)]
for writer in writers:
    writer.start()
for writer in writers:
    writer.at_work.wait()
print("running", flush=True)
sys.stdin.read()
stop.set()
for writer in writers:
    writer.join()
for writer in writers:
    for key in writer.written:
        writer.check(key)
print(
    json.dumps(
        {
            "writes": sum(writer.writes for writer in writers),
            "reads": sum(writer.reads for writer in writers),
            "wrong": wrong[:10],
            "errors": errors[:10],
            "error_count": len(errors),
        }
    ),
    flush=True,
)
