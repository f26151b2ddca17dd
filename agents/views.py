"""The workspace page and the forms that start, stop and retry runs."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Max, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.adapter import PENDING_PROMPT
from accounts.models import User
from agents import catalogue, costs, events, plans, previews, services, suggestions, typical
from agents.landing import landing_context
from agents.models import Run, Step
from projects import attachments, briefing, leaks, pictures, references, versions
from projects.models import Message, Project
from projects.services import BadPrompt, check_prompt
from usage import services as credits

# Steps that a page reads for its chat, some 110 cards; `?before=` a cursor has those before them.
SHOWN_STEPS = 200
# What the chat is made of: its cards, and where each run begins.
CHAT = {*events.CARDS, "state"}
# Versions in the menu of the bar; the history has all of them.
SHOWN_VERSIONS = 20
# In the session: the project that a prompt became, until its page was shown, which drops the prompt's draft.
BEGUN = "begun"
# Cards that a process keeps as they were drawn, some 2 kB each.
MOST_DRAWN = 5_000
_drawn: dict[tuple[UUID, int, datetime, bool], "Item"] = {}


@dataclass
class Item:
    """One card of the chat: the newest step of its element. `html`: the list's element; empty when nothing is shown."""

    html_id: str
    html: SafeString


@require_POST
def project_create(request: HttpRequest) -> HttpResponse:
    """Starts a project from a prompt; for someone without an account the prompt is kept until they have one."""
    wish: dict[str, Any] = {name: request.POST.get(name, "") for name in ("prompt", "framework", "model", "cap")}
    wish["references"] = request.POST.getlist("references")
    try:
        check_prompt(wish["prompt"])
        _cap(wish["cap"])
    except BadPrompt as error:
        return _home_again(request, wish, error.message)
    if not request.user.is_authenticated:
        # A prompt has a longest length; no other field of the form is anywhere near as long.
        short = {name: wish[name][:100] for name in ("framework", "model", "cap")}
        named = [one[:100] for one in wish["references"][: references.MOST + 1]]
        # Files are not kept here for nobody in particular: they stay in the browser until there is an account.
        files_wait = bool(request.POST.get("files_wait") or request.FILES)
        request.session[PENDING_PROMPT] = wish | short | {"references": named, "files_wait": files_wait}
        return redirect("account_signup")
    return _start(request, wish)


@login_required
@never_cache
def project_pending(request: HttpRequest) -> HttpResponse:
    """Runs the prompt that was typed before signing in. Once: the session gives it away."""
    wish = request.session.pop(PENDING_PROMPT, None)
    if wish and wish.get("files_wait"):
        # The page's script sends the prompt again, with the files that the browser kept.
        return render(request, "pages/home.html", {**landing_context(request), **wish})
    return _start(request, wish) if wish else redirect("project-list")


def _start(request: HttpRequest, wish: dict[str, Any]) -> HttpResponse:
    assert isinstance(request.user, User)
    try:
        named = (wish["framework"] or None, wish["model"] or None)
        more = {"cap": _cap(wish.get("cap", "")), "refers": wish.get("references", ()), "files": _files(request)}
        run = services.start_project(request.user, wish["prompt"], *named, **more)
    except BadPrompt as error:
        return _home_again(request, wish, error.message)
    except credits.NotEnoughCredits as error:
        return _home_again(request, wish, str(error), status=402)
    _warn(request, wish["prompt"])
    request.session[BEGUN] = str(run.project_id)
    return redirect("project-detail", run.project_id)


def _files(request: HttpRequest) -> list[tuple[str, bytes]]:
    """What was added to the prompt: (name, content) each, read only if all of it may come. Raises BadPrompt."""
    files = request.FILES.getlist("attachments")
    attachments.check_together([file.size or 0 for file in files])
    return [(file.name or "", file.read()) for file in files]


def _cap(text: str) -> int | None:
    """Micro-credits of a limit in credits; None for none. Raises BadPrompt."""
    if not text.strip():
        return None
    if (cap := credits.typed(text)) is None:
        said = f"“{text.strip()[:20]}” is no limit. A limit is {credits.TYPED}; leave the field empty for none."
        raise BadPrompt(said, "cap")
    return cap


def _warn(request: HttpRequest, text: str) -> None:
    if warning := leaks.warning(text):
        messages.warning(request, warning)


def _home_again(request: HttpRequest, wish: dict[str, Any], error: str, status: int = 400) -> HttpResponse:
    """The landing page with what was typed and what is wrong with it."""
    context = {**landing_context(request), **wish, "error": error, "is_short": status == 402}
    return render(request, "pages/home.html", context, status=status)


@login_required
@never_cache
@require_safe
def project_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    project = get_object_or_404(Project.objects.for_user(request.user).select_related("owner"), pk=pk)
    before = request.GET.get("before", "")
    if before and not re.fullmatch(r"[0-9]{1,15}", before):
        raise Http404
    context = workspace_context(project, int(before or 0))
    if request.session.get(BEGUN) == str(pk):
        del request.session[BEGUN]
        context["is_new"] = True
    return render(request, "projects/workspace.html", context)


