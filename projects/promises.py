"""Promises: what requests made true of an app, and whether it still is. The runs that check them are in agents/."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import F, Max, QuerySet

from accounts import prepared
from projects.models import Project, Promise, Version

# Of the version as it is; and of older ones, for whoever goes back to one.
MAX_PROMISES, MAX_ASIDE = 40, 200


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
    """The promises of a project as it is, oldest first; without those set aside."""
    return Promise.objects.filter(project_id=project_id, aside=False)


def listed(project: Project) -> list[dict[str, Any]]:
    """The promises of a project as it is, oldest first, as the API shows them."""
    changed = since(project)
    return [view(promise, changed) for promise in of(project.pk)]


def view(promise: Promise, since: int) -> dict[str, Any]:
    """One as the API shows it."""
    plain = {name: getattr(promise, name) for name in ("says", "path", "text", "version", "checked")}
    return {"id": promise.pk, **plain, "holds": holds(promise, since)}


def keep(project: Project, made: Iterable[dict[str, Any]], version: int) -> None:
    """Adds what a run promised, {says, path, text, holds}, each once. Of too many the oldest are set aside, first those
    of runs; and of too many of those the oldest go.

    Belongs into the transaction that saves the version.
    """
    Project.objects.select_for_update().get(pk=project.pk)
    current = project.promises.filter(aside=False)
    there = {mark(*one) for one in current.values_list("path", "text")}
    for one in made:
        if mark(one["path"], one["text"]) not in there:
            seen = {} if one["holds"] is None else {"held": one["holds"], "checked": version}
            parts = {name: one[name] for name in ("says", "path", "text")}
            project.promises.create(**parts, version=version, **seen)
            there.add(mark(one["path"], one["text"]))
    newest = current.order_by(F("version").desc(nulls_first=True), "-pk").values_list("pk", flat=True)
    project.promises.filter(pk__in=list(newest[MAX_PROMISES:])).update(aside=True)
    aside = project.promises.filter(aside=True).order_by("-pk").values_list("pk", flat=True)
    project.promises.filter(pk__in=list(aside[MAX_ASIDE:])).delete()


def note(version: Version) -> None:
    """Notes with the newest version which promises are true of it, for whoever goes back to it."""
    changed = since(version.project)
    version.promised = {str(promise.pk): holds(promise, changed) for promise in of(version.project_id)}
    version.save(update_fields=["promised"])


def at(version: Version) -> list[tuple[Promise, bool | None]]:
    """The promises of a version, each with whether it held. What a person added after it belongs to it as well."""
    found: list[tuple[Promise, bool | None]] = []
    for promise in version.project.promises.all():
        if version.promised is None:  # made before this was noted
            if (promise.version or 0) <= version.number:
                found.append((promise, None))
        elif str(promise.pk) in version.promised:
            found.append((promise, version.promised[str(promise.pk)]))
        elif promise.version is None and promise.created > version.created:
            found.append((promise, None))
    return found


def go_back(old: Version, new: Version) -> None:
    """Gives `new`, which has the files of `old`, its promises as they were; the others are set aside."""
    new.project.promises.update(aside=True)
    for promise, held in at(old):
        promise.aside, promise.held, promise.checked = False, held, None if held is None else new.number
        promise.save(update_fields=["aside", "held", "checked"])
    note(new)


def start_over(new: Version) -> None:
    """Leaves `new`, which has the files that every app begins with, what a person added; of the others none is true."""
    new.project.promises.exclude(version=None).update(aside=True)
    note(new)


def copy(version: Version, first: Version) -> None:
    """Gives the promises of a version to the first one of a project, which has its files. What a person wrote down for
    themselves goes to nobody else.
    """
    is_same_owner = first.project.owner_id == version.project.owner_id
    copies = []
    for promise, held in at(version):
        is_own = promise.version is None
        if is_own and not is_same_owner:
            continue
        made = Promise(project=first.project, says=promise.says, path=promise.path, text=promise.text, held=held)
        made.version = None if is_own else first.number
        made.checked = None if held is None else first.number
        copies.append(made)
    Promise.objects.bulk_create(copies)
    note(first)
