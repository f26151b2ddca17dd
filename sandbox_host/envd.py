"""envd, the service E2B's SDKs speak to "inside" a sandbox: who may, which operation, and E2B's errors."""

import base64
import hashlib
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from sandbox_host import commands, files, filesystem
from sandbox_host.answers import REGISTRY, error, measure, same
from sandbox_host.bodies import number
from sandbox_host.connect import RpcError, user_of
from sandbox_host.launch import AgentError, AgentGone
from sandbox_host.sandbox import NotRunning, Sandbox
from sandbox_host.usage import DiskFull

PORT = 49983
USERS = ("user", "root", "")  # there is one user inside; "root" is accepted and is that user

Operation = Callable[[web.Request, Sandbox], Awaitable[web.StreamResponse]]
_RPC: dict[str, Operation] = {**commands.OPERATIONS, **filesystem.OPERATIONS}


def gone(sandbox_id: str) -> web.Response:
    """The words by which the SDKs know that a sandbox is not running."""
    return web.json_response({"sandboxId": sandbox_id, "message": "The sandbox was not found", "code": 502}, status=502)


async def handle(request: web.Request, sandbox: Sandbox) -> web.StreamResponse:
    """One request for the sandbox's envd."""
    try:
        await sandbox.running()
        if request.path == "/health":
            return web.Response(status=204)
        if request.path == "/files":
            return await _files(request, sandbox)
        _authorize(request, sandbox)
        if request.path == "/envs":
            return web.json_response(sandbox.record.envs)
        if request.path == "/metrics":
            return web.json_response(_metrics(sandbox))
        operation = _RPC.get(request.path) if request.method == "POST" else None
        if operation is None:
            return error(404, "not found")
        return await operation(request, sandbox)
    except NotRunning:
        return gone(sandbox.id)
    except AgentGone as lost:
        return RpcError("unavailable", f"the connection to the sandbox was lost: {lost}").response()
    except AgentError as refusal:
        return RpcError(refusal.code, refusal.message).response()
    except DiskFull as full:
        return RpcError("resource_exhausted", str(full)).response()
    except RpcError as refusal:
        return refusal.response()


def _authorize(request: web.Request, sandbox: Sandbox) -> None:
    if not has_token(request, sandbox):
        raise RpcError("unauthenticated", "unauthorized: a valid X-Access-Token is required")
    check_user(user_of(request))


def has_token(request: web.Request, sandbox: Sandbox) -> bool:
    return same(request.headers.get("X-Access-Token", ""), sandbox.record.token)


def check_user(name: str) -> None:
    if name not in USERS:
        raise RpcError("unauthenticated", f"invalid username: '{name}'")


async def _files(request: web.Request, sandbox: Sandbox) -> web.StreamResponse:
    refusal = None if has_token(request, sandbox) else signature_problem(request, sandbox)
    if refusal:
        return error(401, refusal)
    if request.query.get("username", "") not in USERS:
        return error(401, f"invalid username: '{request.query['username']}'")
    return await files.handle(request, sandbox)


def signature_problem(request: web.Request, sandbox: Sandbox) -> str:
    """Why a signed URL is not good, "" if it is. The words are envd's."""
    given = request.query.get("signature")
    if not given:
        return "missing signature query parameter"
    expiration = request.query.get("signature_expiration")
    if not same(given, _signature(request, sandbox.record.token, expiration)):
        return "invalid signature"
    if expiration and number(expiration, 0) < time.time():
        return "signature is already expired"
    return ""


def _signature(request: web.Request, token: str, expiration: str | None) -> str:
    action = "write" if request.method == "POST" else "read"
    parts = [request.query.get("path", ""), action, request.query.get("username", ""), token]
    digest = hashlib.sha256(
        ":".join([*parts, expiration] if expiration else parts).encode("utf-8", "surrogateescape")
    ).digest()
    return "v1_" + base64.b64encode(digest).decode().rstrip("=")


def find_signed(request: web.Request) -> Sandbox | None:
    """A signed URL carries no sandbox id: it belongs to the sandbox whose token made the signature."""
    for sandbox in request.app[REGISTRY].sandboxes.values():
        if signature_problem(request, sandbox) in ("", "signature is already expired"):
            return sandbox
    return None


def _metrics(sandbox: Sandbox) -> dict[str, float]:
    reading = measure(sandbox)
    return {
        "ts": reading["timestampUnix"],
        "cpu_count": reading["cpuCount"],
        "cpu_used_pct": reading["cpuUsedPct"],
        "mem_total": reading["memTotal"],
        "mem_used": reading["memUsed"],
        "disk_used": reading["diskUsed"],
        "disk_total": reading["diskTotal"],
    }
