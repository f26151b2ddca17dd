"""Staff look at the site as somebody else sees it, to help: to read only, without secrets, written down, for an hour.

`LookingAs` puts the person in the request's place after the sign-in was checked. What would change something is
refused, and so are the pages that hold secrets or lead to them; sockets know only who signed in, so pages fall back to
polling.
"""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from accounts.models import User

KEY, SECONDS = "looking_as", 3600
# Whatever shows or makes what opens something: settings with keys and tokens, sign-in, payments, the admin itself.
CLOSED = ("/settings/", "/accounts/", "/hooks/", "/usage/payments/", "/staff/")
STOP = "looking-as-stop"
Next = Callable[[HttpRequest], HttpResponseBase]


def may_look(staff: Any, person: User) -> bool:
    """Superusers, at people who are not staff themselves."""
    return bool(staff.is_active and staff.is_superuser) and not person.is_staff and person.is_active


@require_POST
def begin(request: HttpRequest, pk: int) -> HttpResponse:
    """Needs a reason, which stands in the audit log beside the name."""
    if not (request.user.is_authenticated and request.user.is_superuser):
        raise Http404
    person = get_object_or_404(User, pk=pk)
    reason = request.POST.get("reason", "").strip()[:200]
    if not may_look(request.user, person) or not reason:
        messages.error(request, "Say why, and choose an active person who is not staff.")
        return redirect("admin:accounts_user_change", pk)
    _write_down(request, person, f"Began to look as this person: {reason}")
    request.session[KEY] = {"person": person.pk, "until": time.time() + SECONDS}
    return redirect("project-list")


@require_POST
def stop(request: HttpRequest) -> HttpResponse:
    looked = request.session.pop(KEY, None)
    staff = getattr(request, "looking", None) or request.user
    if not looked or not staff.is_staff:
        raise Http404
    _write_down(request, User.objects.get(pk=looked["person"]), "Stopped looking as this person.", staff)
    return redirect("admin:accounts_user_change", looked["person"])


class LookingAs:
    """Middleware, after AuthenticationMiddleware. `request.looking` is the member of staff, if one looks."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        looked = request.session.get(KEY) if settings.SESSION_COOKIE_NAME in request.COOKIES else None
        if not looked:
            return self.get_response(request)
        person = User.objects.filter(pk=looked["person"]).first()
        staff = request.user
        if looked["until"] < time.time() or person is None or not may_look(staff, person):
            request.session.pop(KEY)
            return self.get_response(request)
        request.looking = staff  # type: ignore[attr-defined]
        request.user = person
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        match = request.resolver_match
        if not getattr(request, "looking", None) or (match and match.view_name == STOP):
            return
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            raise PermissionDenied("You are looking as somebody else, to read only. Stop looking first.")
        if request.path.startswith(CLOSED) or (match and match.namespace == "admin"):
            raise PermissionDenied("This page is closed while you look as somebody else.")


def _write_down(request: HttpRequest, person: User, what: str, staff: Any = None) -> None:
    by: Any = (staff or request.user).pk
    LogEntry.objects.log_actions(by, [person], CHANGE, what, single_object=True)
