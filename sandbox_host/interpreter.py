"""The code interpreter's port: contexts, each a Python kernel inside the sandbox, and code run in them as NDJSON."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from sandbox_host.commands import path_inside
from sandbox_host.connect import STATUS, RpcError
from sandbox_host.isolation import HOME, MIB
from sandbox_host.launch import AgentError, AgentGone, Channel
from sandbox_host.sandbox import NotRunning, Sandbox

PORT = 49_999
MAX_CONTEXTS = 20
LINE_LIMIT = 32 * MIB  # of one line from a kernel: a picture, or 1 MiB of text
INTERRUPT_SECONDS = 5.0  # that code may take to end after an interrupt; then its kernel is killed
_START = "import sys; sys.path.append('/run/agent'); from sandbox_host.agent.kernel import main; main()"
_KINDS = frozenset({"stdout", "stderr", "result", "error", "number_of_executions"})


class Problem(Exception):
    """Answered with `status`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass
class Context:
    """A kernel with its own variables. It starts with the first code, and outlives a pause that keeps the memory."""

    sandbox: Sandbox
    cwd: str
    id: str  # the sandbox's own for the context that is used when none is named
    channel: Channel | None = None
    buffer: bytes = b""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def told(self) -> dict[str, str]:
        return {"id": self.id, "language": "python", "cwd": self.cwd}

    async def run(self, code: str, env: dict[str, str]) -> AsyncIterator[bytes]:
        """Lines of NDJSON as they come. Whoever stops reading interrupts the code."""
        await self.turn.acquire()
        marker, ended = secrets.token_hex(8), False
        try:
            await self._request(json.dumps({"code": code, "env": env, "id": marker}).encode() + b"\n")
            async for line in self._lines(marker):
                yield line
            ended = True
        except (AgentGone, AgentError):
            ended = True
            self._forget()
            yield _line("error", name="KernelDied", value="The kernel ended; its variables are lost.", traceback="")
        finally:
            if ended:
                self.turn.release()
            else:  # nobody listens any more; the next code waits until this one has ended
                task = asyncio.get_running_loop().create_task(self._interrupt(marker))
                _interrupts.add(task)
                task.add_done_callback(_interrupts.discard)

    @property
    def _process(self) -> dict[str, str]:
        return {"tag": self.id}  # a pid may belong to something else after a cold start

    async def _request(self, line: bytes) -> None:
        """To the kernel that runs, or to a new one."""
        if self.channel is None or self.channel.reader.at_eof():
            await self._attach()
        try:
            await self._send(line)
        except AgentError:  # not_found: it ended after its last code
            await self._attach()
            await self._send(line)

    async def _attach(self) -> None:
        self._forget()
        with contextlib.suppress(AgentError):  # not_found: there is none yet, or no more
            await self._follow({"op": "connect", "process": self._process})
            return
        machine = self.sandbox.place.machine
        await self._follow(
            {
                "op": "start",
                "cmd": machine.python,
                "args": ["-c", _START],
                "envs": self.sandbox.environment({}, "user"),
                "cwd": self.cwd,
                "tag": self.id,
                "stdin": True,
            }
        )

    async def _follow(self, operation: dict[str, Any]) -> None:
        channel = await self.sandbox.open(operation)
        try:
            await channel.reply()
        except BaseException:
            channel.close()
            raise
        self.channel, self.buffer = channel, b""

    async def _send(self, data: bytes) -> None:
        async with self.sandbox.operation({"op": "input", "process": self._process}) as channel:
            await channel.send(b"I", data)
            await channel.send(b"Z")
            await channel.reply()

    async def _lines(self, marker: str) -> AsyncIterator[bytes]:
        """What the kernel says until it says that this code has ended; believed only in form."""
        left = self.sandbox.place.machine.limits.output * MIB
        while True:
            message = await self._message()
            kind = message.get("type")
            if kind == "end_of_execution" and message.get("id") == marker:
                if left < 0:
                    limit = self.sandbox.place.machine.limits.output
                    yield _line("stderr", text=f"[output left out: the limit is {limit} MiB]\n", timestamp=0)
                yield _line("end_of_execution")
                return
            if kind in ("stdout", "stderr"):
                left -= len(str(message.get("text")))
            if kind in _KINDS and (left >= 0 or kind not in ("stdout", "stderr")):
                yield json.dumps(message).encode() + b"\n"

    async def _message(self) -> dict[str, Any]:
        while b"\n" not in self.buffer:
            if self.channel is None:
                raise AgentGone("the kernel has ended")
            kind, payload = await self.channel.frame()
            if kind == b"J" or len(self.buffer) > LINE_LIMIT:
                raise AgentGone("the kernel has ended")
            if kind == b"O":
                self.buffer += payload
        line, _, self.buffer = self.buffer.partition(b"\n")
        try:
            message = json.loads(line)
        except ValueError:
            return {}
        return message if isinstance(message, dict) else {}

    async def _interrupt(self, marker: str) -> None:
        try:
            async with asyncio.timeout(INTERRUPT_SECONDS):
                await self._signal("SIGNAL_SIGINT")
                async for _ in self._lines(marker):
                    pass
        except (TimeoutError, AgentGone, AgentError, NotRunning):
            await self.stop()
        finally:
            self.turn.release()

    async def _signal(self, name: str) -> None:
        await self.sandbox.call({"op": "signal", "process": self._process, "signal": name})

    async def stop(self) -> None:
        """End the kernel; the next code starts a new one."""
        with contextlib.suppress(AgentError, AgentGone, NotRunning):  # it has ended
            await self._signal("SIGNAL_SIGKILL")
        self._forget()

    def _forget(self) -> None:
        if self.channel is not None:
            self.channel.close()
        self.channel, self.buffer = None, b""


