"""Search in the files of a version: plain words, line by line."""

import re
from dataclasses import dataclass

from projects.blobs import files
from projects.models import Version

MAX_MATCHES = 200
MAX_LINE = 240
# Larger files are data: a lock file, a minified bundle.
MAX_BYTES = 500_000


@dataclass(frozen=True)
class Match:
    """One line that holds what was looked for. `column` counts characters from 0; `text` may be cut around it."""

    path: str
    line: int
    column: int
    text: str


def search(version: Version, words: str) -> list[Match]:
    """Lines that hold `words`, in any case, by path; at most MAX_MATCHES + 1, which tells that there are more."""
    pattern = re.compile(re.escape(words), re.IGNORECASE)
    found: list[Match] = []
    for path, content in sorted(files(version).items()):
        if len(content) > MAX_BYTES or b"\x00" in content:
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), 1):
            hit = pattern.search(line)
            if hit is None:
                continue
            start = max(0, hit.start() - MAX_LINE // 3) if len(line) > MAX_LINE else 0
            found.append(Match(path, number, hit.start() - start, line[start : start + MAX_LINE]))
            if len(found) > MAX_MATCHES:
                return found
    return found
