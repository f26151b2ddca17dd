"""What is known of a project's sandbox from its row, without asking anybody. The web process needs no more."""

from typing import Any, Protocol

from django.conf import settings
from django.db.models.functions import Now

from agents.models import Sandbox
from projects.models import Project


class Place(Protocol):
    @property
    def host(self) -> str: ...


def url(place: Place) -> str:
    """Where a browser finds the app of a sandbox (a row or a box)."""
    scheme = "http" if settings.SANDBOX_IS_EMBEDDED and not settings.HTTPS else "https"
    return f"{scheme}://{place.host}/"


def status(project: Project) -> dict[str, Any]:
    """State (none | running | paused), address and limits of the project's sandbox."""
    row = Sandbox.objects.filter(project=project).first()
    limits = {"timeout_seconds": settings.SANDBOX_TIMEOUT_SECONDS, "idle_seconds": settings.SANDBOX_IDLE_SECONDS}
    if row is None:
        return {"state": "none", "url": None, "template": project.framework, "limits": limits}
    state = "paused" if row.paused else "running"
    return {"state": state, "url": url(row), "template": row.template, "version": row.version, "limits": limits}


def touch(project: Project) -> None:
    """Somebody looks at the preview: it does not go to sleep."""
    Sandbox.objects.filter(project=project).update(last_used=Now())
