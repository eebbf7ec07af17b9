"""Celery with the node whose port is given as broker and as result backend: tasks, chains, groups, chords, retries,
a task for later, one that is revoked, done by a real worker; prints ok."""

import os
import subprocess
import sys
from pathlib import Path

from celery import chain, chord, group

os.environ["RCL_TEST_PORT"] = sys.argv[1]
sys.path.insert(0, str(Path(__file__).parent))

from celery_tasks import add, app, fail, flaky, slow_add, total

PATIENCE = 60

command = [sys.executable, "-m", "celery", "-A", "celery_tasks", "worker", "--pool=threads", "--concurrency=4"]
worker = subprocess.Popen(
    [*command, "--loglevel=ERROR", "--without-gossip", "--without-mingle"],
    cwd=Path(__file__).parent,
    stdout=subprocess.DEVNULL,
)
try:
    results = [add.delay(n, 1) for n in range(100)]
    assert [result.get(timeout=PATIENCE) for result in results] == [n + 1 for n in range(100)]

    assert chain(add.s(1, 2), add.s(10), add.s(100))().get(timeout=PATIENCE) == 113
    assert group(add.s(n, n) for n in range(20))().get(timeout=PATIENCE) == [2 * n for n in range(20)]
    assert chord((add.s(n, n) for n in range(20)), total.s())().get(timeout=PATIENCE) == 380

    failed = fail.delay("on purpose")
    try:
        failed.get(timeout=PATIENCE)
        raise AssertionError("it did not fail")
    except ValueError as error:
        assert str(error) == "on purpose", error
    assert failed.state == "FAILURE"

    assert flaky.delay("flaky", 3).get(timeout=PATIENCE) == 3
    assert add.apply_async((2, 3), countdown=1).get(timeout=PATIENCE) == 5

    revoked = slow_add.apply_async((1, 1), countdown=3600)
    revoked.revoke()
    pong = app.control.ping(timeout=5)
    assert len(pong) == 1, pong

    kept = add.delay(20, 22)
    assert kept.get(timeout=PATIENCE) == 42 and kept.successful()
    assert app.backend.get(app.backend.get_key_for_task(kept.id)) is not None
    kept.forget()
    assert app.backend.get(app.backend.get_key_for_task(kept.id)) is None
finally:
    worker.terminate()
    worker.wait(timeout=PATIENCE)
print("ok")
