"""The list of projects, and what can be done from it."""

import io
import zipfile
from uuid import uuid4

import pytest
from django.urls import reverse

from agents.models import Run
from projects import services
from projects.models import Project


@pytest.fixture
def many(alice):
    return [
        services.create_project(alice, f"App {number:03}", model="vibe-m", framework="html") for number in range(30)
    ]


def url(name, project):
    return reverse(f"project-{name}", args=[project.pk])


def test_it_lists_what_the_user_has_and_nothing_of_others(as_user, alice, bob, project):
    other = services.create_project(bob, "Something of Bob's", model="vibe-m", framework="html")
    answer = as_user(alice).get(reverse("project-list"))
    assert project.name in answer.text and other.name not in answer.text
    assert "no-store" in answer.headers["Cache-Control"]


def test_it_goes_through_the_pages_without_a_gap_or_a_repeat(as_user, alice, many):
    client = as_user(alice)
    for sort, expected in (("name", many), ("created", many[::-1]), ("updated", many[::-1])):
        seen, cursor = [], ""
        while True:
            context = client.get(reverse("project-list"), {"sort": sort, "cursor": cursor}).context
            seen += context["projects"]
            if not (cursor := context["next_cursor"]):
                break
        assert seen == expected, sort


def test_it_searches_by_name(as_user, alice, many):
    context = as_user(alice).get(reverse("project-list"), {"search": "aPP 00"}).context
    assert len(context["projects"]) == 10 and context["search"] == "aPP 00"


@pytest.mark.parametrize(
    "query", ["cursor=x", "sort=owner__password", "search=%00", "search=" + "x" * 5000, "sort=name&cursor=%ff"]
)
def test_it_survives_nonsense_in_the_address(as_user, alice, project, query):
    assert as_user(alice).get(f"{reverse('project-list')}?{query}").status_code == 200


def test_it_does_not_use_a_cursor_of_another_order(as_user, alice, many):
    client = as_user(alice)
    cursor = client.get(reverse("project-list"), {"sort": "name"}).context["next_cursor"]
    context = client.get(reverse("project-list"), {"sort": "created", "cursor": cursor}).context
    assert context["projects"][0] == many[-1]


def test_it_deletes_and_offers_to_undo_once(as_user, alice, project):
    client = as_user(alice)
    assert client.post(url("delete", project)).url == reverse("project-list")
    listed = client.get(reverse("project-list"))
    assert listed.context["undo"] == project and listed.context["projects"] == []
    assert client.get(reverse("project-list")).context["undo"] is None
    assert client.get(url("detail", project)).status_code == 404
    client.post(url("undelete", project))
    assert client.get(reverse("project-list")).context["projects"] == [project]


def test_it_stops_the_runs_of_a_deleted_project(as_user, alice, run):
    as_user(alice).post(url("delete", run.project))
    assert Run.objects.get(pk=run.pk).state == "cancelled"


def test_it_says_what_there_is_with_what_a_run_holds_back(as_user, alice, run):
    assert as_user(alice).get(url("detail", run.project)).context["balance"] == 25.0


def test_it_renames(as_user, alice, project):
    client = as_user(alice)
    assert client.post(url("rename", project), {"name": " Our  bakery "}).status_code == 302
    assert Project.objects.get().name == "Our bakery"
    refused = client.post(url("rename", project), {"name": ""}, headers={"X-Requested-With": "fetch"})
    assert refused.status_code == 400 and "needs a name" in refused.text
    assert client.post(url("rename", project), {"name": "x" * 81}, follow=True).status_code == 200
    assert Project.objects.get().name == "Our bakery"


def test_it_downloads_a_version(as_user, alice, project):
    answer = as_user(alice).get(url("download", project), {"version": 1})
    assert answer.headers["Content-Disposition"] == 'attachment; filename="Page-for-a-bakery-v1.zip"'
    assert "no-store" in answer.headers["Cache-Control"]
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert archive.read("index.html") == b"<h1>Bread</h1>\n"
    for version in ("2", "x", "9" * 20):
        assert as_user(alice).get(url("download", project), {"version": version}).status_code == 404


@pytest.mark.parametrize("name", ["rename", "delete", "undelete"])
def test_it_changes_nothing_by_get(as_user, alice, project, name):
    assert as_user(alice).get(url(name, project)).status_code == 405


@pytest.mark.parametrize("name", ["rename", "delete", "undelete"])
def test_it_answers_a_stranger_as_if_it_were_not_there(as_user, alice, bob, project, name):
    if name == "undelete":
        services.delete(project)
    assert as_user(bob).post(url(name, project), {"name": "x"}).status_code == 404
    assert as_user(bob).post(reverse(f"project-{name}", args=[uuid4()]), {"name": "x"}).status_code == 404
    assert as_user(bob).get(url("download", project)).status_code == 404


def test_it_shows_a_hostile_name_as_text(as_user, alice, project):
    services.rename(project, "<img src=x onerror=alert(1)>\"'")
    assert "<img src=x" not in as_user(alice).get(reverse("project-list")).text
