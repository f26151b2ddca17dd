"""The one port: by Host and headers each request goes to the REST API, to a sandbox's envd, or to what listens in a
sandbox.
"""

import asyncio
import contextlib
import ipaddress
import re
from collections.abc import AsyncIterator

from aiohttp import web

from sandbox_host import envd, preview, rest
from sandbox_host.first_use import FirstUse
from sandbox_host.registry import Registry
from sandbox_host.rest import DOMAIN, FIRST_USE, REGISTRY, Handler, error

_SANDBOX_LABEL = re.compile(r"(\d{1,5})-([a-z0-9]{8,60})")
CODE_INTERPRETER = 49_999  # the port that run_code speaks to
BODY_LIMIT = 16 * 1024 * 1024  # of one REST or RPC message; files are streamed


def build(
    registry: Registry, first_use: FirstUse, api_key: str, domain: str, health: dict[str, object]
) -> web.Application:
    """The application. `domain` (with its port) is what preview host names end in; `health` is added to /health."""
    app = web.Application(middlewares=[_route], client_max_size=BODY_LIMIT)
    app[REGISTRY], app[FIRST_USE], app[rest.API_KEY], app[DOMAIN] = registry, first_use, api_key, domain
    app.router.add_get("/health", _health(registry, first_use, health))
    rest.add_routes(app)
    app.cleanup_ctx.append(_lifetime)
    return app


def _health(registry: Registry, first_use: FirstUse, known: dict[str, object]) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        sandboxes = registry.sandboxes.values()
        counts = {"sandboxes": len(sandboxes), "running": sum(sandbox.state == "running" for sandbox in sandboxes)}
        templates = {"templates": registry.templates.prepared(), "preparing": first_use.progress}
        return web.json_response({"status": "ok", **known, **counts, **templates})

    return handler


async def _lifetime(app: web.Application) -> AsyncIterator[None]:
    registry = app[REGISTRY]
    registry.load()
    watches = [
        asyncio.create_task(watch()) for watch in (registry.watch_time, registry.watch_memory, registry.watch_disk)
    ]
    yield
    for watch in watches:
        watch.cancel()
    await asyncio.gather(*watches, return_exceptions=True)
    await app[FIRST_USE].close()
    await registry.close()


@web.middleware
async def _route(request: web.Request, handler: Handler) -> web.StreamResponse:
    """E2B's rule: a name like 3000-ID.domain is that sandbox's port; headers count only on a plain host."""
    host = _host(request)
    label = _SANDBOX_LABEL.fullmatch(host.partition(".")[0])
    if label and "." in host:
        return await _to_sandbox(request, label[2], int(label[1]))
    if not _is_control_host(host, request.app[DOMAIN]):
        return error(421, f"'{host}' is not a name of this host.")
    if sandbox_id := request.headers.get("E2b-Sandbox-Id"):
        port = request.headers.get("E2b-Sandbox-Port", str(envd.PORT))
        return await _to_sandbox(request, sandbox_id, int(port) if port.isdigit() else envd.PORT)
    if request.path == "/files":
        sandbox = envd.find_signed(request)
        return await envd.handle(request, sandbox) if sandbox else error(401, "invalid signature")
    return await handler(request)


def _host(request: web.Request) -> str:
    """The host name without its port, in lower case."""
    host = request.host.lower()
    return host[1 : host.index("]")] if host.startswith("[") and "]" in host else host.partition(":")[0]


def _is_control_host(host: str, domain: str) -> bool:
    """Names and addresses of this host itself. A foreign name may be a page that rebound its own to us."""
    name = domain.partition(":")[0]
    if host in ("localhost", name, f"sandbox.{name}", f"api.{name}"):
        return True
    with contextlib.suppress(ValueError):
        return bool(ipaddress.ip_address(host))
    return False


async def _to_sandbox(request: web.Request, sandbox_id: str, port: int) -> web.StreamResponse:
    sandbox = request.app[REGISTRY].get(sandbox_id)
    if port == CODE_INTERPRETER:
        return error(501, "run_code is not something the embedded sandbox host can do; run python with commands.run.")
    if port == envd.PORT:
        return await envd.handle(request, sandbox) if sandbox else envd.gone(sandbox_id)
    if sandbox is None:
        return preview.gone(request, sandbox_id, port)
    if sandbox.state == "paused" and sandbox.record.auto_resume:
        await sandbox.start(sandbox.record.timeout)
    return await preview.handle(request, sandbox, port)
