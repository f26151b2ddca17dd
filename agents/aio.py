"""Asyncio loops in threads of their own: one per process on which the model streams and sandbox calls of all runs wait,
and others by name for work that must not hold those up.
"""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


@cache
def loop(name: str = "aio") -> asyncio.AbstractEventLoop:
    """The process's loop of that name, started at first use."""
    new = asyncio.new_event_loop()
    threading.Thread(target=new.run_forever, name=name, daemon=True).start()
    return new


def submit(coro: Coroutine[Any, Any, T], name: str = "aio") -> "Future[T]":
    """Starts a coroutine on a loop; cancelling the future cancels it there."""
    return asyncio.run_coroutine_threadsafe(coro, loop(name))


def run(coro: Coroutine[Any, Any, T], seconds: float = 60) -> T:
    """Waits for a coroutine from an ordinary thread. Raises TimeoutError after `seconds`."""

    async def bounded() -> T:
        async with asyncio.timeout(seconds):
            return await coro

    return submit(bounded()).result()
