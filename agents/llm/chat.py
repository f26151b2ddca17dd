"""OpenAI's chat completions protocol, streamed, through the official SDK: OpenAI, Gemini, xAI, OpenRouter, AI
gateways, Ollama. The conversation is kept in Anthropic's blocks and translated at this edge.

Requests and chunks are plain JSON (`client.post`), as in agents/llm/messages.py.
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import openai
from django.conf import settings
from openai import AsyncOpenAI

from agents.llm import Block, Call, ModelBusy, ModelRefused, OnInput, Turn, streams, unheard
from agents.packing import packed

# How the protocol's reasons to stop are called in ours.
REASONS = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens", "content_filter": "refusal"}
# Gemini refuses a turn whose first call has no signature. This one stands for calls that it did not make itself
# (ai.google.dev/gemini-api/docs/thought-signatures, FAQs).
UNSIGNED = {"google": {"thought_signature": "skip_thought_signature_validator"}}
# What is said of an effort that a model does not take (OpenAI: reasoning_effort, xAI: reasoningEffort), and how it is
# said that only "none" would do.
EFFORT, NONE = re.compile(r"reasoning_?effort", re.IGNORECASE), re.compile(r"\bto \W?none\b")
# By address and model, what such a model asked for instead.
_efforts: dict[tuple[str, str], str] = {}


class Chunks(openai.AsyncStream[object]):
    """A stream to be read by agents/llm/streams.py. The SDK's own generator and it would refer to each other."""

    def __init__(self, *, response: Any, **_: object) -> None:
        self.response = response


@lru_cache(64)
def _client(api_key: str, base_url: str, http: openai.DefaultAioHttpClient) -> AsyncOpenAI:
    # How long to wait for an answer is for agents/llm/streams.py to say.
    timeout = openai.Timeout(None, connect=10)
    named = {"X-Title": "Vibe"}  # gateways show it, and the site's address, in their lists of callers
    if sites := [origin for origin in settings.CSRF_TRUSTED_ORIGINS if "*" not in origin]:
        named["HTTP-Referer"] = sites[0]
    return AsyncOpenAI(
        api_key=api_key, base_url=base_url, max_retries=0, timeout=timeout, default_headers=named, http_client=http
    )


async def ask(call: Call, on_text: Callable[[str], None], on_input: OnInput = unheard) -> Turn:
    """Sends one call and returns the whole turn; text and the input of tools are handed on as they come.

    A model that refuses the call for its reasoning effort is asked once more as it wants it, and from then on in this
    process. Raises ModelBusy or ModelRefused.
    """
    which = call.base_url, call.model
    call = replace(call, effort=_efforts.get(which, call.effort))
    try:
        return await _ask(call, on_text, on_input)
    except ModelRefused as refused:
        effort = _effort_wanted(refused)
        if effort is None or effort == call.effort:
            raise
    turn = await _ask(replace(call, effort=effort), on_text, on_input)
    _efforts[which] = effort
    return turn


async def _ask(call: Call, on_text: Callable[[str], None], on_input: OnInput) -> Turn:
    reader = _Reader(call, on_text, on_input)
    client = _client(call.api_key, call.base_url, streams.http(openai.DefaultAioHttpClient))
    # Not by the SDK, which first copies whole conversations piece by piece.
    asked = packed(_request(call))
    opening = client.post("/chat/completions", cast_to=object, content=asked, stream=True, stream_cls=Chunks)
    await streams.read(opening, openai.APIError, call, reader.take)
    return reader.turn()


def _effort_wanted(refused: ModelRefused) -> str | None:
    """The effort that a model asks for in place of the one it refuses, "" for none said; None: it refuses something
    else. OpenAI takes no tools beside thinking here, and of some models only where "none" is said.
    """
    if getattr(refused.__cause__, "status_code", None) != 400 or not EFFORT.search(refused.detail):
        return None
    return "none" if NONE.search(refused.detail) else ""


def _request(call: Call) -> dict[str, Any]:
    tools = [{"type": "function", "function": _function(tool)} for tool in call.tools]
    messages: list[dict[str, Any]] = [{"role": "system", "content": call.system}]
    for message in call.messages:
        is_models = message["role"] == "assistant"
        messages += _assistant(message["content"], call.provider) if is_models else _user(message["content"])
    return {
        "model": call.model,
        "messages": messages,
        "max_completion_tokens": call.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
        **({"tools": tools} if tools else {}),
        **({"tool_choice": {"type": "function", "function": {"name": call.must_call}}} if call.must_call else {}),
        **_effort(call),
    }


def _effort(call: Call) -> dict[str, Any]:
    """How hard to think, in the words of whoever answers: those that pass on to others have a field of their own."""
    if not call.effort:
        return {}
    if call.provider in ("openrouter", "gateway"):
        return {"reasoning": {"effort": call.effort}}
    return {"reasoning_effort": call.effort}


def _function(tool: dict[str, Any]) -> dict[str, Any]:
    return {"name": tool["name"], "description": tool["description"], "parameters": tool["input_schema"]}


def _assistant(content: list[Block], provider: str) -> list[dict[str, Any]]:
    text = "".join(block["text"] for block in content if block["type"] == "text")
    calls: list[dict[str, Any]] = [
        {
            "id": block["id"],
            "type": "function",
            "function": {"name": block["name"], "arguments": json.dumps(block["input"])},
            **block.get("extra", {}),
        }
        for block in content
        if block["type"] == "tool_use"
    ]
    if provider == "gemini" and calls:
        calls[0].setdefault("extra_content", UNSIGNED)
    thoughts = [detail for block in content if block["type"] == "reasoning" for detail in block["details"]]
    return [
        {
            "role": "assistant",
            "content": text or None,
            **({"tool_calls": calls} if calls else {}),
            **({"reasoning_details": thoughts} if thoughts else {}),
        }
    ]


