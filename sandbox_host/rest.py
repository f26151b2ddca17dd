"""E2B's REST API: sandboxes are created, listed, resumed, paused, timed and killed here. Both generations of paths."""

import asyncio
import json
import time
from datetime import datetime
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from sandbox_host import bodies, copies, log
from sandbox_host.answers import (
    API_KEY,
    DOMAIN,
    FIRST_USE,
    KEYS,
    REGISTRY,
    Handler,
    created,
    error,
    find,
    listed,
    measure,
    same,
)
from sandbox_host.bodies import CLOUD_ONLY, Refusal
from sandbox_host.homes import CopyFailed
from sandbox_host.idempotency import KeyTaken
from sandbox_host.launch import AgentGone
from sandbox_host.pages import page
from sandbox_host.preparing import PROBLEMS
from sandbox_host.registry import TooMany
from sandbox_host.sandbox import FilesGone, NotRunning, NoWayOut, Sandbox
from sandbox_host.snapshots import BadName
from sandbox_host.templates import UnknownTemplate


def guarded(handler: Handler) -> Handler:
    """Only with the API key; refusals become E2B's errors. The work goes on when the caller hangs up."""

    async def wrapped(request: web.Request) -> web.StreamResponse:
        key = request.headers.get("X-API-KEY") or request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not same(key, request.app[API_KEY]):
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


async def create(request: web.Request) -> web.Response:
    body = await bodies.read(request)
    template, options = bodies.new_sandbox(body)
    timeout = bodies.timeout(body)

    async def make() -> Sandbox:
        await _prepared(request, template)
        return await request.app[REGISTRY].create(template, timeout, options)

    sandbox = await request.app[KEYS].once(request.headers.get("Idempotency-Key", ""), body, make)
    return web.json_response(created(request, sandbox), status=201)


async def _prepared(request: web.Request, template: str) -> None:
    """Wait for the first preparation of a template. A caller that has gone gets no sandbox nobody would know of."""
    try:
        waited = await request.app[FIRST_USE].ready(template)
    except PROBLEMS as problem:
        raise Refusal(500, f"The template could not be prepared: {problem}") from None
    if waited and request.transport is None:
        raise Refusal(408, "The caller did not wait for the template.")


async def info(request: web.Request) -> web.Response:
    sandbox = find(request)
    record = sandbox.record
    return web.json_response(
        {
            **listed(sandbox),
            "envdAccessToken": record.token,
            "domain": request.app[DOMAIN],
            "allowInternetAccess": record.internet,
            "network": {
                "allowOut": record.allow_out,
                "denyOut": record.deny_out,
                "allowPublicTraffic": not record.traffic_token,
                **({"maskRequestHost": record.mask_host} if record.mask_host else {}),
            },
            "lifecycle": {"autoResume": record.auto_resume, "onTimeout": "pause" if record.auto_pause else "kill"},
        }
    )


async def listing(request: web.Request) -> web.Response:
    """Filters: metadata (k=v, quoted twice), state, startedAfter, template; in pages."""
    query = request.query
    wanted = {unquote(k): unquote(v) for k, v in parse_qsl(query.get("metadata", ""))}
    states = {state for text in query.getall("state", []) for state in text.split(",")}
    after = _moment(query["startedAfter"]) if "startedAfter" in query else 0.0
    chosen = [
        sandbox
        for sandbox in request.app[REGISTRY].sandboxes.values()
        if (not states or sandbox.state in states)
        and sandbox.record.started >= after
        and query.get("template", sandbox.record.template) == sandbox.record.template
        and wanted.items() <= sandbox.record.metadata.items()
    ]
    shown, headers = page(chosen, lambda sandbox: (sandbox.record.started, sandbox.id), query)
    return web.json_response([listed(sandbox) for sandbox in shown], headers=headers)


def _moment(text: str) -> float:
    try:
        return datetime.fromisoformat(text.replace(" ", "+")).timestamp()  # an unquoted + arrives as a space
    except (ValueError, OverflowError):
        raise Refusal(400, "startedAfter is not a time.") from None


async def kill(request: web.Request) -> web.Response:
    await request.app[REGISTRY].kill(find(request))
    return web.Response(status=204)


