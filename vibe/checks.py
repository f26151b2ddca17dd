"""System checks of the site's settings, told at every start."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]", "::1", "testserver"})


@register(Tags.security)
def debug_stays_at_home(**_: Any) -> list[CheckMessage]:
    """With DEBUG an error page shows settings and source to whoever met the error."""
    others = [host for host in settings.ALLOWED_HOSTS if host not in LOCAL and not host.endswith(".localhost")]
    if not (settings.DEBUG and others):
        return []
    return [
        Warning(
            f"DEBUG is on, and the site answers to {', '.join(others)}: error pages will show its insides to others.",
            hint="Set DEBUG=false, or keep ALLOWED_HOSTS to localhost.",
            id="vibe.W001",
        )
    ]
