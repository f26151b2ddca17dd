"""Statements of every message: compiled once, planned once per connection, and otherwise like any queryset."""

import threading
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import F, QuerySet
from django.test.utils import CaptureQueriesContext

from accounts import prepared
from accounts.models import ApiToken, User

pytestmark = pytest.mark.django_db


@prepared.rows
def tokens_of(user_id: int, name: str) -> "QuerySet[ApiToken]":
    tokens = ApiToken.objects.select_related("user").filter(user_id=user_id).exclude(name=name)
    return tokens.annotate(email=F("user__email")).exclude(name__in=["%(name)s", "it's"]).order_by("-pk")[:2]


@prepared.rows
def names_of(user_id: int) -> "QuerySet[ApiToken, str]":
    return ApiToken.objects.filter(user_id=user_id).order_by("pk").values_list("name", flat=True)


@prepared.rows
def pairs_of(user_id: int) -> "QuerySet[ApiToken, tuple[int, str]]":
    return ApiToken.objects.filter(user_id=user_id).order_by("pk").values_list("user_id", "name")


@pytest.fixture
def people() -> list[User]:
    people = [User.objects.create_user(f"{name}@example.com", "x") for name in ("ann", "bob")]
    for person in people:
        for name in ("one", "two", "it's", "100 %"):
            ApiToken.issue(person, name)
    return people


def plans() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return [row[0] for row in cursor.fetchall()]


def test_it_gives_the_rows_of_the_queryset_for_each_value(people, django_assert_num_queries):
    for person in people:
        with django_assert_num_queries(1):
            found = tokens_of(person.pk, "one")
            assert [(token.name, token.user, getattr(token, "email", "")) for token in found] == [
                ("100 %", person, person.email),
                ("two", person, person.email),
            ]
            assert found[0].is_good
    assert names_of(people[0].pk) == ["one", "two", "it's", "100 %"]
    assert pairs_of(user_id=people[1].pk)[:1] == [(people[1].pk, "one")]
    assert names_of(0) == []


@pytest.mark.parametrize("name", ["'; DROP TABLE accounts_apitoken; --", "%s", "%(user_id)s", "\\", "ä 🫖"])
def test_it_takes_a_value_for_nothing_but_a_value(people, name):
    ApiToken.issue(people[0], name)
    assert [token.name for token in tokens_of(people[0].pk, name)] == ["100 %", "two"]
    assert [token.name for token in tokens_of(people[0].pk, "two")] == [name, "100 %"]


def test_it_is_planned_once_per_connection(people):
    for person in people * 5:
        names_of(person.pk)
    kept = [text for text in plans() if '"accounts_apitoken"."name"' in text and text.count("accounts_apitoken") < 6]
    assert len(kept) == 1 and "$1" in kept[0]


def migrate(chars: int) -> None:
    """By another process, as it were: psycopg forgets plans where it sees the statement itself."""

    def altering() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE accounts_apitoken ALTER COLUMN name TYPE varchar({chars})")
        connection.close()

    thread = threading.Thread(target=altering)
    thread.start()
    thread.join()


@pytest.mark.django_db(transaction=True)
def test_it_goes_on_when_a_migration_changes_a_column_under_it(people):
    assert names_of(people[0].pk)[0] == "one"
    migrate(90)
    try:
        assert names_of(people[0].pk)[0] == "one"
        assert names_of(people[1].pk)[0] == "one"
    finally:
        migrate(80)
    with pytest.raises(OperationalError), transaction.atomic():  # on which a run is taken up again
        names_of(people[0].pk)
    with transaction.atomic():
        assert names_of(people[0].pk)[0] == "one"


def test_it_keeps_nothing_of_other_statements(people):
    names_of(people[0].pk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s", ["secret" * 1_000])
        kept = cursor.connection._prepared
    assert not any(b"secret" in query for query, _ in [*kept._counts, *kept._names])


def test_it_shows_in_djangos_log_and_its_errors_are_djangos(people):
    with CaptureQueriesContext(connection) as seen:
        names_of(people[0].pk)
    assert '"accounts_apitoken"."name"' in seen.captured_queries[0]["sql"]
    with pytest.raises(DatabaseError), prepared.cursor() as cursor:
        cursor.execute("SELECT no_such_column FROM accounts_user WHERE id = %s", [1])


def test_it_refuses_a_value_that_is_no_plain_part_of_a_filter():
    @prepared.rows
    def by_half(name: str) -> "QuerySet[ApiToken]":
        return ApiToken.objects.filter(name__startswith=name)

    @prepared.rows
    def by_nothing(pk: UUID) -> "QuerySet[ApiToken]":
        return ApiToken.objects.all()

    with pytest.raises(TypeError, match="its name as it is"):
        by_half("o")
    with pytest.raises(TypeError, match="its pk as it is"):
        by_nothing(uuid4())
