"""What the loop knows of language models: a call, a turn, and the two ways a call can fail.

One module per wire protocol. The conversation is kept in Anthropic's block format, as stored in the log.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Block = dict[str, Any]
# Is told of a tool call's input as it comes: which call of the turn, the tool's name, a piece of the JSON.
OnInput = Callable[[int, str, str], None]
# Levels of a tool call's input.
MAX_DEPTH = 100


@dataclass(frozen=True)
class Call:
    """One request to a model: what is sent, to whom, with whose key."""

    provider: str
    model: str
    system: str
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    api_key: str
    base_url: str
    # Where the key stands, for the sentence that says it was refused.
    key_name: str
    max_tokens: int = 32_000
    # How hard the model is to think: low, medium, high; "" leaves it to the provider.
    effort: str = ""
    # The tool the model must call; "" leaves it free.
    must_call: str = ""


@dataclass
class Turn:
    """What a model answered. `usage` in tokens: input, output, cache_read, cache_write."""

    content: list[Block] = field(default_factory=list)
    stop_reason: str = ""
    usage: dict[str, int] = field(default_factory=dict)
    # Tool calls whose input was not valid JSON: block id → the text that came.
    bad_inputs: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "".join(block["text"] for block in self.content if block["type"] == "text")

    def set_input(self, block: Block, text: str) -> None:
        """A tool call's input from its JSON text; what is no JSON object is kept apart."""
        try:
            value = json.loads(text or "{}")
            if not isinstance(value, dict) or _is_deep(value):
                raise ValueError("not an object, or none that anything here goes through")
            json.dumps(value, allow_nan=False)  # NaN and Infinity are no JSON, whatever json.loads says
            block["input"] = value
        except (ValueError, RecursionError):
            self.bad_inputs[block["id"]] = text


def _is_deep(value: Any) -> bool:
    """Whether it is nested deeper than any tool's input; what goes through it calls itself at each level."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def unheard(call: int, name: str, piece: str) -> None:
    """An OnInput for who has no use for it."""


class ModelError(Exception):
    """A call failed. `code` is for programs, `detail` for people, `next` says what they can do."""

    def __init__(self, code: str, detail: str, next: str = "") -> None:
        super().__init__(detail)
        self.code, self.detail, self.next = code, detail, next


class ModelBusy(ModelError):
    """It may work in a moment. `retry_after` in seconds, when the other side said so; `is_final`: not by asking again,
    but perhaps with another model.
    """

    def __init__(
        self, code: str, detail: str, next: str = "", retry_after: float | None = None, is_final: bool = False
    ) -> None:
        super().__init__(code, detail, next)
        self.retry_after, self.is_final = retry_after, is_final


class ModelRefused(ModelError):
    """It will not work by asking again: wrong key, unknown model, malformed request."""
