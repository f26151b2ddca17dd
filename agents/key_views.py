"""A user's own provider keys: tested, sealed and saved; removed. Shown never."""

from dataclasses import replace

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts import limits, outside
from accounts.models import ProviderKey, User
from agents.llm.providers import providers
from agents.llm.reach import NotReached, reach
from agents.models import Run, Step

TEST_SECONDS = 8
# Each try asks a provider over the network.
TRIES, HOUR = 20, 3600
RUNS = 50


@login_required
@require_POST
def key_save(request: HttpRequest) -> HttpResponse:
    """Keeps a key that its provider takes. One that cannot be tested now is kept, and the user is told."""
    assert isinstance(request.user, User)
    name, secret = request.POST.get("provider", ""), request.POST.get("key", "").strip()
    if name not in ProviderKey.Provider.values:
        raise Http404
    if name in settings.NO_OWN_KEYS:
        title = ProviderKey.Provider(name).label
        text = (
            f"On this site something else answers in place of {title}, and your key would go there. It was not saved."
        )
        messages.error(request, text)
        return redirect("settings")
    if not 8 <= len(secret) <= 500 or not (secret.isascii() and secret.isprintable()) or " " in secret:
        messages.error(request, "That does not look like a key: 8 to 500 plain characters without spaces.")
        return redirect("settings")
    try:
        with outside.waiting(request.user.pk):
            if not limits.allow(f"key:{request.user.pk}", TRIES, HOUR):
                messages.error(request, f"{TRIES} keys an hour can be tested. Come back later.")
                return redirect("settings")
            reach(replace(providers()[name], key=secret), TEST_SECONDS)
        messages.success(request, "The key works and is saved. Your next runs use it.")
    except outside.Busy as problem:
        messages.error(request, f"{problem} The key was not saved.")
        return redirect("settings")
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
@never_cache
@require_safe
def key_runs(request: HttpRequest) -> HttpResponse:
    """The newest runs whose turns were asked with a key of the user's own."""
    with_own = Step.objects.filter(run=OuterRef("pk"), type="reply", data__own_key=True)
    runs = Run.objects.for_user(request.user).filter(Exists(with_own)).select_related("project", "message")
    return render(request, "accounts/key_runs.html", {"runs": runs.order_by("-created")[:RUNS]})


@login_required
@require_POST
def key_delete(request: HttpRequest, provider: str) -> HttpResponse:
    assert isinstance(request.user, User)
    deleted, _ = request.user.provider_keys.filter(provider=provider).delete()
    if not deleted:
        raise Http404
    messages.success(request, "The key is removed.")
    return redirect("settings")
