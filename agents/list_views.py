"""The list of projects, with the box for a new prompt; deleting, which stops what runs in one; what was deleted."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from agents import edits
from agents.landing import home_context
from projects import listing, showcase
from projects.models import Project
from projects.services import KEPT

# The session key of the project whose deletion the list offers to undo.
UNDO = "deleted_project"


@login_required
@never_cache
@require_safe
def project_list(request: HttpRequest) -> HttpResponse:
    search, sort = request.GET.get("search", "").strip()[:80], request.GET.get("sort", "updated")
    page = listing.page(Project.objects.for_user(request.user), search, sort, request.GET.get("cursor", ""))
    context = {
        **home_context(request),
        "projects": page.projects,
        "favourites": page.favourites,
        "next_cursor": page.next,
        "search": search,
        "sort": sort if sort in listing.SORTS else "updated",
        "sorts": list(listing.SORTS),
        # For who has none yet: something to begin with.
        "entries": showcase.listed(most=3) if not (page.projects or page.favourites or search) else [],
        "has_deleted": Project.objects.deleted_of(request.user).exists(),
        "undo": Project.objects.deleted_of(request.user).filter(pk=request.session.pop(UNDO, None)).first(),
    }
    return render(request, "projects/list.html", context)


@login_required
@never_cache
@require_safe
def project_trash(request: HttpRequest) -> HttpResponse:
    """What the user deleted, the last first, until it goes for good."""
    found = Project.objects.deleted_of(request.user).order_by("-deleted")
    for project in found:
        assert project.deleted
        project.gone = project.deleted + KEPT  # type: ignore[attr-defined]
    return render(request, "projects/trash.html", {"projects": found, "days": KEPT.days})


@login_required
@require_POST
def project_purge(request: HttpRequest, pk: UUID) -> HttpResponse:
    project = get_object_or_404(Project.objects.deleted_of(request.user), pk=pk)
    if edits.purge(project):
        messages.success(request, f"“{project.name}” is gone for good.")
    else:
        messages.error(request, f"A run in “{project.name}” is being stopped. Try again in a moment.")
    return redirect("project-trash")


@login_required
@require_POST
def project_delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    project = get_object_or_404(Project.objects.for_user(request.user), pk=pk)
    edits.delete_project(project)
    request.session[UNDO] = str(pk)
    return redirect("project-list")
