"""Hosts below SITES_DOMAIN: each is a site of its own, to which nothing else of Vibe answers."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse

from projects import sites, visits


class Sites:
    """Middleware; before whatever is only for Vibe's own pages: sessions, static files, its Content-Security-Policy."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.SITES_DOMAIN:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        name = sites.name_in(request.get_host())
        return self.get_response(request) if name is None else visits.respond(request, name)
