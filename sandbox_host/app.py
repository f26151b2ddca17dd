"""The one port: by Host and headers each request goes to the REST API, to a sandbox's envd, or to what listens in a
sandbox.
"""

import asyncio
import contextlib
import ipaddress
import re
from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from sandbox_host import closing, envd, interpreter, metrics, preview, preview_pages, reaper, rest
from sandbox_host.answers import API_KEY, DOMAIN, FIRST_USE, KEYS, REGISTRY, Handler, error, same
from sandbox_host.bodies import number
from sandbox_host.first_use import FirstUse
from sandbox_host.idempotency import Keys
from sandbox_host.launch import AgentGone
from sandbox_host.registry import Registry, TooMany
from sandbox_host.sandbox import NotRunning, Sandbox

_SANDBOX_LABEL = re.compile(r"(\d{1,5})-([a-z0-9]{8,60})")
BODY_LIMIT = 16 * 1024 * 1024  # of one REST or RPC message; files are streamed


def build(
    registry: Registry, first_use: FirstUse, api_key: str, domain: str, health: dict[str, object]
) -> web.Application:
    """The application. `domain` (with its port) is what preview host names end in; `health` is added to /health."""
    app = web.Application(middlewares=[_refuse, _route], client_max_size=BODY_LIMIT)
    app[REGISTRY], app[FIRST_USE], app[API_KEY], app[DOMAIN] = registry, first_use, api_key, domain
    app[KEYS] = Keys()
    closing.begin(app)
    app.router.add_get("/health", _health(registry, first_use, health))
    rest.add_routes(app)
    app.router.add_get("/metrics", rest.guarded(metrics.handle))
    app.cleanup_ctx.append(_lifetime)
    return app


def _health(registry: Registry, first_use: FirstUse, known: dict[str, object]) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        sandboxes = registry.sandboxes.values()
        counts = {"sandboxes": len(sandboxes), "running": sum(sandbox.state == "running" for sandbox in sandboxes)}
        templates = {"templates": await registry.root("templates"), "preparing": first_use.progress}
        return web.json_response({"status": "ok", **known, **counts, **templates})

    return handler


async def _lifetime(app: web.Application) -> AsyncIterator[None]:
    registry = app[REGISTRY]
    await registry.load()
    registry.spares.refill()
    watches = [
        asyncio.create_task(watch()) for watch in (registry.watch_time, registry.watch_memory, registry.watch_disk)
    ]
    watches.append(asyncio.create_task(reaper.watch(registry)))
    yield
    for watch in watches:
        watch.cancel()
    await asyncio.gather(*watches, return_exceptions=True)
    await app[FIRST_USE].close()
    await registry.close()


@web.middleware
async def _refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What aiohttp refuses (no such route, a body too large or not in the encoding it claims) in E2B's form."""
    try:
        return await handler(request)
    except web.HTTPException as refused:
        answer = error(refused.status, refused.reason)
        answer.headers.update({name: refused.headers[name] for name in ("Allow",) if name in refused.headers})
        return answer
    except (web.RequestPayloadError, HttpProcessingError) as broken:
        return error(400, "the body cannot be read: " + " ".join(str(broken).split())[:200])


@web.middleware
async def _route(request: web.Request, handler: Handler) -> web.StreamResponse:
    """E2B's rule: a name like 3000-ID.domain is that sandbox's port; headers count only on a plain host."""
    host = _host(request)
    label = _SANDBOX_LABEL.fullmatch(host.partition(".")[0])
    if label and "." in host:
        return await _to_preview(request, label[2], int(label[1]))
    if not _is_control_host(host, request.app[DOMAIN]):
        return error(421, f"'{host}' is not a name of this host.")
    if sandbox_id := request.headers.get("E2b-Sandbox-Id"):
        port = request.headers.get("E2b-Sandbox-Port", str(envd.PORT))
        return await _to_sandbox(request, sandbox_id, number(port, envd.PORT))
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
    """By headers, which a page of another origin cannot send: E2B's own services, or what listens on the port."""
    sandbox = request.app[REGISTRY].get(sandbox_id)
    if port not in (envd.PORT, interpreter.PORT):
        return await _to_preview(request, sandbox_id, port)
    if sandbox is None:
        return envd.gone(sandbox_id)
    if port == interpreter.PORT:
        if not _admitted(request, sandbox) and not envd.has_token(request, sandbox):
            return preview_pages.answer(request, preview_pages.PRIVATE, sandbox_id, port)
        return await interpreter.handle(request, sandbox, envd.has_token(request, sandbox))
    return await envd.handle(request, sandbox)


async def _to_preview(request: web.Request, sandbox_id: str, port: int) -> web.StreamResponse:
    """By its own host name. envd may be asked this way too; it wants the sandbox's token."""
    sandbox = request.app[REGISTRY].get(sandbox_id)
    if port == envd.PORT:
        return await envd.handle(request, sandbox) if sandbox else envd.gone(sandbox_id)
    if sandbox is None:
        return preview.gone(request, sandbox_id, port)
    if not _admitted(request, sandbox):
        return preview_pages.answer(request, preview_pages.PRIVATE, sandbox_id, port)
    if sandbox.state == "paused" and sandbox.record.auto_resume and not _is_websocket(request):
        try:
            await request.app[REGISTRY].resume(sandbox, sandbox.record.timeout)
        except TooMany:
            return preview_pages.answer(request, preview_pages.FULL, sandbox_id, port)
        except (NotRunning, AgentGone):
            pass  # the preview says what is wrong
    return await preview.handle(request, sandbox, port, sandbox.record.mask_host)


def _admitted(request: web.Request, sandbox: Sandbox) -> bool:
    """Everybody, unless the sandbox is private: then those who send its traffic token."""
    token = sandbox.record.traffic_token
    return not token or same(request.headers.get("E2B-Traffic-Access-Token", ""), token)


def _is_websocket(request: web.Request) -> bool:
    """A page in a forgotten tab asks for its socket again and again; that is no visit."""
    return request.headers.get("Upgrade", "").lower() == "websocket"
