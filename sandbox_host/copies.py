"""The REST API's snapshots and forks: copies of a sandbox's files, made, listed and removed."""

from typing import Any

from aiohttp import web

from sandbox_host import bodies
from sandbox_host.answers import REGISTRY, created, find
from sandbox_host.bodies import Refusal
from sandbox_host.launch import AgentGone
from sandbox_host.pages import page
from sandbox_host.registry import TooMany

MAX_FORKS = 20
FORK_TIMEOUT = 15  # seconds, E2B's


async def snapshot(request: web.Request) -> web.Response:
    """Of the files alone; `memory` is not looked at."""
    sandbox, body = find(request), await bodies.read(request)
    name = body.get("name") or ""
    if not isinstance(name, str):
        raise Refusal(400, "name must be a string.")
    made = await request.app[REGISTRY].snapshot(sandbox, name)
    return web.json_response({"snapshotID": made.id, "names": [made.id]}, status=201)


async def listing(request: web.Request) -> web.Response:
    """Filters: sandboxID, name; in pages, newest first."""
    wanted, name = request.query.get("sandboxID"), request.query.get("name")
    chosen = [
        one
        for one in request.app[REGISTRY].snapshots.known.values()
        if wanted in (None, one.sandbox) and name in (None, one.id)
    ]
    shown, headers = page(chosen, lambda one: (one.made, one.id), request.query)
    return web.json_response([{"snapshotID": one.id, "names": [one.id]} for one in shown], headers=headers)


async def delete(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if not await request.app[REGISTRY].snapshots.delete(name):
        raise Refusal(404, f"Snapshot {name} not found")
    return web.Response(status=204)


async def fork(request: web.Request) -> web.Response:
    """New sandboxes with copies of the files; each one's failure is told in its place."""
    sandbox, body = find(request), await bodies.read(request)
    count, seconds = body.get("count", 1), bodies.timeout(body, FORK_TIMEOUT)
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MAX_FORKS:
        raise Refusal(400, f"count must be between 1 and {MAX_FORKS}.")
    results: list[dict[str, Any]] = []
    for _ in range(count):
        try:
            made = await request.app[REGISTRY].fork(sandbox, seconds)
            results.append({"sandbox": created(request, made)})
        except (TooMany, AgentGone) as problem:
            code = 429 if isinstance(problem, TooMany) else 500
            results.append({"error": {"code": code, "message": str(problem)}})
    return web.json_response(results, status=201)
