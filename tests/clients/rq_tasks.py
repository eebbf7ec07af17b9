"""What the workers of rq_work.py are asked to do."""

from rq import get_current_job


def _redis():
    return get_current_job().connection


def add(left, right):
    return left + right


def record(key, word):
    _redis().rpush(key, word)


def fail(why):
    raise ValueError(why)


def succeed_at(key, attempt):
    if _redis().incr(key) < attempt:
        raise RuntimeError("not yet")
    return attempt


def total(name):
    return sum(job.return_value() for job in get_current_job().fetch_dependencies())
