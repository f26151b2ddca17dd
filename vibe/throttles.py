"""Limits on the REST API: one exact counter per person, kind and minute, kept in Redis."""

from typing import Any

from django.conf import settings
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts import limits

MINUTE = 60
READS = ("GET", "HEAD", "OPTIONS")


class PerMinute(BaseThrottle):
    """At most settings.API_READS_PER_MINUTE and API_WRITES_PER_MINUTE. The 429 says when to come back."""

    def allow_request(self, request: Request, view: Any) -> bool:
        reads = request.method in READS
        limit = settings.API_READS_PER_MINUTE if reads else settings.API_WRITES_PER_MINUTE
        try:
            return limits.allow(f"api:{'read' if reads else 'write'}:{self._who(request)}", limit, MINUTE)
        except RedisError:
            return True  # nobody counts while it is away: people go on working; signing in, which is attacked, waits

    def wait(self) -> float:
        return limits.seconds_left(MINUTE)

    def _who(self, request: Request) -> str:
        if request.user.is_authenticated:
            return f"user-{request.user.pk}"
        return f"address-{limits.source(request._request)}"
