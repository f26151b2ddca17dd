"""Statements that every message needs, in the fewest turns of a processor.

PostgreSQL plans each of them once per connection, and the SQL of a queryset is put together once per process: either
takes longer than all the rest of such a statement. Everything else is as with `connection.cursor()` and querysets.
"""

from collections.abc import Callable
from copy import copy
from functools import cache, wraps
from inspect import signature
from secrets import randbelow, token_hex
from types import SimpleNamespace
from typing import Any, ParamSpec, TypeVar
from uuid import UUID, uuid4

import psycopg
from django.conf import settings
from django.db import connection, connections
from django.db.models import Model, QuerySet

P = ParamSpec("P")
T = TypeVar("T")
M = TypeVar("M", bound=Model)
# What stands for a value while the SQL is put together: nothing that is there by chance.
MARKS: dict[type, Callable[[], Any]] = {UUID: uuid4, str: token_hex, int: lambda: 2**30 + randbelow(2**30)}
# Grows when a migration was seen to have changed a column's type: plans that were made before give what was there then.
_migrated = 0


class _Cursor(psycopg.Cursor[Any]):
    """Has the server keep the plan of what it executes, unless a pooler stands between (`DATABASE_POOLED`)."""

    def execute(self, *args: Any, **options: Any) -> Any:
        global _migrated
        try:
            return self._execute_planned(*args, **options)
        except psycopg.errors.FeatureNotSupported as error:  # a migration has changed the type of what it gives
            _migrated += 1  # for every connection: one after the other they would break runs that are taken up again
            if self._conn.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                # As if the database had been away for a moment.
                raise psycopg.OperationalError(str(error)) from error
            return self._execute_planned(*args, **options)

    def _execute_planned(self, *args: Any, **options: Any) -> Any:
        known = self._conn.__dict__
        if known.setdefault("migrated", _migrated) != _migrated:
            known["migrated"] = _migrated
            self._conn._prepared.clear()
            self._conn.execute("DEALLOCATE ALL")
        # Only meanwhile: else psycopg counts each other statement, and for that keeps its text with all its values.
        self._conn.prepare_threshold = None if settings.DATABASE_POOLED else 0
        try:
            return super().execute(*args, **{**options, "prepare": True})
        finally:
            self._conn.prepare_threshold = None

    def _convert_query(self, *args: Any) -> Any:
        self._query = super()._convert_query(*args)  # Django's log of statements reads it there
        return self._query


def cursor() -> Any:
    """As `connection.cursor()`, for statements of which there are few and whose text is always the same: the values
    are sent beside it. Their columns are named one by one, because a plan that was kept does not survive another `*`.
    """
    connection.close_if_health_check_failed()  # as connection.cursor() does
    connection.ensure_connection()
    with connection.wrap_database_errors:
        return connection._prepare_cursor(_Cursor(connection.connection))  # type: ignore[attr-defined]


def rows(make: Callable[P, "QuerySet[M, T]"]) -> Callable[P, list[T]]:
    """For a function that makes a queryset from values of the kinds UUID, int and str, and puts each into a filter as
    it is. Called, it gives the queryset's rows.
    """

    names = list(signature(make).parameters)

    @cache
    def compiled() -> tuple[Callable[..., Any], Any, str]:
        """How rows become objects, the compiler that knows their columns, the SQL with a place for each value."""
        marks = {name: MARKS[value.annotation]() for name, value in signature(make).parameters.items()}
        queryset = make(**marks)  # type: ignore[call-arg]
        compiler = queryset.query.get_compiler(using="default")
        sql = _quoted(*compiler.as_sql()).replace("%", "%%")
        for name, mark in marks.items():
            if (place := _quoted("%s", [mark])) not in sql:
                raise TypeError(f"{make.__qualname__} filters by something else than its {name} as it is.")
            sql = sql.replace(place, f"%({name})s")
        compiler.connection = None  # this thread's
        return queryset._iterable_class, compiler, sql

    @wraps(make)
    def asked(*args: P.args, **kwargs: P.kwargs) -> list[T]:
        kind, template, sql = compiled()
        values = {**dict(zip(names, args, strict=False)), **kwargs}
        compiler = copy(template)
        compiler.connection = connections["default"]
        compiler.execute_sql = lambda *_, **__: [_fetched(sql, values)]
        query = SimpleNamespace(get_compiler=lambda using: compiler)
        return list(kind(SimpleNamespace(db="default", query=query, _known_related_objects={})))

    return asked


def _quoted(sql: str, params: Any) -> str:
    return str(connection.ops.compose_sql(sql, params))  # type: ignore[attr-defined]


def _fetched(sql: str, values: dict[str, Any]) -> list[Any]:
    with cursor() as asked:
        asked.execute(sql, values)
        found: list[Any] = asked.fetchall()
        return found
