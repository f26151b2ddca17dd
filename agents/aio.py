"""Asyncio loops in threads of their own: one per process on which the model streams and sandbox calls of all runs wait,
and others by name for work that must not hold those up.
"""

import asyncio
import threading
import traceback
from collections.abc import Coroutine
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar

import uvloop
from django.db import connection

T = TypeVar("T")


@cache
def loop(name: str) -> asyncio.AbstractEventLoop:
    """The process's loop of that name, started at first use."""
    # The browser's starts processes, which only the standard one does from any thread.
    new = asyncio.new_event_loop() if name == "browser" else uvloop.new_event_loop()
    threading.Thread(target=new.run_forever, name=name, daemon=True).start()
    return new


def submit(coro: Coroutine[Any, Any, T], name: str = "aio") -> "Future[T]":
    """Starts a coroutine on a loop; cancelling the future cancels it there."""
    return asyncio.run_coroutine_threadsafe(_tidy(coro), loop(name))


async def _tidy(coro: Coroutine[Any, Any, T]) -> T:
    """Lets go, when a coroutine fails, of what its frames hold: streams read half.

    An exception and its frames refer to each other, so they and the streams' generators would be there until garbage is
    collected, in any thread, which then closes a generator while this one runs it.
    """
    try:
        return await coro
    except BaseException as error:
        chain = [error]
        for link in chain:
            traceback.clear_frames(link.__traceback__)
            # By identity: an exception may have an equality of its own, and then no hash.
            chain += [one for one in (link.__cause__, link.__context__) if one and not any(one is old for old in chain)]
        raise


def run(coro: Coroutine[Any, Any, T], seconds: float = 60) -> T:
    """Waits for a coroutine from an ordinary thread. Raises TimeoutError after `seconds`.

    No connection to the database is held meanwhile: there are only so many, for all that this process does.
    """
    if not connection.in_atomic_block:
        connection.close()  # back to the pool

    async def bounded() -> T:
        async with asyncio.timeout(seconds):
            return await coro

    try:
        return submit(bounded()).result()
    except TimeoutError as error:  # which has no words of its own
        raise TimeoutError(str(error) or f"no answer within {seconds:.0f} s") from error
