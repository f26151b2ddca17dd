"""The list of projects in pages: search, sort and a cursor that stays right while projects come and go."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core import signing
from django.db.models import Case, Exists, F, FilteredRelation, OuterRef, Q, Subquery, When

from projects import pictures, sites, versions
from projects.models import Project, ProjectQuerySet

PAGE = 24
# Favourites stand above the first page; whoever has more finds the rest by searching.
FAVOURITES = 48
# Name in the address → field to order by, and whether it falls.
SORTS = {"updated": ("updated", True), "created": ("created", True), "name": ("name", False)}


@dataclass(frozen=True)
class Page:
    """`next` is the cursor of the following page; "" on the last one. Only the first page has favourites."""

    projects: list[Project]
    next: str
    favourites: list[Project]


def page(projects: ProjectQuerySet, search: str = "", sort: str = "updated", cursor: str = "") -> Page:
    """One page. An unknown sort is `updated`; a cursor that is not ours starts at the beginning."""
    field, falls = SORTS.get(sort, SORTS["updated"])
    sign = "-" if falls else ""
    order = (f"{sign}{field}", f"{sign}pk")
    projects = with_cards(projects)
    after = _read(cursor, field)
    favourites: list[Project] = []
    if search:
        projects = projects.filter(name__icontains=search.replace("\x00", ""))
    else:
        favourites = [] if after else list(projects.filter(favourite=True).order_by(*order)[:FAVOURITES])
        projects = projects.filter(favourite=False)
    if after:
        projects = projects.filter(_beyond(field, falls, *after))
    rows = list(projects.order_by(*order)[: PAGE + 1])
    more = len(rows) > PAGE
    return Page(rows[:PAGE], _write(rows[PAGE - 1], field) if more else "", favourites)


def with_cards(projects: ProjectQuerySet) -> ProjectQuerySet:
    """Adds what a card shows: `run_state` of the newest run that did not end before it began (None once a person has
    saved or restored a version since it failed), `picture` (the number of the newest pictured version), and `address`,
    where it is online.
    """
    # By the relation's name: runs belong to an app above this one.
    begun = FilteredRelation("runs", condition=Q(runs__started__isnull=False) | Q(runs__finished=None))
    own = Project.objects.filter(pk=OuterRef("pk")).annotate(begun=begun)
    is_past = Q(Exists(versions.by_hand_since(OuterRef("pk"), OuterRef("begun__finished"))), begun__state="failed")
    own = own.annotate(shown=Case(When(is_past, then=None), default=F("begun__state")))
    newest = own.order_by("-begun__created").values("shown")[:1]
    return projects.annotate(run_state=Subquery(newest), picture=pictures.newest(), address=sites.urls())


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
