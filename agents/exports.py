"""Exporting: the page and the REST route that give a whole project as a ZIP, with its versions and its conversation."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_safe
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import Throttled
from rest_framework.request import Request

from accounts import limits, outside
from agents.prompts import talk
from projects import exporting
from projects.api import InProject
from projects.models import Project
from projects.views import as_download, version_of

# Of one person: every version is looked through for secrets.
EXPORTS, HOUR = 30, 3600


class Export(InProject):
    @extend_schema(
        parameters=[OpenApiParameter("secrets", str, enum=["include"], description="Leave no secret out.")],
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: Any) -> HttpResponseBase:
        """The whole project as a ZIP, which an import makes the same project of: the newest version's files, and in
        `.vibe/` the other versions, rules, promises and the conversation. 30 an hour.
        """
        return _zip(self.project(), request.query_params.get("secrets") == "include")


@login_required
@require_safe
def project_export(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The same, for the page. `?secrets=include` leaves nothing out."""
    project = get_object_or_404(Project.objects.for_user(request.user), pk=pk)
    try:
        return _zip(project, request.GET.get("secrets") == "include")
    except Throttled:
        messages.error(request, f"{EXPORTS} whole projects an hour can be downloaded. Come back in an hour.")
    except outside.Busy as problem:
        messages.error(request, str(problem))
    return redirect(project)


def _zip(project: Project, whole: bool) -> HttpResponseBase:
    """Raises outside.Busy, Throttled; Http404 for a project without a version."""
    version = version_of(project, "")
    version.project = project
    # Nobody else is asked, but a hundred megabytes are looked through, which holds a thread as long.
    with outside.waiting(project.owner_id):
        if not limits.allow(f"whole:{project.owner_id}", EXPORTS, HOUR):
            raise Throttled(wait=limits.seconds_left(HOUR))
        said = talk.said(project.pk).order_by(talk.TURN.desc(), "-created").prefetch_related("attachments")
        chunks, secrets = exporting.pack(version, said[: exporting.MAX_MESSAGES], whole=whole)
    return as_download(chunks, version, "whole", secrets)
