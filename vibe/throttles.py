"""Limits on the REST API: one exact counter per person, kind and minute, kept in Redis."""

import time
from functools import cache
from typing import Any

import redis
from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

MINUTE = 60
READS = ("GET", "HEAD", "OPTIONS")


@cache
def _redis() -> "redis.Redis":
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2)


class PerMinute(BaseThrottle):
    """At most settings.API_READS_PER_MINUTE and API_WRITES_PER_MINUTE. The 429 says when to come back."""

    def __init__(self) -> None:
        self.seconds_left = 0.0

    def allow_request(self, request: Request, view: Any) -> bool:
        reads = request.method in READS
        limit = settings.API_READS_PER_MINUTE if reads else settings.API_WRITES_PER_MINUTE
        window, into = divmod(time.time(), MINUTE)
        self.seconds_left = MINUTE - into
        # INCR is atomic: of any number of parallel requests exactly `limit` pass.
        key = f"vibe:rate:{'read' if reads else 'write'}:{self._who(request)}:{int(window)}"
        with _redis().pipeline(transaction=True) as pipe:
            pipe.incr(key)
            pipe.expire(key, 2 * MINUTE)
            count = pipe.execute()[0]
        return bool(count <= limit)

    def wait(self) -> float:
        return self.seconds_left

    def _who(self, request: Request) -> str:
        if request.user.is_authenticated:
            return f"user-{request.user.pk}"
        return f"address-{request.META.get('REMOTE_ADDR', '')}"
