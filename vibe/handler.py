"""How a request gets from the event loop to a thread and back."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, cast

from asgiref.sync import sync_to_async
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.signals import request_started
from django.db import close_old_connections
from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

# Requests that one process answers at once; more wait. A few are enough for the processor (with 32 a tenth of the POSTs
# per second is lost to taking turns); the others are for requests that ask other services and wait.
THREADS = 16
_pool = ThreadPoolExecutor(THREADS, "request")


class Handler(ASGIHandler):
    """Django's, but all of a request in one visit to a thread that is there already.

    Django's own starts a thread for each request, and goes back to the loop between middleware and view and for each
    part of them that is not async: nine changes of thread, longer than most requests' work (2.7 ms for an empty answer
    instead of 0.7). An async view still runs on the loop, and what a response streams comes from there.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers, unless the client goes away before: then an async view or a stream ends where it waits."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        work = asyncio.create_task(self._work(scope, body, send))
        gone = asyncio.create_task(self.listen_for_disconnect(receive))
        gone.add_done_callback(lambda _: work.cancel())
        try:
            await work
        except asyncio.CancelledError:
            if not gone.done():
                raise
        finally:
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
            body.close()

    async def _work(self, scope: Any, body: IO[bytes], send: Any) -> None:
        response = await sync_to_async(self._respond, thread_sensitive=False, executor=_pool)(scope, body)
        try:
            await self.send_response(response, send)
        finally:
            if response.streaming:
                await sync_to_async(response.close, thread_sensitive=False, executor=_pool)()

    def _respond(self, scope: Any, body: IO[bytes]) -> HttpResponseBase:
        set_script_prefix(get_script_prefix(scope))
        request_started.send(sender=type(self), scope=scope)
        request, refusal = self.create_request(scope, body)
        response = cast(HttpResponseBase, refusal) if request is None else self.get_response(request)
        response._handler_class = type(self)  # type: ignore[attr-defined]  # whom request_finished is sent by
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        if response.streaming:
            close_old_connections()  # it may stream for hours
        else:
            response.close()  # here, where its connection is; what it says is kept
        return response
