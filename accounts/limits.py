"""Exact limits: a counter per name and window in Redis. Of any number of requests at once, exactly `limit` pass."""

import time
from functools import cache

import redis
from django.conf import settings


@cache
def _redis() -> "redis.Redis":
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2)


def allow(name: str, limit: int, seconds: int) -> bool:
    """Counts one use of `name`; False once there were `limit` in this window of `seconds`."""
    return count(name, seconds) <= limit


def count(name: str, seconds: int) -> int:
    """Counts one use of `name`; how many that makes in this window."""
    key = f"vibe:limit:{name}:{seconds}:{int(time.time() // seconds)}"
    # INCR is atomic, and in one transaction with the end of the key's life.
    with _redis().pipeline(transaction=True) as pipe:
        pipe.incr(key)
        pipe.expire(key, 2 * seconds)
        return int(pipe.execute()[0])


def seconds_left(seconds: int) -> float:
    """How long the present window lasts."""
    return seconds - time.time() % seconds
