"""Pages that belong to no app: landing, pricing, showcase."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from agents.catalogue import DEFAULT_MODEL, MODELS
from projects import frameworks
from projects.models import Project


@require_safe
@ensure_csrf_cookie
def home(request: HttpRequest) -> HttpResponse:
    """The landing page with the prompt box; a prompt kept from before sign-in is still in it."""
    context = {
        "models": list(MODELS.values()),
        "model": DEFAULT_MODEL,
        "frameworks": list(frameworks.FRAMEWORKS.values()),
        "framework": frameworks.default(),
        "prompt": request.session.get("pending_prompt", {}).get("prompt", ""),
        "prompt_max": settings.PROMPT_MAX_CHARS,
        "recent": Project.objects.for_user(request.user).order_by("-updated")[:6],
    }
    return render(request, "pages/home.html", context)


@require_safe
def pricing(request: HttpRequest) -> HttpResponse:
    context = {"models": list(MODELS.values()), "signup_credits": settings.SIGNUP_CREDITS}
    return render(request, "pages/pricing.html", context)


@require_safe
def showcase(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/showcase.html")