_interrupts: set[asyncio.Task[None]] = set()


def _line(kind: str, **fields: Any) -> bytes:
    return json.dumps({"type": kind, **fields}).encode() + b"\n"


async def handle(request: web.Request, sandbox: Sandbox, trusted: bool) -> web.StreamResponse:
    """One request for port 49999; `trusted`: it carries the sandbox's token, which running code needs."""
    try:
        return await _answer(request, sandbox, trusted)
    except Problem as problem:
        return web.json_response({"code": problem.status, "message": problem.message}, status=problem.status)
    except RpcError as refusal:
        return web.json_response(
            {"code": STATUS[refusal.code], "message": refusal.message}, status=STATUS[refusal.code]
        )
    except (AgentGone, AgentError) as lost:
        return web.json_response({"code": 500, "message": str(lost)}, status=500)
    except NotRunning:
        body = {"sandboxId": sandbox.id, "message": "The sandbox was not found", "code": 502}
        return web.json_response(body, status=502)


async def _answer(request: web.Request, sandbox: Sandbox, trusted: bool) -> web.StreamResponse:
    await sandbox.running()
    contexts: dict[str, Context] = sandbox.contexts
    match request.method, *request.path.strip("/").split("/"):
        case "GET", "health":
            return web.Response(text="OK")
        case "POST", "execute":
            if not trusted:
                raise Problem(401, "a valid X-Access-Token is required to run code")
            return await _execute(request, sandbox, contexts)
        case "GET", "contexts":
            return web.json_response([context.told() for context in contexts.values()])
        case "POST", "contexts":
            body = await _body(request)
            _require_python(body.get("language"))
            return web.json_response(_new(sandbox, contexts, body.get("cwd")).told())
        case "DELETE", "contexts", name:
            context = _find(contexts, name)
            del contexts[name]
            await context.stop()
            return web.Response(status=204)
        case "POST", "contexts", name, "restart":
            await _find(contexts, name).stop()
            return web.Response(status=204)
    raise Problem(404, "not found")


async def _execute(request: web.Request, sandbox: Sandbox, contexts: dict[str, Context]) -> web.StreamResponse:
    body = await _body(request)
    _require_python(body.get("language"))
    code, env = body.get("code"), body.get("env_vars") or {}
    if not isinstance(code, str) or not isinstance(env, dict):
        raise Problem(400, "code must be a string and env_vars a map")
    named = body.get("context_id")
    context = _find(contexts, str(named)) if named else contexts.get(sandbox.id)
    context = context or _new(sandbox, contexts, None, sandbox.id)
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    await response.prepare(request)
    lines = context.run(code, {str(k): str(v) for k, v in env.items()})
    try:
        async for line in lines:
            await response.write(line)
        await response.write_eof()
    finally:
        await lines.aclose()  # type: ignore[attr-defined] # an async generator
    return response


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read() or b"{}")
    except (ValueError, RecursionError):
        raise Problem(400, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise Problem(400, "the body is not an object")
    return body


def _require_python(language: object) -> None:
    if language not in (None, "", "python"):
        raise Problem(501, f"'{language}' is not a language the embedded sandbox host can run code in; use python, or "
                      "run a program with commands.run.")  # fmt: skip


def _find(contexts: dict[str, Context], name: str) -> Context:
    if name not in contexts:
        raise Problem(404, f"Context {name} not found")
    return contexts[name]


def _new(sandbox: Sandbox, contexts: dict[str, Context], cwd: object, name: str = "") -> Context:
    if len(contexts) >= MAX_CONTEXTS:
        raise Problem(429, f"A sandbox keeps {MAX_CONTEXTS} contexts, which is its limit. Remove one first.")
    context = Context(sandbox, path_inside(cwd) if cwd else HOME, name or secrets.token_hex(16))
    contexts[context.id] = context
    return context
