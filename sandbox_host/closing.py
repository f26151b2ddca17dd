"""The end of the host: who follows a stream or holds a websocket is told before the line is cut."""

import asyncio
import contextlib
import weakref
from typing import Protocol

from aiohttp import web

SECONDS = 2.0  # that all together may take to hear it
STOPPING = "the sandbox host is stopping; the sandbox keeps its files and is paused"


class Told(Protocol):
    """Something a client waits at."""

    async def leave(self) -> None:
        """Say that the host stops."""


OPEN: web.AppKey["weakref.WeakSet[Told]"] = web.AppKey("open", weakref.WeakSet)


def begin(app: web.Application) -> None:
    opened: weakref.WeakSet[Told] = weakref.WeakSet()
    app[OPEN] = opened
    app.on_shutdown.append(_tell_all)


def keep(request: web.Request, told: Told) -> None:
    """Remember it for as long as somebody else holds it."""
    if OPEN in request.app:
        request.app[OPEN].add(told)


def _opened(app: web.Application) -> list[Told]:
    """Held while they are told: a set of weak references may shrink under a loop."""
    opened: weakref.WeakSet[Told] = app[OPEN]
    return list(opened)


async def _tell_all(app: web.Application) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SECONDS):
            await asyncio.gather(*(told.leave() for told in _opened(app)), return_exceptions=True)
