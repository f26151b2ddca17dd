"""What a view may ask of the agent: start, stop, retry. Each is one transaction; the bell rings after the commit."""

import contextlib
import re
from collections.abc import Collection
from typing import Any
from uuid import UUID

from celery import current_app
from django.db import transaction
from django.db.models import Exists, QuerySet, Subquery
from kombu.exceptions import OperationalError

from accounts import prepared
from accounts.models import User
from agents import catalogue, charging, lease, runs, waiting
from agents.models import Run, Sandbox
from projects import attachments, references, sites
from projects.frameworks import FRAMEWORKS
from projects.markdown import render_markdown
from projects.models import Attachment, Message, Project, Site, Version
from projects.services import BadPrompt, add_message, check_prompt, create_project

# Sites of one person that may be built at once.
MAX_BUILDS = 2
# Messages that may wait behind the one being worked on.
MAX_QUEUED = 10
# What the chat shows of a run that goes on from another one.
CONTINUE = "Continue where you stopped."
SET_ASIDE = "This message was set aside, with what came of it. Send another one for what comes next."
# Where a framework's name is looked for.
PROMPT_CHARS = 4_000


class NotNow(Exception):
    """The run is in a state in which this cannot be done. The text says which."""


@transaction.atomic
def start_project(
    owner: User,
    prompt: str,
    framework: str | None = None,
    model: str | None = None,
    name: str | None = None,
    cap: int | None = None,
    refers: Collection[UUID | str] = (),
    files: Collection[tuple[str, bytes]] = (),
) -> Run:
    """A new project and its first run; each of its runs may cost at most `cap`. `refers`: ids of projects to look into.
    `files`: pictures and texts that go with the prompt, (name, content) each.

    Raises BadPrompt or NotEnoughCredits, leaving nothing behind.
    """
    framework = framework or named_framework(prompt)
    branded = catalogue.get(model or "").name
    found = references.find(owner, refers)
    project = create_project(owner, prompt, model=branded, framework=framework, name=name, cap=cap)
    attached = attachments.add_all(project, files)
    return begin(project, prompt, Message.Mode.BUILD, project.model, None, found, attached=attached)


@transaction.atomic
def start_run(
    project: Project,
    text: str,
    mode: str = Message.Mode.BUILD,
    cap: int | None = None,
    model: str | None = None,
    *,
    attached: Collection[UUID] = (),
    refers: Collection[UUID | str] = (),
    follows: Run | None = None,
    again: Run | None = None,
) -> Run:
    """A message and the run it starts, behind the project's other runs; while a run waits for an answer, that run.

    `cap`: the most it may cost, in micro-credits; without one the project's, or else the user's own. `model`: a branded
    name for this run only. `refers`: ids of projects to look into. `follows`: the run that it goes on from, or whose
    plan it builds. `again`: the run whose message is sent once more, to go on from what that went on from. Either is
    nobody's answer, refers to the projects of the run before, and has what was attached to it. Raises BadPrompt or
    NotEnoughCredits.
    """
    active = _active(project.pk)
    asking = next((run for run in active if run.state == Run.State.WAITING and not (follows or again)), None)
    if asking and attached:
        raise BadPrompt("Answer the question first; a file can go with the next message.", "attachments")
    if asking and refers:
        raise BadPrompt("Answer the question first; the next message can refer to a project.", "references")
    if asking and (answered := _answer(asking, text)):
        return answered
    if len(active) > MAX_QUEUED:
        raise BadPrompt(f"{MAX_QUEUED} messages wait already. Let some finish, or stop them.", "text")
    if again:
        follows = again.follows
    before = again or follows
    found = before.message.references if before else references.find(project.owner, refers, but=project)
    wanted = model or project.model
    last = last_run(project) if catalogue.get(wanted).is_auto else None
    files = before.message.attachments.all() if before else ()
    given: dict[str, Any] = {"attached": attached, "files": files, "follows": follows}
    return begin(project, text, mode, wanted, cap, found, position=len(active), last=last, **given)


@prepared.rows
def _active(project_id: UUID) -> QuerySet[Run]:
    return Run.objects.filter(project_id=project_id, state__in=Run.ACTIVE)


