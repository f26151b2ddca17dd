"""A user's own provider keys: tested, sealed and saved; removed. Shown never."""

from dataclasses import replace

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.models import ProviderKey, User
from agents.llm.providers import providers
from agents.llm.reach import NotReached, reach

TEST_SECONDS = 8


@login_required
@require_POST
def key_save(request: HttpRequest) -> HttpResponse:
    """Keeps a key that its provider takes. One that cannot be tested now is kept, and the user is told."""
    assert isinstance(request.user, User)
    name, secret = request.POST.get("provider", ""), request.POST.get("key", "").strip()
    if name not in ProviderKey.Provider.values:
        raise Http404
    if not 8 <= len(secret) <= 500 or not (secret.isascii() and secret.isprintable()) or " " in secret:
        messages.error(request, "That does not look like a key: 8 to 500 plain characters without spaces.")
        return redirect("settings")
    try:
        reach(replace(providers()[name], key=secret), TEST_SECONDS)
        messages.success(request, "The key works and is saved. Your next runs use it.")
    except NotReached as problem:
        if problem.refused:
            messages.error(request, f"{problem} It was not saved. Copy it again from your account there.")
            return redirect("settings")
        messages.warning(request, f"Saved, but not tested: {problem}")
    row = ProviderKey.objects.filter(user=request.user, provider=name).first()
    row = row or ProviderKey(user=request.user, provider=name)
    row.put(secret)
    row.save()
    return redirect("settings")


@login_required
@require_POST
def key_delete(request: HttpRequest, provider: str) -> HttpResponse:
    assert isinstance(request.user, User)
    deleted, _ = request.user.provider_keys.filter(provider=provider).delete()
    if not deleted:
        raise Http404
    messages.success(request, "The key is removed.")
    return redirect("settings")
