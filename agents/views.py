"""The workspace page and the forms that start, stop and retry runs."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.adapter import PENDING_PROMPT
from accounts.models import User
from agents import catalogue, events, previews, services
from agents.landing import home_context
from agents.models import Run, Step
from projects.models import Message, Project
from projects.services import BadPrompt, check_prompt
from usage import services as credits

# Steps that a page shows at once; older ones stay in the log.
SHOWN_STEPS = 1_000


@dataclass
class Item:
    """One card of the chat: the newest step of its element."""

    html_id: str
    html: SafeString
    cursor: int


@require_POST
def project_create(request: HttpRequest) -> HttpResponse:
    """Starts a project from a prompt; for someone without an account the prompt is kept until they have one."""
    wish = {name: request.POST.get(name, "") for name in ("prompt", "framework", "model")}
    try:
        check_prompt(wish["prompt"])
    except BadPrompt as error:
        return _home_again(request, wish, error.message)
    if not request.user.is_authenticated:
        request.session[PENDING_PROMPT] = wish
        return redirect("account_signup")
    return _start(request, wish)


@login_required
@never_cache
def project_pending(request: HttpRequest) -> HttpResponse:
    """Runs the prompt that was typed before signing in. Once: the session gives it away."""
    wish = request.session.pop(PENDING_PROMPT, None)
    return _start(request, wish) if wish else redirect("project-list")


def _start(request: HttpRequest, wish: dict[str, str]) -> HttpResponse:
    assert isinstance(request.user, User)
    try:
        run = services.start_project(request.user, wish["prompt"], wish["framework"] or None, wish["model"] or None)
    except BadPrompt as error:
        return _home_again(request, wish, error.message)
    except credits.NotEnoughCredits as error:
        return _home_again(request, wish, str(error), status=402)
    return redirect("project-detail", run.project_id)


def _home_again(request: HttpRequest, wish: dict[str, str], error: str, status: int = 400) -> HttpResponse:
    """The landing page with what was typed and what is wrong with it."""
    return render(request, "pages/home.html", {**home_context(request), **wish, "error": error}, status=status)


@login_required
@never_cache
@require_safe
def project_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    project = get_object_or_404(Project.objects.for_user(request.user), pk=pk)
    return render(request, "projects/workspace.html", workspace_context(project))


@login_required
@require_POST
def message_send(request: HttpRequest, pk: UUID) -> HttpResponse:
    project = get_object_or_404(Project.objects.for_user(request.user), pk=pk)
    text, mode = request.POST.get("text", ""), request.POST.get("mode", Message.Mode.BUILD)
    try:
        services.start_run(project, text, mode)
    except BadPrompt as error:
        context = {**workspace_context(project), "text": text, "error": error.message}
        return render(request, "projects/workspace.html", context, status=400)
    except credits.NotEnoughCredits as error:
        context = {**workspace_context(project), "text": text, "error": str(error)}
        return render(request, "projects/workspace.html", context, status=402)
    return redirect(project)


@login_required
@require_POST
def run_cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    run = get_object_or_404(Run.objects.for_user(request.user).select_related("project"), pk=pk)
    try:
        services.cancel_run(run)
    except services.NotNow as error:
        messages.info(request, str(error))
    return redirect(run.project)


@login_required
@require_POST
def run_retry(request: HttpRequest, pk: UUID) -> HttpResponse:
    run = get_object_or_404(Run.objects.for_user(request.user).select_related("project", "message"), pk=pk)
    try:
        services.retry_run(run)
    except (services.NotNow, BadPrompt, credits.NotEnoughCredits) as error:
        messages.error(request, str(error))
    return redirect(run.project)


def workspace_context(project: Project) -> dict[str, Any]:
    """Everything the workspace shows, from the log and the rows; no sandbox is asked."""
    steps = list(reversed(project.steps.order_by("-cursor")[:SHOWN_STEPS]))
    run = _current(project)
    version = project.versions.first()
    place = previews.status(project)
    return {
        "project": project,
        "run": run,
        "stage": next(
            (step.data for step in reversed(steps) if step.type == "stage" and run and step.run_id == run.pk), None
        ),
        "items": _items(steps, waiting := _waiting(project, run)),
        "queue": [_queued(waiting_run) for waiting_run in waiting.values()],
        "cursor": steps[-1].cursor if steps else 0,
        "versions": project.versions.defer("manifest")[:100],
        "version": version,
        "files": sorted(version.manifest) if version else [],
        "preview": {"state": _preview_state(place, steps), "url": place["url"]},
        "model_title": catalogue.get(project.model).title,
        "balance": credits.account_of(project.owner).available / 1_000_000,
    }


def _current(project: Project) -> Run | None:
    """The run under way, else the next one, else the last."""
    runs = project.runs.order_by("created")
    return (
        runs.filter(state__in=(Run.State.RUNNING, Run.State.WAITING)).first()
        or runs.filter(state=Run.State.QUEUED).first()
        or runs.last()
    )


def _waiting(project: Project, shown: Run | None) -> dict[UUID, Run]:
    """The runs that wait behind the one that is shown, in their order, by id."""
    queued = project.runs.filter(state=Run.State.QUEUED).order_by("created").select_related("message")
    return {run.pk: run for run in queued if shown is None or run.pk != shown.pk}


def _queued(run: Run) -> dict[str, Any]:
    """A message that waits: its run, its text, and the card it becomes."""
    message = run.message
    step = Step.objects.filter(run=run, type="user_message").last()
    return {"run": run, "message": message, "card": events.render(step) if step else ""}


def _items(steps: list[Step], waiting: Collection[UUID] = ()) -> list[Item]:
    """The chat's cards: a later step with the same element takes the earlier one's place.

    A message stands where its run begins: one that was sent while another run was at work comes after all of that
    run's cards; one that still waits, or that was dropped while it did, is not in the chat.
    """
    dropped = {step.run_id for step in steps if step.type == "complete" and step.data["reason"] == services.DROPPED}
    newest: dict[str, Step] = {}
    for step in _in_order(steps):
        if step.type in events.CARDS and step.run_id not in dropped and step.run_id not in waiting:
            newest[events.html_id(step)] = step
    return [Item(html_id, events.render(step), step.cursor) for html_id, step in newest.items()]


def _in_order(steps: list[Step]) -> list[Step]:
    """Steps in the order of the log, but what was said during a run after that run's last step."""
    last = {step.run_id: at for at, step in enumerate(steps) if step.run_id}
    keys: list[tuple[int, bool, int]] = []
    begin: dict[UUID, int] = {}  # the place behind which a run's cards stand
    over = -1  # where the runs met so far end
    for at, step in enumerate(steps):
        behind = -1
        if step.run_id:
            behind = begin.setdefault(step.run_id, over)
            over = max(over, last[step.run_id])
        keys.append((max(at, behind), behind > at, at))
    return [steps[at] for _, _, at in sorted(keys)]


def _preview_state(place: dict[str, Any], steps: list[Step]) -> str:
    if place["state"] in ("none", "paused"):
        return str(place["state"])
    last = next((step.data["state"] for step in reversed(steps) if step.type == "preview"), "starting")
    return str(last)
