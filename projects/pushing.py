"""Pushing: the page and the REST route that commit a version's files to a branch on GitHub."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import limits, outside
from accounts.models import GitHubToken
from projects import github
from projects.api import VERSION_PARAMETER, InProject, valid
from projects.models import Project, Version
from projects.paths import BadFiles
from projects.services import BadPrompt

PUSHES, HOUR = 30, 3600


class PushSerializer(serializers.Serializer[Any]):
    repository = serializers.CharField(max_length=500, help_text="On GitHub: owner/name, or its address.")
    branch = serializers.CharField(required=False, max_length=100, default="", help_text=f"Else {github.BRANCH}.")
    token = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=500,
        default="",
        help_text="May write contents there. Else the one that you keep.",
    )
    keep = serializers.BooleanField(
        default=False, help_text="Keep this token, encrypted, for your next pushes and imports, once it has worked."
    )


class PushedSerializer(serializers.Serializer[Any]):
    url = serializers.CharField(help_text="Of the commit.")
    warning = serializers.CharField(allow_null=True, help_text="Of a key in it that may be meant for browsers.")


class Push(InProject):
    @extend_schema(request=PushSerializer, parameters=[VERSION_PARAMETER], responses={201: PushedSerializer})
    def post(self, request: Request, pk: Any) -> Response:
        """Commits a version's files to a branch on GitHub. A branch that others work on is refused."""
        version = self.version()
        given = valid(PushSerializer, request)
        wanted = github.repository(given["repository"], given["branch"])
        url, told = _push(version, wanted, given["token"], given["keep"])
        return Response({"url": url, "warning": told or None}, status=201)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def project_push(request: HttpRequest, pk: UUID) -> HttpResponse:
    project = get_object_or_404(Project.objects.for_user(request.user), pk=pk)
    version = project.versions.order_by("-number").first()
    typed = _typed(request, project)
    kept = GitHubToken.objects.filter(user=project.owner_id).first()
    error, code = "", 200
    if request.method == "POST" and version:
        try:
            wanted = github.repository(typed["repository"], typed["branch"])
            url, told = _push(version, wanted, request.POST.get("token", ""), "keep" in request.POST)
            said = '<a href="{}" target="_blank" rel="noopener noreferrer">Pushed to {}</a>.'
            messages.success(request, format_html(said, url, wanted))
            if told:
                messages.warning(request, told)
            return redirect(project)
        except Throttled:
            error, code = f"{PUSHES} pushes an hour can be made. Come back in an hour.", 429
        except outside.Busy as problem:
            error, code = str(problem), 503
        except (BadFiles, BadPrompt) as problem:
            error, code = str(problem), 400
    context = {"project": project, "version": version, "error": error, "default": github.BRANCH, "kept": kept, **typed}
    return render(request, "projects/push.html", context, status=code)


def _typed(request: HttpRequest, project: Project) -> dict[str, str]:
    """What the form holds: what was typed, at first where the project was pushed to or came from."""
    if request.method == "POST":
        return {name: request.POST.get(name, "").strip() for name in ("repository", "branch")}
    if not (known := project.pushed_to or project.imported_from):
        return {"repository": "", "branch": ""}
    found = github.repository(known)
    # A branch that it came from is others' work, and no push goes there.
    return {"repository": str(found), "branch": found.branch if project.pushed_to else ""}


def _push(version: Version, wanted: github.Repository, given: str, keep: bool) -> tuple[str, str]:
    """The commit's address, and what to know of it. Raises outside.Busy, Throttled, BadPrompt, BadFiles."""
    owner = version.project.owner
    with outside.waiting(owner.pk):
        if not limits.allow(f"push:{owner.pk}", PUSHES, HOUR):
            raise Throttled(wait=limits.seconds_left(HOUR))
        token = github.token_for(owner, given)
        pushed = github.push(version, wanted, token)
    if keep and given.strip():
        github.keep(owner, token)
    return pushed
