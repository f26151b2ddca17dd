"""Count what a request's input costs, and which prefix of it was cached by an earlier call."""

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from demo_model import wire

TTL_SECONDS = 300.0  # Anthropic's default cache lifetime; each hit renews it
MAX_ENTRIES = 4096


def _pieces(body: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """The request as (text, is a cache breakpoint) in the order the cache sees it: tools, system, messages."""
    for tool in body.get("tools") or []:
        yield _piece(tool)
    system = body.get("system") or []
    for block in [{"text": system}] if isinstance(system, str) else system:
        yield _piece(block)
    for message in body["messages"]:
        content = message["content"]
        for block in [{"text": content}] if isinstance(content, str) else content:
            words, mark = _piece(block)
            yield f"{message['role']}: {words}", mark


def _piece(block: dict[str, Any]) -> tuple[str, bool]:
    rest = {key: value for key, value in block.items() if key != "cache_control"}
    words = rest["text"] if set(rest) <= {"type", "text"} and "text" in rest else json.dumps(rest, ensure_ascii=False)
    return str(words), bool(block.get("cache_control"))


class PromptCache:
    """Prefixes that carried a `cache_control` mark lately. Bounded; the oldest go first."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, float] = OrderedDict()

    def _known(self, key: str, now: float) -> bool:
        return self._seen.get(key, -TTL_SECONDS) + TTL_SECONDS > now

    def _remember(self, key: str, now: float) -> None:
        self._seen[key] = now
        self._seen.move_to_end(key)
        while len(self._seen) > MAX_ENTRIES:
            self._seen.popitem(last=False)

    def meter(self, body: dict[str, Any], owner: str) -> wire.Usage:
        """The input side of this call's usage. Remembers its marked prefixes for `owner` (a key, and a model)."""
        now = time.monotonic()
        pieces = list(_pieces(body))
        if body.get("cache_control") and pieces:
            pieces[-1] = (pieces[-1][0], True)
        digest = hashlib.sha256(owner.encode())
        total = read = marked = 0
        marks: list[str] = []
        for words, mark in pieces:
            digest.update(words.encode("utf-8", "replace") + b"\0")
            total += wire.tokens(words)
            key = digest.hexdigest()
            if self._known(key, now):
                read = total
                self._remember(key, now)
            if mark:
                marked = total
                marks.append(key)
        for key in marks:
            self._remember(key, now)
        read = min(read, marked)  # what is cached is only read up to the last mark of this request
        return wire.Usage(input=total - max(marked, read), cache_creation=marked - read, cache_read=read)
