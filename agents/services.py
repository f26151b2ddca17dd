"""What a view may ask of the agent: start, stop, retry. Each is one transaction; the bell rings after the commit."""

import contextlib
import re

from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from accounts.models import User
from agents import catalogue, lease, runs
from agents.models import Run
from projects.frameworks import FRAMEWORKS
from projects.markdown import render_markdown
from projects.models import Message, Project
from projects.services import BadPrompt, add_message, create_project
from usage import services as credits

# Messages that may wait behind the one being worked on.
MAX_QUEUED = 10


class NotNow(Exception):
    """The run is in a state in which this cannot be done. The text says which."""


@transaction.atomic
def start_project(
    owner: User, prompt: str, framework: str | None = None, model: str | None = None, name: str | None = None
) -> Run:
    """A new project and its first run. Raises BadPrompt or NotEnoughCredits, leaving nothing behind."""
    framework = framework or named_framework(prompt)
    project = create_project(owner, prompt, model=catalogue.get(model or "").name, framework=framework, name=name)
    return start_run(project, prompt)


@transaction.atomic
def start_run(project: Project, text: str, mode: str = Message.Mode.BUILD) -> Run:
    """A message and the run it starts, behind the project's other runs. Raises BadPrompt or NotEnoughCredits."""
    waiting = Run.objects.filter(project=project, state__in=Run.ACTIVE).count()
    if waiting > MAX_QUEUED:
        raise BadPrompt(f"{MAX_QUEUED} messages wait already. Let some finish, or stop them.", "text")
    message = add_message(project, Message.Role.USER, text, mode)
    run = Run.objects.create(project=project, message=message, model=project.model)
    credits.reserve(project.owner, settings.RUN_RESERVE_MICRO, run.pk)
    said = {"message_id": str(message.pk), "text": message.text, "html": render_markdown(message.text), "mode": mode}
    runs.note(project.pk, "user_message", said, run.pk)
    runs.note(project.pk, "state", {"state": run.state, "position": waiting}, run.pk)
    ring(run)
    return run


def named_framework(prompt: str) -> str | None:
    """The framework that a prompt names, if it names one that there is."""
    words = set(re.findall(r"[a-z]+", prompt.lower()))
    return next((name for name in FRAMEWORKS if name in words), None)


@transaction.atomic
def cancel_run(run: Run) -> None:
    """Stops a run: at once while it waits, else by telling its worker. Raises NotNow when it is over."""
    if runs.end_unclaimed(run, Run.State.CANCELLED, "cancelled"):
        credits.release(run.pk)
        runs.note(run.project_id, "state", {"state": Run.State.CANCELLED, "reason": "cancelled"}, run.pk)
        runs.note(run.project_id, "complete", _unbegun(run), run.pk)
        following = runs.next_due(run.project)
        if following:
            ring(following)
        return
    asked = Run.objects.filter(pk=run.pk, state=Run.State.RUNNING, cancel_requested=False)
    if asked.update(cancel_requested=True):
        runs.note(run.project_id, "state", {"state": "cancelling"}, run.pk)
        transaction.on_commit(lambda: lease.request_stop(run.pk))
    elif not Run.objects.filter(pk=run.pk, state=Run.State.RUNNING).exists():
        raise NotNow("This run is over already.")


def retry_run(run: Run) -> Run:
    """A new run with the same message. Raises NotNow while the run goes on, BadPrompt, NotEnoughCredits."""
    if Run.objects.filter(pk=run.pk, state__in=Run.ACTIVE).exists():
        raise NotNow("This run is still under way.")
    return start_run(run.project, run.message.text, run.message.mode)


def open_preview(project: Project, restart: bool = False) -> None:
    """Has a worker wake, rebuild or restart the project's app; the page hears of it by an event."""
    runs.note(project.pk, "preview", {"state": "starting", "url": None, "port": None})
    _send("agents.tasks.open_preview", str(project.pk), restart)


def close_preview(project: Project) -> None:
    """Has a worker put the project's sandbox to sleep."""
    _send("agents.tasks.close_preview", str(project.pk))


def ring(run: Run) -> None:
    """Rings the workers after the commit. When the bell does not work, the sweeper finds the run."""

    _send("agents.tasks.run_agent", str(run.pk))


def _send(task: str, *args: object) -> None:
    def now() -> None:
        with contextlib.suppress(OperationalError, OSError):
            current_app.send_task(task, args, retry=False)

    transaction.on_commit(now)


def _unbegun(run: Run) -> dict[str, object]:
    """The closing event of a run that was stopped before a worker took it."""
    text = "Stopped before it began."
    nothing: dict[str, list[str]] = {"added": [], "changed": [], "deleted": []}
    facts = {"message_id": None, "version": None, "files": nothing, "checks": {}, "seconds": 0, "cost": 0}
    ended = {"state": Run.State.CANCELLED, "reason": "cancelled", "summary": text, "html": render_markdown(text)}
    return {**ended, **facts, "cost_text": credits.text(0), "complete": True}
