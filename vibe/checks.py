"""System checks of the site's settings, told at every start."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

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


@register(Tags.security)
def sites_have_a_domain_of_their_own(**_: Any) -> list[CheckMessage]:
    """Every host below SITES_DOMAIN is an app of somebody's, so no host of Vibe itself may be there."""
    domain = f".{settings.SITES_DOMAIN.partition(':')[0]}"
    ours = [*settings.ALLOWED_HOSTS, settings.PREVIEW_DOMAIN.partition(":")[0]]
    inside = [host for host in ours if host != domain and f".{host}".endswith(domain)]
    if not (settings.SITES_DOMAIN and inside):
        return []
    return [
        Error(
            f"{', '.join(inside)} would be shown as an app that is online: it ends in SITES_DOMAIN ({domain[1:]}).",
            hint="Give SITES_DOMAIN a name that is used for nothing else.",
            id="vibe.E001",
        )
    ]
