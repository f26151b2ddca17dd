"""Make exact search-and-replace edits from a file's text, and find files' texts in what a read brought back. Pure."""

import json
import re
from collections.abc import Generator

from demo_model import wire
from demo_model.conversation import Conversation, Result

NUMBERED = re.compile(r"^\s*\d+(?:\t|→|\||: | {2})\s?")
HEADER = re.compile(
    r"^\s*(?:<file\b[^>]*path=\"(?P<a>[^\"]+)\"[^>]*>|[=#*\-]{2,}\s*`?(?P<b>[\w./@-]+\.\w+)`?[^\n]*|`?(?P<c>[\w./@-]+\.\w+)`?:?)\s*$"
)
FENCE = re.compile(r"^\s*(</file>|```[\w]*)\s*$")


LEFT_OUT = re.compile(r"^… [\d,.]+ (?:characters|lines) left out …$", re.MULTILINE)
WRITING = ("edit_file", "write_files", "delete_files")
LOCKED = re.compile(r"^(.+?) is locked by the owner \((.+?)\);", re.MULTILINE)
MISSING = re.compile(r"^\s*(?:\(?no such file|there is no file|file not found|\(not found)", re.IGNORECASE)

Reading = Generator[list[wire.Block], list[Result], dict[str, str]]
Attempt = Generator[list[wire.Block], list[Result], bool]


def read(words: str, *paths: str) -> Reading:
    """A turn that reads files. Returns path → text of those that are there and came back whole."""
    results = yield [wire.text(words), wire.tool("read_files", {"paths": list(paths)})]
    return {path: text for path, text in files_in(results, list(paths)).items() if _usable(text)}


def _usable(text: str) -> bool:
    return bool(text.strip()) and not LEFT_OUT.search(text) and not MISSING.match(text)


def apply(talk: Conversation, words: str, path: str, changes: list[dict[str, str]]) -> Attempt:
    """A turn that edits one file. Returns whether it worked; why it did not stands in `talk.undone`."""
    results = yield [wire.text(words), wire.tool("edit_file", {"path": path, "edits": changes})]
    return _worked(talk, results)


def write(talk: Conversation, words: str, files: list[dict[str, str]]) -> Attempt:
    """A turn that writes files. Returns whether it worked; why it did not stands in `talk.undone`."""
    results = yield [wire.text(words), wire.tool("write_files", {"files": files})]
    return _worked(talk, results)


def _worked(talk: Conversation, results: list[Result]) -> bool:
    refused = refusal(results)
    if refused:
        talk.undone.append(refused)
    return not refused


def refusal(results: list[Result]) -> str:
    """Why a tool call of the turn did not work, and what helps where the file is locked; "" when all of them worked."""
    text = next((result.text or "no reason given" for result in results if result.is_error), "")
    if not (lock := LOCKED.search(text)):
        return text and f"A tool refused the change: {' '.join(text.split())[:300]}"
    path, pattern = lock.groups()
    way = f"take the pattern `{pattern}` out of “Locked files” under Context"
    if pattern == f"/{path}":
        way = "open it under Code and choose “Unlock for the agent” in the menu of the file"
    return f"`{path}` is locked for the agent, so I left it as it is. If I may change it, {way}, then ask again."


def changed(talk: Conversation) -> bool:
    """Whether anything was written in this request."""
    return any(r.name in WRITING and not r.is_error for results in talk.turns for r in results)


def change(text: str, new: str) -> dict[str, str]:
    """The edit that makes one text another, from the first to the last place where they differ."""
    start = _alike(text, new)
    same = _alike(text[start:][::-1], new[start:][::-1])
    return between(text, start, len(text) - same, new[start : len(new) - same])


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    shorter = min(len(one), len(other))
    return next((at for at in range(shorter) if one[at] != other[at]), shorter)


def between(text: str, start: int, end: int, new: str) -> dict[str, str]:
    """The edit that replaces text[start:end], with as many whole lines around it as make its search unique."""
    left, right = text.rfind("\n", 0, start) + 1, _line_end(text, end)
    while text.count(text[left:right]) > 1 and (left > 0 or right < len(text)):
        left = text.rfind("\n", 0, max(0, left - 1)) + 1
        right = _line_end(text, min(len(text), right + 1))
    return {"search": text[left:right], "replace": text[left:start] + new + text[end:right]}


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def remove_line(text: str, number: int) -> dict[str, str]:
    """The edit that takes out one line, counted from 0."""
    lines = text.splitlines(keepends=True)
    start = sum(len(line) for line in lines[:number])
    line = lines[number]
    if text.count(line) == 1:
        return {"search": line, "replace": ""}
    return between(text, start, start + len(line), "")


def swap(text: str, old: str, new: str, is_name: bool = False) -> str:
    """`new` for each `old`; for a name only where it is not a part of a longer word."""
    return _find(old, is_name).sub(lambda _: new, text)


def _find(words: str, is_name: bool) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(words)}(?!\w)" if is_name else re.escape(words))


def swap_all(text: str, old: str, new: str, is_name: bool = False) -> list[dict[str, str]]:
    """Edits that do what `swap` does, one per line that changes; they do not overlap and can go in any order."""
    changes, at, find = [], 0, _find(old, is_name)
    while old and (found := find.search(text, at)):
        start, end = text.rfind("\n", 0, found.start()) + 1, _line_end(text, found.end())
        edit = between(text, start, end, swap(text[start:end], old, new, is_name))
        changes.append(edit)
        at = max(end, text.find(edit["search"]) + len(edit["search"]))
        rest = text[end:at]
        if find.search(rest):  # the unique search reaches over further hits: change them in the same edit
            edit["replace"] = swap(edit["search"], old, new, is_name)
    return changes


def files_in(results: list[Result], asked: list[str]) -> dict[str, str]:
    """Path → text from the result of `read_files`: JSON, or plain text with a line that names each file."""
    text = "\n".join(result.text for result in results if result.name == "read_files" and not result.is_error)
    return _from_json(text) or _from_text(text, asked)


def _from_json(text: str) -> dict[str, str]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    value = value.get("files", value) if isinstance(value, dict) else value
    if isinstance(value, list):
        return {f["path"]: f["content"] for f in value if isinstance(f, dict) and isinstance(f.get("content"), str)}
    return {k: v for k, v in value.items() if isinstance(v, str)} if isinstance(value, dict) else {}


def _from_text(text: str, asked: list[str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    current = asked[0] if len(asked) == 1 else ""
    for line in text.split("\n"):
        header = HEADER.match(line)
        path = next((p for p in header.groups() if p), "") if header else ""
        if path in asked:
            current = path
            found[current] = []
        elif current and not FENCE.match(line):
            found.setdefault(current, []).append(line)
    return {path: _unnumbered(lines) for path, lines in found.items()}


def _unnumbered(lines: list[str]) -> str:
    filled = [line for line in lines if line.strip()]
    if filled and all(NUMBERED.match(line) for line in filled):
        lines = [NUMBERED.sub("", line) for line in lines]
    return "\n".join(lines)
