"""A small event loop for coroutines: wait for a descriptor, a time, or an event.

One task per direction and descriptor; where several write to one, they take turns (Turn).
"""

# ruff: noqa: SIM105 - pathlib, contextlib and asyncio would double the time an agent takes to start

from __future__ import annotations

import heapq
import select
import time
from _collections import deque  # type: ignore[import-not-found] # `collections` itself costs 6 ms at each start

TYPE_CHECKING = False  # as mypy reads it; importing typing would cost 6 ms at each start
if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator
    from typing import Any

    Job = Coroutine[Any, Any, None]


class Closed(OSError):
    """The descriptor a task waits for was closed by another task."""


class _Wait:
    """Yielded to the loop: kind is "r", "w" (descriptor), "t" (seconds) or "e" (event)."""

    __slots__ = ("kind", "value")

    def __init__(self, kind: str, value: Any) -> None:
        self.kind, self.value = kind, value

    def __await__(self) -> Generator[_Wait, None, None]:
        yield self


class Event:
    """Set once; tasks that await `wait()` go on from then."""

    def __init__(self) -> None:
        self.done = False
        self.waiting: list[Job] = []

    def set(self) -> None:
        self.done = True
        while self.waiting:
            _ready.append((self.waiting.pop(), None, -1))

    async def wait(self) -> None:
        if not self.done:
            await _Wait("e", self)


class Turn:
    """One task at a time: `async with turn`. The others come in their order."""

    def __init__(self) -> None:
        self.taken = False
        self.waiting: deque[Event] = deque()

    async def __aenter__(self) -> None:
        if self.taken:
            event = Event()
            self.waiting.append(event)
            await event.wait()
        self.taken = True

    async def __aexit__(self, *_: object) -> None:
        if self.waiting:
            self.waiting.popleft().set()  # still taken, by the next
        else:
            self.taken = False


_poll = select.epoll()
# What to run next: the task, what to throw into it, and the descriptor it was woken for (-1: none).
_ready: deque[tuple[Job, OSError | None, int]] = deque()
_timers: list[tuple[float, int, Job]] = []
_waiters: dict[int, dict[str, Job]] = {}
_counter = 0


def spawn(job: Job) -> None:
    """Run `job` from the next turn on; an OSError that escapes it ends that task alone."""
    _ready.append((job, None, -1))


def readable(fd: int) -> _Wait:
    return _Wait("r", fd)


def writable(fd: int) -> _Wait:
    return _Wait("w", fd)


def sleep(seconds: float) -> _Wait:
    return _Wait("t", seconds)


def poke(fd: int) -> None:
    """Wake the task that waits to read `fd`, so that it looks at its state again."""
    job = _waiters.get(fd, {}).pop("r", None)
    if job is not None:
        _watch(fd)
        _ready.append((job, None, fd))


def forget(fd: int) -> None:
    """Call before closing `fd`: tasks that wait for it get Closed, and so do those already woken for it, which would
    otherwise read from whatever gets the number next.
    """
    jobs = _waiters.pop(fd, {})
    if jobs:
        try:
            _poll.unregister(fd)
        except OSError:
            pass
    for job in jobs.values():
        _ready.append((job, Closed("closed"), -1))
    for index, (job, error, woken_for) in enumerate(_ready):
        if woken_for == fd:
            _ready[index] = (job, error or Closed("closed"), -1)


def run() -> None:
    """Run until the process is killed."""
    while True:
        for _ in range(len(_ready)):
            job, error, _ = _ready.popleft()
            _step(job, error)
        _wait_for_something()


def _step(job: Job, error: OSError | None) -> None:
    try:
        wait = job.send(None) if error is None else job.throw(error)
    except (StopIteration, OSError):
        return
    if wait.kind == "e":
        wait.value.waiting.append(job)
    elif wait.kind == "t":
        _add_timer(wait.value, job)
    else:
        _waiters.setdefault(wait.value, {})[wait.kind] = job
        _watch(wait.value)


def _add_timer(seconds: float, job: Job) -> None:
    global _counter
    _counter += 1
    heapq.heappush(_timers, (time.monotonic() + seconds, _counter, job))


def _watch(fd: int) -> None:
    """Tell epoll what is waited for on `fd` now; a descriptor it cannot watch fails its tasks."""
    jobs = _waiters.get(fd, {})
    mask = (select.EPOLLIN if "r" in jobs else 0) | (select.EPOLLOUT if "w" in jobs else 0)
    try:
        if not mask:
            _waiters.pop(fd, None)
            _poll.unregister(fd)
            return
        try:
            _poll.modify(fd, mask)
        except FileNotFoundError:
            _poll.register(fd, mask)
    except OSError as error:
        _waiters.pop(fd, None)
        for job in jobs.values():
            _ready.append((job, error, -1))


def _wait_for_something() -> None:
    timeout = 0.0 if _ready else (max(0.0, _timers[0][0] - time.monotonic()) if _timers else -1)
    for fd, events in _poll.poll(timeout):
        jobs = _waiters.get(fd)
        if jobs is None:
            continue
        broken = events & (select.EPOLLHUP | select.EPOLLERR)
        for kind, bit in (("r", select.EPOLLIN), ("w", select.EPOLLOUT)):
            if (events & bit or broken) and kind in jobs:
                _ready.append((jobs.pop(kind), None, fd))
        _watch(fd)
    now = time.monotonic()
    while _timers and _timers[0][0] <= now:
        _ready.append((heapq.heappop(_timers)[2], None, -1))
