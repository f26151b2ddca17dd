"""A message may refer to other projects: kept with it as they were then, and nobody else's are to be found."""

from uuid import uuid4

import pytest

from agents import services
from projects import references, versions
from projects.models import Message
from projects.services import create_project, delete, rename


@pytest.fixture
def shop(alice):
    """Another project of alice's, with two versions."""
    made = create_project(alice, "Tea shop", model="vibe-m", framework="html", name="Tea shop")
    versions.save(made, {"index.html": b"<h1>Tea</h1>"}, source="run")
    versions.save(made, {"index.html": b"<h1>More tea</h1>"}, source="run")
    return made


@pytest.fixture
def say(api, alice, project):
    """`say(*ids)`: alice's message in her bakery that refers to these projects."""

    def say(*ids, user=alice, text="Like @Tea shop"):
        body = {"text": text, "references": [str(one) for one in ids]}
        return api(user).post(f"/api/v1/projects/{project.pk}/messages/", body)

    return say


def kept(project):
    return project.messages.latest("created").references


def test_it_keeps_which_projects_a_message_refers_to(say, api, alice, project, shop):
    said = say(shop.pk, shop.pk)
    assert said.status_code == 202
    expected = [{"id": str(shop.pk), "name": "Tea shop", "version": 2}]
    assert said.json()["message"]["references"] == expected == kept(project)
    # The page hears of them, and links to them.
    events = api(alice).get(f"/api/v1/projects/{project.pk}/events/?html=1").json()["events"]
    [event] = [one for one in events if one["type"] == "user_message"]
    assert event["data"]["references"] == expected
    assert f'href="/projects/{shop.pk}/"' in event["html"] and "Tea shop" in event["html"]
    # Another name, and a deletion, leave what was said as it was.
    rename(shop, "Coffee shop")
    delete(shop)
    [message] = api(alice).get(f"/api/v1/projects/{project.pk}/messages/").json()["results"]
    assert message["references"] == expected


def test_it_begins_a_project_that_refers_to_others(api, as_user, alice, shop):
    made = api(alice).post("/api/v1/projects/", {"prompt": "A shop like @Tea shop", "references": [str(shop.pk)]})
    assert made.status_code == 201
    assert kept(alice.projects.get(pk=made.json()["id"]))[0]["name"] == "Tea shop"
    form = {"prompt": "One more like @Tea shop", "references": [str(shop.pk)]}
    assert as_user(alice).post("/projects/new/", form).status_code == 302
    assert kept(alice.projects.latest("created"))[0]["name"] == "Tea shop"
    form["references"] = ["nonsense"]
    refused = as_user(alice).post("/projects/new/", form)
    assert refused.status_code == 400 and references.GONE in refused.content.decode()


def test_it_tells_nobody_whether_a_project_is_there(say, project, bob, shop):
    theirs = create_project(bob, "Secret plan", model="vibe-m", framework="html")
    answers = [say(one) for one in (theirs.pk, uuid4(), project.pk)]
    delete(shop)
    answers.append(say(shop.pk))
    assert {one.status_code for one in answers} == {400}
    assert len({str(one.json()["errors"]) for one in answers}) == 1
    assert not Message.objects.filter(project=project).exists()
    assert say(user=bob).status_code == 404


def test_it_has_a_limit(say, alice, project):
    many = [create_project(alice, f"App {n}", model="vibe-m", framework="html").pk for n in range(references.MOST + 1)]
    assert say(*many[:-1]).status_code == 202
    refused = say(*many)
    assert refused.status_code == 400 and "at most 5 projects" in str(refused.json()["errors"]["references"])
    assert project.messages.count() == 1


def test_it_refers_to_the_same_when_it_is_sent_again_or_goes_on(say, project, shop):
    say(shop.pk)
    before = kept(project)
    versions.save(shop, {"index.html": b"<h1>Other</h1>"}, source="run")
    run = project.runs.get()
    services.cancel_run(run)
    run.refresh_from_db()
    delete(shop)
    again = services.retry_run(run)
    assert again.message.references == before
    services.cancel_run(again)
    again.refresh_from_db()
    assert services.continue_run(again).message.references == before


def test_a_name_that_is_taken_out_of_a_waiting_message_is_not_referred_to(say, api, alice, project, shop):
    other = create_project(alice, "Other", model="vibe-m", framework="html", name="Other")
    say(shop.pk, other.pk)
    run = project.runs.get()
    assert api(alice).patch(f"/api/v1/runs/{run.pk}/", {"text": "Not like it"}).status_code == 200
    # The other was never named in the text, so nothing of it was taken out.
    assert [one["name"] for one in kept(project)] == ["Other"]
    data = project.steps.filter(type="user_message").latest("cursor").data
    assert [one["name"] for one in data["references"]] == ["Other"]
