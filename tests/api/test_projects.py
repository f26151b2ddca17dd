"""Projects over REST: begin, list, change, hide."""

from uuid import uuid4

import pytest

from agents.models import Run
from projects import services, versions
from projects.models import Project
from usage.models import Account, Reservation
from usage.services import account_of

URL = "/api/v1/projects/"


@pytest.fixture
def many(alice):
    return [services.create_project(alice, f"App {number:03}", model="vibe-m", framework="html") for number in range(7)]


def test_it_starts_a_project_and_its_run(api, alice):
    answer = api(alice).post(URL, {"prompt": "A page for a bakery", "framework": "html", "model": "Vibe-S"})
    assert answer.status_code == 201
    body = answer.json()
    project, run = Project.objects.get(pk=body["id"]), Run.objects.get(pk=body["run"]["id"])
    assert (project.owner, project.framework, project.model) == (alice, "html", "vibe-s")
    assert (body["run"]["state"], body["version"], body["name"]) == ("queued", None, "Page for a bakery")
    assert run.project == project and run.message.text == "A page for a bakery"
    assert answer.headers["Location"] == f"{URL}{project.pk}/"
    assert Reservation.objects.filter(run_id=run.pk, state="open").exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": "  \n"}, "prompt"),
        ({"prompt": "x" * 20_001}, "prompt"),
        ({"prompt": "a\x00b"}, "prompt"),
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"prompt": "A page", "framework": "cobol"}, "framework"),
        ({"prompt": "A page", "model": ["vibe-s"]}, "model"),
        ({"prompt": "A page", "name": "x" * 81}, "name"),
    ],
)
def test_it_refuses_a_bad_start_and_keeps_nothing(api, alice, body, field):
    answer = api(alice).post(URL, body)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert list(answer.json()["errors"]) == [field]
    assert not Project.objects.exists() and not Reservation.objects.exists()


def test_it_says_what_there_is_when_there_are_not_enough_credits(api, alice):
    account = account_of(alice)
    Account.objects.filter(pk=account.pk).update(balance=500_000)
    answer = api(alice).post(URL, {"prompt": "A page"})
    assert answer.status_code == 402
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not enough credits",
        "status": 402,
        "detail": "This needs 1 credit and you have 0.5 credits.",
        "needed": 1_000_000,
        "balance": 500_000,
        "upgrade": "/pricing/",
    }
    assert not Project.objects.exists()


def test_it_does_not_take_what_is_not_the_users_to_set(api, alice, bob):
    sent = {"prompt": "A page", "owner": bob.pk, "id": str(uuid4()), "cursor": 99, "deleted": "2020-01-01", "cost": 0}
    project = Project.objects.get(pk=api(alice).post(URL, sent).json()["id"])
    assert project.owner == alice and str(project.pk) != sent["id"] and project.deleted is None
    api(alice).patch(f"{URL}{project.pk}/", {"owner": bob.pk, "framework": "cobol", "cursor": 99, "name": "New"})
    changed = Project.objects.get(pk=project.pk)
    assert (changed.name, changed.owner, changed.framework) == ("New", alice, project.framework)
    assert changed.cursor == project.cursor


def test_it_lists_in_pages_that_fit_together(api, alice, many):
    client, seen, url = api(alice), [], f"{URL}?page_size=3&ordering=name"
    while url:
        page = client.get(url).json()
        seen += [one["name"] for one in page["results"]]
        url = page["next"]
    assert seen == [project.name for project in many]


def test_it_searches_and_sorts(api, alice, many, project):
    versions.save(project, {"new": b""}, source="run")
    client = api(alice)
    found = client.get(URL, {"search": "BAKERY"}).json()["results"]
    assert [one["id"] for one in found] == [str(project.pk)] and found[0]["version"] == 2
    names = [one["name"] for one in client.get(URL, {"ordering": "-name", "page_size": 2}).json()["results"]]
    assert names == ["Page for a bakery", "App 006"]


@pytest.mark.parametrize(
    "query",
    [
        "cursor=nonsense",
        "cursor=cD1hYmM=",  # p=abc: not a date
        "cursor=cD0yMDI2LTAxLTAxJm89OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk=",  # an offset beyond every number
        "cursor=cD0lMDA=",  # p=%00
        "search=%00",
        "ordering=owner__password",
        "page_size=999999",
        "page_size=-1",
    ],
)
def test_it_survives_nonsense_in_the_query(api, alice, many, query):
    assert api(alice).get(f"{URL}?{query}").status_code in (200, 400, 404)


def test_it_does_not_ask_the_database_more_for_more_projects(api, alice, many, django_assert_max_num_queries):
    client = api(alice)
    client.get(URL)
    with django_assert_max_num_queries(4):
        assert len(client.get(URL).json()["results"]) == 7


def test_it_shows_exactly_these_fields(api, alice, project):
    body = api(alice).get(f"{URL}{project.pk}/").json()
    told = {"framework_open", "rules", "criteria", "memory", "locked", "pinned", "dropped", "review", "auto_fix", "cap"}
    assert set(body) == told | {"id", "name", "framework", "model", "version", "url", "created", "updated"}
    assert body["version"] == 1 and body["url"] == f"/projects/{project.pk}/"


def test_it_renames_and_changes_the_model(api, alice, project):
    body = api(alice).patch(f"{URL}{project.pk}/", {"name": "  My   shop ", "model": "vibe-l"}).json()
    assert (body["name"], body["model"]) == ("My shop", "vibe-l")
    # A model that there is not means: whichever fits the message.
    assert api(alice).patch(f"{URL}{project.pk}/", {"model": "gpt-1"}).json()["model"] == "auto"
    assert api(alice).patch(f"{URL}{project.pk}/", {"name": ""}).status_code == 400


def test_it_hides_a_project_and_stops_its_runs(api, alice, run):
    url = f"{URL}{run.project_id}/"
    assert api(alice).delete(url).status_code == 204
    assert api(alice).get(url).status_code == api(alice).delete(url).status_code == 404
    run.refresh_from_db()
    assert run.state == "cancelled"
    account = Account.objects.get(user=alice)
    assert account.reserved == 0


def test_it_answers_a_stranger_as_if_it_were_not_there(api, bob, project):
    missing = api(bob).get(f"{URL}{uuid4()}/")
    for method in ("get", "patch", "delete"):
        answer = getattr(api(bob), method)(f"{URL}{project.pk}/")
        assert (answer.status_code, answer.json()) == (404, missing.json())
    assert Project.objects.get(pk=project.pk).deleted is None
