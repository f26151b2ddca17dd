"""A person's MCP servers on the settings page: asked and saved, asked again, removed. Their tokens are shown never."""

import re

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from accounts import limits, outside
from accounts.models import McpServer, User
from agents.mcp import guard, servers
from agents.mcp.wire import McpError

NAME = re.compile(r"(?=.{1,24}\Z)[A-Za-z0-9]+(-[A-Za-z0-9]+)*", re.ASCII)
# Each try asks a server over the network.
TRIES, HOUR = 30, 3600


@login_required
@require_POST
def mcp_save(request: HttpRequest) -> HttpResponse:
    """Keeps a server that answers, in the place of one of that name. One that cannot be asked now is kept, and its
    owner is told; one that refuses the token is not.
    """
    user = _user(request)
    given = {name: request.POST.get(name, "").strip() for name in ("name", "url", "token")}
    if problem := _problem(**given):
        messages.error(request, problem)
        return _again(request, given)
    row = user.mcp_servers.filter(name=given["name"]).first() or McpServer(user=user, name=given["name"])
    row.url, row.tools = guard.check(given["url"]), []
    row.put(given["token"])
    if not _ask(request, row, saving=True):
        return _again(request, given)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if row.pk is None and user.mcp_servers.count() >= servers.MAX_SERVERS:
            messages.error(request, f"You have {servers.MAX_SERVERS} servers. Remove one first.")
            return _again(request, given)
        McpServer.objects.update_or_create(
            user=user,
            name=row.name,
            defaults={name: getattr(row, name) for name in ("url", "sealed", "last_four", "tools", "error")},
        )
    return _back()


@login_required
@require_POST
def mcp_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks a server again. What it offered before stays while it does not answer."""
    user = _user(request)
    row = get_object_or_404(user.mcp_servers, pk=pk)
    _ask(request, row, saving=False)
    # Not over another address that was saved meanwhile.
    same = McpServer.objects.filter(pk=row.pk, url=row.url, sealed=row.sealed)
    same.update(tools=row.tools, error=row.error)
    return _back()


@login_required
@require_POST
def mcp_delete(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(_user(request).mcp_servers, pk=pk)
    row.delete()
    messages.success(request, f"{row.name} is removed. Runs do not use it any more.")
    return _back()


def _problem(name: str, url: str, token: str) -> str:
    """What is wrong with what was typed; "" for nothing."""
    if not NAME.fullmatch(name):
        return "A name has 1 to 24 letters, digits and single hyphens, such as linear or our-wiki."
    if token and (not 8 <= len(token) <= 2_000 or not (token.isascii() and token.isprintable()) or " " in token):
        return "That does not look like a token: 8 to 2000 plain characters without spaces."
    try:
        kept = guard.check(url)
    except guard.NotAllowed as error:
        return str(error)
    return "" if len(kept) <= 500 else "This address is longer than 500 characters."


def _ask(request: HttpRequest, row: McpServer, saving: bool) -> bool:
    """Asks a server and tells its owner what came of it. False: it refuses, or it cannot be asked now."""
    try:
        with outside.waiting(row.user_id):
            if not limits.allow(f"mcp:{row.user_id}", TRIES, HOUR):
                messages.error(request, f"Servers can be asked {TRIES} times an hour. Come back later.")
                return False
            left_out = servers.ask(row)
    except outside.Busy as busy:
        messages.error(request, str(busy))
        return False
    except McpError as error:
        if saving and error.refused:
            messages.error(request, f"{row.name} was not saved. {error}")
        else:
            how = "Saved, but it does not work yet" if saving else "It does not work now"
            messages.warning(request, f"{row.name}: {how}. {error}")
        return not error.refused
    count = len(row.tools)
    said = f"{row.name}: Connected: {count} tool{'' if count == 1 else 's'}."
    if left_out:
        said += f" {left_out} more cannot be used: too many of them, or not described as models need it."
    messages.success(request, f"{said} Switch it on in a project, under Context.")
    return True


def _again(request: HttpRequest, given: dict[str, str]) -> HttpResponse:
    """Back to the form, with what was typed in it, but for the token."""
    request.session["mcp_typed"] = {name: given[name][:500] for name in ("name", "url")}
    return _back()


def _back() -> HttpResponse:
    return redirect("/settings/#mcp")


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # login_required
    return request.user
