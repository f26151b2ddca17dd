"""An open page of a project, as a socket or a stream, that notes when it was closed."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from tests.site import Stack


class Open:
    """`closed`: when it ended (time.monotonic), 0 while it is open."""

    def __init__(self, stack: Stack, project: Any, cookie: str = "", token: str = "") -> None:
        self.closed, self.opened = 0.0, threading.Event()
        self.stack, self.project, self.cookie, self.token = stack, project, cookie, token
        threading.Thread(target=lambda: asyncio.run(self._read()), daemon=True).start()
        assert self.opened.wait(20)

    async def _read(self) -> None:
        async with aiohttp.ClientSession() as session:
            await (self._socket(session) if self.cookie else self._stream(session))
        self.closed = time.monotonic()

    async def _socket(self, session: aiohttp.ClientSession) -> None:
        url, headers = f"{self.stack.ws_url}/ws/projects/{self.project}/", {"Origin": self.stack.url}
        headers["Cookie"] = f"vibe_session={self.cookie}"
        async with session.ws_connect(url, headers=headers) as socket:
            self.opened.set()
            async for _ in socket:
                pass

    async def _stream(self, session: aiohttp.ClientSession) -> None:
        url = f"{self.stack.url}/api/v1/projects/{self.project}/stream/"
        async with session.get(url, headers={"Authorization": f"Bearer {self.token}"}) as answer:
            assert answer.status == 200
            self.opened.set()
            async for _ in answer.content:
                pass


@pytest.fixture
def watch() -> Callable[..., Open]:
    return Open
