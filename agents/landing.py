"""What the landing page and the box for a new prompt need, also when they are shown again with an error."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.adapter import PENDING_PROMPT
from accounts.models import User
from agents import costs
from agents.catalogue import DEFAULT_MODEL, MODELS
from projects import frameworks, listing, showcase
from projects.ideas import IDEAS
from projects.models import Message, Project
from usage import plans


def home_context(request: HttpRequest) -> dict[str, Any]:
    """A prompt kept from before sign-in is still in the box."""
    kept = request.session.get(PENDING_PROMPT) or {}
    return {
        "models": list(MODELS.values()),
        "frameworks": list(frameworks.FRAMEWORKS.values()),
        "model": kept.get("model") or DEFAULT_MODEL,
        "framework": kept.get("framework") or "",
        "prompt": kept.get("prompt", ""),
        "cap": kept.get("cap", ""),
        "estimate": costs.estimate(request.user, Message.Mode.BUILD) if isinstance(request.user, User) else None,
        "prompt_max": settings.PROMPT_MAX_CHARS,
        "sites_domain": settings.SITES_DOMAIN,
        "recent": listing.with_cards(Project.objects.for_user(request.user)).order_by("-updated")[:6],
    }


def landing_context(request: HttpRequest) -> dict[str, Any]:
    """All that the landing page shows."""
    return {**home_context(request), "entries": showcase.listed(most=8), "ideas": IDEAS, **prices()}


def prices() -> dict[str, Any]:
    return {"plans": list(plans.plans().values()), "signup_credits": settings.SIGNUP_CREDITS}
