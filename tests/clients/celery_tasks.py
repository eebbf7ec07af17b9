"""The application that celery_work.py and its worker share."""

import os
import time

from celery import Celery

_URL = f"redis://127.0.0.1:{os.environ['RCL_TEST_PORT']}/0"
app = Celery("celery_tasks", broker=_URL, backend=_URL)
app.conf.broker_connection_retry_on_startup = True


@app.task
def add(left, right):
    return left + right


@app.task
def slow_add(left, right):
    time.sleep(3600)
    return left + right


@app.task
def total(numbers):
    return sum(numbers)


@app.task
def fail(why):
    raise ValueError(why)


@app.task(bind=True, max_retries=5)
def flaky(self, key, attempt):
    count = app.backend.client.incr(key)
    if count < attempt:
        raise self.retry(countdown=0)
    return count