def last_run(project: Project) -> Run | None:
    """The newest run of the conversation as it stands."""
    return Run.objects.said().filter(project=project, message__aside=False).order_by("created").last()


def begin(
    project: Project,
    text: str,
    mode: str,
    model: str,
    cap: int | None,
    refers: list[dict[str, Any]],
    *,
    position: int = 0,
    last: Run | None = None,
    attached: Collection[UUID] = (),
    files: Collection[Attachment] = (),
    follows: Run | None = None,
    instead_of: Message | None = None,
) -> Run:
    """The message and its run, within the caller's transaction. `refers`: as a message keeps them. `last`: the run
    before it, by which auto chooses a model, here and once. `files`: of another message, that it has as well.
    `instead_of`: the one whose place it takes.
    """
    message = add_message(project, Message.Role.USER, text, mode, references=refers)
    if attached or files:
        attachments.send(project, attached, message, files)
    picked = catalogue.pick(
        model,
        text,
        question=mode == Message.Mode.ASK,
        follow_up=last is not None,
        failed=last is not None and last.state == Run.State.FAILED,
    )
    run = Run.objects.create(project=project, message=message, model=picked.name, follows=follows, cap=cap)
    ring(run)
    said = _said(message, is_bare=not (attached or files))
    if instead_of:
        said["instead_of"] = str(instead_of.pk)
    runs.note_all(project.pk, [("user_message", said), ("state", {"state": run.state, "position": position})], run.pk)
    charging.begin(run)  # after what locks the project, as at the end of a run
    return run


def _answer(run: Run, text: str) -> Run | None:
    """Gives a waiting run the answer it waits for. None: it does not wait any more."""
    question = run.steps.filter(type="tool_call").order_by("seq").last()
    if question is None or not runs.resume(run):
        return None
    message = add_message(run.project, Message.Role.USER, text, run.message.mode)
    said = {"message_id": str(message.pk), "text": message.text, "html": render_markdown(message.text)}
    runs.note(run.project_id, "user_message", {**said, "mode": message.mode, "answers": question.key}, run.pk)
    runs.note(run.project_id, "state", {"state": Run.State.QUEUED, "position": 0}, run.pk)
    ring(run)
    run.refresh_from_db()
    return run


# How people name them; "react to" and "without React" do not.
NAMES = {
    "nextjs": r"next\.?\s?js",
    "react": r"(?<!no )(?<!without )(?<!not )react(?!\s+(to|on|when)\b|ion|ive)",
    "vue": r"vue(\.?js)?",
    "svelte": r"svelte(kit)?",
    "angular": r"angular",
    "html": r"(plain|pure|vanilla|static|simple|in|with|using|as) html|html5? (page|file|site|only|and css)|vanilla js",
}


def named_framework(prompt: str) -> str | None:
    """The framework that a prompt names first, if it names one that there is."""
    found = [
        (match.start(), name)
        for name, pattern in NAMES.items()
        if name in FRAMEWORKS and (match := re.search(rf"\b(?:{pattern})\b", prompt[:PROMPT_CHARS], re.IGNORECASE))
    ]
    return min(found)[1] if found else None


@transaction.atomic
def edit_queued(run: Run, text: str) -> Run:
    """Another text for a message that still waits. Raises BadPrompt, or NotNow once a worker has it."""
    text = check_prompt(text, "text")
    # The lock: a worker that claims the run in this moment reads the new text, or this is refused.
    if not Run.objects.unbegun().select_for_update().filter(pk=run.pk).exists():
        raise NotNow("This message is being worked on already. Send another one to change course.")
    message = run.message
    message.references = references.still(message.references, message.text, text)
    message.text = text
    message.save(update_fields=["text", "references"])
    runs.note(run.project_id, "user_message", _said(message), run.pk)
    return run


