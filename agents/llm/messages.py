"""Anthropic's Messages protocol, streamed, through the official SDK.

Retries are states of the run (agents/loop.py), so the SDK's own are off: it would sleep for any Retry-After without a
word. Requests and events are plain JSON (`client.post`): the SDK's models of them cost more than all the rest.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import anthropic
from anthropic import AsyncAnthropic

from agents.llm import Block, Call, ModelBusy, OnInput, Turn, streams, unheard
from agents.packing import packed

EVENTS = anthropic.AsyncStream[object]
# Kinds of blocks that came by the other protocol; this one does not know them.
FOREIGN = ("reasoning",)


class Client(AsyncAnthropic):
    """Makes its requests after the first one: only the content differs, and to make each anew costs more than all else
    that the SDK does for it.
    """

    made: tuple[Any, ...] = ()

    def _build_request(self, options: Any, *, retries_taken: int = 0) -> Any:
        if not self.made:
            first = super()._build_request(options, retries_taken=retries_taken)
            headers = [(name, value) for name, value in first.headers.raw if name.lower() != b"content-length"]
            self.made = type(first), first.method, first.url, headers, first.extensions
        request, method, url, headers, extensions = self.made
        return request(method, url, headers=headers, content=options.content, extensions=dict(extensions))


@lru_cache(64)
def _client(api_key: str, base_url: str, http: anthropic.DefaultAioHttpClient) -> AsyncAnthropic:
    # How long to wait for an answer is for agents/llm/streams.py to say.
    timeout = anthropic.Timeout(None, connect=10)
    return Client(api_key=api_key, base_url=base_url, max_retries=0, timeout=timeout, http_client=http)


async def ask(call: Call, on_text: Callable[[str], None], on_input: OnInput = unheard) -> Turn:
    """Sends one call and returns the whole turn; text and the input of tools are handed on as they come.

    Raises ModelBusy or ModelRefused.
    """
    reader = _Reader(call, on_text, on_input)
    client = _client(call.api_key, call.base_url, streams.http(anthropic.DefaultAioHttpClient))
    # Not by the SDK, which first copies whole conversations piece by piece.
    asked = packed(_request(call))
    opening = client.post("/v1/messages", cast_to=object, content=asked, stream=True, stream_cls=EVENTS)
    await streams.read(opening, anthropic.APIError, call, reader.take)
    if not reader.turn.stop_reason:
        raise ModelBusy("model_stream_broken", "The model's answer broke off in the middle.")
    return reader.turn


def _request(call: Call) -> dict[str, Any]:
    """The request with three cache marks: after the tools, the system prompt, and the newest message."""
    cached = {"cache_control": {"type": "ephemeral"}}
    eager = {"eager_input_streaming": True} if _is_eager(call) else {}
    tools = [{**tool, **eager} for tool in call.tools]
    if tools:
        tools[-1] |= cached
    messages = [{**message, "content": _plain(message["content"])} for message in call.messages]
    if messages and isinstance(messages[-1]["content"], list):
        *earlier, last = messages[-1]["content"]
        messages[-1] = {**messages[-1], "content": [*earlier, {**last, **cached}]}
    return {
        "model": call.model,
        "max_tokens": call.max_tokens,
        "stream": True,
        "system": [{"type": "text", "text": call.system, **cached}],
        "messages": messages,
        **({"tools": tools} if tools else {}),
        **({"tool_choice": {"type": "tool", "name": call.must_call}} if call.must_call else {}),
        **({"thinking": {"type": "adaptive"}, "output_config": {"effort": call.effort}} if call.effort else {}),
    }


def _is_eager(call: Call) -> bool:
    """Whether the input of tools is to come as it is written, not a whole value at a time: minutes of silence would be
    taken for a stall, and the page would have nothing to show. Others that speak the protocol refuse a call that asks
    for it. A short answer that is demanded may take its time: its JSON is checked before it comes.
    """
    return not call.must_call and (urlsplit(call.base_url).hostname or "").endswith(".anthropic.com")


def _plain(content: Any) -> Any:
    """Content without what only the other protocol has: after a fallback a conversation goes on in this one."""
    if not isinstance(content, list):
        return content
    return [
        {name: value for name, value in block.items() if name != "extra"} if "extra" in block else block
        for block in content
        if block["type"] not in FOREIGN
    ]


class _Reader:
    """Puts the stream's events together to a turn."""

    def __init__(self, call: Call, on_text: Callable[[str], None], on_input: OnInput) -> None:
        self.call, self.on_text, self.on_input = call, on_text, on_input
        self.turn, self.size = Turn(), 0
        self.json: dict[int, list[str]] = {}

    def take(self, event: Any) -> None:
        match event["type"]:
            case "message_start":
                self._usage(event["message"].get("usage"))
            case "content_block_start":
                self._start(event["index"], event["content_block"])
            case "content_block_delta":
                self._delta(event["index"], event["delta"])
            case "content_block_stop":
                self._stop(event["index"])
            case "message_delta":
                self.turn.stop_reason = event["delta"].get("stop_reason") or self.turn.stop_reason
                self._usage(event.get("usage"))

    def _start(self, index: int, block: Block) -> None:
        kept: Block = {"type": block["type"]}
        if block["type"] == "text":
            kept["text"] = block.get("text") or ""
        elif block["type"] == "tool_use":
            if not (isinstance(block["id"], str) and isinstance(block["name"], str)):
                raise TypeError("a call whose name is none")
            kept.update(id=block["id"], name=block["name"], input={})
            self.json[index] = []
            self.on_input(index, block["name"], "")
        else:  # thinking and what may come: kept as sent, the provider wants it back unchanged
            kept = {name: value for name, value in block.items() if value is not None}
        self._grow(str(kept))
        self.turn.content.append(kept)

    def _delta(self, index: int, delta: Any) -> None:
        block, kind = self.turn.content[index], delta["type"]
        if kind == "text_delta":
            self._grow(delta["text"])
            block["text"] += delta["text"]
            self.on_text(delta["text"])
        elif kind == "input_json_delta":
            self._grow(delta["partial_json"])
            self.json[index].append(delta["partial_json"])
            self.on_input(index, block["name"], delta["partial_json"])
        elif kind == "thinking_delta":
            self._grow(delta["thinking"])
            block["thinking"] = block.get("thinking", "") + delta["thinking"]
        elif kind == "signature_delta":
            self._grow(delta["signature"])
            block["signature"] = delta["signature"]

    def _grow(self, piece: str) -> None:
        self.size += len(piece)
        streams.check_size(self.size, self.call)

    def _stop(self, index: int) -> None:
        if (pieces := self.json.get(index)) is None:
            return
        self.turn.set_input(self.turn.content[index], "".join(pieces))

    def _usage(self, usage: Any) -> None:
        names = {
            "input": "input_tokens",
            "output": "output_tokens",
            "cache_read": "cache_read_input_tokens",
            "cache_write": "cache_creation_input_tokens",
        }
        for ours, theirs in names.items():
            if (value := (usage or {}).get(theirs)) is not None:
                self.turn.usage[ours] = int(value)
