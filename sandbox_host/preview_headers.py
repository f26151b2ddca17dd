"""Which headers pass between a browser and an app in a sandbox, and how they are changed on the way."""

import re

from aiohttp import hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy

# RFC 9110 §7.6.1, and what belongs to one connection only.
_HOP_BY_HOP = frozenset({
    "connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
    "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip
# Our own credentials and routing; an app in a sandbox must never see them.
_OURS = frozenset({"x-api-key", "x-access-token"})
_OUR_PREFIX = "e2b-"
_WEBSOCKET_PREFIX = "sec-websocket-"
_DOMAIN = re.compile(r";\s*domain\s*=[^;]*", re.IGNORECASE)


def towards_app(request: web.Request) -> CIMultiDict[str]:
    """The browser's headers for the app: its own Host, X-Forwarded-*, nothing that is ours or of the connection."""
    dropped = _HOP_BY_HOP | _OURS | _named_by_connection(request.headers)
    headers = CIMultiDict(
        (name, value)
        for name, value in request.headers.items()
        if (low := name.lower()) not in dropped and not low.startswith((_OUR_PREFIX, _WEBSOCKET_PREFIX))
    )
    proto = headers.get(hdrs.X_FORWARDED_PROTO, "").lower()
    headers[hdrs.X_FORWARDED_PROTO] = proto if proto in ("http", "https") else request.scheme
    headers[hdrs.X_FORWARDED_HOST] = request.host
    so_far = headers.get(hdrs.X_FORWARDED_FOR)
    headers[hdrs.X_FORWARDED_FOR] = f"{so_far}, {request.remote}" if so_far else str(request.remote)
    return headers


def towards_browser(answer: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """The app's headers for the browser; a cookie stays with the very host that set it."""
    dropped = _HOP_BY_HOP | _named_by_connection(answer)
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in answer.items():
        low = name.lower()
        if low == "set-cookie":
            headers.add(name, _DOMAIN.sub("", value))
        elif low not in dropped:
            headers.add(name, value)
    # Who knows the address may open the app, so others of whom the app has a font or a picture are not told it.
    headers.setdefault("Referrer-Policy", "same-origin")
    return headers


def _named_by_connection(headers: CIMultiDictProxy[str]) -> set[str]:
    lists = headers.getall(hdrs.CONNECTION, [])
    return {name.strip().lower() for value in lists for name in value.split(",")}
