"""The one publisher. A step, once committed, goes out as an event; live text goes out without a row.

Every process that shows runs listens on `channel(project)`; PostgreSQL has the steps, Redis only carries them.
"""

import json
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache, cached_property
from queue import Empty, SimpleQueue
from typing import Any
from uuid import UUID

import redis
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from agents.models import Run, Step
from agents.packing import packed

log = logging.getLogger(__name__)
Event = dict[str, Any]

TOPICS = {
    **dict.fromkeys(("user_message", "earlier", "text", "writing", "reply"), "messages"),
    **dict.fromkeys(("tool_call", "tool_result", "plan"), "messages"),
    "file": "file-changes",
    "terminal": "terminal",
}
# Types that are cards in the chat; the others drive the header, the stage line and the preview.
CARDS = {
    *("user_message", "earlier", "reply", "tool_call", "tool_result", "check", "review", "plan", "version"),
    *("error", "complete"),
}


@cache
def _redis() -> "redis.Redis":
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, max_connections=200)


def channel(project_id: UUID | str) -> str:
    return f"vibe:project:{project_id}"


def as_event(step: Step, html: bool = False) -> Event:
    """The event of a step, as websocket, SSE and polling carry it; `html` adds its card in the chat."""
    event: Event = {
        "id": step.cursor,
        "run": str(step.run_id) if step.run_id else None,
        "topic": TOPICS.get(step.type, "status"),
        "type": step.type,
        "at": step.at.isoformat(),
        "data": step.data,
    }
    return with_card(event, step.project_id) if html else event


def with_card(event: Event, project_id: UUID | str) -> Event:
    """A step's event with its card in the chat. Published ones go without: who shows them draws them, if anybody does.

    Needs no database.
    """
    if "id" in event and event["type"] in CARDS:
        step = Step(cursor=event["id"], run_id=event["run"], project_id=project_id, type=event["type"])
        step.data = event["data"]
        event |= {"html_id": html_id(step), "html": render(step)}
    return event


class Told(Event):
    """A published event, for several followers at once: what they are sent of it is made once."""

    def __init__(self, event: Event, project_id: UUID | str) -> None:
        super().__init__(event)
        self.project_id = project_id

    @cached_property
    def json(self) -> str:
        return packed(self).decode()

    @cached_property
    def shown(self) -> "Told":
        return Told(with_card(dict(self), self.project_id), self.project_id)


def as_json(event: Event) -> str:
    """What a follower is sent."""
    return event.json if isinstance(event, Told) else packed(event).decode()


def html_id(step: Step) -> str:
    """The id of the step's element in the chat: a later step with the same id takes its place."""
    data, run = step.data, step.run_id
    match step.type:
        case "user_message":
            return f"msg-{data['message_id']}"
        case "reply":
            return f"turn-{run}-{data['turn']}"
        case "tool_call" | "tool_result":
            # Its own name: the page's styles know a card by how its id begins.
            return f"{'question' if data['name'] == 'ask_user' else 'tool'}-{run}-{data['key']}"
        case "check":
            return f"check-{run}-{data['name']}-{data['round']}"
        case "review":
            return f"review-{run}-{data['number']}"
        case "plan":
            return f"plan-{run}"
        case "version":
            return f"version-{data['number']}"
        case "complete":
            return f"done-{run}"
    return f"{step.type}-{step.cursor}"


def render(step: Step) -> SafeString:
    """The step's card in the chat, the same for a page that loads and one that listens."""
    run, project = {"pk": step.run_id}, {"pk": step.project_id}
    context = {"step": step, "data": step.data, "html_id": html_id(step), "run": run, "project": project}
    return render_to_string(f"steps/_{step.type}.html", context)


def publish(steps: list[Step]) -> None:
    """Sends committed steps out. A lost publication is harmless: readers fill gaps from the log."""
    with suppress(redis.RedisError), _redis().pipeline(transaction=False) as pipe:  # the log has them; followers poll
        for step in steps:
            pipe.publish(channel(step.project_id), packed(as_event(step)))
        pipe.execute()


def events_after(project_id: UUID, cursor: int, limit: int = 500, html: bool = False) -> list[Event]:
    """The project's events after a cursor, oldest first."""
    steps = Step.objects.filter(project_id=project_id, cursor__gt=cursor).order_by("cursor")[:limit]
    return [as_event(step, html) for step in steps]