@login_required
@require_safe
def project_suggestions(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What could come next, for a page on which a run has just ended."""
    project = get_object_or_404(Project.objects.for_user(request.user), pk=pk)
    version = project.versions.first()
    context = {"version": version, "suggestions": suggestions.suggest(project, version)}
    return render(request, "projects/_suggestions.html", context)


@login_required
@require_POST
def message_send(request: HttpRequest, pk: UUID) -> HttpResponse:
    project = get_object_or_404(Project.objects.for_user(request.user), pk=pk)
    text, mode = request.POST.get("text", ""), request.POST.get("mode", Message.Mode.BUILD)
    try:
        if "cap" in request.POST:
            briefing.change(project, cap=_cap(request.POST["cap"]))
        if model := request.POST.get("model"):
            project.model = catalogue.get(model).name
            project.save(update_fields=["model", "updated"])
        services.start_run(project, text, mode)
    except BadPrompt as error:
        context = {**workspace_context(project), "text": text, "error": error.message}
        return render(request, "projects/workspace.html", context, status=400)
    except credits.NotEnoughCredits as error:
        context = {**workspace_context(project), "text": text, "error": str(error), "is_short": True}
        return render(request, "projects/workspace.html", context, status=402)
    _warn(request, text)
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
    return _starting(request, pk, services.retry_run)


@login_required
@require_POST
def run_continue(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _starting(request, pk, services.continue_run)


@login_required
@require_POST
def plan_approve(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _starting(request, pk, plans.approve)


def _starting(request: HttpRequest, pk: UUID, start: Callable[[Run], Run]) -> HttpResponse:
    """Starts another run from this one and shows the workspace; it says there what stood in the way."""
    run = get_object_or_404(Run.objects.for_user(request.user).select_related("project", "message"), pk=pk)
    try:
        start(run)
    except plans.NoPlan:
        raise Http404 from None
    except (services.NotNow, BadPrompt, credits.NotEnoughCredits) as error:
        messages.error(request, str(error))
    return redirect(run.project)


def workspace_context(project: Project, before: int = 0) -> dict[str, Any]:
    """Everything the workspace shows, from the log and the rows; no sandbox is asked.

    `before` (a cursor, exclusive): an older part of the chat in the place of the newest.
    """
    # First of all: what comes while the page is made reaches it as an event.
    cursor = project.steps.aggregate(newest=Max("cursor"))["newest"] or 0
    steps = _window(project, min(before, cursor + 1) if before else cursor + 1)
    run, waiting = _runs(project)
    unsaid, aside = _apart(project)
    version = project.versions.first()
    shown = list(pictures.marked(project.versions.defer("manifest"))[:SHOWN_VERSIONS])
    place = previews.status(project)
    begun = _stages(run)
    cards = _items(steps, unsaid.keys() | waiting.keys())
    return {
        "project": project,
        "run": run,
        "run_state": _shown_state(run, steps),
        "stage": begun[-1] if begun else None,
        "run_facts": {"stages": begun, "typical": typical.stages(project.framework)},
        "items": [_rendered(step, is_aside) for step, is_aside in _folded(cards, aside)],
        "earlier": steps[0].cursor if len(steps) == SHOWN_STEPS else 0,
        "older": bool(before),
        "queue": [_queued(one) for one in (*unsaid.values(), *waiting.values()) if one.reason != Run.DROPPED],
        "cursor": cursor,
        "versions": shown,
        "version": version,
        "sites_domain": settings.SITES_DOMAIN,
        "way_back": versions.way_back(version) if version else None,
        "files": sorted(version.manifest) if version else [],
        "picture": next((one.number for one in shown if getattr(one, "has_picture", False)), None),
        "preview": {"state": _preview_state(place, project), "url": place["url"]},
        "suggestions": suggestions.suggest(project, version),
        "estimate": costs.estimate(project.owner, Message.Mode.BUILD, project),
        "models": list(catalogue.MODELS.values()),
        # With what runs hold back, as events say it: it is not spent.
        "balance": credits.account_of(project.owner).balance // 10_000 / 100,
    }


def _window(project: Project, before: int) -> list[Step]:
    """The newest steps of the chat before a cursor, oldest first."""
    steps = project.steps.filter(type__in=CHAT, cursor__lt=before).defer("record").order_by("-cursor")
    return list(reversed(steps[:SHOWN_STEPS]))


def _runs(project: Project) -> tuple[Run | None, dict[UUID, Run]]:
    """The run that is shown (under way, else the next one, else the last), and those that wait behind it, by id."""
    runs = project.runs.order_by("created")
    active = list(runs.exclude(state__in=Run.TERMINAL).select_related("message"))
    queued = [run for run in active if run.state == Run.State.QUEUED]
    current = next((run for run in active if run.state != Run.State.QUEUED), None) or next(iter(queued), None)
    return current or runs.said().last(), {run.pk: run for run in queued if run is not current}


def _shown_state(run: Run | None, steps: list[Step]) -> str:
    """The state of the run that is shown, for its badge: "planned" while its plan waits to be approved, "" once a
    version was saved or restored by hand since it failed.
    """
    if run is None:
        return ""
    if run.state == Run.State.FAILED and run.finished and versions.by_hand_since(run.project_id, run.finished).exists():
        return ""
    plan = next((step for step in reversed(steps) if step.type == "plan" and step.run_id == run.pk), None)
    waits = run.state == Run.State.SUCCEEDED and plan is not None and plan.data["state"] == "proposed"
    return "planned" if waits else run.state


def _stages(run: Run | None) -> list[dict[str, Any]]:
    """What the run under way has begun, in order, with the times."""
    if run is None or not run.is_active:
        return []
    return [{**step.data, "at": step.at.isoformat()} for step in run.steps.filter(type="stage").order_by("cursor")]


def _apart(project: Project) -> tuple[dict[UUID, Run], set[UUID]]:
    """The runs whose messages were dropped or set aside while they waited, by id; and the ids of those whose messages
    were set aside by an edit.
    """
    kinds = Q(reason__in=Run.UNSAID) | Q(message__aside=True)
    found = project.runs.filter(kinds).defer("usage", "facts").select_related("message").order_by("created")
    unsaid = {run.pk: run for run in found if run.reason in Run.UNSAID}
    return unsaid, {run.pk for run in found} - unsaid.keys()


def _queued(run: Run) -> dict[str, Any]:
    """A message that waits or was set aside: its run, its text, and the card it becomes."""
    message = run.message
    step = Step.objects.filter(run=run, type="user_message").last()
    card = events.render(step) if step else ""
    return {"run": run, "message": message, "aside": run.reason == Run.ASIDE, "card": card}


def _items(steps: list[Step], unsaid: Collection[UUID] = ()) -> list[Step]:
    """The chat's cards, each by its newest step: a later step with the same element takes the earlier one's place.

    A message stands where its run begins: one that was sent while another run was at work comes after all of that
    run's cards; one that still waits, or was dropped or set aside while it did (`unsaid`), is not in the chat.
    """
    newest: dict[str, Step] = {}
    for step in _in_order(steps):
        if step.type in events.CARDS and step.run_id not in unsaid:
            newest[events.html_id(step)] = step
    return list(newest.values())


def _folded(cards: list[Step], aside: set[UUID]) -> list[tuple[Step, bool]]:
    """Each card with whether it was set aside with its message (`aside`: the runs). A version by hand is so with what
    was said before it; the one that an edited message went back to, with that message.
    """
    if not aside:
        return [(card, False) for card in cards]

    def said_with(at: int) -> UUID | None:
        near = cards[at:] if "instead_of" in cards[at].data else reversed(cards[:at])
        return next((card.run_id for card in near if card.run_id), None)

    return [(card, (card.run_id or said_with(at)) in aside) for at, card in enumerate(cards)]


def _rendered(step: Step, aside: bool) -> Item:
    """The step's card. A step never changes and says the same to everyone, so a process keeps what it drew.

    One that was set aside is hidden until its fold is opened (static/js/workspace/aside.js).
    """
    # The time too: a database that was set back gives a number again.
    key = (step.project_id, step.cursor, step.at, aside)
    if (item := _drawn.get(key)) is None:
        item = Item(events.html_id(step), SafeString())
        if (html := events.render(step)).strip():
            fold = SafeString(" data-aside hidden") if aside else ""
            whole = '<li class="item" id="{}" data-cursor="{}"{}>{}</li>'
            item.html = format_html(whole, item.html_id, step.cursor, fold, html)
        if len(_drawn) >= MOST_DRAWN:
            _drawn.clear()
        if not settings.DEBUG:
            _drawn[key] = item
    return item


def _in_order(steps: list[Step]) -> list[Step]:
    """Steps in the order of the log, but what was said before its run began stands where the run begins."""
    begun: dict[UUID | None, int] = {}
    for at, step in enumerate(steps):
        waits = step.type == "user_message" or (step.type == "state" and step.data["state"] == Run.State.QUEUED)
        if step.run_id and not waits:
            begun.setdefault(step.run_id, at)
    keys: list[tuple[int, bool, int]] = []
    for at, step in enumerate(steps):
        begin = begun.get(step.run_id, len(steps)) if step.run_id else at
        keys.append((max(at, begin), at >= begin, at))
    return [steps[at] for _, _, at in sorted(keys)]


def _preview_state(place: dict[str, Any], project: Project) -> str:
    if place["state"] in ("none", "paused"):
        return str(place["state"])
    shown = project.steps.filter(type="preview").exclude(data__has_any_keys=["kept", "version"])
    last = shown.order_by("-cursor").values_list("data", flat=True).first()
    return str(last["state"]) if last else "starting"
