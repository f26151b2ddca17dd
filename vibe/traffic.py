"""How many requests were answered, how, and in what time: of all web processes together.

A request only puts a line into a list of its process, which takes less than a microsecond. Every few seconds a thread
adds what came since to the sums in Redis, so that any process can tell those of all, also of ones that are gone.
"""

import atexit
import threading
import time
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

import redis
from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

KEY = "vibe:traffic"
FLUSH_SECONDS = 5
# Upper bounds in seconds; what took longer is in one more bucket.
BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# Anybody may make up a method; the figures keep to these.
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
# The route of what reached no view: static files, addresses that do not exist.
NO_ROUTE = "none"

# Where nobody takes them out, as in a test, the oldest are forgotten.
_answered: deque[tuple[str | None, str, int, float]] = deque(maxlen=100_000)
_unsent: Counter[str] = Counter()
_flushing = threading.Lock()


class Sums(NamedTuple):
    """`answers`: by (method, route, status class). `times`: by route, how many in each bucket. `seconds`: by route."""

    answers: Counter[tuple[str, str, str]]
    times: dict[str, list[int]]
    seconds: dict[str, float]


@sync_and_async_middleware
def counted(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], HttpResponse | Awaitable[Any]]:
    """Middleware; outside all others, so that it sees every answer. A stream counts until it begins."""
    if iscoroutinefunction(get_response):

        async def later(request: HttpRequest) -> HttpResponse:
            began = time.perf_counter()
            response: HttpResponse = await get_response(request)
            _note(request, response, began)
            return response

        return later

    def now(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response: HttpResponse = get_response(request)
        _note(request, response, began)
        return response

    return now


def begin() -> None:
    """In a web process: from now on what it answers is added to the sums by itself."""
    threading.Thread(target=_flush_always, name="traffic", daemon=True).start()
    atexit.register(_try_to_flush)


def flush() -> None:
    """Adds what this process answered since the last time. Raises RedisError; then it is added the next time."""
    with _flushing:
        while _answered:
            method, route, status, seconds = _answered.popleft()
            known = method if method in METHODS else "OTHER"
            _unsent[f"{known} {route} {status // 100}xx {bisect_left(BOUNDS, seconds)}"] += 1
            _unsent[route] += round(seconds * 1_000_000)
        if not _unsent:
            return
        with _redis().pipeline(transaction=True) as pipe:
            for field, number in _unsent.items():
                pipe.hincrby(KEY, field, number)
            pipe.execute()
        _unsent.clear()


def sums() -> Sums:
    """Since the sums were begun, of all processes; this one's to the last request. Raises RedisError."""
    flush()
    found = Sums(Counter(), {}, {})
    kept: dict[bytes, bytes] = _redis().hgetall(KEY)  # type: ignore[assignment]
    for field, number in kept.items():
        match field.decode().split(" "):
            case [method, route, status, bucket]:
                found.answers[method, route, status] += int(number)
                found.times.setdefault(route, [0] * (len(BOUNDS) + 1))[int(bucket)] += int(number)
            case [route]:
                found.seconds[route] = int(number) / 1_000_000
    return found


def _note(request: HttpRequest, response: HttpResponse, began: float) -> None:
    match = request.resolver_match
    route = match.view_name if match else NO_ROUTE
    _answered.append((request.method, route, response.status_code, time.perf_counter() - began))


def _flush_always() -> None:
    while True:
        time.sleep(FLUSH_SECONDS)
        _try_to_flush()


def _try_to_flush() -> None:
    with suppress(RedisError):
        flush()


@cache
def _redis() -> "redis.Redis":
    # Not asked again after a time-out: the first may have counted.
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, retry=Retry(NoBackoff(), 0))
