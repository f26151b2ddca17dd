"""Exact limits: a counter per name and window in Redis. Of any number of requests at once, exactly `limit` pass."""

import ipaddress
import time
from functools import cache

import redis
from django.conf import settings
from django.http import HttpRequest
from redis.backoff import NoBackoff
from redis.retry import Retry


@cache
def _redis() -> "redis.Redis":
    # Not asked again after a time-out: the first INCR may have counted.
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, retry=Retry(NoBackoff(), 0))


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


def source(request: HttpRequest) -> str:
    """What is counted as one who asks: an address, or the network of 2^64 that a customer gets where IPv6 is spoken."""
    ip = ipaddress.ip_address(address(request))
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))


def address(request: HttpRequest) -> str:
    """Where a request came from: what the outermost of our own proxies saw, never what the client wrote itself."""
    told = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    trusted = settings.TRUSTED_PROXIES
    seen = told[-trusted] if 0 < trusted <= len(told) else str(request.META.get("REMOTE_ADDR", ""))
    try:
        return str(ipaddress.ip_address(seen))
    except ValueError:  # a unix socket has none
        return "0.0.0.0"  # noqa: S104 – nobody binds to it