@transaction.atomic
def reorder_queued(project: Project, order: list[UUID]) -> None:
    """Gives the messages that wait behind a run this order. Raises NotNow when these are not the ones that wait; one
    that had begun and goes on with the next worker stays before them.
    """
    # Under the lock: a worker that claims one in this moment makes the lists differ.
    queued = list(Run.objects.unbegun().select_for_update().filter(project=project).order_by("created"))
    # One that is next and waits for a free worker is no longer among those that pages show as waiting behind it.
    first = min(_active(project.pk), key=lambda run: run.created, default=None)
    queued = [run for run in queued if run.pk in order or run != first]
    if sorted(run.pk for run in queued) != sorted(order):
        raise NotNow("These messages changed meanwhile. Look again.")
    # A run's turn is when it was asked for, so they swap these times among themselves.
    times = [run.created for run in queued]
    for place, (run_id, time) in enumerate(zip(order, times, strict=True), 1):
        Run.objects.filter(pk=run_id).update(created=time)
        runs.note(project.pk, "state", {"state": Run.State.QUEUED, "place": place}, run_id)


@transaction.atomic
def drop_queued(run: Run) -> None:
    """Takes back a message that still waits or was set aside. Raises NotNow once a worker has it."""
    if waiting.end(run, Run.DROPPED):
        _move_on(run)
    elif not waiting.forget(run):
        raise NotNow("This message is being worked on already. Stop the run instead.")


@transaction.atomic
def cancel_run(run: Run) -> None:
    """Stops a run: at once while it waits, else by telling its worker. Raises NotNow when it is over.

    What waits behind a run that had begun is set aside: it was meant for what that run should have made.
    """
    if waiting.end(run, "cancelled"):
        _move_on(run)
        return
    begun = Run.objects.filter(pk=run.pk, state__in=Run.ACTIVE)
    if begun.filter(cancel_requested=False).update(cancel_requested=True):
        runs.note(run.project_id, "state", {"state": "cancelling"}, run.pk)
        waiting.set_aside(run)
        transaction.on_commit(lambda: lease.request_stop(run.pk), robust=True)
    elif not begun.exists():
        raise NotNow("This run is over already.")
    if runs.resume(run):  # it waits for an answer: a worker saves what there is
        ring(run)


def _move_on(run: Run) -> None:
    """What waited for a run that was ended before it began: the next ones, and the preview that it was to build."""
    for following in runs.due_after(run.project_id):
        ring(following)
    catch_up(run.project_id)


@transaction.atomic
def retry_run(run: Run) -> Run:
    """A new run with the same message and cap, by the project's model. Raises NotNow while the run goes on, BadPrompt,
    NotEnoughCredits.
    """
    if Run.objects.filter(pk=run.pk, state__in=Run.ACTIVE).exists():
        raise NotNow("This run is still under way.")
    waiting.forget(run)
    return start_run(run.project, run.message.text, run.message.mode, run.cap, again=run)


def continue_run(run: Run) -> Run:
    """A new run that goes on where this one stopped, with as high a cap. Raises NotNow, BadPrompt, NotEnoughCredits."""
    if Run.objects.filter(pk=run.pk, state__in=Run.ACTIVE).exists():
        raise NotNow("This run is still under way.")
    if run.message.aside:
        raise NotNow(SET_ASIDE)
    if run.state == Run.State.SUCCEEDED:
        raise NotNow("This run came to its end. Send a message for what comes next.")
    return start_run(run.project, CONTINUE, run.message.mode, run.cap, follows=run)


def open_preview(project: Project, restart: bool = False, repair: bool = False) -> None:
    """Has a worker wake, rebuild or restart the project's app; the page hears of it by an event.

    `repair`: first clear its caches and install the packages that are missing.
    """
    if project.framework_open:
        return  # the first run opens it, once it is decided what it is
    runs.note(project.pk, "preview", {"state": "starting", "url": None, "port": None})
    _send("agents.tasks.open_preview", str(project.pk), restart, repair)


def catch_up(project_id: UUID) -> None:
    """Opens the preview where it is behind the newest version and no run is at work: the run that should have brought
    it up to date ended without building, or waits.
    """
    active = User.objects.filter(is_active=True)
    there = Sandbox.objects.filter(project=project_id, project__deleted=None, project__owner__in=active, paused=False)
    at_work = Run.objects.filter(project=project_id, state__in=(Run.State.QUEUED, Run.State.RUNNING))
    newest = Version.objects.filter(project=project_id).order_by("-number").values("number")[:1]
    behind = there.filter(version__lt=Subquery(newest)).exclude(Exists(at_work)).select_related("project").first()
    if behind and behind.project:
        open_preview(behind.project)


