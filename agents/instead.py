"""A message that was worked on, said in other words: the files go back to what they were before it, it and what came
after it are set aside, and the new words start a run. Nothing is deleted.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from agents import catalogue, edits
from agents.models import Run, Step
from agents.services import NotNow, begin, last_run
from projects import references, versions
from projects.models import Message, Project
from projects.services import BadPrompt


def look(message: Message) -> dict[str, Any] | None:
    """What another message in the place of this one would do; None where none can be.

    `version`: the number that the files go back to, 0 for what every app begins with, null where they stay as they are.
    `messages`: how many of the person's are set aside, this one among them. `seen`: the newest event looked at.
    """
    if (run := _run(message)) is None:
        return None
    project = message.project
    said = Step.objects.filter(run__in=_from(run), type="user_message").values("data__message_id").distinct()
    return {"version": _version(run), "messages": said.count(), "seen": project.cursor}


@transaction.atomic
def send(
    project: Project,
    instead_of: UUID,
    text: str,
    *,
    mode: str | None = None,
    model: str | None = None,
    cap: int | None = None,
    attached: Collection[UUID] | None = None,
    refers: Collection[UUID | str] = (),
    seen: int | None = None,
) -> Run:
    """A message in the place of one that was worked on, and its run: with the same mode, model and files unless others
    are named. `attached`: ids of files of the old message or of waiting ones. It refers to the projects that it still
    names, and to `refers`. `seen`: the newest event that is known; what was said or saved after it makes this NotNow.

    Raises BadPrompt, NotEnoughCredits, and NotNow while a run is at work or when the message was set aside meanwhile.
    """
    message = project.messages.filter(pk=instead_of).first()
    if message is None:
        raise BadPrompt("The message to edit is not in this project.", "instead_of")
    edits.check_idle(project)  # from here on nobody else edits it
    if (run := _run(message)) is None:
        raise NotNow("This message cannot be edited, or not any more. Send another one to change course.")
    news = project.steps.filter(type__in=("user_message", "version"), cursor__gt=seen or 0)
    if seen is not None and news.exists():
        raise NotNow("Something was said or saved here meanwhile. Look at it, then send this again if it still fits.")
    if (version := _version(run)) is not None:
        edits.go_back(project, version, message, mode or message.mode)
    set_aside = _from(run)
    said = Step.objects.filter(run__in=set_aside, type="user_message").values_list("data__message_id", flat=True)
    project.messages.filter(Q(pk__in=list(said)) | Q(reply_of__in=set_aside)).update(aside=True)
    own = {one.pk: one for one in message.attachments.all()}
    chosen = own.keys() if attached is None else set(attached)
    return begin(
        project,
        text,
        mode or message.mode,
        model or run.model,
        cap,
        _refers(message, text, refers),
        last=last_run(project) if model and catalogue.get(model).is_auto else None,
        attached=chosen - own.keys(),
        files=[one for pk, one in own.items() if pk in chosen],
        follows=run.follows,
        instead_of=message,
    )


def _run(message: Message) -> Run | None:
    """The run of a message that can be edited: one that was said, was not set aside, and is no answer to a question."""
    run = Run.objects.said().filter(message=message, message__aside=False)
    return run.select_related("message", "follows").first()


def _from(run: Run) -> list[Run]:
    """This run and those after it, in the order of their turns."""
    later = Run.objects.said().filter(project=run.project_id, created__gte=run.created, message__aside=False)
    return list(later.order_by("created"))


def _version(run: Run) -> int | None:
    """The number of the version before a run began, 0 without one; None where the files are as they were then."""
    at_work = run.steps.exclude(type="user_message").exclude(type="state", data__state=Run.State.QUEUED)
    began = at_work.order_by("cursor").values_list("cursor", flat=True).first()
    made = Step.objects.filter(project=run.project_id, type="version", cursor__gt=began or run.project.cursor)
    first = made.order_by("cursor").values_list("data__number", flat=True).first()
    newest = versions.newest(run.project)
    if first is None or newest is None:
        return None
    number = int(first) - 1
    return number if versions.at(run.project, number) != newest.manifest else None


def _refers(message: Message, text: str, more: Collection[UUID | str]) -> list[dict[str, Any]]:
    """The projects that another text of a message refers to, as a message keeps them. Raises BadPrompt."""
    kept = references.still(message.references, message.text, text)
    there = {one["id"] for one in kept}
    found = references.find(message.project.owner, more, but=message.project)
    every = kept + [one for one in found if one["id"] not in there]
    if len(every) > references.MOST:
        raise BadPrompt(f"A message can refer to at most {references.MOST} projects.", "references")
    return every
