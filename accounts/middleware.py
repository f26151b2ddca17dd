"""Exact limits on signing in, the way back after it, and answers to signed-in people that no cache keeps."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import limits
from accounts.mfa import has_factor
from accounts.models import User

MINUTE, TRIES_WINDOW = 60, 300
# Routes whose POST tries a secret or makes an account, and the fields that name whose.
COUNTED: dict[str, tuple[str, ...]] = {
    "account_login": ("login",),
    "account_signup": (),
    "account_reset_password": ("email",),
    "account_reset_password_from_key": (),
    "account_reauthenticate": ("user",),
    "mfa_authenticate": ("pending",),
    "mfa_reauthenticate": ("user",),
    "mfa_login_webauthn": (),
    "admin:login": ("username",),
    "account-delete": ("user",),
}

Next = Callable[[HttpRequest], HttpResponseBase]


class SignInLimits:
    """SIGN_INS_PER_MINUTE for an address, SIGN_IN_TRIES in five minutes for an account; beyond that 429."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        name = request.resolver_match.view_name if request.resolver_match else ""
        if request.method != "POST" or name not in COUNTED:
            return None
        if not limits.allow(f"sign-in:{limits.source(request)}", settings.SIGN_INS_PER_MINUTE, MINUTE):
            return _refuse(request, MINUTE)
        for field in COUNTED[name]:
            who = sha256(_who(request, field).strip().lower().encode()).hexdigest()
            if not limits.allow(f"{name}:{who}", settings.SIGN_IN_TRIES, TRIES_WINDOW):
                return _refuse(request, TRIES_WINDOW)
        return None


class StaffFactor:
    """Staff's pages open only with a second factor (ADMIN_MFA); who has none is shown where to set one up."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        match = request.resolver_match
        if not settings.ADMIN_MFA or match is None:
            return None
        if match.namespace != "admin" and not match.route.startswith("staff/"):
            return None
        user = request.user
        if not isinstance(user, User) or not user.is_staff or has_factor(user):
            return None
        messages.warning(request, "The admin needs two-factor authentication. Set it up here, then open it again.")
        return redirect("mfa_index")


class WayBack:
    """Signing in leads back to a page. Where a form was sent there is none: it leads to the page with the form."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        to = urlsplit(response.headers.get("Location", ""))
        is_sign_in = to.path == resolve_url(settings.LOGIN_URL)
        if request.method == "POST" and is_sign_in and parse_qs(to.query).get("next") == [request.get_full_path()]:
            return redirect_to_login(_page_of(request))
        return response


class PrivateAnswers:
    """What a signed-in person is answered stays out of every cache, unless the view said otherwise."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        user = getattr(request, "user", None)
        private = (user is not None and user.is_authenticated) or "Authorization" in request.headers
        if private and not response.has_header("Cache-Control") and isinstance(response, HttpResponse):
            add_never_cache_headers(response)
        elif private and not response.has_header("Cache-Control"):
            response.headers["Cache-Control"] = "no-store, private"
        return response


def _page_of(request: HttpRequest) -> str:
    """The page of ours that a form was sent from, as far as the browser says."""
    said = request.headers.get("Referer", "")
    page = urlsplit(said)
    if not page.netloc or not url_has_allowed_host_and_scheme(said, {request.get_host()}, request.is_secure()):
        return resolve_url(settings.LOGIN_REDIRECT_URL)
    return page._replace(scheme="", netloc="", fragment="").geturl() or "/"


def _who(request: HttpRequest, field: str) -> str:
    if field == "user":
        return str(request.user.pk)
    if field == "pending":  # allauth keeps who has given the right password, and waits for the second factor
        login = request.session.get("account_login") or {}
        return str(login.get("user_pk", ""))
    return str(request.POST.get(field, ""))


def _refuse(request: HttpRequest, window: int) -> HttpResponse:
    response = render(request, "429.html", status=429)
    response.headers["Retry-After"] = str(int(limits.seconds_left(window)) + 1)
    return response
