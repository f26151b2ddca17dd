"""Frame content blocks as Anthropic Messages answers: one JSON message, or a list of server-sent events. Pure.

Blocks are plain dicts as in the protocol. `tool()` also takes `raw`: the exact text sent as the tool's input, which
need not be JSON, so that broken answers can be framed, too. Protocol: Anthropic Messages API, version 2023-06-01.
"""

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Block = dict[str, Any]
StopReason = Literal["end_turn", "tool_use", "max_tokens", "stop_sequence", "refusal"]

CHARS_PER_TOKEN = 4
TEXT_CHUNK = 16
# The SDK parses a tool's whole input again at each delta, so small pieces of a long file cost it quadratic time.
INPUT_CHUNK = 240
ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}


@dataclass(frozen=True)
class Usage:
    """What a call used, in tokens. `input` excludes what was written to or read from the cache."""

    input: int = 0
    output: int = 0
    cache_creation: int = 0
    cache_read: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "input_tokens": self.input,
            "output_tokens": self.output,
            "cache_creation_input_tokens": self.cache_creation,
            "cache_read_input_tokens": self.cache_read,
            "service_tier": "standard",
        }


@dataclass(frozen=True)
class Event:
    """One server-sent event. `tokens` is the share of the answer it carries, for pacing."""

    data: dict[str, Any]
    tokens: float = 0.0

    def encode(self) -> bytes:
        body = json.dumps(self.data, ensure_ascii=False, separators=(",", ":"))
        return f"event: {self.data['type']}\ndata: {body}\n\n".encode("utf-8", "replace")


@dataclass(frozen=True)
class Answer:
    """One assistant turn, ready to be framed."""

    blocks: Sequence[Block]
    model: str = "demo"
    stop_reason: StopReason | None = None
    usage: Usage = field(default_factory=Usage)
    id: str = field(default_factory=lambda: f"msg_{uuid.uuid4().hex[:24]}")

    @property
    def reason(self) -> StopReason:
        """The stop reason: the given one, else `tool_use` when a tool is called, else `end_turn`."""
        if self.stop_reason:
            return self.stop_reason
        return "tool_use" if any(block["type"] == "tool_use" for block in self.blocks) else "end_turn"


def text(words: str) -> Block:
    """A text block."""
    return {"type": "text", "text": words}


def tool(name: str, arguments: dict[str, Any] | None = None, *, call_id: str = "", raw: str | None = None) -> Block:
    """A tool call with a fresh id. `raw` replaces the JSON text of the arguments on the wire."""
    block: Block = {"type": "tool_use", "id": call_id or f"toolu_{uuid.uuid4().hex[:24]}", "name": name}
    return block | {"input": arguments or {}} | ({"raw": raw} if raw is not None else {})


def input_text(block: Block) -> str:
    """The JSON text of a tool call's input, as it goes over the wire."""
    return str(block["raw"]) if "raw" in block else json.dumps(block["input"], ensure_ascii=False)


def tokens(words: str) -> int:
    """How many tokens we count for a text: about four characters each, at least one."""
    return max(1, -(-len(words) // CHARS_PER_TOKEN)) if words else 0


def output_tokens(blocks: Sequence[Block]) -> int:
    """Tokens of an answer's text and tool inputs."""
    return sum(tokens(block["text"] if block["type"] == "text" else input_text(block)) for block in blocks)


def _start(answer: Answer) -> dict[str, Any]:
    message = {"id": answer.id, "type": "message", "role": "assistant", "model": answer.model, "content": []}
    first = Usage(answer.usage.input, 1, answer.usage.cache_creation, answer.usage.cache_read)
    return message | {"stop_reason": None, "stop_sequence": None, "usage": first.as_json()}


def message(answer: Answer) -> dict[str, Any]:
    """The body of a call without streaming. A tool's `raw` text that is no JSON object is sent as an empty input."""
    content = [{key: value for key, value in block.items() if key != "raw"} for block in answer.blocks]
    whole = {"content": content, "stop_reason": answer.reason, "usage": answer.usage.as_json()}
    return _start(answer) | whole


def _pieces(words: str, size: int) -> Iterator[str]:
    for at in range(0, len(words), size):
        yield words[at : at + size]


def _block_events(index: int, block: Block) -> Iterator[Event]:
    opening: Block = {"type": "text", "text": ""}
    if block["type"] == "text":
        words, size = block["text"], TEXT_CHUNK
        delta, key = "text_delta", "text"
    else:
        opening = {"type": "tool_use", "id": block["id"], "name": block["name"], "input": {}}
        words, size, delta, key = input_text(block), INPUT_CHUNK, "input_json_delta", "partial_json"
    yield Event({"type": "content_block_start", "index": index, "content_block": opening})
    for piece in _pieces(words, size):
        data = {"type": "content_block_delta", "index": index, "delta": {"type": delta, key: piece}}
        yield Event(data, len(piece) / CHARS_PER_TOKEN)
    yield Event({"type": "content_block_stop", "index": index})


def events(answer: Answer) -> Iterator[Event]:
    """The events of a streamed call, in order, from message_start to message_stop."""
    yield Event({"type": "message_start", "message": _start(answer)})
    yield Event({"type": "ping"})
    for index, block in enumerate(answer.blocks):
        yield from _block_events(index, block)
    end = {"stop_reason": answer.reason, "stop_sequence": None}
    yield Event({"type": "message_delta", "delta": end, "usage": answer.usage.as_json()})
    yield Event({"type": "message_stop"})


def error(status: int, words: str) -> dict[str, Any]:
    """The body of an error answer with this HTTP status, also the data of an `error` event in a stream."""
    return {"type": "error", "error": {"type": ERRORS.get(status, "api_error"), "message": words}, "request_id": None}


def cut(blocks: Sequence[Block], limit: int) -> tuple[list[Block], bool]:
    """Cut an answer at `limit` tokens, as `max_tokens` does. Returns the blocks and whether anything was lost."""
    kept: list[Block] = []
    left = limit * CHARS_PER_TOKEN
    for block in blocks:
        words = block["text"] if block["type"] == "text" else input_text(block)
        if len(words) <= left:
            kept.append(block)
            left -= len(words)
            continue
        short = words[:left]
        if short:
            kept.append(text(short) if block["type"] == "text" else block | {"input": {}, "raw": short})
        return kept, True
    return kept, False
