"""RQ (github.com/rq/rq) on the node whose port is given: jobs that succeed, fail, are retried, depend on each other
and come later, done by real workers; prints ok."""

import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from redis import Redis
from rq import Queue, Retry
from rq.registry import FailedJobRegistry, FinishedJobRegistry, ScheduledJobRegistry

import rq_tasks

port = int(sys.argv[1])
redis = Redis(port=port)


def wait_for(what, done):
    limit = time.monotonic() + 60
    while not done():
        assert time.monotonic() < limit, f"did not come true: {what}"
        time.sleep(0.05)


def worker(*more):
    command = [sys.executable, "-m", "rq.cli", "worker", "--url", f"redis://127.0.0.1:{port}"]
    return subprocess.Popen([*command, *more], cwd=Path(__file__).parent)


queue = Queue("work", connection=redis)
urgent = Queue("urgent", connection=redis)

sums = queue.enqueue_many([Queue.prepare_data(rq_tasks.add, args=(n, n)) for n in range(50)])
first = urgent.enqueue(rq_tasks.record, "order", "urgent")
second = queue.enqueue(rq_tasks.record, "order", "usual", at_front=True)
broken = queue.enqueue(rq_tasks.fail, "on purpose")
third_time = queue.enqueue(rq_tasks.succeed_at, "attempts", 3, retry=Retry(max=5))
last = queue.enqueue(rq_tasks.total, "sum", depends_on=sums[:10])
cancelled = queue.enqueue(rq_tasks.record, "order", "never")
cancelled.cancel()
assert urgent.count == 1 and queue.count >= 53, (urgent.count, queue.count)

# Two at a time, until nothing is left.
workers = [worker("--burst", "urgent", "work") for _ in range(2)]
for process in workers:
    assert process.wait(timeout=120) == 0

assert [job.return_value() for job in sums] == [2 * n for n in range(50)]
# Side by side, so in any order; the one that was cancelled never.
order = sorted(word.decode() for word in redis.lrange("order", 0, -1))
assert order == ["urgent", "usual"], order
assert broken.is_failed and "on purpose" in broken.latest_result().exc_string, broken.get_status()
assert broken.id in FailedJobRegistry("work", connection=redis)
assert third_time.return_value() == 3 and third_time.get_status() == "finished"
assert last.return_value() == sum(2 * n for n in range(10)), last.get_status()
assert len(FinishedJobRegistry("work", connection=redis)) >= 50

# Later, by the scheduler of a worker that stays.
later = queue.enqueue_in(timedelta(seconds=1), rq_tasks.record, "later", "came")
assert later.id in ScheduledJobRegistry("work", connection=redis)
staying = worker("--with-scheduler", "work")
wait_for("the scheduled job", lambda: later.get_status(refresh=True) == "finished")
assert redis.lrange("later", 0, -1) == [b"came"]
staying.terminate()
assert staying.wait(timeout=60) == 0
print("ok")
