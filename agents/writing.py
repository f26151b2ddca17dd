"""What a model is writing into a tool call, told live: which file, and how many lines of it are there.

A turn that writes files takes minutes in which there is nothing else to see. It has no row, and nothing of it is kept:
the next step of the run takes its place.
"""

import json
import re
import time
from collections import deque
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from agents.events import Event, Rowless
from agents.packing import packed

# The field of a tool's input whose lines are counted.
COUNTED = {"write_files": "content", "edit_file": "replace"}
# Characters of a tool's name and of a path that go out.
NAME_CHARS, PATH_CHARS = 64, 200
# Characters of a key or a path as it stands in the JSON, where each may take six.
WORD_CHARS = 6 * PATH_CHARS
# Characters of a turn that are looked at: three times what the longest answer has.
MOST_CHARS = 400_000

INSIDE = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
BETWEEN = re.compile(r'["{:,]')


class Writing(Rowless):
    """The calls of one turn: an event whenever the newest one's file, or what there is of it, changed."""

    SECONDS = 0.25

    def __init__(self, project_id: UUID, run_id: UUID, turn: int) -> None:
        super().__init__(project_id, run_id, "writing")
        self.turn, self.call, self.peek = turn, -1, Peek("")
        self.pieces: deque[tuple[int, str, str]] = deque()
        self.told: Event = {}
        self.looked_at, self.closed = 0, False

    def feed(self, call: int, name: str, piece: str) -> None:
        self.pieces.append((call, name, piece))
        if not self.is_fed:
            # The first event waits as well: of a call that is over at once nobody need be told.
            self.last = self.last or time.monotonic()
            self.ring()

    def close(self) -> None:
        """Nothing more goes out: a step follows."""
        with self.sending:
            self.closed = True

    def put(self, pipe: Any) -> None:
        came = [self.pieces.popleft() for _ in range(len(self.pieces))]
        if self.closed:
            return
        for (call, name), pieces in groupby(came, itemgetter(0, 1)):
            if (call, name) != (self.call, self.peek.name):
                self.call, self.peek = call, Peek(name)
            new = "".join(piece for _, _, piece in pieces)[: MOST_CHARS - self.looked_at]
            self.looked_at += len(new)
            self.peek.read(new)
        now = {"turn": self.turn, "name": self.peek.name[:NAME_CHARS], "path": self.peek.path, "lines": self.peek.lines}
        between_files = self.told.get("path") and not now["path"] and now["name"] == self.told["name"]
        if now != self.told and not between_files:
            pipe.publish(self.channel, packed({**self.head, "data": now}))
            self.told = now
        self.last = time.monotonic()


class Peek:
    """The file that a tool call names last, and the whole `lines` that it gets, from the JSON of its input as it comes.

    Looks at each character once and keeps no contents. A model may send anything: nothing is raised. Tools that write
    no files have no path and no lines.
    """

    def __init__(self, name: str) -> None:
        self.name, self.path, self.lines = name, "", 0
        self.counted = COUNTED.get(name)
        self.key = self.word = ""  # of the value that is read; the newest string
        self.is_inside, self.half = False, ""  # a string; the first half of an escape

    def read(self, piece: str) -> None:
        text, at, self.half = self.half + piece, 0, ""
        while at < len(text):
            at = self._inside(text, at) if self.is_inside else self._between(text, at)

    def _inside(self, text: str, at: int) -> int:
        """Reads to the end of a string, or of what came of it; where that is."""
        found = INSIDE.match(text, at)
        assert found
        part, end = found[0], found.end()
        if self.key == self.counted:
            self.lines += part.replace("\\\\", "").count("\\n")
        self.word += part[: WORD_CHARS - len(self.word)]
        if text[end : end + 1] == "\\":
            self.half = "\\"
        elif end < len(text):
            self.is_inside = False
            if self.counted and self.key == "path":
                self.path = _decoded(self.word)[:PATH_CHARS]
        return end + 1

    def _between(self, text: str, at: int) -> int:
        """Reads to the next sign that says where in the JSON it is; where that ends."""
        found = BETWEEN.search(text, at)
        if found is None:
            return len(text)
        match found[0]:
            case '"':
                self.is_inside, self.word = True, ""
            case ":":
                self.key = self.word
            case "{" if self.name == "write_files":  # another file
                self.key, self.path, self.lines = "", "", 0
            case _:
                self.key = ""
        return found.end()


def _decoded(word: str) -> str:
    try:
        return str(json.loads(f'"{word}"', strict=False))
    except ValueError:  # cut, or never any JSON
        return word
