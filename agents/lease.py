"""A worker's hold on a run: the heartbeat renews it, and a stop or a lost lease interrupts whatever it waits for.

One heartbeat thread per process serves all runs of that process. A stop also arrives at once by Redis; the
heartbeat is what makes it certain.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar
from uuid import UUID

import redis
from django.conf import settings
from django.db import connection

from agents import aio, runs
from agents.runs import Fence, LeaseLost

T = TypeVar("T")
STOP_CHANNEL = "vibe:stop"
# So long what the row said counts. A stop within it is heard by Redis, and interrupts what has begun.
FRESH_SECONDS = 0.05


class RunStopped(Exception):
    """The user asked to stop."""


class StepTimeout(Exception):
    """A wait went over its deadline: the process lives, the step does not move."""


class Lease:
    """The right to work on one run, and the way to wait while holding it."""

    def __init__(self, fence: Fence) -> None:
        self.fence = fence
        self.lost, self.stopped = False, fence.stopped
        self.waiting: Future[Any] | None = None
        # When the row was last asked, by the process's clock.
        self.asked = 0.0
        self.lock = threading.Lock()

    def renew(self) -> None:
        """Asks the row before every model call and tool: once a stop is committed, none begins. As `check`.

        Only asks: a write would wait for the disk at each step, and the heartbeat extends the lease anyway. Nor does it
        ask again what a write of the log has just said.
        """
        if time.monotonic() - self.asked > FRESH_SECONDS:
            try:
                self.hear(runs.stop_wanted(self.fence))
            except LeaseLost:
                self.interrupt(lost=True)
        self.check()

    def hear(self, stop: bool) -> None:
        """What the row says in this moment: the run is ours, and the user wants it to stop or not."""
        self.asked = time.monotonic()
        if stop:
            self.interrupt(stopped=True)

    def check(self) -> None:
        """Raises LeaseLost or RunStopped."""
        if self.lost:
            raise LeaseLost
        if self.stopped:
            raise RunStopped

    def wait(self, coro: Coroutine[Any, Any, T], seconds: float = 60) -> T:
        """Waits for a coroutine on the process's loop. Raises what it raises, StepTimeout, LeaseLost or RunStopped."""
        connection.close()  # back to the pool: no connection is held across a wait

        async def bounded() -> T:
            async with asyncio.timeout(seconds):
                return await coro

        with self.lock:
            if self.lost or self.stopped:
                coro.close()
                self.check()
            future = self.waiting = aio.submit(bounded())
        try:
            result: T = future.result()
            return result
        except CancelledError:
            self.check()
            raise
        except TimeoutError as error:
            raise StepTimeout(f"no answer within {seconds:.0f} s") from error
        finally:
            self.waiting = None

    def interrupt(self, *, lost: bool = False, stopped: bool = False) -> None:
        with self.lock:
            self.lost, self.stopped = self.lost or lost, self.stopped or stopped
            if self.waiting:
                self.waiting.cancel()

    def beat(self) -> None:
        try:
            if runs.extend(self.fence, settings.LEASE_SECONDS):
                self.interrupt(stopped=True)
        except LeaseLost:
            self.interrupt(lost=True)


# By lease and not by run: a process that takes a run over from itself holds it twice for a while.
_held: set[Lease] = set()
_heart = threading.Lock()
_beating = False


@contextlib.contextmanager
def held(lease: Lease) -> Any:
    """Keeps a lease alive while the block runs."""
    _start_heart()
    _held.add(lease)
    try:
        yield lease
    finally:
        _held.discard(lease)


def all_held() -> list[Lease]:
    return list(_held)


def request_stop(run_id: UUID) -> None:
    """Tells the worker that holds the run, now; without Redis it learns of it at its next heartbeat."""
    with contextlib.suppress(redis.RedisError):
        redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2).publish(STOP_CHANNEL, str(run_id))


def _start_heart() -> None:
    global _beating
    with _heart:
        if not _beating:
            _beating = True
            threading.Thread(target=_beat_forever, name="heartbeat", daemon=True).start()
            threading.Thread(target=_listen_forever, name="stop-listener", daemon=True).start()


def _beat(leases: list[Lease]) -> None:
    for lease in leases:
        with contextlib.suppress(Exception):  # the database is away: the next beat tries again
            lease.beat()
    connection.close()


def _beat_forever() -> None:
    while True:
        time.sleep(settings.HEARTBEAT_SECONDS)
        _beat(all_held())


def _listen_forever() -> None:
    while True:
        with contextlib.suppress(redis.RedisError, OSError):
            pubsub = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=None).pubsub()  # type: ignore[no-untyped-call]
            pubsub.subscribe(STOP_CHANNEL)
            for message in pubsub.listen():
                if message["type"] != "message":
                    continue
                asked = UUID(message["data"].decode())
                _beat([lease for lease in all_held() if lease.fence.run_id == asked])  # its row says whether it is so
        time.sleep(1)
