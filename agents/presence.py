"""Open pages outlive the request that let them in: each web process asks every few seconds who may still be there.

One look for all pages of a process, however many there are: users suspended or deleted, passwords changed, sessions
ended, tokens revoked or expired.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from channels.db import database_sync_to_async
from django.contrib.sessions.models import Session
from django.db import DatabaseError
from django.utils import timezone

from accounts.models import ApiToken, User
from projects.models import Project

T = TypeVar("T")
EVERY_SECONDS = 2.0


@dataclass(frozen=True)
class Pass:
    """What let a page in. `password` is the hash at that time: another one ends what the old one opened."""

    user_id: int
    password: str
    session_key: str = ""
    token_id: int | None = None

    @classmethod
    def of_socket(cls, scope: dict[str, Any]) -> "Pass":
        """What a websocket's handshake carried."""
        user, session = scope["user"], scope.get("session")
        return cls(user.pk, user.password, (session.session_key if session else "") or "")


def _may_see(user: Any, project_id: UUID) -> bool:
    """Whether a socket's user (scope["user"]) may see the project now; whether they are suspended is read anew."""
    if user.is_authenticated:
        user.refresh_from_db(fields=["is_active"])
    return Project.objects.for_user(user).filter(pk=project_id).exists()


may_see = database_sync_to_async(_may_see)


class Presence:
    """The passes of this process's open pages. Lives on one event loop, and only while there are pages."""

    def __init__(self) -> None:
        self.pages: dict[object, tuple[Pass, Callable[[], None]]] = {}
        self.task: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def watch(self, shown: Pass, gone: Callable[[], None]) -> Iterator[None]:
        """Calls `gone` once the pass is good no more, at most EVERY_SECONDS and a query later."""
        page = object()
        self.pages[page] = (shown, gone)
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._look())
        try:
            yield
        finally:
            self.pages.pop(page, None)

    async def _look(self) -> None:
        while self.pages:
            await asyncio.sleep(EVERY_SECONDS)
            with contextlib.suppress(DatabaseError):  # away: the next look finds out
                asked = dict(self.pages)  # who comes meanwhile is asked for next time
                good = await still_good({shown for shown, _ in asked.values()})
                for page, (shown, gone) in asked.items():
                    if shown not in good and page in self.pages:
                        del self.pages[page]
                        gone()


def _still_good(passes: set[Pass]) -> set[Pass]:
    """Those that would be let in again now."""
    users = dict(
        User.objects.filter(pk__in={shown.user_id for shown in passes}, is_active=True).values_list("pk", "password")
    )
    keys = {shown.session_key for shown in passes if shown.session_key}
    now = timezone.now()
    sessions = set(Session.objects.filter(session_key__in=keys, expire_date__gt=now).values_list("pk", flat=True))
    tokens = {
        token.pk
        for token in ApiToken.objects.filter(pk__in={shown.token_id for shown in passes if shown.token_id})
        if token.is_good
    }
    return {
        shown
        for shown in passes
        if users.get(shown.user_id) == shown.password
        and (not shown.session_key or shown.session_key in sessions)
        and (shown.token_id is None or shown.token_id in tokens)
    }


# In a thread of its own, so that no view waits for it.
still_good = database_sync_to_async(_still_good, thread_sensitive=False)

_presences: dict[asyncio.AbstractEventLoop, Presence] = {}


def presence() -> Presence:
    """That of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _presences:
        _presences[loop] = Presence()
    return _presences[loop]


async def while_good(shown: Pass, items: AsyncIterator[T]) -> AsyncIterator[T]:
    """The items, for as long as the pass is good. Whoever stops taking them ends what makes them."""
    item: asyncio.Future[T] | None = None
    is_gone = False

    def end() -> None:
        nonlocal is_gone
        is_gone = True
        if item:
            item.cancel()

    with presence().watch(shown, end):
        try:
            while not is_gone:
                item = asyncio.ensure_future(anext(items))
                yield await item
        except StopAsyncIteration:
            return
        except asyncio.CancelledError:
            if not is_gone:  # not the item, but who waits for it
                raise
        finally:
            if item and not item.done():
                item.cancel()
                await asyncio.wait({item})
