"""MAINTENANCE=true: every page says so with a 503, and nothing else is asked of the site; /healthz still answers."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse

from vibe import problems

ANSWERED = ("/healthz", "/readyz", "/metrics", "/static/")


class Maintenance:
    """Middleware; before whatever needs a database."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.MAINTENANCE:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(ANSWERED):
            return self.get_response(request)
        return problems.unavailable(request, "We are working on the site. Runs under way go on; come back in a while.")
