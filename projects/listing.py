"""The list of projects in pages: search, sort and a cursor that stays right while projects come and go."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core import signing
from django.db.models import OuterRef, Q, Subquery

from projects.models import Project, ProjectQuerySet

PAGE = 24
# Name in the address → field to order by, and whether it falls.
SORTS = {"updated": ("updated", True), "created": ("created", True), "name": ("name", False)}


@dataclass(frozen=True)
class Page:
    """`next` is the cursor of the following page; "" on the last one."""

    projects: list[Project]
    next: str


def page(projects: ProjectQuerySet, search: str = "", sort: str = "updated", cursor: str = "") -> Page:
    """One page. An unknown sort is `updated`; a cursor that is not ours starts at the beginning."""
    field, falls = SORTS.get(sort, SORTS["updated"])
    projects = projects.filter(name__icontains=search.replace("\x00", "")) if search else projects
    if after := _read(cursor, field):
        projects = projects.filter(_beyond(field, falls, *after))
    sign = "-" if falls else ""
    # By the relation's name: runs belong to an app above this one.
    newest = Project.objects.filter(pk=OuterRef("pk")).order_by("-runs__created").values("runs__state")[:1]
    projects = projects.annotate(run_state=Subquery(newest))
    rows = list(projects.order_by(f"{sign}{field}", f"{sign}pk")[: PAGE + 1])
    more = len(rows) > PAGE
    return Page(rows[:PAGE], _write(rows[PAGE - 1], field) if more else "")


def _beyond(field: str, falls: bool, value: Any, pk: UUID) -> Q:
    step = "lt" if falls else "gt"
    return Q(**{f"{field}__{step}": value}) | Q(**{field: value, f"pk__{step}": pk})


def _write(project: Project, field: str) -> str:
    value = getattr(project, field)
    return signing.dumps([field, value if field == "name" else value.isoformat(), str(project.pk)], salt="projects")


def _read(cursor: str, field: str) -> tuple[Any, UUID] | None:
    try:
        name, value, pk = signing.loads(cursor, salt="projects")
    except signing.BadSignature:
        return None
    if name != field:
        return None
    return (value if field == "name" else datetime.fromisoformat(value)), UUID(pk)
