"""The websocket of a workspace: events out, a stop request in. The log is the truth, so a lost socket loses nothing."""

import asyncio
import contextlib
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from agents import services
from agents.events import as_json
from agents.hub import follow
from agents.models import Run
from agents.presence import Pass, may_see, presence

# Close codes of our own (4000–4999 are for applications): the page knows not to come back.
GONE = 4404


class ProjectConsumer(AsyncJsonWebsocketConsumer):
    """One page's socket. Strangers are refused as if the project did not exist."""

    follower: asyncio.Task[None] | None = None
    leaving: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        self.project_id: UUID = self.scope["url_route"]["kwargs"]["pk"]
        if not await may_see(self.scope["user"], self.project_id):
            await self.close(GONE)
            return
        query = parse_qs(self.scope["query_string"].decode("ascii", "replace"))
        after = query.get("after", ["0"])[0]
        await self.accept()
        self.follower = asyncio.create_task(self._follow(int(after) if after.isdecimal() and len(after) < 16 else 0))

    async def disconnect(self, code: int) -> None:
        if self.follower:
            self.follower.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.follower

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        if isinstance(content, dict) and content.get("type") == "cancel" and isinstance(content.get("run"), str):
            await self._cancel(content["run"])

    @classmethod
    async def decode_json(cls, text_data: str) -> Any:
        try:
            return await super().decode_json(text_data)
        except (ValueError, RecursionError):
            return None  # not for us: ignored like any unknown message

    async def _follow(self, after: int) -> None:
        with presence().watch(Pass.of_socket(self.scope), self._gone):
            async for event in follow(self.project_id, after, html=True):
                if event is None and not await may_see(self.scope["user"], self.project_id):
                    await self.close(GONE)
                    return
                await self.send(as_json(event or {"type": "ping"}))

    def _gone(self) -> None:
        """Suspended, signed out, or with another password: the socket ends like one of a project that is gone."""
        self.leaving = asyncio.create_task(self.close(GONE))

    @database_sync_to_async
    def _cancel(self, run_id: str) -> None:
        with contextlib.suppress(ValueError, services.NotNow):
            run = Run.objects.for_user(self.scope["user"]).filter(project_id=self.project_id, pk=UUID(run_id)).first()
            if run:
                services.cancel_run(run)
