"""Settings: profile, appearance, API tokens."""

from contextlib import suppress
from typing import Any

from django.conf import settings as site
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import vault
from accounts.forms import CodeThemeForm, ProfileForm, ThemeForm, TokenForm
from accounts.models import ApiToken, GitHubToken, ProviderKey, User

MAX_TOKENS = 50
# The session key under which a new token waits for the page that shows it.
SHOWN_NEXT = "new_token"
YEAR_SECONDS = 365 * 24 * 3600


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    user = _user(request)
    form = ProfileForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return _with_theme(redirect("settings"), user.theme)
    return _page(request, form=form, status=400 if form.errors else 200)


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keeps the choice: in a cookie for everyone, with the account for who is signed in. A script gets 204."""
    form = ThemeForm(request.POST)
    if not form.is_valid():
        return HttpResponse("There is no such theme.", status=400, content_type="text/plain")
    chosen = form.cleaned_data["theme"]
    if request.user.is_authenticated:
        User.objects.filter(pk=request.user.pk).update(theme=chosen)
    if request.headers.get("X-Requested-With"):
        return _with_theme(HttpResponse(status=204), chosen)
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
        target = "/"
    return _with_theme(redirect(target), chosen)


@login_required
@require_POST
def code_theme(request: HttpRequest) -> HttpResponse:
    """Keeps the colours of the editor with the account; the editor's script asks."""
    form = CodeThemeForm(request.POST)
    if not form.is_valid():
        return HttpResponse("There are no such colours.", status=400, content_type="text/plain")
    User.objects.filter(pk=_user(request).pk).update(code_theme=form.cleaned_data["code_theme"])
    return HttpResponse(status=204)


@login_required
@never_cache
@require_POST
def token_create(request: HttpRequest) -> HttpResponse:
    """The page that follows shows the new token, once."""
    user = _user(request)
    form = TokenForm(request.POST)
    if user.api_tokens.filter(revoked__isnull=True).count() >= MAX_TOKENS:
        form.add_error("name", f"You have {MAX_TOKENS} tokens. Revoke one first.")
    if not form.is_valid():
        return _page(request, token_form=form, status=400)
    data = form.cleaned_data
    _, secret = ApiToken.issue(user, data["name"], scope=data["scope"], expires=form.expires)
    # Sealed: sessions stand in the database and the cache as they are.
    request.session[SHOWN_NEXT] = vault.seal(secret, _bound_to(user))
    return redirect(reverse("settings") + "#tokens")


@login_required
@require_POST
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(_user(request).api_tokens, pk=pk)
    user_tokens = ApiToken.objects.filter(pk=token.pk, revoked__isnull=True)
    if user_tokens.update(revoked=timezone.now()):
        messages.success(request, f"The token {token.name} is revoked.")
    return redirect("settings")


@login_required
@require_POST
def github_delete(request: HttpRequest) -> HttpResponse:
    """Forgets the token that the person keeps for GitHub."""
    deleted, _ = GitHubToken.objects.filter(user=_user(request)).delete()
    if not deleted:
        raise Http404
    messages.success(request, "The token is removed here. Revoke it on GitHub as well if nothing else uses it.")
    return redirect("settings")


def _bound_to(user: User) -> str:
    return f"new-token:{user.pk}"


def _new_token(request: HttpRequest) -> str:
    """The token that was just made, "" without one. It is asked for once."""
    with suppress(vault.CannotOpen):
        if sealed := request.session.pop(SHOWN_NEXT, ""):
            return vault.unseal(sealed, _bound_to(_user(request)))
    return ""


def _page(request: HttpRequest, status: int = 200, **extra: Any) -> HttpResponse:
    user = _user(request)
    context = {
        "form": ProfileForm(instance=user),
        "token_form": TokenForm(),
        "providers": [one for one in ProviderKey.Provider if one not in site.NO_OWN_KEYS],
        "not_taken": [one for one in ProviderKey.Provider if one in site.NO_OWN_KEYS],
        "provider_keys": user.provider_keys.all(),
        "github_token": GitHubToken.objects.filter(user=user).first(),
        "mcp_servers": user.mcp_servers.all(),
        "mcp_typed": request.session.pop("mcp_typed", None),
        "new_token": _new_token(request),
        "tokens": user.api_tokens.filter(revoked__isnull=True).order_by("-created"),
        **extra,
    }
    return render(request, "accounts/settings.html", context, status=status)


def _with_theme(response: HttpResponse, theme: str) -> HttpResponse:
    response.set_cookie("theme", theme, max_age=YEAR_SECONDS, samesite="Lax", secure=site.HTTPS, httponly=True)
    return response


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # login_required
    return request.user
