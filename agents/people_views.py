"""A person takes their data with them, or takes themselves out: needs what every app knows, so it stands here."""

import json
import logging
import tempfile
import zipfile
from collections.abc import Iterator
from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import limits, outside, people
from accounts.forms import DeleteForm
from accounts.models import GitHubToken, User
from agents.models import Run
from projects import attachments, versions
from projects.models import Attachment, Project
from projects.services import BRIEFING
from usage import payments, statement
from usage import services as credits

log = logging.getLogger(__name__)
EXPORTS, DAY = 5, 24 * 3600
# Of files in one export; projects beyond that are there without theirs, and can be downloaded one by one.
MOST_BYTES = 200 * 2**20
CHUNK = 2**16


@login_required
@never_cache
@require_POST
def account_export(request: HttpRequest) -> HttpResponseBase:
    """A ZIP: account.json, usage.csv, and for each project (deleted ones too, as long as they are kept) its chat as
    JSON, what was attached to it and the files of its newest version.
    """
    user = _user(request)
    if not limits.allow(f"export:{user.pk}", EXPORTS, DAY):
        messages.error(request, f"{EXPORTS} exports a day can be made. Come back tomorrow.")
        return redirect("settings")
    headers = {"Content-Disposition": f'attachment; filename="vibe-{timezone.now():%Y-%m-%d}.zip"'}
    return StreamingHttpResponse(_export(user), content_type="application/zip", headers=headers)


def _export(user: User) -> Iterator[bytes]:
    with tempfile.TemporaryFile() as out:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("account.json", _json(_account(user)))
            lines = credits.account_of(user).entries.order_by("-id")
            archive.writestr("usage.csv", "".join(statement.as_csv(lines)))
            left = MOST_BYTES
            for project in user.projects.order_by(F("deleted").asc(nulls_first=True), "-updated"):
                left -= _add_project(archive, project, left)
        out.seek(0)
        while chunk := out.read(CHUNK):
            yield chunk


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def account_delete(request: HttpRequest) -> HttpResponse:
    """Deletes the account for good, once its owner has said so with the password."""
    user = _user(request)
    form = DeleteForm(user, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        if refused := _unsubscribe(user):
            messages.error(request, refused)
            return redirect("account-delete")
        # What of it cannot reach Redis fails before anything is deleted for good.
        with transaction.atomic():
            delete(user)
            logout(request)
        messages.success(request, "Your account and everything in it are deleted.")
        return redirect("home")
    context = {
        "form": form,
        "projects": user.projects.count(),
        "subscribed": payments.subscribed(credits.account_of(user)),
    }
    return render(request, "accounts/delete.html", context, status=400 if form.errors else 200)


def _unsubscribe(user: User) -> str:
    """Ends what they pay for, outside the transaction that deletes them; why it could not be ended, or ""."""
    account = credits.account_of(user)
    if not payments.subscribed(account):
        return ""
    from stripe import StripeError

    try:
        with outside.waiting(user.pk):
            payments.unsubscribe(account)
    except outside.Busy as busy:
        return f"{busy} Nothing was deleted."
    except StripeError as error:
        log.warning("Stripe refused: %s", error)
        return (
            "Your subscription could not be cancelled: the payment service does not answer as it should. "
            "Nothing was deleted; try again in a few minutes."
        )
    return ""


@transaction.atomic
def delete(user: User) -> None:
    """Removes a person with their projects, keys and sessions; the ledger's amounts stay, without a name.

    Their sandboxes are left without a project, and ended by `agents.tasks.stop_suspended`.
    """
    people.suspend(user)
    # Runs and projects before the account, as at the end of a run.
    list(Run.objects.filter(project__owner=user, state__in=Run.ACTIVE).select_for_update(of=("self",)).order_by("pk"))
    list(user.projects.select_for_update().order_by("pk"))
    credits.close_account(user)
    user.delete()


def _account(user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "name": user.name,
        "theme": user.theme,
        "code_theme": user.code_theme,
        "joined": user.date_joined,
        "addresses": list(EmailAddress.objects.filter(user=user).values("email", "verified", "primary")),
        "api_tokens": list(user.api_tokens.values("name", "last_four", "scope", "created", "last_used", "revoked")),
        "provider_keys": list(user.provider_keys.values("provider", "last_four", "created")),
        "github_token": GitHubToken.objects.filter(user=user).values("last_four", "created").first(),
        "mcp_servers": list(user.mcp_servers.values("name", "url", "last_four", "created")),
        "sessions": list(UserSession.objects.filter(user=user).values("created_at", "ip", "user_agent")),
        "linked_accounts": list(SocialAccount.objects.filter(user=user).values("provider", "uid", "date_joined")),
    }


def _add_project(archive: zipfile.ZipFile, project: Project, left: int) -> int:
    """Adds a project, with its files and attachments if they have at most `left` bytes; how many they have."""
    folder = f"projects/{project.pk}"
    newest = versions.newest(project)
    sizes = versions.file_sizes(newest) if newest else {}
    attached = list(project.attachments.select_related("blob").defer("blob__deflated"))
    size = sum(sizes.values()) + sum(one.blob.size for one in attached)
    fits = size <= left
    runs = Run.objects.filter(project=project).order_by("created")
    about = {
        "name": project.name,
        "framework": project.framework,
        "model": project.model,
        "created": project.created,
        "deleted": project.deleted,
        "pushed_to": project.pushed_to,
        "imported_from": project.imported_from,
        **{field: getattr(project, field) for field in BRIEFING},
        "messages": list(
            project.messages.order_by("created").values("id", "role", "mode", "text", "references", "aside", "created")
        ),
        "runs": list(runs.values("state", "reason", "model", "usage", "cost", "created", "finished")),
        "versions": list(project.versions.order_by("number").values("number", "source", "title", "verdict", "created")),
        "mcp_servers": list(project.mcp_servers.values_list("name", flat=True)),
        "promises": list(
            project.promises.values("says", "path", "text", "version", "held", "checked", "aside", "created")
        ),
        "attachments": [
            {
                "name": one.name,
                "message": one.message_id,
                "file": _attached(one) if fits else None,
                "created": one.created,
            }
            for one in attached
        ],
        "files": sorted(sizes) if fits else "Too large for this archive: download this project by itself.",
    }
    archive.writestr(f"{folder}/project.json", _json(about))
    if not fits:
        return 0
    for path, content in (versions.files(newest) if newest else {}).items():
        archive.writestr(f"{folder}/files/{path}", content)
    for one in attached:
        archive.writestr(f"{folder}/{_attached(one)}", attachments.content(one))
    return size


def _attached(one: Attachment) -> str:
    # By their ids, for two may have the same name.
    return f"attachments/{one.pk}/{one.name}"


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, default=str, ensure_ascii=False)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # login_required
    return request.user
