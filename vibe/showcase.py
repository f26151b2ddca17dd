"""The showcase's pages: the list, one app with its picture and a live look, remixing it; publishing one's own."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import limits
from accounts.models import User
from agents import previews, services
from agents.models import Sandbox
from projects import pictures, showcase
from projects.ideas import IDEAS
from projects.models import Project, ShowcaseEntry
from projects.services import BadPrompt

# Apps of the showcase that run at once for visitors; each of these goes to sleep when nobody looks.
LIVE_APPS = 8
LIVE_PER_MINUTE = 12


@require_safe
@ensure_csrf_cookie
def entries(request: HttpRequest) -> HttpResponse:
    """`?category=` shows one category. With nothing to show, ideas to build stand there."""
    category = request.GET.get("category", "")
    category = category if category in ShowcaseEntry.Category.values else ""
    context = {
        "entries": showcase.listed(category),
        "category": category,
        "categories": ShowcaseEntry.Category.choices,
        "ideas": IDEAS,
    }
    return render(request, "pages/showcase.html", context)


@require_safe
@ensure_csrf_cookie
def entry(request: HttpRequest, pk: UUID) -> HttpResponse:
    one = get_object_or_404(showcase.public().select_related("project", "author"), pk=pk)
    version = one.project.versions.get(number=1)
    context = {
        "entry": one,
        "version": version,
        "pictured": hasattr(version, "picture"),
        "files": sorted(version.manifest),
        "checks": sorted(name for name, ok in version.verdict.items() if ok),
        "others": [other for other in showcase.listed(one.category, most=4) if other.pk != one.pk][:3],
    }
    return render(request, "pages/showcase_entry.html", context)


@require_safe
def picture(request: HttpRequest, pk: UUID) -> HttpResponse:
    return pictures.answer(
        {"version__number": 1, "version__project__entry__in": showcase.public().filter(pk=pk)}, public=True
    )


@require_http_methods(["GET", "POST"])
def live(request: HttpRequest, pk: UUID) -> HttpResponse:
    """{"state": none | running | paused, "url"} of the running app; POST has it started, within bounds."""
    one = get_object_or_404(showcase.public().select_related("project"), pk=pk)
    if request.method == "POST":
        if not limits.allow(f"live:{limits.source(request)}", LIVE_PER_MINUTE, 60):
            return JsonResponse({"detail": "That was a lot at once. Wait a minute."}, status=429)
        awake = Sandbox.objects.filter(paused=False, project__entry__isnull=False).exclude(project=one.project)
        if awake.count() >= LIVE_APPS:
            text = "Many people look at apps just now. Try again in a few minutes, or remix it to run your own."
            return JsonResponse({"detail": text}, status=503)
        services.open_preview(one.project)
    state = previews.status(one.project)
    return JsonResponse({"state": state["state"], "url": state["url"], "ready": _is_ready(one.project)})


@login_required
@require_http_methods(["GET", "POST"])
def remix(request: HttpRequest, pk: UUID) -> HttpResponse:
    """GET is who had to sign in first: back to the app, whose button is there."""
    assert isinstance(request.user, User)
    one = get_object_or_404(showcase.public(), pk=pk)
    if request.method == "GET":
        messages.info(request, "You are in. Remix it, and the copy is yours.")
        return redirect("showcase-entry", one.pk)
    project = showcase.remix(one, request.user)
    messages.success(request, "This copy is yours. Say what should be different.")
    return redirect(project)


@login_required
@require_http_methods(["GET", "POST"])
def publish(request: HttpRequest, pk: UUID) -> HttpResponse:
    project = get_object_or_404(Project.objects.for_user(request.user), pk=pk)
    first = project.messages.filter(role="user", aside=False).first()
    said: dict[str, Any] = {"title": project.name, "category": "", "error": ""}
    if request.method == "POST":
        said |= {"title": request.POST.get("title", ""), "category": request.POST.get("category", "")}
        prompt = first.text if first and request.POST.get("show_prompt") else ""
        try:
            showcase.publish(project, said["title"], said["category"], prompt=prompt)
            messages.success(request, "Sent in. It is shown as soon as somebody of our staff has looked at it.")
            return redirect("project-publish", project.pk)
        except (showcase.NotShowable, BadPrompt) as error:
            said["error"] = str(error)
    context = {
        **said,
        "project": project,
        "first": first,
        "version": project.versions.first(),
        "categories": ShowcaseEntry.Category.choices,
        "sent": project.entries.order_by("-created"),
    }
    return render(request, "projects/publish.html", context, status=400 if said["error"] else 200)


@login_required
@require_POST
def withdraw(request: HttpRequest, pk: UUID) -> HttpResponse:
    assert isinstance(request.user, User)
    mine = get_object_or_404(ShowcaseEntry.objects.filter(author=request.user).select_related("project"), pk=pk)
    source = mine.source
    showcase.withdraw(mine)
    messages.success(request, "It is out of the showcase.")
    return redirect("project-publish", source.pk) if source else redirect("project-list")


def _is_ready(project: Project) -> bool:
    step = project.steps.filter(type="preview").order_by("-cursor").first()
    return step is not None and step.data["state"] == "ready"
