"""E2B's REST API: sandboxes are created, listed, resumed, paused, timed and killed here. Both generations of paths."""

import asyncio
import base64
import binascii
import hmac
import json
import os
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from sandbox_host.first_use import FirstUse
from sandbox_host.homes import CopyFailed
from sandbox_host.idempotency import Keys, KeyTaken
from sandbox_host.isolation import MIB
from sandbox_host.launch import AgentGone
from sandbox_host.preparing import PROBLEMS
from sandbox_host.registry import DEFAULT_TIMEOUT, MAX_TIMEOUT, Registry, TooMany, UnknownTemplate
from sandbox_host.sandbox import NotRunning, NoWayOut, Sandbox
from sandbox_host.snapshots import BadName

ENVD_VERSION = "0.6.13"
REGISTRY = web.AppKey("registry", Registry)
API_KEY = web.AppKey("api_key", str)
DOMAIN = web.AppKey("domain", str)
FIRST_USE = web.AppKey("first_use", FirstUse)
KEYS = web.AppKey("keys", Keys)
PAGE_LIMIT = 100
MAX_FORKS = 20
FORK_TIMEOUT = 15  # seconds, E2B's
_CLOUD_ONLY = "is not something the embedded sandbox host can do; set E2B_API_KEY to use E2B's cloud for it."
_CLOUD_OPTIONS = {"mcp": "An MCP gateway", "iam": "IAM", "volumeMounts": "A volume"}
_CLOUD_NETWORK = ("dnsServers", "egressProxy", "rules", "httpsPorts", "maskRequestHost")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Refusal(Exception):
    """Answered as E2B's {"code", "message"}."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def error(status: int, message: str) -> web.Response:
    return web.json_response({"code": status, "message": message}, status=status)


def guarded(handler: Handler) -> Handler:
    """Only with the API key; refusals become E2B's errors. The work goes on when the caller hangs up."""

    async def wrapped(request: web.Request) -> web.StreamResponse:
        key = request.headers.get("X-API-KEY") or request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(key.encode(), request.app[API_KEY].encode()):
            return error(401, "Invalid API key: send the host's E2B_API_KEY as X-API-KEY.")
        try:
            return await asyncio.shield(asyncio.ensure_future(handler(request)))
        except Refusal as refusal:
            return error(refusal.status, refusal.message)
        except TooMany as limit:
            return error(429, str(limit))
        except UnknownTemplate as unknown:
            return error(404, str(unknown))
        except NotRunning as gone:
            return error(404, f"Sandbox {gone} not found")
        except NoWayOut as closed:
            return error(501, str(closed))
        except KeyTaken as taken:
            return error(409, str(taken))
        except BadName as wrong:
            return error(400, str(wrong))
        except (AgentGone, CopyFailed) as gone:
            return error(500, str(gone))

    return wrapped


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        value = json.loads(await request.read() or b"{}")
    except ValueError:
        raise Refusal(400, "The request body is not JSON.") from None
    if not isinstance(value, dict):
        raise Refusal(400, "The request body is not a JSON object.")
    return value


def _sandbox(request: web.Request) -> Sandbox:
    sandbox = request.app[REGISTRY].get(request.match_info["id"])
    if sandbox is None:
        raise Refusal(404, f"Sandbox {request.match_info['id']} not found")
    return sandbox


