"""What the box for a new prompt needs: on the landing page, and when it is shown again with an error."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.adapter import PENDING_PROMPT
from agents.catalogue import DEFAULT_MODEL, MODELS
from projects import frameworks
from projects.models import Project


def home_context(request: HttpRequest) -> dict[str, Any]:
    """A prompt kept from before sign-in is still in the box."""
    kept = request.session.get(PENDING_PROMPT) or {}
    return {
        "models": list(MODELS.values()),
        "frameworks": list(frameworks.FRAMEWORKS.values()),
        "model": kept.get("model") or DEFAULT_MODEL,
        "framework": kept.get("framework") or frameworks.default(),
        "prompt": kept.get("prompt", ""),
        "prompt_max": settings.PROMPT_MAX_CHARS,
        "recent": Project.objects.for_user(request.user).order_by("-updated")[:6],
    }
