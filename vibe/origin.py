"""Websockets only from our own pages: the Origin must be the very host that was asked, or a trusted one.

Previews are `*.localhost` too, so a pattern over host names would let them in.
"""

from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings


class SameOriginOnly:
    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1")
        host = headers.get(b"host", b"").decode("latin-1")
        return await (self.application if _ours(origin, host) else WebsocketDenier())(scope, receive, send)


def _ours(origin: str, host: str) -> bool:
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    try:
        asked = urlsplit(origin)
    except ValueError:
        return False
    return bool(host) and asked.netloc == host and asked.scheme in (("https",) if settings.HTTPS else ("http", "https"))
