"""What the handlers of the REST API share: the application's parts, and the JSON forms of a sandbox and an error."""

import hmac
import os
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from sandbox_host.bodies import Refusal
from sandbox_host.first_use import FirstUse
from sandbox_host.idempotency import Keys
from sandbox_host.isolation import MIB
from sandbox_host.registry import Registry
from sandbox_host.sandbox import Sandbox

ENVD_VERSION = "0.6.13"
REGISTRY = web.AppKey("registry", Registry)
API_KEY = web.AppKey("api_key", str)
DOMAIN = web.AppKey("domain", str)
FIRST_USE = web.AppKey("first_use", FirstUse)
KEYS = web.AppKey("keys", Keys)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def error(status: int, message: str) -> web.Response:
    return web.json_response({"code": status, "message": message}, status=status)


def same(given: str, right: str) -> bool:
    """Whether a secret is the right one; how long that takes tells nothing of it."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), right.encode())


def find(request: web.Request) -> Sandbox:
    """The sandbox that the path names. Raises Refusal."""
    sandbox = request.app[REGISTRY].get(request.match_info["id"])
    if sandbox is None:
        raise Refusal(404, f"Sandbox {request.match_info['id']} not found")
    return sandbox


def created(request: web.Request, sandbox: Sandbox) -> dict[str, Any]:
    """What a create, a connect and a fork tell, the only answers that give the tokens away."""
    return {
        "templateID": sandbox.record.template,
        "sandboxID": sandbox.id,
        "clientID": "local",
        "envdVersion": ENVD_VERSION,
        "envdAccessToken": sandbox.record.token,
        "trafficAccessToken": sandbox.record.traffic_token or None,
        "domain": request.app[DOMAIN],
    }


def listed(sandbox: Sandbox) -> dict[str, Any]:
    record, limits = sandbox.record, sandbox.place.machine.limits
    return {
        "templateID": record.template,
        "alias": record.template,
        "sandboxID": record.id,
        "clientID": "local",
        "startedAt": iso(record.started),
        "endAt": iso(record.end),
        "state": record.state,
        "cpuCount": os.cpu_count() or 1,
        "memoryMB": limits.memory,
        "diskSizeMB": limits.disk,
        "envdVersion": ENVD_VERSION,
        "metadata": record.metadata,
    }


def measure(sandbox: Sandbox) -> dict[str, Any]:
    """One reading of what a sandbox uses, now."""
    limits, now = sandbox.place.machine.limits, time.time()
    return {
        "timestamp": iso(now),
        "timestampUnix": int(now),
        "cpuCount": os.cpu_count() or 1,
        "cpuUsedPct": sandbox.usage.cpu_percent(sandbox.launch),
        "memUsed": sandbox.usage.memory_bytes(sandbox.launch),
        "memTotal": limits.memory * MIB,
        "memCache": 0,
        "diskUsed": sandbox.usage.disk_bytes,
        "diskTotal": limits.disk * MIB,
    }


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