class Rowless(ABC):
    """What goes out without a row, each time something is new, by the process's one thread for that."""

    # At most once in so long.
    SECONDS = 0.0

    def __init__(self, project_id: UUID, run_id: UUID, kind: str) -> None:
        self.head: Event = {"run": str(run_id), "topic": TOPICS[kind], "type": kind}
        self.channel = channel(project_id)
        self.is_fed, self.last = False, 0.0  # whether the sender knows of it; when it was last sent
        # Held while it goes out: the end waits for what came earlier.
        self.sending = threading.Lock()

    def ring(self) -> None:
        """Something is new. Costs the caller, often an event loop, nothing: another thread sends it."""
        if not self.is_fed:
            self.is_fed = True
            _sender().put(self)

    @abstractmethod
    def put(self, pipe: Any) -> None:
        """Puts what is not sent yet into a pipeline."""


class Live(Rowless):
    """Text that grows: a model's answer or a command's output, before its row is written.

    Pieces carry their offset in characters; what came so far is kept for pages that join in the middle.
    """

    # Pieces are joined for this long: fewer messages than tokens, nothing a person would see.
    SECONDS = 0.025

    def __init__(self, project_id: UUID, run_id: UUID, kind: str, ident: Event) -> None:
        super().__init__(project_id, run_id, kind)
        self.ident = ident
        self.pieces: list[str] = []
        self.taken = self.sent = 0  # pieces and characters that went out

    def feed(self, text: str) -> None:
        self.pieces.append(text)
        if not self.is_fed:
            self.ring()

    @property
    def text(self) -> str:
        """All that came so far."""
        return "".join(self.pieces)

    def close(self) -> None:
        """Sends the rest; the step that follows replaces all of it, so nothing is kept for pages that join."""
        with self.sending, suppress(redis.RedisError), _redis().pipeline(transaction=True) as pipe:
            self.put(pipe)
            # Also when nothing was sent: a worker that died may have left its text.
            pipe.delete(f"{self.channel}:head", f"{self.channel}:text")
            pipe.execute()

    def put(self, pipe: Any) -> None:
        new = self.pieces[self.taken :]
        if not new:
            return
        text = "".join(new)
        kept = text.encode(errors="replace")  # a model may send half a surrogate pair
        if self.sent:
            pipe.append(f"{self.channel}:text", kept)
        else:  # the first piece: what was kept of an earlier text goes
            pipe.set(f"{self.channel}:head", packed({**self.head, "data": self.ident}), ex=3600)
            pipe.set(f"{self.channel}:text", kept, ex=3600)
        data = {**self.ident, "offset": self.sent, "text": text}
        pipe.publish(self.channel, packed({**self.head, "data": data}))
        self.taken, self.sent, self.last = self.taken + len(new), self.sent + len(text), time.monotonic()


@cache
def _sender() -> "SimpleQueue[Rowless]":
    """Takes what has something to send, for the process's one thread that does."""
    fed: SimpleQueue[Rowless] = SimpleQueue()
    threading.Thread(target=_send, args=(fed,), name="live", daemon=True).start()
    return fed


def _send(fed: "SimpleQueue[Rowless]") -> None:
    """Sends what is new when it is due, all of it together; at most a quarter of the time."""
    due: dict[Rowless, float] = {}
    while True:
        with suppress(Empty):
            live = fed.get(timeout=max(0.0, min(due.values()) - time.monotonic()) if due else None)
            while True:
                due[live] = live.last + live.SECONDS
                live = fed.get_nowait()
        began = time.monotonic()
        ready = [live for live, at in due.items() if at <= began]
        for live in ready:
            del due[live]
            live.is_fed = False  # before looking: what comes from now on is told anew
        try:
            with ExitStack() as held, _redis().pipeline(transaction=True) as pipe:
                for live in ready:
                    held.enter_context(live.sending)
                    live.put(pipe)
                pipe.execute()
        except redis.RedisError:
            pass  # the step that follows has all of it
        except Exception:
            log.exception("live text was not sent")  # and the next one is
        if ready:
            time.sleep(min(3 * (time.monotonic() - began), Live.SECONDS))


class Lazy:
    """Live output that begins with its first piece: most tools have none."""

    def __init__(self, make: Callable[[], Live]) -> None:
        self.make = make
        self.live: Live | None = None

    def feed(self, text: str) -> None:
        if self.live is None:
            self.live = self.make()
        self.live.feed(text)


@contextmanager
def lazy(run: Run, kind: str, ident: Event) -> Iterator[Lazy]:
    """Live output of a run's step, for as long as the block runs."""
    lazy = Lazy(lambda: Live(run.project_id, run.pk, kind, ident))
    try:
        yield lazy
    finally:
        if lazy.live:
            lazy.live.close()


def live_so_far(head: Any, text: Any) -> Event | None:
    """The event that brings a page up to the text shown so far (offset 0 replaces), from what Live keeps."""
    if not head or not text:
        return None
    event: Event = json.loads(head)
    event["data"] |= {"offset": 0, "text": text.decode()}
    return event
