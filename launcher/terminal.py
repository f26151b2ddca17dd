"""What the person at the terminal sees: one line per thing, on standard error when the output is for a program."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

NAME_WIDTH, VERSION_WIDTH, ADDRESS_WIDTH = 14, 22, 52


class Terminal:
    """Writes lines. `quiet` leaves out all that is not a step taking long or a warning."""

    def __init__(self, stream: TextIO | None = None, *, quiet: bool = False) -> None:
        self.stream = stream or sys.stdout
        self.quiet = quiet

    def line(self, text: str = "") -> None:
        if not self.quiet:
            self.always(text)

    def always(self, text: str) -> None:
        with suppress(OSError):  # a full disk, a terminal that is gone: what we tell of goes on all the same
            print(text, file=self.stream, flush=True)

    def row(self, name: str, version: str, address: str, last: str) -> None:
        self.line(f"  {name:<{NAME_WIDTH}} {version:<{VERSION_WIDTH}} {address:<{ADDRESS_WIDTH}} {last}")

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Announce something that takes long, then say how long it took."""
        self.always(f"{what} ...")
        began = time.monotonic()
        yield
        self.always(f"  done in {time.monotonic() - began:.1f} s")