def _user(content: list[Block]) -> list[dict[str, Any]]:
    """Tool results are messages of their own here, and come before what the person says."""
    results = [
        {"role": "tool", "tool_call_id": block["tool_use_id"], "content": _words(block["content"])}
        for block in content
        if block["type"] == "tool_result"
    ]
    # A tool's answer is words here; what it shows comes after them.
    shown = [part for block in content if block["type"] == "tool_result" for part in _parts(block["content"])]
    text = "\n\n".join(block["text"] for block in content if block["type"] == "text")
    pictures = [_picture(block["source"]) for block in [*shown, *content] if block["type"] == "image"]
    said: Any = [*pictures, {"type": "text", "text": text or "(what the tool shows)"}] if pictures else text
    return [*results, *([{"role": "user", "content": said}] if said else [])]


def _parts(content: str | list[Block]) -> list[Block]:
    return [] if isinstance(content, str) else content


def _words(content: str | list[Block]) -> str:
    return content if isinstance(content, str) else "\n".join(p["text"] for p in content if p["type"] == "text")


def _picture(source: dict[str, str]) -> dict[str, Any]:
    url = f"data:{source['media_type']};base64,{source['data']}"
    return {"type": "image_url", "image_url": {"url": url}}


class _Reader:
    """Puts the stream's chunks together to a turn.

    What some providers want back with the conversation is kept as it came: OpenRouter's `reasoning_details`, and the
    signatures of thoughts that Gemini puts beside its tool calls (`extra_content`).
    """

    def __init__(self, call: Call, on_text: Callable[[str], None], on_input: OnInput) -> None:
        self.call, self.on_text, self.on_input = call, on_text, on_input
        self.text: list[str] = []
        self.calls: list[dict[str, Any]] = []
        self.places: dict[int | None, int] = {}  # by a server's number: which call of the turn has it now
        self.thoughts: list[Any] = []
        self.reason, self.size = "", 0
        self.usage: dict[str, int] = {}

    def take(self, chunk: Any) -> None:
        # Some servers put events of their own between the chunks, and leave out or null what has no value.
        if usage := chunk.get("usage"):
            self._count(usage)
        for choice in (chunk.get("choices") or ())[:1]:
            self.reason = choice.get("finish_reason") or self.reason
            if delta := choice.get("delta"):
                self._take(delta)

    def _take(self, delta: Any) -> None:
        if text := delta.get("content"):
            if not isinstance(text, str):
                raise TypeError("content in parts")
            self._grow(text)
            self.text.append(text)
            self.on_text(text)
        for piece in delta.get("tool_calls") or ():
            at, said = self._place(piece), piece.get("function") or {}
            call = self.calls[at]
            call["id"] = str(piece.get("id") or call["id"])
            for part in ("name", "arguments"):
                self._grow(said.get(part) or "")
                call[part] += said.get(part) or ""
            self.on_input(at, call["name"], said.get("arguments") or "")
            if extra := piece.get("extra_content"):
                self._grow(str(extra))
                call["extra"] = {"extra_content": extra}
        if details := delta.get("reasoning_details"):
            self._grow(str(details))
            self.thoughts += details

    def _place(self, piece: Any) -> int:
        """Which call of the turn a piece belongs to. Some servers number no calls, and some give all the same number:
        then a name begins another call, if it comes with another id or where there are no ids.
        """
        number, its_id, name = piece.get("index"), piece.get("id"), (piece.get("function") or {}).get("name")
        if type(number) is not int:
            number = None
        at = self.places.get(number)
        has = "" if at is None else self.calls[at]["id"]
        is_other = has not in ("", str(its_id)) if its_id else number is None
        if at is None or (name and is_other):
            at = self.places[number] = len(self.calls)
            self.calls.append({"id": "", "name": "", "arguments": "", "extra": {}})
            self._grow(str(self.calls[at]))
        return at

    def _grow(self, piece: str) -> None:
        self.size += len(piece)
        streams.check_size(self.size, self.call)

    def _count(self, usage: Any) -> None:
        details = usage.get("prompt_tokens_details") or {}
        cached, written = details.get("cached_tokens") or 0, details.get("cache_write_tokens") or 0
        asked, said = usage.get("prompt_tokens") or 0, int(usage.get("completion_tokens") or 0)
        self.usage = {
            "input": max(0, asked - cached - written),
            # xAI and Gemini count thoughts in the total only; OpenAI among what was said.
            "output": max(said, int(usage.get("total_tokens") or 0) - asked),
            "cache_read": cached,
            **({"cache_write": written} if written else {}),
        }

    def turn(self) -> Turn:
        """The whole turn. Raises ModelBusy when the stream ended before the model said that it was done."""
        if not self.reason:
            raise ModelBusy("model_stream_broken", "The model's answer broke off in the middle.")
        turn = Turn(stop_reason=REASONS.get(self.reason, self.reason), usage=self.usage)
        if self.thoughts:
            turn.content.append({"type": "reasoning", "details": self.thoughts})
        if self.text:
            turn.content.append({"type": "text", "text": "".join(self.text)})
        for index, call in enumerate(self.calls):
            block = {"type": "tool_use", "id": call["id"] or f"call_{index}", "name": call["name"], "input": {}}
            turn.content.append(block | ({"extra": call["extra"]} if call["extra"] else {}))
            turn.set_input(turn.content[-1], call["arguments"])
        return turn
