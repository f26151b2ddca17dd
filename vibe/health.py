"""/healthz: this process answers. /readyz: everything it needs answers, by name, with milliseconds."""

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from agents import catalogue
from agents.llm import providers
from agents.llm.reach import NotReached, reach

SECONDS = 3.0
# Outside parties are asked at most this often, however often we are: the page needs no sign-in.
FRESH_SECONDS = 3.0

Check = dict[str, Any]
_outside: dict[str, tuple[float, Check]] = {}
# One request asks them; others say meanwhile what was found before, so that no number of them holds every thread.
_asking = {"sandbox": threading.Lock(), "model": threading.Lock()}


class NotReady(Exception):
    """The party answers, but not in a way that will work. The text may be shown to anyone."""


@never_cache
@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 if all answer, else 503: {"ok", "checks": {name: {"ok", "ms", "detail"?}}}."""
    found = checks()
    ok = all(check["ok"] for check in found.values())
    return JsonResponse({"ok": ok, "checks": found}, status=200 if ok else 503)


def checks() -> dict[str, Check]:
    """Everything the site needs, by name, all asked at once."""
    with ThreadPoolExecutor(3) as pool:
        waiting = {
            "redis": pool.submit(_timed, _redis),
            "sandbox": pool.submit(_fresh, "sandbox", _sandbox),
            "model": pool.submit(_fresh, "model", _model),
        }
        # Here, not in the pool: a connection belongs to its thread.
        return {"database": _timed(_database)} | {name: each.result() for name, each in waiting.items()}


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _redis() -> None:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=SECONDS, socket_connect_timeout=SECONDS)
    try:
        client.ping()
    finally:
        client.close()


def _sandbox() -> None:
    address = settings.E2B_API_URL or f"https://api.{settings.E2B_DOMAIN or 'e2b.app'}"
    _get(f"{address.rstrip('/')}/health", {"X-API-Key": settings.E2B_API_KEY})


def _model() -> None:
    try:
        reach(providers.source(catalogue.MEDIUM).provider, SECONDS)
    except (providers.NoProvider, NotReached) as error:
        raise NotReady(str(error)) from None


def _get(url: str, headers: dict[str, str]) -> None:
    # The operator's own addresses, never a user's.
    request = urllib.request.Request(url, headers={key: value for key, value in headers.items() if value})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=SECONDS):  # noqa: S310
            pass
    except urllib.error.HTTPError as error:
        hint = " – check its key" if error.code in (401, 403) else ""
        raise NotReady(f"answers {error.code}{hint}") from None


def _timed(check: Callable[[], None]) -> Check:
    begun = time.perf_counter()
    try:
        check()
        result: Check = {"ok": True}
    except NotReady as error:
        result = {"ok": False, "detail": str(error)}
    except Exception as error:  # noqa: BLE001 – whatever it is, it answers "is it there?"
        result = {"ok": False, "detail": f"does not answer ({type(error).__name__})"}
    return result | {"ms": round((time.perf_counter() - begun) * 1000, 1)}


def _fresh(name: str, check: Callable[[], None]) -> Check:
    at, result = _outside.get(name, (float("-inf"), {"ok": False, "detail": "is asked for the first time", "ms": 0.0}))
    if time.monotonic() - at > FRESH_SECONDS and _asking[name].acquire(blocking=False):
        try:
            result = _timed(check)
            _outside[name] = (time.monotonic(), result)
        finally:
            _asking[name].release()
    return result
