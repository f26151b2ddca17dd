"""Reading a model's stream: the connections, deadlines for its first event and between events, and what counts as no
stream at all.
"""

import asyncio
import atexit
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypeVar

import aiohttp
from django.conf import settings

from agents import sse
from agents.llm import Call, ModelBusy
from agents.llm.faults import broke_off, explain, is_broken_stream

# How long to wait for the end of a connection after the end of the answer.
LAST_SECONDS = 0.5
# Characters of one answer; far above what the longest answer of any model has.
MAX_CHARS = 4_000_000

T = TypeVar("T")
_http: dict[tuple[Any, asyncio.AbstractEventLoop], Any] = {}


def http(kind: Callable[[], T]) -> T:
    """The running loop's HTTP client for an SDK's calls, whoever's key they go with. `kind`: the SDK's aiohttp client,
    which reads a stream of tokens in half of what its other one takes; a worker does nothing more than that.
    """
    key = kind, asyncio.get_running_loop()
    if key not in _http:
        _http[key] = _without_cookies(kind())
    made: T = _http[key]
    return made


def _without_cookies(made: Any) -> Any:
    """What a provider sets as a cookie belongs to one key; the connections are for all. Both layers keep some."""
    made.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for transport in filter(None, (made._transport, *made._mounts.values())):  # these: the proxies'
        first = transport.get_client()
        transport.client = aiohttp.ClientSession(connector=first.connector, cookie_jar=aiohttp.DummyCookieJar())
        first.detach()
    return made


async def close() -> None:
    """Closes the running loop's connections to models."""
    loop = asyncio.get_running_loop()
    for key in [key for key in _http if key[1] is loop]:
        await _http.pop(key).aclose()


@atexit.register
def _close_all() -> None:
    """In time: the garbage at the end complains of what it finds open."""
    for (_, loop), client in _http.items():
        if loop.is_running():
            asyncio.run_coroutine_threadsafe(client.aclose(), loop).result(5)


async def read(opening: Awaitable[Any], api_error: type[Exception], call: Call, take: Callable[[Any], None]) -> None:
    """Opens an SDK's stream and hands its events to `take`; it is closed at the end, also when this is cancelled.

    Signs of life that carry nothing (pings) do not count. Raises ModelBusy or ModelRefused.
    """
    events = Events()
    try:
        async with asyncio.timeout(settings.MODEL_FIRST_SECONDS) as deadline:
            async with await opening as stream:
                _check_type(stream.response.headers.get("content-type", ""), call)
                async with aclosing(stream.response.aiter_bytes()) as pieces:
                    await _hand_out(events, pieces, call, take, deadline)
    except TimeoutError as error:
        if events.done:
            return
        raise ModelBusy("model_stalled", f"{call.model} at {call.base_url} fell silent.") from error
    except api_error as error:
        raise explain(error, call) from error
    except Exception as error:
        if is_broken_stream(error):
            raise ModelBusy("model_stream_broken", "The connection to the model broke in mid-answer.") from error
        raise


async def _hand_out(
    events: "Events", pieces: Any, call: Call, take: Callable[[Any], None], deadline: asyncio.Timeout
) -> None:
    now = asyncio.get_running_loop().time
    extended, ended = 0.0, False
    async for piece in pieces:
        is_alive = False
        try:
            for event in events.read(piece):
                if broken := event.get("error"):
                    raise broke_off(broken, call)
                if event.get("type") != "ping":
                    is_alive = True
                    take(event)
        except (KeyError, IndexError, TypeError, AttributeError, ValueError, RecursionError) as error:
            text = "The model's answer is not in the form that its protocol has."
            raise ModelBusy("model_stream_broken", text) from error
        check_size(events.size, call)
        if events.done:  # a connection that is read to its end can be used again, but that is not waited for
            extended = extended if ended else now()
            ended = True
            deadline.reschedule(extended + LAST_SECONDS)
        elif is_alive and now() - extended > 1:  # moving a deadline at each token would cost a tenth of reading it
            extended = now()
            deadline.reschedule(extended + settings.MODEL_STALL_SECONDS)


class Events(sse.Events):
    """Events of plain JSON. The SDKs' own streams cost as much for each as all else that is done with it."""

    done = False  # whether the end was said; what comes then is nothing

    def read(self, piece: bytes) -> Iterator[Any]:
        """The events that a piece completes. Raises ValueError for one that is no JSON."""
        for data in self.of(piece):
            if self.done or data == b"[DONE]":
                self.done = True
                continue
            event = json.loads(data.decode())
            yield event
            self.done = event.get("type") == "message_stop"


def _check_type(content_type: str, call: Call) -> None:
    if "event-stream" in content_type:
        return
    text = f"{call.base_url} answered with {content_type.split(';')[0] or 'something'}, not with a stream of events."
    raise ModelBusy("model_no_stream", text, f"Check the address of {call.provider} in .env.", is_final=True)


def check_size(size: int, call: Call) -> None:
    """Raises ModelBusy when an answer has grown beyond all measure."""
    if size > MAX_CHARS:
        text = f"{call.model} answered with more than {MAX_CHARS // 1_000_000} million characters."
        raise ModelBusy("model_too_long", text, "Ask for less at once.", is_final=True)
