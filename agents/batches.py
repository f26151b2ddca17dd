"""Group commit: what comes while something is being written waits, and is then written together, by one of those who
wait. Who is alone writes at once, in its own thread.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class _Turn(Generic[T]):
    """An item that waits: until it is written, or its thread is the one to write."""

    def __init__(self, item: T) -> None:
        self.item, self.written = item, False
        self.error: BaseException | None = None
        self.called = threading.Event()


class Batches(Generic[T]):
    """`write` is given at most `most` items, in the order in which they came, by one thread at a time. `let_go` is
    called by each that is going to wait, and gives back what the one that writes may need.
    """

    def __init__(self, write: Callable[[list[T]], None], most: int, let_go: Callable[[], None]) -> None:
        self.write, self.most, self.let_go = write, most, let_go
        self.lock = threading.Lock()
        self.waiting: list[_Turn[T]] = []
        self.is_writing = False

    def put(self, item: T) -> None:
        """Returns when the item was written. Raises what writing it raised, as it does for those it went with."""
        turn = _Turn(item)
        with self.lock:
            self.waiting.append(turn)
            if not self.is_writing:
                self.is_writing = True
                turn.called.set()
        if not turn.called.is_set():
            with suppress(Exception):  # in the queue already: whatever happens, its turn has to be taken
                self.let_go()
            turn.called.wait()
        if not turn.written:
            self._write()
        if turn.error:
            raise turn.error

    def _write(self) -> None:
        with self.lock:
            batch, self.waiting = self.waiting[: self.most], self.waiting[self.most :]
        error: BaseException | None = None
        try:
            self.write([turn.item for turn in batch])
        except BaseException as broke:  # noqa: BLE001  # raised again, by each of them
            error = broke
        with self.lock:
            if self.waiting:
                self.waiting[0].called.set()
            else:
                self.is_writing = False
        for turn in batch:
            turn.written, turn.error = True, error
            turn.called.set()
