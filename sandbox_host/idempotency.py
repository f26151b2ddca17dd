"""A create that is sent again with the same Idempotency-Key gives the sandbox of the first time."""

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from sandbox_host.sandbox import Sandbox

REMEMBERED = 1000  # keys; the oldest are forgotten first


class KeyTaken(Exception):
    """The key came before with another request."""


class Keys:
    """What each key led to. A create that failed, and a sandbox that was killed, leave the key free."""

    def __init__(self) -> None:
        self._made: OrderedDict[str, tuple[str, asyncio.Future[Sandbox]]] = OrderedDict()

    async def once(self, key: str, body: dict[str, Any], make: Callable[[], Awaitable[Sandbox]]) -> Sandbox:
        """What `make` gives, or gave before for the same key and body. Raises KeyTaken, and what `make` raises."""
        if not key:
            return await make()
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        before = self._made.get(key)
        if before is not None:
            if before[0] != digest:
                raise KeyTaken("The Idempotency-Key was used for another request.")
            sandbox = await asyncio.shield(before[1])
            if not sandbox.killed:
                return sandbox
        task = asyncio.ensure_future(make())
        self._made[key] = (digest, task)
        while len(self._made) > REMEMBERED:
            self._made.popitem(last=False)
        try:
            return await asyncio.shield(task)
        except BaseException:
            if task.done() and (task.cancelled() or task.exception()):
                self._made.pop(key, None)
            raise
