"""Other projects that a message refers to: found at once, kept with it as they were named, read as far as one may."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Subquery

from accounts.models import User
from projects import leaks
from projects.models import Project, Version
from projects.services import BadPrompt

# Of one message.
MOST = 5
GONE = "A project that the message refers to is not there. Take it out, or choose it again."


def find(user: User, ids: Iterable[UUID | str], but: Project | None = None) -> list[dict[str, Any]]:
    """Projects of the person's as a message keeps them: [{id, name, version}], the number of the newest, null without
    one; `but`: the project that the message is about. Raises BadPrompt, with the same words for one that is somebody
    else's and one that is nobody's.
    """
    try:
        wanted = list(dict.fromkeys(UUID(str(one)) for one in ids))
    except ValueError:
        raise BadPrompt(GONE, "references") from None
    if len(wanted) > MOST:
        raise BadPrompt(f"A message can refer to at most {MOST} projects.", "references")
    if not wanted:
        return []
    newest = Version.objects.filter(project=OuterRef("pk")).order_by("-number").values("number")[:1]
    others = Project.objects.for_user(user).exclude(pk__in=[but.pk] if but else [])
    found = others.annotate(newest_version=Subquery(newest)).in_bulk(wanted)
    if len(found) != len(wanted):
        raise BadPrompt(GONE, "references")
    rows = [found[one] for one in wanted]
    return [{"id": str(one.pk), "name": one.name, "version": one.newest_version} for one in rows]  # type: ignore[attr-defined]


def still(references: list[dict[str, Any]], before: str, text: str) -> list[dict[str, Any]]:
    """Those that are left when a message's text becomes another: one whose @name was taken out is gone."""
    marks = [(one, f"@{one['name']}") for one in references]
    return [one for one, mark in marks if mark in text or mark not in before]


def named(references: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """{name: reference}, each under a name of its own."""
    names: dict[str, dict[str, Any]] = {}
    for one in references:
        name, number = one["name"], 2
        while name in names:
            name, number = f"{one['name']} ({number})", number + 1
        names[name] = one
    return names


def version(reference: dict[str, Any], user: User) -> Version | None:
    """The version that a message refers to, its files without the private ones and those that the agent is not to read
    there. None: the project is not there any more, or has nothing saved.
    """
    project = Project.objects.for_user(user).filter(pk=reference["id"]).first()
    found = project and project.versions.filter(number=reference["version"]).first()
    if not project or not found:
        return None
    hidden = set(project.dropped)
    kept = {path: sha for path, sha in found.manifest.items() if path not in hidden and not leaks.is_private(path)}
    found.manifest = kept
    found.project = project
    return found
