"""The admin's lists without counting a table or searching through several: a million rows are quick too."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import models
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from accounts.models import User

# Rows that can be paged through; who looks for an older one searches or filters.
MOST = 10_000
# People whose addresses hold what is searched for, and what is theirs: more is no answer.
MOST_PEOPLE = 1_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts up to MOST rows, no further."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by()[:MOST].count()


class QuickAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A list that is counted to a bound and searched step by step: first people by a part of their address, then what
    is theirs by its index. In one statement over joined tables PostgreSQL would read all of each.

    `search_fields`: `email` and `…__email` as said; an id is searched for whole; other texts by their beginning, or by
    the lookup that is written out.
    """

    show_full_result_count = False
    paginator = BoundedPaginator

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(pk__in=[])
        for name in self.search_fields:
            if name == "email":
                found |= Q(email__contains=term.lower())  # as they are kept
            elif name.endswith("__email"):
                found |= _of_people(queryset.model, str(name).removesuffix("__email"), term)
            elif isinstance(_field(queryset.model, str(name)), models.UUIDField):
                found |= Q(**{str(name): term}) if _is_uuid(term) else Q(pk__in=[])
            else:
                found |= Q(**{str(name) if "__" in name else f"{name}__startswith": term})
        return queryset.filter(found), False


def one_of(field: str, names: Iterable[str]) -> type[admin.SimpleListFilter]:
    """A filter by these values of a field. Django's own reads the whole table for the values that are there."""
    shown = [(name, name) for name in names]

    class OneOf(admin.SimpleListFilter):
        title = parameter_name = field

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return shown

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            return queryset.filter(**{field: self.value()}) if self.value() else queryset

    return OneOf


def _of_people(model: Any, path: str, term: str) -> Q:
    """Rows of `model` whose user, at most two steps away, has an address with this in it."""
    people = User.objects.filter(email__contains=term.lower())
    ids = list(people.values_list("pk", flat=True)[:MOST_PEOPLE])
    first, _, rest = path.partition("__")
    if rest:
        between = model._meta.get_field(first).related_model._default_manager.filter(**{f"{rest}__in": ids})
        ids = list(between.values_list("pk", flat=True)[:MOST_PEOPLE])
    return Q(**{f"{first}__in": ids})


def _field(model: Any, path: str) -> Any:
    """The field that a path of search_fields ends at; None when it ends with a lookup."""
    first, _, rest = path.partition("__")
    field = model._meta.get_field(first)
    if rest and field.related_model is None:
        return None
    return _field(field.related_model, rest) if rest else field


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
