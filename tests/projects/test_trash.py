"""What was deleted: listed, brought back or removed for good by its owner, and gone after a while by itself."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.db.migrations import RunSQL
from django.db.migrations.loader import MigrationLoader
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from agents import edits, tasks
from agents.models import Run, Sandbox, Step
from projects import services
from projects.models import Attachment, Message, Project, ShowcaseEntry, Version
from usage.models import Entry
from usage.services import account_of

API = "/api/v1/projects"


@pytest.fixture
def trash(run):
    """Alice's project with a version and a run, deleted."""
    edits.delete_project(run.project)
    return Project.objects.get(pk=run.project_id)


def purge(client, project):
    return client.post(reverse("project-purge", args=[project.pk]))


def test_it_lists_what_was_deleted_and_brings_it_back(as_user, alice, trash):
    client = as_user(alice)
    assert reverse("project-trash") in client.get(reverse("project-list")).text
    listed = client.get(reverse("project-trash"))
    assert listed.context["projects"][0] == trash and trash.name in listed.text
    assert f"{trash.deleted + timedelta(days=30):%-d %B}" in listed.text
    back = client.post(reverse("project-undelete", args=[trash.pk]), follow=True)
    assert back.context["projects"] == [trash] and "is back" in back.text
    assert reverse("project-trash") not in back.text
    assert "Nothing here" in client.get(reverse("project-trash")).text


def test_it_leads_from_the_address_of_one_that_is_gone_to_the_deleted_ones(as_user, alice, trash):
    answer = as_user(alice).get(trash.get_absolute_url())
    assert answer.status_code == 404 and f'href="{reverse("project-trash")}"' in answer.text


def test_it_is_listed_and_brought_back_over_rest(api, alice, trash):
    client = api(alice)
    assert [one["id"] for one in client.get(f"{API}/deleted/").json()["results"]] == [str(trash.pk)]
    assert client.post(f"{API}/{trash.pk}/undelete/").json()["version"] == 1
    assert client.post(f"{API}/{trash.pk}/undelete/").status_code == 404
    assert client.get(f"{API}/deleted/").json()["results"] == []
    assert client.get(f"{API}/{trash.pk}/").status_code == 200


def test_it_goes_for_good_and_its_costs_stay_in_the_books(as_user, alice, trash):
    Sandbox.objects.create(project=trash, sandbox_id="there", template="html")
    before = list(Entry.objects.values())
    client = as_user(alice)
    assert purge(client, trash).url == reverse("project-trash")
    for kind in (Project, Run, Step, Message, Version, Attachment):
        assert not kind.objects.exists(), kind
    assert Sandbox.objects.get().project is None, "it is to be ended"
    assert list(Entry.objects.values()) == before and account_of(alice).reserved == 0
    assert client.get(reverse("usage")).status_code == 200
    assert purge(client, trash).status_code == 404


def test_it_leaves_what_was_made_of_it(alice, bob, trash):
    copy = services.copy_version(trash.versions.get(), bob, "A copy", public=True)
    facts = {"author": alice, "title": "Bread", "category": "shops"}
    entry = ShowcaseEntry.objects.create(project=copy, source=trash, **facts)
    assert edits.purge(trash)
    entry.refresh_from_db()
    assert entry.source is None and copy.versions.get().manifest


def test_it_removes_nothing_that_is_not_deleted_or_at_work(as_user, alice, run):
    client = as_user(alice)
    assert purge(client, run.project).status_code == 404 and not edits.purge(run.project)
    services.delete(run.project)
    assert "is being stopped" in client.get(purge(client, run.project).url).text
    assert Project.objects.filter(pk=run.project_id).exists()


def test_it_removes_nothing_that_was_brought_back_meanwhile(trash):
    services.undelete(trash)
    assert not edits.purge(trash) and Project.objects.filter(pk=trash.pk).exists()


def test_it_answers_a_stranger_as_if_it_were_not_there(as_user, api, bob, trash):
    client = as_user(bob)
    assert purge(client, trash).status_code == 404
    assert client.post(reverse("project-purge", args=[uuid4()])).status_code == 404
    assert trash.name not in client.get(reverse("project-trash")).text
    assert api(bob).get(f"{API}/deleted/").json()["results"] == []
    assert api(bob).post(f"{API}/{trash.pk}/undelete/").status_code == 404
    assert Project.objects.filter(pk=trash.pk, deleted__isnull=False).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("days", "is_there"), [(29, True), (31, False)])
def test_it_goes_by_itself_after_thirty_days(trash, days, is_there):
    other = services.create_project(trash.owner, "A page that stays", model="vibe-m")
    Project.objects.filter(pk=trash.pk).update(deleted=timezone.now() - timedelta(days=days))
    assert tasks.purge_deleted() == int(not is_there)
    assert Project.objects.filter(pk=trash.pk).exists() is is_there
    assert Project.objects.filter(pk=other.pk).exists()


def test_it_has_its_days_from_the_update_on_that_brings_the_list(trash):
    Project.objects.filter(pk=trash.pk).update(deleted=timezone.now() - timedelta(days=100))
    kept = services.create_project(trash.owner, "A page that stays", model="vibe-m")
    (update,) = MigrationLoader(None).get_migration("projects", "0018_deleted_from_now").operations
    assert isinstance(update, RunSQL) and isinstance(update.sql, str)
    with connection.cursor() as cursor:
        cursor.execute(update.sql)
    trash.refresh_from_db()
    kept.refresh_from_db()
    assert timezone.now() - trash.deleted < timedelta(minutes=5) and kept.deleted is None


def test_its_list_asks_as_much_for_many_as_for_one(as_user, alice, trash):
    def queries():
        with CaptureQueriesContext(connection) as asked:
            client.get(reverse("project-trash"))
        return len(asked)

    client = as_user(alice)
    queries()
    one = queries()
    for number in range(5):
        services.delete(services.create_project(alice, f"Page {number}", model="vibe-m"))
    assert queries() == one
