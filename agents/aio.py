"""One asyncio loop per process, in a thread of its own: model streams and sandbox calls of all runs wait there."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


@cache
def loop() -> asyncio.AbstractEventLoop:
    """The process's loop, started at first use."""
    new = asyncio.new_event_loop()
    threading.Thread(target=new.run_forever, name="aio", daemon=True).start()
    return new


def submit(coro: Coroutine[Any, Any, T]) -> "Future[T]":
    """Starts a coroutine on the loop; cancelling the future cancels it there."""
    return asyncio.run_coroutine_threadsafe(coro, loop())


def run(coro: Coroutine[Any, Any, T], seconds: float = 60) -> T:
    """Waits for a coroutine from an ordinary thread. Raises TimeoutError after `seconds`."""

    async def bounded() -> T:
        async with asyncio.timeout(seconds):
            return await coro

    return submit(bounded()).result()
