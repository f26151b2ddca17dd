"""Every request has an id: in its answer, in its log lines and errors, and on the page that says something broke."""

import re
import secrets
from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse

from agents.about import about, working_on

HEADER = "X-Request-ID"
# One given by a proxy in front is kept, when it can be nothing but an id.
GIVEN = re.compile(r"[A-Za-z0-9-]{8,64}")


class RequestIds:
    """Middleware; first in the list, so that nothing runs without an id."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse | Awaitable[HttpResponse]]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        given = request.headers.get(HEADER, "")
        name = given if GIVEN.fullmatch(given) else secrets.token_hex(8)
        if iscoroutinefunction(self.get_response):
            return self._later(request, name)
        with working_on(request=name):
            response = self.get_response(request)
            response.headers[HEADER] = name  # type: ignore[union-attr]
            return response

    async def _later(self, request: HttpRequest, name: str) -> HttpResponse:
        with working_on(request=name):
            response: HttpResponse = await self.get_response(request)  # type: ignore[misc]
            response.headers[HEADER] = name
            return response


def current() -> str:
    """The id of the request under way; '' outside one."""
    return about.get().get("request", "")
