"""Send the events of an answer at a natural pace."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from demo_model.wire import Event

# Code is dull to wait for: a tool's input comes this many times faster than text, so that a whole app of
# ten thousand tokens takes a few seconds.
INPUT_SPEEDUP = 12
PING_SECONDS = 10.0
GRAIN = 0.01


@dataclass(frozen=True)
class Pace:
    """How fast the model speaks: tokens per second (0: as fast as possible), and milliseconds to the first one."""

    tokens_per_second: float = 400.0
    first_token_ms: float = 150.0

    async def play(self, events: Iterable[Event], seconds: float = 0.0) -> AsyncIterator[Event]:
        """Yield the events when they are due; with `seconds` the whole answer is stretched over that long."""
        script = list(events)
        rate = self.tokens_per_second
        speedup = INPUT_SPEEDUP
        if seconds:
            rate, speedup = sum(event.tokens for event in script) / seconds, 1
        due = time.monotonic()
        for event in script:
            if rate and event.tokens:
                due += event.tokens / (rate * (speedup if _is_input(event) else 1))
                async for ping in _wait_until(due):
                    yield ping
            yield event

    async def first_token(self) -> None:
        """Wait as long as a model thinks before its first token."""
        if self.first_token_ms:
            await asyncio.sleep(self.first_token_ms / 1000)


def _is_input(event: Event) -> bool:
    return bool(event.data.get("delta", {}).get("type") == "input_json_delta")


async def _wait_until(due: float) -> AsyncIterator[Event]:
    while (left := due - time.monotonic()) > GRAIN:
        await asyncio.sleep(min(left, PING_SECONDS))
        if left > PING_SECONDS:
            yield Event({"type": "ping"})
