"""Pages about projects that need nothing of the agent: rename, undo of delete, download."""

import re
from collections.abc import Iterator
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST, require_safe

from projects import leaks, services, versions
from projects.models import Project, Version


@login_required
@require_POST
def project_rename(request: HttpRequest, pk: UUID) -> HttpResponse:
    project = get_object_or_404(Project.objects.for_user(request.user), pk=pk)
    try:
        services.rename(project, request.POST.get("name", ""))
    except services.BadPrompt as error:
        if request.headers.get("X-Requested-With"):
            return HttpResponse(error.message, status=400, content_type="text/plain")
        messages.error(request, error.message)
    if request.headers.get("X-Requested-With"):
        return HttpResponse(project.name, content_type="text/plain")
    return redirect(project) if request.POST.get("from") == "workspace" else redirect("project-list")


@login_required
@require_POST
def project_duplicate(request: HttpRequest, pk: UUID) -> HttpResponse:
    copy = services.duplicate(get_object_or_404(Project.objects.for_user(request.user), pk=pk))
    messages.success(request, f"This is a copy: “{copy.name}”.")
    return redirect(copy)


@login_required
@require_POST
def project_favourite(request: HttpRequest, pk: UUID) -> HttpResponse:
    """`on=1` keeps a project at the top of the list, anything else lets it go. A script gets 204."""
    project = get_object_or_404(Project.objects.for_user(request.user), pk=pk)
    Project.objects.filter(pk=project.pk).update(favourite=request.POST.get("on") == "1")
    return HttpResponse(status=204) if request.headers.get("X-Requested-With") else redirect("project-list")


@login_required
@require_POST
def project_undelete(request: HttpRequest, pk: UUID) -> HttpResponse:
    project = get_object_or_404(Project.objects.deleted_of(request.user), pk=pk)
    services.undelete(project)
    if not request.headers.get("X-Requested-With"):
        messages.success(request, f"“{project.name}” is back.")
    return redirect("project-list")


@login_required
@require_safe
def project_download(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The ZIP of a version; of the newest without `?version=N`. `?secrets=include` leaves no private file out."""
    project = get_object_or_404(Project.objects.for_user(request.user), pk=pk)
    version = version_of(project, request.GET.get("version", ""))
    return zip_response(version, whole=request.GET.get("secrets") == "include")


def version_of(project: Project, number: str) -> Version:
    """The version a request names, the newest for "". 404 for what is not there."""
    found = project.versions.all()
    if number:
        if not number.isdecimal() or len(number) > 9:
            raise Http404
        found = found.filter(number=int(number))
    version = found.first()
    if version is None:
        raise Http404
    return version


def zip_response(version: Version, whole: bool = False) -> StreamingHttpResponse:
    """Private files stay out unless the owner wants the `whole`; a note in the ZIP and a header say what was found."""
    found = leaks.leaks(version)
    left_out = set() if whole else {leak.path for leak in found if leaks.is_private(leak.path)}
    note = (leaks.NOTE, leaks.note(found, left_out)) if found and not whole else None
    return as_download(versions.zip_chunks(version, left_out, note), version, f"v{version.number}", len(found))


def as_download(chunks: Iterator[bytes], version: Version, kind: str, secrets: int) -> StreamingHttpResponse:
    """A ZIP of a version that is named for its project and for its kind, with how many secrets were found."""
    name = re.sub(r"[^\w.-]+", "-", version.project.name).strip("-.") or "project"
    response = StreamingHttpResponse(chunks, content_type="application/zip")
    response.headers["X-Secrets-Found"] = str(secrets)
    disposition = content_disposition_header(True, f"{name}-{kind}.zip")
    response.headers["Content-Disposition"] = str(disposition)
    response.headers["Cache-Control"] = "private, no-store"
    return response
