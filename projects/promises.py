"""Promises: what requests made true of an app, and whether it still is. The runs that check them are in agents/."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import F, Max, QuerySet

from accounts import prepared
from projects.models import Project, Promise, Version

MAX_PROMISES = 40


def same(text: str) -> str:
    """Words as they are compared: without regard to case and space."""
    return " ".join(text.casefold().split())


def mark(path: str, text: str) -> tuple[str, str]:
    """What makes two statements one."""
    return path, same(text)


def since(project: Project) -> int:
    """The newest version that no run made, by hand or by going back; 0 without any. What was seen before it says
    nothing of the files as they are.
    """
    made = project.versions.exclude(source=Version.Source.RUN).aggregate(newest=Max("number"))
    return made["newest"] or 0


def holds(promise: Promise, since: int) -> bool | None:
    """Whether it is true of the app as it is, as far as is known."""
    return promise.held if promise.checked is not None and promise.checked >= since else None


@prepared.rows
def of(project_id: UUID) -> QuerySet[Promise]:
    """A project's promises, oldest first."""
    return Promise.objects.filter(project_id=project_id)


def listed(project: Project) -> list[dict[str, Any]]:
    """All of a project's promises, oldest first, as the API shows them."""
    changed = since(project)
    return [view(promise, changed) for promise in of(project.pk)]


def view(promise: Promise, since: int) -> dict[str, Any]:
    """One as the API shows it."""
    plain = {name: getattr(promise, name) for name in ("says", "path", "text", "version", "checked")}
    return {"id": promise.pk, **plain, "holds": holds(promise, since)}


def keep(project: Project, made: Iterable[dict[str, Any]], version: int) -> None:
    """Adds what a run promised, {says, path, text, holds}, each once. Of too many the oldest go; first those of runs.

    Belongs into the transaction that saves the version.
    """
    Project.objects.select_for_update().get(pk=project.pk)
    there = {mark(*one) for one in project.promises.values_list("path", "text")}
    for one in made:
        if mark(one["path"], one["text"]) not in there:
            seen = {} if one["holds"] is None else {"held": one["holds"], "checked": version}
            parts = {name: one[name] for name in ("says", "path", "text")}
            project.promises.create(**parts, version=version, **seen)
            there.add(mark(one["path"], one["text"]))
    newest = project.promises.order_by(F("version").desc(nulls_first=True), "-pk").values_list("pk", flat=True)
    project.promises.filter(pk__in=list(newest[MAX_PROMISES:])).delete()


def copy(version: Version, project: Project, first: Version) -> None:
    """Gives the promises of a version to a project that begins with its files. What a person wrote down for
    themselves goes to nobody else.
    """
    source = version.project
    is_newest = not source.versions.filter(number__gt=version.number).exists()
    changed = since(source)
    copies = []
    for promise in source.promises.all():
        is_own = promise.version is None
        if (is_own and project.owner_id != source.owner_id) or (promise.version or 0) > version.number:
            continue
        held = holds(promise, changed) if is_newest else None
        made = Promise(project=project, says=promise.says, path=promise.path, text=promise.text, held=held)
        made.version = None if is_own else first.number
        made.checked = None if held is None else first.number
        copies.append(made)
    Promise.objects.bulk_create(copies)
