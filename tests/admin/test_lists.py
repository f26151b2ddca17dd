"""The admin's lists stay quick however long a table is, sum up the ledger, and act on runs."""

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import paging
from agents.models import Run
from usage import services
from usage.models import Entry

pytestmark = pytest.mark.django_db
OURS = [
    model
    for model in admin.site._registry
    if model._meta.app_label in ("accounts", "usage", "projects", "agents", "admin")
]


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_it_counts_no_further_than_it_pages(as_user, staff, model):
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert as_user(staff).get(address).status_code == 200
    table = model._meta.db_table
    counts = [query["sql"] for query in asked if "COUNT(*)" in query["sql"] and f'FROM "{table}"' in query["sql"]]
    assert all(f"LIMIT {paging.MOST}" in count for count in counts), counts
    assert not [query["sql"] for query in asked if "DISTINCT" in query["sql"] and f'FROM "{table}"' in query["sql"]]


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_it_searches_people_before_what_is_theirs(as_user, staff, model):
    """Both in one statement would read two tables from end to end."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    with CaptureQueriesContext(connection) as asked:
        assert as_user(staff).get(address, {"q": "anna@example.com"}).status_code == 200
    table = model._meta.db_table
    asked_of = [query["sql"] for query in asked if '"accounts_user"."email"' in query["sql"].partition("WHERE")[2]]
    assert table == "accounts_user" or not [sql for sql in asked_of if f'FROM "{table}"' in sql], asked_of


def test_it_finds_by_address_id_and_beginning(as_user, staff, alice, bob, run):
    services.grant(alice, 1, "gift-of-may", "A gift")
    services.grant(bob, 1, "gift-of-june", "A gift")
    found = lambda page, q: as_user(staff).get(f"/admin/{page}/", {"q": q}).context["cl"].result_count  # noqa: E731
    assert found("usage/entry", alice.email[1:].upper()) == Entry.objects.filter(account__user=alice).count()
    assert [found("usage/entry", key) for key in ("gift-of-", "gift-of-may", "of-may", "nothing")] == [2, 1, 0, 0]
    assert [found("agents/run", text) for text in (run.pk, run.project_id, alice.email)] == [1, 1, 1]
    assert [found("agents/run", text) for text in (bob.email, "nothing")] == [0, 0]
    assert [found("accounts/user", text) for text in (alice.email[2:], "ALIC", "nobody at all")] == [1, 1, 0]
    assert [found("projects/project", text) for text in ("BAKERY", alice.email, bob.email)] == [1, 1, 0]


def test_it_sums_up_the_ledger_lines_that_were_found(as_user, staff, alice, bob):
    services.grant(alice, 3_000_000, "one", "A gift")
    services.grant(bob, 4_000_000, "two", "A gift")
    address = reverse("admin:usage_entry_changelist")
    before = sum(entry.amount for entry in Entry.objects.filter(kind="grant")) / 1_000_000
    assert f"grant: {before:,.2f}" in as_user(staff).get(address).content.decode()
    mine = sum(entry.amount for entry in Entry.objects.filter(account__user=alice)) / 1_000_000
    assert f"grant: {mine:,.2f}" in as_user(staff).get(address, {"q": alice.email}).content.decode()


def test_it_stops_and_retries_runs_and_writes_it_down(as_user, staff, run):
    address = reverse("admin:agents_run_changelist")
    as_user(staff).post(address, {"action": "cancel", "_selected_action": [str(run.pk)]})
    run.refresh_from_db()
    assert run.state == Run.State.CANCELLED
    as_user(staff).post(address, {"action": "retry", "_selected_action": [str(run.pk)]})
    assert Run.objects.filter(project=run.project).count() == 2
    said = LogEntry.objects.filter(object_id=str(run.pk)).values_list("change_message", flat=True)
    assert set(said) == {"Stopped by staff.", "Tried again by staff."}


def test_it_acts_on_no_run_without_the_right(as_user, person, protect, run):
    from django.contrib.auth.models import Permission

    looker = protect(person(is_staff=True))
    looker.user_permissions.add(Permission.objects.get(codename="view_run"))
    address = reverse("admin:agents_run_changelist")
    as_user(looker).post(address, {"action": "cancel", "_selected_action": [str(run.pk)]})
    run.refresh_from_db()
    assert run.state != Run.State.CANCELLED


def test_it_shows_models_and_prompts_to_staff_only(as_user, staff, alice):
    page = as_user(staff).get("/staff/models/").content.decode()
    assert "claude-sonnet-5-5" in page and "version " in page and "system" in page
    assert as_user(alice).get("/staff/models/").status_code == 404
