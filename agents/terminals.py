"""A terminal in a project's sandbox over a websocket: bytes out, bytes in, a size now and then. For its owner only.

The sandbox is not woken and not kept awake by an open terminal, only by typing; one that goes to sleep closes it.
"""

import asyncio
import contextlib
import importlib
import json
import time
from collections import Counter
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from agents import previews
from agents.models import Sandbox
from agents.presence import Pass, may_see, presence

# Close codes of our own: not yours or not there; the sandbox does not run; idle; too many; the shell ended.
GONE, ASLEEP, IDLE, MANY, ENDED = 4404, 4409, 4408, 4429, 4410
MOST_PER_PROJECT = 4
IDLE_SECONDS, LOOK_SECONDS = 15 * 60, 10.0
# Bytes of one message: a large paste. Pieces that wait for a slow page before the shell has to wait too.
MOST_INPUT, MOST_WAITING = 64_000, 64
SIDES = range(2, 501)

_open: Counter[UUID] = Counter()


class TerminalConsumer(AsyncWebsocketConsumer):
    """One shell. Text frames are `{"cols": n, "rows": n}`, binary ones what is typed."""

    sandbox: Any = None
    sdk: Any = None
    handle: Any = None
    counted = False
    tasks: tuple[asyncio.Task[None], ...] = ()
    leaving: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        self.project_id: UUID = self.scope["url_route"]["kwargs"]["pk"]
        self.typed = time.monotonic()
        if not await may_see(self.scope["user"], self.project_id):
            await self.close(GONE)
            return
        await self.accept()
        self.sandbox_id = await self._running()
        if self.sandbox_id is None:
            await self.close(ASLEEP)
            return
        if _open[self.project_id] >= MOST_PER_PROJECT:
            await self.close(MANY)
            return
        _open[self.project_id] += 1
        self.counted = True
        query = parse_qs(self.scope["query_string"].decode("ascii", "replace"))
        self.output: asyncio.Queue[bytes] = asyncio.Queue(MOST_WAITING)
        self.input: asyncio.Queue[bytes] = asyncio.Queue(MOST_WAITING)
        self.tasks = (
            asyncio.create_task(self._shell(_side(query, "cols", 80), _side(query, "rows", 24))),
            asyncio.create_task(self._watch()),
        )

    async def disconnect(self, code: int) -> None:
        for task in self.tasks:
            task.cancel()
        for task in self.tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self.counted:
            _open[self.project_id] -= 1

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if bytes_data is not None and len(bytes_data) <= MOST_INPUT:
            self.typed = time.monotonic()
            if self.counted:
                await self.input.put(bytes_data)
        elif text_data is not None and self.handle is not None:
            with contextlib.suppress(ValueError, TypeError, AttributeError):
                asked = json.loads(text_data)
                cols, rows = int(asked["cols"]), int(asked["rows"])
                if cols in SIDES and rows in SIDES:
                    await self._resize(cols, rows)

    async def _shell(self, cols: int, rows: int) -> None:
        # The SDK takes a second to import: in a thread, and only in a process that is asked for terminals.
        self.sandbox = sandbox = await asyncio.to_thread(importlib.import_module, "agents.sandbox")
        code = ENDED
        try:
            self.sdk, self.handle = await sandbox.open_terminal(self.sandbox_id, cols, rows, self.output.put)
            carriers = [asyncio.create_task(self._type()), asyncio.create_task(self._show())]
            try:
                await self.handle.wait()
                await asyncio.wait_for(self.output.join(), 5)
            finally:
                for task in carriers:
                    task.cancel()
                with contextlib.suppress(*sandbox.DOWN):
                    await asyncio.shield(self.handle.kill())
        except sandbox.ENDED:
            pass  # the shell's exit code is nobody's business
        except (*sandbox.DOWN, TimeoutError):
            code = ASLEEP
        await self.close(code)

    async def _type(self) -> None:
        while True:
            data = await self.input.get()
            while not self.input.empty() and len(data) < MOST_INPUT:
                data += self.input.get_nowait()
            with contextlib.suppress(*self.sandbox.DOWN):  # that it is gone is found out by whoever waits for it
                await self.sdk.pty.send_stdin(self.handle.pid, data)

    async def _show(self) -> None:
        while True:
            await self.send(bytes_data=await self.output.get())
            self.output.task_done()

    async def _resize(self, cols: int, rows: int) -> None:
        from e2b import PtySize

        await self.sdk.pty.resize(self.handle.pid, PtySize(rows=rows, cols=cols))

    async def _watch(self) -> None:
        """Ends the terminal when it is idle, the sandbox sleeps or is another one, or the owner may not see it now."""
        with presence().watch(Pass.of_socket(self.scope), self._gone):
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                idle = time.monotonic() - self.typed
                if not await may_see(self.scope["user"], self.project_id):
                    await self.close(GONE)
                elif idle > IDLE_SECONDS:
                    await self.close(IDLE)
                elif await self._running(touch=idle < 2 * LOOK_SECONDS) != self.sandbox_id:
                    await self.close(ASLEEP)

    def _gone(self) -> None:
        self.leaving = asyncio.create_task(self.close(GONE))

    @database_sync_to_async
    def _running(self, touch: bool = False) -> str | None:
        row = Sandbox.objects.select_related("project").filter(project_id=self.project_id, paused=False).first()
        if row and row.project and touch:
            previews.touch(row.project)
        return row.sandbox_id if row else None


def _side(query: dict[str, list[str]], name: str, default: int) -> int:
    given = query.get(name, [""])[0]
    return int(given) if given.isdecimal() and len(given) < 4 and int(given) in SIDES else default