def _timeout(body: dict[str, Any], default: int = DEFAULT_TIMEOUT) -> int:
    value = body.get("timeout", default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Refusal(400, "timeout must be a whole number of seconds, 0 or more.")
    if value > MAX_TIMEOUT:
        raise Refusal(400, f"Timeout cannot be greater than {MAX_TIMEOUT // 3600} hours")
    return value


def _strings(body: dict[str, Any], name: str) -> dict[str, str]:
    value = body.get(name) or {}
    if not isinstance(value, dict) or not all(isinstance(k, str) and isinstance(v, str) for k, v in value.items()):
        raise Refusal(400, f"{name} must map strings to strings.")
    if any("\0" in k + v or not k or "=" in k for k, v in value.items() if name == "envVars"):
        raise Refusal(400, "envVars must have names without '=' and no null bytes.")
    return value


def _network(network: dict[str, Any]) -> dict[str, Any]:
    """allowOut and denyOut as fields of Record. Only host names: inside there is no network to filter addresses on."""
    for name in _CLOUD_NETWORK:
        if network.get(name):
            raise Refusal(501, f"network.{name} {_CLOUD_ONLY}")
    fields: dict[str, list[str]] = {}
    for name, target in (("allowOut", "allow_out"), ("denyOut", "deny_out")):
        value = network.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise Refusal(400, f"network.{name} must be a list of strings.")
        fields[target] = [item.removeprefix("*.").lower() for item in value]
    for item in fields["allow_out"]:
        if not any(letter.isalpha() for letter in item) or "/" in item or ":" in item:
            raise Refusal(501, f"network.allowOut '{item}': an address {_CLOUD_ONLY} Name hosts instead.")
    return fields


async def create(request: web.Request) -> web.Response:
    body = await _body(request)
    for name, title in _CLOUD_OPTIONS.items():
        if body.get(name):
            raise Refusal(501, f"{title} {_CLOUD_ONLY}")
    template = body.get("templateID")
    if not isinstance(template, str) or not template:
        raise Refusal(400, "templateID is missing.")
    options = {
        "auto_pause": body.get("autoPause") is not False,
        "auto_resume": bool((body.get("autoResume") or {}).get("enabled", False)),
        "internet": body.get("allow_internet_access") is not False,
        "metadata": _strings(body, "metadata"),
        "envs": _strings(body, "envVars"),
        **_network(body.get("network") or {}),
    }
    if (body.get("network") or {}).get("allowPublicTraffic") is False:
        options["traffic_token"] = secrets.token_hex(32)
    timeout = _timeout(body)

    async def make() -> Sandbox:
        await _prepared(request, template)
        return await request.app[REGISTRY].create(template, timeout, options)

    sandbox = await request.app[KEYS].once(request.headers.get("Idempotency-Key", ""), body, make)
    return web.json_response(_created(request, sandbox), status=201)


async def _prepared(request: web.Request, template: str) -> None:
    """Wait for the first preparation of a template. A caller that has gone gets no sandbox nobody would know of."""
    try:
        waited = await request.app[FIRST_USE].ready(template)
    except PROBLEMS as problem:
        raise Refusal(500, f"The template could not be prepared: {problem}") from None
    if waited and request.transport is None:
        raise Refusal(408, "The caller did not wait for the template.")


def _created(request: web.Request, sandbox: Sandbox) -> dict[str, Any]:
    return {
        "templateID": sandbox.record.template,
        "sandboxID": sandbox.id,
        "clientID": "local",
        "envdVersion": ENVD_VERSION,
        "envdAccessToken": sandbox.record.token,
        "trafficAccessToken": sandbox.record.traffic_token or None,
        "domain": request.app[DOMAIN],
    }


def _listed(sandbox: Sandbox) -> dict[str, Any]:
    record, limits = sandbox.record, sandbox.place.machine.limits
    return {
        "templateID": record.template,
        "alias": record.template,
        "sandboxID": record.id,
        "clientID": "local",
        "startedAt": _iso(record.started),
        "endAt": _iso(record.end),
        "state": record.state,
        "cpuCount": os.cpu_count() or 1,
        "memoryMB": limits.memory,
        "diskSizeMB": limits.disk,
        "envdVersion": ENVD_VERSION,
        "metadata": record.metadata,
    }


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


async def info(request: web.Request) -> web.Response:
    sandbox = _sandbox(request)
    record = sandbox.record
    return web.json_response(
        {
            **_listed(sandbox),
            "envdAccessToken": record.token,
            "domain": request.app[DOMAIN],
            "allowInternetAccess": record.internet,
            "network": {"allowOut": record.allow_out, "denyOut": record.deny_out},
            "lifecycle": {"autoResume": record.auto_resume, "onTimeout": "pause" if record.auto_pause else "kill"},
        }
    )


async def listing(request: web.Request) -> web.Response:
    """Filters: metadata (k=v, quoted twice), state, startedAfter, template; pages of `limit` with the header
    x-next-token.
    """
    query = request.query
    wanted = {unquote(k): unquote(v) for k, v in parse_qsl(query.get("metadata", ""))}
    states = {state for text in query.getall("state", []) for state in text.split(",")}
    after = _seconds(query["startedAfter"]) if "startedAfter" in query else 0.0
    chosen = [
        sandbox
        for sandbox in request.app[REGISTRY].sandboxes.values()
        if (not states or sandbox.state in states)
        and sandbox.record.started >= after
        and query.get("template", sandbox.record.template) == sandbox.record.template
        and wanted.items() <= sandbox.record.metadata.items()
    ]
    descending = query.get("order", "desc") != "asc"
    chosen.sort(key=_position, reverse=descending)
    if token := query.get("nextToken"):
        last = _decode_token(token)
        chosen = [
            sandbox for sandbox in chosen if (_position(sandbox) < last if descending else _position(sandbox) > last)
        ]
    limit = _limit(query.get("limit", str(PAGE_LIMIT)))
    headers = {"x-next-token": _encode_token(chosen[limit - 1])} if len(chosen) > limit else {}
    return web.json_response([_listed(sandbox) for sandbox in chosen[:limit]], headers=headers)


def _position(sandbox: Sandbox) -> tuple[float, str]:
    return sandbox.record.started, sandbox.id


def _encode_token(sandbox: Sandbox) -> str:
    return base64.urlsafe_b64encode(json.dumps(_position(sandbox)).encode()).decode()


def _decode_token(token: str) -> tuple[float, str]:
    try:
        started, sandbox_id = json.loads(base64.urlsafe_b64decode(token))
        return float(started), str(sandbox_id)
    except (ValueError, TypeError, binascii.Error):
        raise Refusal(400, "nextToken is not one this host gave.") from None


def _limit(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= PAGE_LIMIT:
        raise Refusal(400, f"limit must be between 1 and {PAGE_LIMIT}.")
    return int(text)


def _seconds(text: str) -> float:
    try:
        return datetime.fromisoformat(text.replace(" ", "+")).timestamp()  # an unquoted + arrives as a space
    except ValueError:
        raise Refusal(400, "startedAfter is not a time.") from None


async def kill(request: web.Request) -> web.Response:
    await request.app[REGISTRY].kill(_sandbox(request))
    return web.Response(status=204)


async def connect(request: web.Request) -> web.Response:
    """Resume, or find running: then the time may be extended but never shortened."""
    sandbox, body = _sandbox(request), await _body(request)
    resumed = await sandbox.start(_timeout(body), resume=body.get("memory") is not False)
    return web.json_response(_created(request, sandbox), status=201 if resumed else 200)


async def set_timeout(request: web.Request) -> web.Response:
    sandbox, timeout = _sandbox(request), _timeout(await _body(request))
    if sandbox.state != "running":
        raise Refusal(404, f"Sandbox {sandbox.id} not found")
    sandbox.record.end, sandbox.record.timeout = time.time() + timeout, timeout
    sandbox.save()
    return web.Response(status=204)


async def refresh(request: web.Request) -> web.Response:
    sandbox, body = _sandbox(request), await _body(request)
    await sandbox.running()
    sandbox.record.end = max(sandbox.record.end, time.time() + _timeout({"timeout": body.get("duration", 15)}))
    sandbox.save()
    return web.Response(status=204)


async def pause(request: web.Request) -> web.Response:
    sandbox, body = _sandbox(request), await _body(request)
    try:
        await sandbox.pause(memory=body.get("memory") is not False)
    except NotRunning:
        raise Refusal(409, f"Sandbox {sandbox.id} is already paused") from None
    return web.Response(status=204)


async def metrics(request: web.Request) -> web.Response:
    return web.json_response([measure(_sandbox(request))])


def measure(sandbox: Sandbox) -> dict[str, Any]:
    """One reading, now."""
    limits, now = sandbox.place.machine.limits, time.time()
    return {
        "timestamp": _iso(now),
        "timestampUnix": int(now),
        "cpuCount": os.cpu_count() or 1,
        "cpuUsedPct": sandbox.usage.cpu_percent(sandbox.launch),
        "memUsed": sandbox.usage.memory_bytes(sandbox.launch),
        "memTotal": limits.memory * MIB,
        "memCache": 0,
        "diskUsed": sandbox.usage.disk_bytes,
        "diskTotal": limits.disk * MIB,
    }


async def network(request: web.Request) -> web.Response:
    """New rules hold for new connections; without internet access there is no way out to open later."""
    sandbox, body = _sandbox(request), await _body(request)
    fields = _network(body)
    sandbox.set_network(body.get("allow_internet_access"), fields["allow_out"], fields["deny_out"])
    return web.Response(status=204)


async def snapshot(request: web.Request) -> web.Response:
    """Of the files alone; `memory` is not looked at."""
    sandbox, body = _sandbox(request), await _body(request)
    name = body.get("name") or ""
    if not isinstance(name, str):
        raise Refusal(400, "name must be a string.")
    made = await request.app[REGISTRY].snapshot(sandbox, name)
    return web.json_response({"snapshotID": made.id, "names": [made.id]}, status=201)


async def list_snapshots(request: web.Request) -> web.Response:
    """Newest first, in one page."""
    known = sorted(request.app[REGISTRY].snapshots.known.values(), key=lambda one: -one.made)
    wanted = request.query.get("sandboxID")
    found = [{"snapshotID": one.id, "names": [one.id]} for one in known if wanted in (None, one.sandbox)]
    return web.json_response(found)


async def delete_snapshot(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if not await request.app[REGISTRY].snapshots.delete(name):
        raise Refusal(404, f"Snapshot {name} not found")
    return web.Response(status=204)


async def fork(request: web.Request) -> web.Response:
    """New sandboxes with copies of the files; each one's failure is told in its place."""
    sandbox, body = _sandbox(request), await _body(request)
    count = body.get("count", 1)
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MAX_FORKS:
        raise Refusal(400, f"count must be between 1 and {MAX_FORKS}.")
    results: list[dict[str, Any]] = []
    for _ in range(count):
        try:
            made = await request.app[REGISTRY].fork(sandbox, _timeout(body, FORK_TIMEOUT))
            results.append({"sandbox": _created(request, made)})
        except (TooMany, AgentGone) as problem:
            code = 429 if isinstance(problem, TooMany) else 500
            results.append({"error": {"code": code, "message": str(problem)}})
    return web.json_response(results, status=201)


async def logs(request: web.Request) -> web.Response:
    """The newest 1,000 connections that the sandbox made or tried to make, oldest first."""
    lines = await asyncio.to_thread(_sandbox(request).egress_log)
    entries = [{"timestamp": json.loads(line)["at"], "line": line} for line in lines]
    return web.json_response({"logs": entries, "logEntries": []})


async def cloud_only(request: web.Request) -> web.Response:
    raise Refusal(501, f"{request.method} {request.path} {_CLOUD_ONLY}")


def add_routes(app: web.Application) -> None:
    routes: list[tuple[str, str, Handler]] = [
        ("GET", "/sandboxes", listing),
        ("GET", "/sandboxes/{id}", info),
        ("DELETE", "/sandboxes/{id}", kill),
        ("POST", "/sandboxes/{id}/timeout", set_timeout),
        ("POST", "/sandboxes/{id}/refreshes", refresh),
        ("POST", "/sandboxes/{id}/pause", pause),
        ("POST", "/sandboxes/{id}/resume", connect),
        ("GET", "/sandboxes/{id}/metrics", metrics),
        ("PUT", "/sandboxes/{id}/network", network),
        ("GET", "/sandboxes/{id}/logs", logs),
        ("POST", "/sandboxes/{id}/fork", fork),
        ("POST", "/sandboxes/{id}/snapshots", snapshot),
        ("GET", "/snapshots", list_snapshots),
        ("DELETE", "/templates/{name}", delete_snapshot),
    ]
    both = [("POST", "/sandboxes", create), ("POST", "/sandboxes/{id}/connect", connect)]
    for method, path, handler in [
        *routes,
        *both,
        *((m, f"/v2{p}", h) for m, p, h in both),
        ("GET", "/v2/sandboxes", listing),
    ]:
        app.router.add_route(method, path, guarded(handler))
    for prefix in ("/templates", "/v2/templates", "/v3/templates", "/volumes", "/secrets"):
        app.router.add_route("*", prefix, guarded(cloud_only))
        app.router.add_route("*", prefix + "/{rest:.*}", guarded(cloud_only))
