"""A few sandboxes that have started already and belong to nobody: whoever creates one gets it at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from sandbox_host.sandbox import Sandbox


class Spares:
    """Keeps `count` of what `make` makes; none if that is 0."""

    def __init__(self, make: Callable[[], Awaitable[Sandbox]], count: int) -> None:
        self._make, self.count = make, count
        self.waiting: list[Sandbox] = []
        self._filling: asyncio.Task[None] | None = None
        self._came = asyncio.Event()
        self._expected = False  # somebody waits for the one that is just being made

    async def take(self) -> Sandbox | None:
        """One that runs, None if there is none. One that is being made is sooner there than one begun now."""
        if not self.waiting and not self._expected and self._filling is not None and not self._filling.done():
            self._expected = True
            try:
                await self._came.wait()
            finally:
                self._expected = False
        return self.waiting.pop(0) if self.waiting else None

    def refill(self) -> None:
        """Make what is missing, in the background."""
        if self._filling is None or self._filling.done():
            self._came.clear()
            self._filling = asyncio.create_task(self._fill())

    async def _fill(self) -> None:
        try:
            while len(self.waiting) < self.count:
                self._came.clear()
                self.waiting.append(await self._make())
                self._came.set()
        except Exception:  # the create that needs one will say what is wrong
            logging.getLogger("sandbox_host").exception("no sandbox could be made in advance")
        finally:
            self._came.set()

    async def close(self) -> list[Sandbox]:
        """Make no more; those that are left."""
        self.count = 0
        if self._filling is not None:
            self._filling.cancel()
            await asyncio.gather(self._filling, return_exceptions=True)
        left, self.waiting = self.waiting, []
        return left
