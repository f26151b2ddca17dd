"""The dev server's log as server-sent events: what it said last, then what it says, until the reader goes away."""

import asyncio
import contextlib
import importlib
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

from agents.models import Sandbox
from agents.stream import caller_of, refuse, respond
from projects.models import Project

IDLE_SECONDS = 15.0
# A reader that is this many pieces behind misses some; a log is not worth more memory.
QUEUE_SIZE = 500


async def sandbox_logs(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """`data: {"text": …}` for each piece. 409 when the sandbox does not run: reading must not wake it."""
    caller = await caller_of(request)
    if isinstance(caller, JsonResponse):
        return caller
    if not await Project.objects.for_user(caller.user).filter(pk=pk).aexists():
        return refuse(404, "There is nothing here, or it is not yours.")
    if not await Sandbox.objects.filter(project_id=pk, paused=False).aexists():
        return refuse(409, "The sandbox does not run. Start it first.")
    return respond(_pieces(pk), caller)


async def _pieces(project_id: UUID) -> AsyncIterator[bytes]:
    queue: asyncio.Queue[str | None] = asyncio.Queue(QUEUE_SIZE)
    follower = asyncio.create_task(_follow(project_id, queue))
    try:
        while True:
            try:
                text = await asyncio.wait_for(queue.get(), IDLE_SECONDS)
            except TimeoutError:
                yield b": ping\n\n"
                continue
            if text is None:
                return
            yield f"data: {json.dumps({'text': text})}\n\n".encode()
    finally:
        follower.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await follower


async def _follow(project_id: UUID, queue: asyncio.Queue[str | None]) -> None:
    # The SDK takes a second to import: in a thread, once, and only in a process that is asked for logs.
    sandbox: Any = await asyncio.to_thread(importlib.import_module, "agents.sandbox")

    def put(text: str) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            queue.put_nowait(text)

    try:
        await sandbox.stream_logs(project_id, put)
    except (*sandbox.DOWN, Sandbox.DoesNotExist) as error:
        await queue.put(f"The log cannot be followed any more: {error}\n")
    await queue.put(None)
