"""A place in a temporary folder, and jobs that are small real programs."""

import os
import sys
import time
from pathlib import Path

import pytest

from launcher import testing
from launcher.asking import NoAnswer
from launcher.place import Place
from launcher.supervisor import Job
from launcher.terminal import Terminal

# Says it is up, then waits to be stopped; takes no part in anything else.
WAITS = "import pathlib, signal, sys; pathlib.Path(sys.argv[1]).write_text('up'); signal.pause()"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, tmp_path, None)


@pytest.fixture
def home() -> Path:
    """A state folder as after a first start: nothing left to install, no database yet."""
    session = testing.current().place
    home = session.folder(f"up-{os.getpid()}-{time.monotonic_ns()}")
    for name in ("runtime", "templates"):
        (home / name).symlink_to((session.home / name).resolve())
    return home


class Lines:
    """A terminal's stream that keeps what was written."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def terminal(lines) -> Terminal:
    return Terminal(lines)


@pytest.fixture
def waiting_job(tmp_path: Path):
    """`waiting_job(name, **fields)`: a service that is ready when its process has said so."""

    def make(name: str, **fields) -> Job:
        mark = tmp_path / f"{name}.up"

        def ask() -> str:
            if not mark.exists():
                raise NoAnswer("it has not said so")
            return "1.0"

        return Job(
            name, [sys.executable, "-c", WAITS, str(mark)], {}, ask=ask, before=lambda: mark.unlink(True), **fields
        )

    return make