async def connect(request: web.Request) -> web.Response:
    """Resume, or find running: then the time may be extended but never shortened. One whose files cannot be had is
    answered as one that is gone: whoever has what was in it makes another.
    """
    sandbox, body = find(request), await bodies.read(request)
    memory = body.get("memory") is not False
    try:
        resumed = await request.app[REGISTRY].resume(sandbox, bodies.timeout(body), memory)
    except FilesGone as gone:
        log.say("cannot be started", sandbox=sandbox.id, why=str(gone))
        raise Refusal(404, f"Sandbox {sandbox.id} cannot be started: {gone}") from None
    return web.json_response(created(request, sandbox), status=201 if resumed else 200)


async def set_timeout(request: web.Request) -> web.Response:
    sandbox, timeout = find(request), bodies.timeout(await bodies.read(request))
    if sandbox.state != "running":
        raise Refusal(404, f"Sandbox {sandbox.id} not found")
    sandbox.record.end, sandbox.record.timeout = time.time() + timeout, timeout
    await sandbox.save()
    return web.Response(status=204)


async def refresh(request: web.Request) -> web.Response:
    sandbox, body = find(request), await bodies.read(request)
    await sandbox.running()
    sandbox.record.end = max(sandbox.record.end, time.time() + bodies.timeout(body, 15, "duration"))
    await sandbox.save()
    return web.Response(status=204)


async def pause(request: web.Request) -> web.Response:
    sandbox, body = find(request), await bodies.read(request)
    try:
        await sandbox.pause(memory=body.get("memory") is not False)
    except NotRunning:
        raise Refusal(409, f"Sandbox {sandbox.id} is already paused") from None
    return web.Response(status=204)


async def metrics(request: web.Request) -> web.Response:
    """One reading, of now; none if now is not between `start` and `end` (Unix seconds)."""
    reading = measure(find(request))
    start = bodies.number(request.query.get("start", ""), 0)
    end = bodies.number(request.query.get("end", ""), reading["timestampUnix"])
    return web.json_response([reading] if start <= reading["timestampUnix"] <= end else [])


async def network(request: web.Request) -> web.Response:
    """New rules hold for new connections; without internet access there is no way out to open later."""
    sandbox, body = find(request), await bodies.read(request)
    fields = bodies.network(body)
    await sandbox.set_network(body.get("allow_internet_access"), fields["allow_out"], fields["deny_out"])
    return web.Response(status=204)


async def logs(request: web.Request) -> web.Response:
    """The newest 1,000 connections that the sandbox made or tried to make, oldest first."""
    lines = await asyncio.to_thread(find(request).egress_log)
    entries = [{"timestamp": json.loads(line)["at"], "line": line} for line in lines]
    return web.json_response({"logs": entries, "logEntries": []})


async def alias(request: web.Request) -> web.Response:
    """Whether there is a template of that name, which is its id, too."""
    name = request.match_info["name"]
    if name not in await request.app[REGISTRY].root("templates"):
        raise Refusal(404, f"Template {name} not found")
    return web.json_response({"templateID": name, "public": False})


async def cloud_only(request: web.Request) -> web.Response:
    raise Refusal(501, f"{request.method} {request.path} {CLOUD_ONLY}")


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
        ("POST", "/sandboxes/{id}/fork", copies.fork),
        ("POST", "/sandboxes/{id}/snapshots", copies.snapshot),
        ("GET", "/snapshots", copies.listing),
        ("GET", "/templates/aliases/{name}", alias),
        ("DELETE", "/templates/tags", cloud_only),
        ("DELETE", "/templates/{name}", copies.delete),
    ]
    both = [("POST", "/sandboxes", create), ("POST", "/sandboxes/{id}/connect", connect)]
    for method, path, handler in [
        *routes,
        *both,
        *((m, f"/v2{p}", h) for m, p, h in both),
        ("GET", "/v2/sandboxes", listing),
    ]:
        app.router.add_route(method, path, guarded(handler))
    for prefix in ("/templates", "/v2/templates", "/v3/templates", "/volumes", "/volumecontent", "/secrets"):
        app.router.add_route("*", prefix, guarded(cloud_only))
        app.router.add_route("*", prefix + "/{rest:.*}", guarded(cloud_only))
