"""What changed between two versions, file by file, and one change of a file taken back."""

import difflib
import time
from dataclasses import dataclass

from projects.blobs import read
from projects.models import Version
from projects.paths import BadFiles

# difflib is quadratic at worst: above these a file is said to have changed, without a text diff.
MAX_DIFF_BYTES, MAX_DIFF_LINES = 200_000, 3_000
# Of a processor, for all files of two versions: a web thread is at it. Those that come after are said to have changed.
DIFF_SECONDS = 3
# Lines that are shown before and after each change; those in between are one change (hunk).
CONTEXT = 3


class DoesNotFit(Exception):
    """A change cannot be taken back: the lines it concerns are not what they were after it."""


@dataclass(frozen=True)
class FileDiff:
    """One file. `diff` is a unified diff with 3 lines of context; None for binary or very large files, and for those
    that come when the time for all is over.
    """

    path: str
    action: str  # added | changed | deleted
    added: int
    removed: int
    diff: str | None


def diff(before: Version | None, after: Version) -> list[FileDiff]:
    """From `before` (None: from nothing) to `after`, sorted by path."""
    end = time.thread_time() + DIFF_SECONDS
    old: dict[str, str] = before.manifest if before else {}
    new: dict[str, str] = after.manifest
    changes = []
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) == new.get(path):
            continue
        if time.thread_time() > end:
            changes.append(FileDiff(path, _action(path in old, path in new), 0, 0, None))
            continue
        left = read(before, path) if before and path in old else None
        right = read(after, path) if path in new else None
        changes.append(diff_file(path, left, right))
    return changes


def diff_file(path: str, left: bytes | None, right: bytes | None) -> FileDiff:
    """One file's change; None stands for a file that is not there."""
    action = _action(left is not None, right is not None)
    texts = _texts(left, right)
    if texts is None:
        return FileDiff(path, action, 0, 0, None)
    names = ("/dev/null" if left is None else f"a/{path}", "/dev/null" if right is None else f"b/{path}")
    sides = texts[0].splitlines(), texts[1].splitlines()
    lines = list(difflib.unified_diff(*sides, *names, lineterm="", n=CONTEXT))
    body = lines[2:]
    added = sum(line.startswith("+") for line in body)
    removed = sum(line.startswith("-") for line in body)
    return FileDiff(path, action, added, removed, "\n".join(lines))


def _action(was: bool, stays: bool) -> str:
    return "changed" if was and stays else "added" if stays else "deleted"


def take_back(path: str, left: bytes, right: bytes, number: int, now: bytes) -> bytes:
    """`now` with one change (hunk) from `left` to `right` undone: `number` counts those of their diff, from 0.

    What else differs in `now` stays. Nothing is guessed: the change and the lines shown around it have to stand there
    as they do in `right`. Raises DoesNotFit; BadFiles for what has no text diff, or no change of that number.
    """
    texts = _texts(left, right, now)
    if texts is None:
        raise BadFiles(f"{path} is no text, or very long: bring it back as a whole.")
    old, new, lines = (text.splitlines() for text in texts)
    hunks = list(difflib.SequenceMatcher(None, old, new).get_grouped_opcodes(CONTEXT))
    if number >= len(hunks):
        raise BadFiles(f"{path} has no change {number}, counted from 0, between these versions.")
    hunk = hunks[number]
    (_, old_start, _, new_start, _), (_, _, old_end, _, new_end) = hunk[0], hunk[-1]
    shift = _stands(new, lines, new_start, new_end)
    if shift is None:
        if _stands(old, lines, old_start, old_end) is not None:
            return now
        raise DoesNotFit(f"The lines around this change of {path} are different by now, so nothing was changed.")
    kept, back = texts[2].splitlines(keepends=True), texts[0].splitlines(keepends=True)
    for kind, from_old, to_old, from_new, to_new in reversed(hunk):
        if kind != "equal":
            kept[from_new + shift : to_new + shift] = back[from_old:to_old]
    # Only a file's last line may have no end.
    ended = [line if line.splitlines() != [line] else f"{line}\n" for line in kept[:-1]]
    return "".join(ended + kept[-1:]).encode()


def _stands(side: list[str], lines: list[str], start: int, end: int) -> int | None:
    """How far down the lines `start` to `end` of a side stand in `lines`, unchanged and in one piece; None: not so."""
    if start == end:
        return None if lines else 0
    blocks = difflib.SequenceMatcher(None, side, lines).get_matching_blocks()
    return next((at - begin for begin, at, size in blocks if begin <= start and end <= begin + size), None)


def _texts(*contents: bytes | None) -> list[str] | None:
    """The texts of contents that are to be compared; None if one cannot be shown as text, or is too long for that."""
    texts = [text for text in map(_text, contents) if text is not None]
    if len(texts) < len(contents):
        return None
    long = [len(text.splitlines()) for text in texts if text]  # what is new as a whole is compared with nothing
    return None if len(long) > 1 and max(long) > MAX_DIFF_LINES else texts


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
