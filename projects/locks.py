"""Which paths a project's locks cover. A lock is a glob, read as .gitignore reads one."""

from collections.abc import Iterable
from fnmatch import fnmatchcase


def locked_by(path: str, patterns: Iterable[str]) -> str | None:
    """The first pattern that covers a path, else None.

    `*` and `?` stay within a part, `**` spans parts; a pattern without a slash fits at any depth; one that fits a
    folder covers all below it.
    """
    parts = tuple(path.split("/"))
    return next((pattern for pattern in patterns if _covers(pattern, parts)), None)


def _covers(pattern: str, parts: tuple[str, ...]) -> bool:
    wanted = [part for part in pattern.split("/") if part]
    if not wanted:
        return False
    if len(wanted) == 1 and not pattern.startswith("/"):
        wanted = ["**", *wanted]
    # reached: how many of `wanted` the parts so far may have used up. No backtracking, whatever the pattern.
    reached = _skip({0}, wanted)
    for part in parts:
        if len(wanted) in reached:
            return True
        step = {at for at in reached if wanted[at] == "**"}
        step |= {at + 1 for at in reached if wanted[at] != "**" and _fits(part, wanted[at])}
        reached = _skip(step, wanted)
    return len(wanted) in reached


def _fits(part: str, wanted: str) -> bool:
    """As a glob, or as it stands: folders of routes are called [id], which a glob reads as one letter."""
    return part == wanted or fnmatchcase(part, wanted)


def _skip(reached: set[int], wanted: list[str]) -> set[int]:
    """`**` may also stand for no part at all."""
    for at in sorted(reached):
        while at < len(wanted) and wanted[at] == "**":
            at += 1
            reached.add(at)
    return reached
