"""What a project tells every run of the agent, and its bounds: rules, review criteria, memory, a cap, promises; files
that are locked, pinned or dropped.
"""

import re
from typing import Any

from django.db import transaction

from projects import promises
from projects.models import Project, Promise
from projects.paths import BadFiles, check_path
from projects.services import BadPrompt, check_text

# Characters. All of it is sent with every run: together some 4,000 tokens at most.
LIMITS = {"rules": 8_000, "criteria": 4_000, "memory": 8_000}
PLAIN = ("review", "auto_fix", "cap")
MAX_LOCKS, LOCK_CHARS = 50, 200
# Files that are pinned, and that are dropped.
MAX_PATHS = {"pinned": 10, "dropped": 100}
SAYS_CHARS, PATH_CHARS, SEEN_CHARS = 120, 200, 80
# A page of the app: no host, no query, nothing escaped.
PAGE = re.compile(r"/(?:[\w.~-]+/)*[\w.~-]*")
# Order and tag characters that a person cannot see and a model reads: orders could hide in them.
HIDDEN = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")


def change(project: Project, **values: Any) -> None:
    """Sets rules, criteria, memory (text), locked (globs), pinned, dropped (paths), review, auto_fix, cap.

    `cap` in micro-credits. Raises BadPrompt.
    """
    values = {name: check_paths(name, value) if name in MAX_PATHS else value for name, value in values.items()}
    if values.keys() & MAX_PATHS:
        both = {name: values.get(name, getattr(project, name)) for name in MAX_PATHS}
        if twice := sorted(set(both["pinned"]) & set(both["dropped"])):
            raise BadPrompt(f"{twice[0]} cannot be both pinned and dropped.", next(iter(values.keys() & MAX_PATHS)))
        # The first look at the files is made anew.
        values["context_version"] = None
    for name, value in values.items():
        if name in LIMITS:
            value = _text(name, value)
        elif name == "locked":
            value = check_locks(value)
        elif name not in {*PLAIN, *MAX_PATHS, "context_version"}:
            raise ValueError(name)
        setattr(project, name, value)
    project.save(update_fields=[*values, "updated"])


@transaction.atomic
def remember(project: Project, lines: list[str]) -> None:
    """Adds lines to the memory, each once; the oldest go when it is full."""
    row = Project.objects.select_for_update().get(pk=project.pk)
    kept = row.memory.splitlines()
    for line in (" ".join(HIDDEN.sub("", line).split()) for line in lines):
        if line and (note := f"- {line.removeprefix('- ')}"[:500]) not in kept:
            kept.append(note)
    while len("\n".join(kept)) > LIMITS["memory"]:
        kept.pop(0)
    project.memory = row.memory = "\n".join(kept)
    row.save(update_fields=["memory"])


def check_locks(patterns: list[str]) -> list[str]:
    """Globs as they are kept: trimmed, each once. Raises BadPrompt."""
    patterns = list(dict.fromkeys(pattern for raw in patterns if (pattern := raw.strip().removeprefix("./"))))
    if len(patterns) > MAX_LOCKS:
        raise BadPrompt(f"At most {MAX_LOCKS} patterns can be locked; a folder's name locks all in it.", "locked")
    for pattern in patterns:
        if len(pattern) > LOCK_CHARS or "\\" in pattern or not pattern.isprintable() or ".." in pattern.split("/"):
            raise BadPrompt(f"{pattern[:60]!r} is no pattern of paths such as src/*.css or public.", "locked")
    return patterns


def check_paths(name: str, paths: list[str]) -> list[str]:
    """Paths of files as they are kept, each once; whether they are there is not asked. Raises BadPrompt."""
    paths = list(dict.fromkeys(path.removeprefix("./") for path in paths))
    if len(paths) > MAX_PATHS[name]:
        raise BadPrompt(f"At most {MAX_PATHS[name]} files can be {name}.", name)
    try:
        return [check_path(path) for path in paths]
    except BadFiles as error:
        raise BadPrompt(str(error), name) from None


def check_promise(says: str, path: str, text: str) -> dict[str, str]:
    """A statement as it is kept, its words in one line each. Raises BadPrompt."""
    if len(path) > PATH_CHARS or not PAGE.fullmatch(path) or ".." in path.split("/"):
        raise BadPrompt(f"{path[:60]!r} is no path of a page of the app, such as / or /menu.", "path")
    return {"says": _line("says", says, SAYS_CHARS), "path": path, "text": _line("text", text, SEEN_CHARS)}


@transaction.atomic
def promise(project: Project, says: str, path: str, text: str) -> Promise:
    """A statement by hand. Raises BadPrompt, also for one more than a project may have."""
    made = check_promise(says, path, text)
    Project.objects.select_for_update().get(pk=project.pk)
    there = [promises.mark(one.path, one.text) for one in promises.of(project.pk)]
    if promises.mark(path, made["text"]) in there:
        raise BadPrompt("There is a statement with these words on this page already.", "text")
    if len(there) >= promises.MAX_PROMISES:
        raise BadPrompt(f"A project keeps at most {promises.MAX_PROMISES} statements. Delete one first.", "says")
    return project.promises.create(**made)


def _line(name: str, words: str, limit: int) -> str:
    words = " ".join(HIDDEN.sub("", check_text(words, name)).split())
    if not words:
        raise BadPrompt("Say what a visitor sees, and the words that stand on the page.", name)
    if len(words) > limit:
        raise BadPrompt(f"This has {len(words):,} characters; at most {limit} can be kept.", name)
    return words


def _text(name: str, value: str) -> str:
    value = HIDDEN.sub("", check_text(value, name))
    if len(value) > LIMITS[name]:
        raise BadPrompt(f"This has {len(value):,} characters; at most {LIMITS[name]:,} can be kept.", name)
    return value
