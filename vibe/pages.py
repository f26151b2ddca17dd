"""Pages that belong to no app: landing, pricing, showcase."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from agents.catalogue import MODELS
from agents.landing import home_context


@require_safe
@ensure_csrf_cookie
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/home.html", home_context(request))


@require_safe
def pricing(request: HttpRequest) -> HttpResponse:
    context = {"models": list(MODELS.values()), "signup_credits": settings.SIGNUP_CREDITS}
    return render(request, "pages/pricing.html", context)


@require_safe
def showcase(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/showcase.html")