def open_version(version: Version) -> None:
    """Has a worker run an old version beside the project's own sandbox; a `preview` event with `version` says where."""
    _send("agents.tasks.open_version", str(version.project_id), version.number)


def keep_files(project: Project) -> None:
    """Has a worker make a version of the files in the sandbox; a `preview` event with `kept` says what came of it."""
    _send("agents.tasks.keep_files", str(project.pk))


def close_preview(project: Project) -> None:
    """Has a worker put the project's sandbox to sleep."""
    _send("agents.tasks.close_preview", str(project.pk))


@transaction.atomic
def put_online(version: Version, name: str | None = None) -> Site:
    """Has a worker build a version and put it online, by default under the name that the project's site has; `site`
    events tell how that goes. Raises NotNow while one is built, BadPrompt for the name.
    """
    project = version.project
    User.objects.select_for_update().get(pk=project.owner_id)  # under this lock they are counted
    building = list(sites.under_way().filter(project__owner=project.owner_id).values_list("project_id", flat=True))
    if project.pk in building:
        raise NotNow("It is being built already. Wait for that first.")
    if len(building) >= MAX_BUILDS:
        raise NotNow(f"{MAX_BUILDS} of your apps are being built already. Wait for one of them.")
    before = Site.objects.filter(project=project).values_list("name", flat=True).first()
    site = sites.ask(project, version, name or before or sites.suggestion(project))
    runs.note(project.pk, "site", sites.facts(project))
    build_site(project.pk)
    return site


@transaction.atomic
def take_offline(project: Project) -> None:
    """Takes what is online offline, and stops what is being built."""
    if Site.objects.filter(project=project).delete()[0]:
        runs.note(project.pk, "site", sites.facts(project))


def build_site(project_id: UUID) -> None:
    """Has a worker build the version of a project that was asked for."""
    _send("agents.tasks.build_site", str(project_id))


def take_picture(project_id: UUID | str) -> None:
    """Has a worker take the picture of a project's newest version, after whatever else it is to do."""
    _send("agents.tasks.take_picture", str(project_id))


def retire_sandbox(project: Project) -> None:
    """Has a worker put another sandbox, with another address, in the place of the project's."""
    if Sandbox.objects.filter(project=project).update(retired=True):
        _send("agents.tasks.replace_sandboxes")


def ring(run: Run) -> None:
    """Rings the workers after the commit. When the bell does not work, the sweeper finds the run."""

    _send("agents.tasks.run_agent", str(run.pk))


def _send(task: str, *args: object) -> None:
    def now() -> None:
        with contextlib.suppress(OperationalError, OSError):
            current_app.send_task(task, args, retry=False)

    # What is committed is done, whatever the bell says: an error here would have the client send it once more.
    transaction.on_commit(now, robust=True)


def _said(message: Message, is_bare: bool = False) -> dict[str, object]:
    """The data of the event that shows a user's message; a later one with the same id takes its place. `is_bare`: it is
    known that no file goes with it.
    """
    html = render_markdown(message.text)
    said: dict[str, object] = {
        "message_id": str(message.pk),
        "text": message.text,
        "html": html,
        "mode": message.mode,
        **({"references": message.references} if message.references else {}),
    }
    return said if is_bare else said | _sent(message)


def said_elsewhere(message: Message) -> dict[str, object]:
    """The data of the event that shows a message of a conversation that came in with its project."""
    said = {"message_id": str(message.pk), "role": message.role, "mode": message.mode, "text": message.text}
    return {**said, "at": message.created.isoformat(), **_sent(message)}


def _sent(message: Message) -> dict[str, object]:
    """What goes with a message, for its card; {} without anything."""
    sent = [
        {"id": str(one.pk), "name": one.name, "kind": one.kind, "width": one.width, "height": one.height}
        for one in message.attachments.all()
    ]
    return {"attachments": sent} if sent else {}
