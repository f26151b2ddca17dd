"""Prepare a template once: install, build and try it inside a sandbox, then keep its home for all to copy."""

import asyncio
import json
import os
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp

from sandbox_host import commands, preview
from sandbox_host.isolation import HOME, IsolationMissing
from sandbox_host.launch import AgentError, AgentGone
from sandbox_host.registry import Facts, Registry, TooMany
from sandbox_host.root import Root
from sandbox_host.sandbox import PortClosed, Sandbox
from sandbox_host.templates import BadTemplate, UnknownTemplate

APP = f"{HOME}/app"
STEP_SECONDS = 600
PROBE_SECONDS = 60
MAX_PAGES = 60  # of one try of the dev server
_KEPT_OUTPUT = 4000
# What a page or module of the app asks for next: scripts, styles and imports of its own origin.
_NEXT = re.compile(r"""(?:\b(?:src|href)=|\bfrom\s*|\bimport\s*\(?\s*)["'](/[^"']+)["']""")

Progress = Callable[[str], None]


class Failed(Exception):
    """A step of the preparation failed; the message names the step and ends with its output."""


PROBLEMS = (Failed, UnknownTemplate, BadTemplate, TooMany, AgentError, AgentGone, IsolationMissing, OSError)


@dataclass(frozen=True)
class Recipe:
    """What it takes to prepare a template: see templates.Template."""

    name: str
    digest: str
    install: str | None
    build: str | None
    lint: str | None
    dev: str
    port: int
    files: dict[str, str]  # the app's, by their paths; bytes as latin-1

    @classmethod
    async def ask(cls, root: Root, name: str) -> "Recipe":
        fd = (await root("recipe", name))["recipe"]
        with os.fdopen(fd, "rb") as file:
            return cls(**json.loads(file.read()))


async def prepare_all(root: Root, names: Sequence[str], say: Progress = print) -> None:
    """Prepare the templates that are not yet, beside a host that may be running. Raises one of PROBLEMS."""
    known = await root("templates")
    if unknown := [name for name in names if name not in known]:
        raise UnknownTemplate(f"there is no template '{unknown[0]}'; there are {', '.join(known)}")
    while not await root("begin_work"):  # noqa: ASYNC110 - another process prepares
        await asyncio.sleep(0.1)
    try:
        registry = Registry(partial(_at_work, root), await Facts.ask(partial(_at_work, root)))
        await registry.load()
        try:
            for name in names:
                await _prepare(root, registry, name, say)
        finally:
            await registry.close()
    finally:
        await asyncio.shield(root("end_work"))


async def _at_work(root: Root, operation: str, *arguments: Any) -> Any:
    return await root(f"work.{operation}", *arguments)


async def _prepare(root: Root, registry: Registry, name: str, say: Progress) -> None:
    if (await root("template", name))["prepared"]:
        say(f"{name}: is prepared")
        return
    began = time.monotonic()
    recipe = await Recipe.ask(root, name)
    sandbox = await registry.create("base", 3600, {"auto_pause": False})
    try:
        await _make(sandbox, recipe, say)
        await sandbox.kill()
        await root("keep", name, recipe.digest, sandbox.id)
    finally:
        await registry.kill(sandbox)
    say(f"{name}: prepared in {time.monotonic() - began:.0f} s")


async def _make(sandbox: Sandbox, template: Recipe, say: Progress) -> None:
    await _copy_in(sandbox, template)
    if template.install:
        # The packages' own archive would only make every copy of the home larger.
        await _step(
            sandbox, template, say, "installing packages", f"export NPM_CONFIG_CACHE=/tmp/npm; {template.install}"
        )
    if template.build:
        await _step(sandbox, template, say, "building", template.build)
    if template.lint:
        await _step(sandbox, template, say, "checking", template.lint)
    kept = {path.partition("/")[0] for path in template.files} | {"node_modules", ".", ".."}
    pattern = "|".join(sorted(re.sub(r"[^\w.-]", "?", name) for name in kept))
    tidy = f'for f in * .*; do case "$f" in {pattern}) ;; *) rm -rf -- "$f";; esac; done'
    await _step(sandbox, template, lambda _: None, "tidying", tidy)
    async with _announced(template, say, "trying the dev server"):
        await _try(sandbox, template)


async def _copy_in(sandbox: Sandbox, template: Recipe) -> None:
    """Written from the inside, by the sandbox's user: its uid may have no way to our folder."""
    async with sandbox.operation({"op": "write"}) as channel:
        for path, text in template.files.items():
            await channel.send(b"F", json.dumps({"path": f"{APP}/{path}"}).encode())
            await channel.send(b"D", text.encode("latin-1"))
            await channel.send(b"Z")
            await channel.reply()


