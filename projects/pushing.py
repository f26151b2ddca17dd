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
from projects import github
from projects.api import VERSION_PARAMETER, InProject, valid
from projects.models import Project, Version
from projects.paths import BadFiles
from projects.services import BadPrompt

PUSHES, HOUR = 30, 3600


class PushSerializer(serializers.Serializer[Any]):
    repository = serializers.CharField(max_length=500, help_text="On GitHub: owner/name, or its address.")
    branch = serializers.CharField(required=False, max_length=100, default="", help_text=f"Else {github.BRANCH}.")
    token = serializers.CharField(max_length=500, help_text="May write contents there. Used once, kept nowhere.")


class PushedSerializer(serializers.Serializer[Any]):
    url = serializers.CharField(help_text="Of the commit.")


class Push(InProject):
    @extend_schema(request=PushSerializer, parameters=[VERSION_PARAMETER], responses={201: PushedSerializer})
    def post(self, request: Request, pk: Any) -> Response:
        """Commits a version's files to a branch on GitHub. A branch that others work on is refused."""
        version = self.version()
        given = valid(PushSerializer, request)
        wanted = github.repository(given["repository"], given["branch"])
        return Response({"url": _push(version, wanted, given["token"])}, status=201)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def project_push(request: HttpRequest, pk: UUID) -> HttpResponse:
    project = get_object_or_404(Project.objects.for_user(request.user), pk=pk)
    version = project.versions.order_by("-number").first()
    typed = {name: request.POST.get(name, "").strip() for name in ("repository", "branch")}
    error, code = "", 200
    if request.method == "POST" and version:
        try:
            wanted = github.repository(typed["repository"], typed["branch"])
            url = _push(version, wanted, request.POST.get("token", ""))
            said = '<a href="{}" target="_blank" rel="noopener noreferrer">Pushed to {}</a>.'
            messages.success(request, format_html(said, url, wanted))
            return redirect(project)
        except Throttled:
            error, code = f"{PUSHES} pushes an hour can be made. Come back in an hour.", 429
        except outside.Busy as problem:
            error, code = str(problem), 503
        except (BadFiles, BadPrompt) as problem:
            error, code = str(problem), 400
    context = {"project": project, "version": version, "error": error, "default": github.BRANCH, **typed}
    return render(request, "projects/push.html", context, status=code)


def _push(version: Version, wanted: github.Repository, token: str) -> str:
    """Raises outside.Busy, Throttled, BadPrompt, BadFiles."""
    owner_id = version.project.owner_id
    with outside.waiting(owner_id):
        if not limits.allow(f"push:{owner_id}", PUSHES, HOUR):
            raise Throttled(wait=limits.seconds_left(HOUR))
        return github.push(version, wanted, token)
