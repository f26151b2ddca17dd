"""What changed between two versions, file by file."""

import difflib
from dataclasses import dataclass

from projects.blobs import read
from projects.models import Version

# difflib is quadratic at worst: above this a file is said to have changed, without a text diff.
MAX_DIFF_BYTES = 200_000


@dataclass(frozen=True)
class FileDiff:
    """One file. `diff` is a unified diff with 3 lines of context; None for binary or very large files."""

    path: str
    action: str  # added | changed | deleted
    added: int
    removed: int
    diff: str | None


def diff(before: Version | None, after: Version) -> list[FileDiff]:
    """From `before` (None: from nothing) to `after`, sorted by path."""
    old: dict[str, str] = before.manifest if before else {}
    new: dict[str, str] = after.manifest
    changes = []
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) == new.get(path):
            continue
        left = read(before, path) if before and path in old else None
        right = read(after, path) if path in new else None
        changes.append(diff_file(path, left, right))
    return changes


def diff_file(path: str, left: bytes | None, right: bytes | None) -> FileDiff:
    """One file's change; None stands for a file that is not there."""
    action = "added" if left is None else "deleted" if right is None else "changed"
    texts = _text(left), _text(right)
    if texts[0] is None or texts[1] is None:
        return FileDiff(path, action, 0, 0, None)
    names = ("/dev/null" if left is None else f"a/{path}", "/dev/null" if right is None else f"b/{path}")
    lines = list(difflib.unified_diff(texts[0].splitlines(), texts[1].splitlines(), *names, lineterm=""))
    body = lines[2:]
    added = sum(line.startswith("+") for line in body)
    removed = sum(line.startswith("-") for line in body)
    return FileDiff(path, action, added, removed, "\n".join(lines))


def _text(content: bytes | None) -> str | None:
    """The text; "" for a file that is not there; None if it cannot be shown as text."""
    if content is None:
        return ""
    if len(content) > MAX_DIFF_BYTES or b"\x00" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None