async def _step(sandbox: Sandbox, template: Recipe, say: Progress, title: str, command: str) -> None:
    async with _announced(template, say, title):
        code, output = await _run(sandbox, command)
    if code:
        raise Failed(f"{template.name}: {title} failed with exit code {code}:\n{output}")


async def _run(sandbox: Sandbox, command: str) -> tuple[int, str]:
    """Exit code and the end of what a command in the app's folder wrote."""
    output = b""
    async with sandbox.operation(_start(sandbox, command, STEP_SECONDS)) as channel:
        await channel.reply()
        while (frame := await channel.frame())[0] != b"J":
            output = (output + frame[1])[-_KEPT_OUTPUT:]
    return int(commands.end_event(frame[1])["exitCode"]), _end(output)


async def _try(sandbox: Sandbox, template: Recipe) -> None:
    """Start the dev server and load the page with all it asks for, so that what is made on first use is there."""
    output = bytearray()
    async with sandbox.operation(_start(sandbox, template.dev, PROBE_SECONDS + 5)) as channel:
        pid = (await channel.reply())["start"]["pid"]

        async def listen() -> None:
            while (frame := await channel.frame())[0] != b"J":
                output.extend(frame[1])

        ended = asyncio.create_task(listen())
        loading = asyncio.create_task(_load(sandbox, template.port))
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await asyncio.wait({ended, loading}, return_when=asyncio.FIRST_COMPLETED)
            if not loading.done():
                raise Failed(f"{template.name}: the dev server ended:\n{_end(output)}")
            loading.result()
        except (TimeoutError, aiohttp.ClientError) as error:
            reason = str(error) or f"none in {PROBE_SECONDS} s"
            raise Failed(f"{template.name}: the dev server gave no page ({reason}):\n{_end(output)}") from None
        finally:
            for task in (ended, loading):
                task.cancel()
            await asyncio.gather(ended, loading, return_exceptions=True)
            with suppress(AgentError):
                await sandbox.call({"op": "signal", "process": {"pid": pid}, "signal": "SIGNAL_SIGKILL"})


async def _load(sandbox: Sandbox, port: int) -> None:
    """All that the first page needs. A server that still starts (or makes its bundles anew) is asked again: it cuts
    connections off and answers 5xx. Raises aiohttp.ClientError for any other answer that is not a success.
    """
    while True:
        try:
            return await _walk(sandbox, port)
        except (PortClosed, aiohttp.ClientConnectionError):
            pass
        except aiohttp.ClientResponseError as error:
            if error.status < 500:
                raise
        await asyncio.sleep(0.1)


async def _walk(sandbox: Sandbox, port: int) -> None:
    """The first page, then what it refers to, and so on."""
    page = await _get(sandbox, port, "/")
    seen, pending = {"/"}, _NEXT.findall(page)
    while pending and len(seen) < MAX_PAGES:
        path = pending.pop(0)
        if path not in seen:
            seen.add(path)
            pending += _NEXT.findall(await _get(sandbox, port, path))


async def _get(sandbox: Sandbox, port: int, path: str) -> str:
    async with (
        preview.client(await sandbox.dial(port)) as client,
        client.get(f"http://localhost:{port}{path}", raise_for_status=True) as answer,
    ):
        text = (await answer.read()).decode("utf-8", "replace")
        return text if answer.content_type in ("text/html", "text/javascript") else ""


@asynccontextmanager
async def _announced(template: Recipe, say: Progress, title: str) -> AsyncIterator[None]:
    """Say what is being done, and again every few seconds how long it has taken."""
    began = time.monotonic()

    async def repeat() -> None:
        while True:
            await asyncio.sleep(5)
            say(f"{template.name}: {title} … {time.monotonic() - began:.0f} s")

    say(f"{template.name}: {title}")
    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()


def _start(sandbox: Sandbox, command: str, seconds: int) -> dict[str, Any]:
    # npm's archive of packages would only make every copy of the home larger.
    envs = sandbox.environment({"NPM_CONFIG_CACHE": "/tmp/npm"}, "user")  # noqa: S108 - the sandbox's own
    shell = {"cmd": "/bin/bash", "args": ["-l", "-c", command], "cwd": APP, "envs": envs}
    return {"op": "start", **shell, "stdin": False, "timeout": seconds}


def _end(output: bytes | bytearray) -> str:
    return bytes(output[-_KEPT_OUTPUT:]).decode("utf-8", "replace").strip()
