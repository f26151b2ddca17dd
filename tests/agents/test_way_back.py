"""A newest version that does not work: its event and the page name the last one that did."""

from agents import services
from agents.models import Run
from projects import versions
from tests.agents.scripted import Failure, finish, page, write

OFFER = "the last that worked"
GOOD, BAD = {"page": True}, {"page": True, "console": False}


def offered(client, project):
    """The version that the workspace offers to restore; None where it offers none."""
    html = client.get(project.get_absolute_url()).text
    found = {part.split('"')[0] for part in html.split('data-restore="')[1:] if OFFER in part.split("</button>")[0]}
    return int(found.pop() or 0) or None


def events(client, project):
    return client.get(f"/api/v1/projects/{project.pk}/events/").json()["events"]


def test_it_is_offered_when_a_run_ended_before_its_checks(model, start, work, as_user):
    model.say([write(index_html=page("Tea"))], [finish()])
    good = work(start())
    client = as_user(good.project.owner)
    assert offered(client, good.project) is None
    model.say([write(index_html="<h1>half a pa")], Failure(400))
    run = work(services.start_run(good.project, "Make it blue"))

    assert (run.state, run.version.number, run.version.verdict) == (Run.State.FAILED, 2, {})
    told = [event["data"]["way_back"] for event in events(client, run.project) if event["type"] == "version"]
    assert told == [None, 1]
    assert offered(client, run.project) == 1


def test_it_is_offered_until_it_is_taken(project, as_user, alice):
    client = as_user(alice)
    versions.save(project, {"index.html": b"Tea"}, source="run", verdict=GOOD)
    versions.save(project, {"index.html": b"Tea, broken"}, source="run", verdict=BAD)
    assert offered(client, project) == 2
    url = f"/api/v1/projects/{project.pk}/versions/2/restore/"
    assert client.post(url, {}, content_type="application/json").status_code == 201
    assert offered(client, project) is None
    assert events(client, project)[-1]["data"]["way_back"] is None


def test_it_is_not_offered_for_what_a_person_changed_or_where_nothing_worked(project, as_user, alice):
    client = as_user(alice)
    versions.save(project, {"index.html": b"Tea, broken"}, source="run", verdict=BAD)
    assert offered(client, project) is None
    versions.save(project, {"index.html": b"Tea"}, source="run", verdict=GOOD)
    versions.save_file(project, "index.html", b"By hand")
    assert offered(client, project) is None


def states(client, project):
    """What the list of projects and the project's own page say of it: each one's badge, "" for none."""
    pages = [client.get(url).text for url in ("/projects/", project.get_absolute_url())]
    return [
        text.split('<span class="badge state"')[1].split(">")[1].split("<")[0] if "badge state" in text else ""
        for text in pages
    ]


def test_it_is_not_called_failed_any_more_once_a_person_saved_or_restored_a_version(model, start, work, as_user):
    model.say([write(index_html=page("Tea"))], [finish()], [write(index_html="<h1>half a pa")], Failure(400))
    good = work(start())
    client, project = as_user(good.project.owner), good.project
    assert work(services.start_run(project, "Make it blue")).state == Run.State.FAILED
    assert states(client, project) == ["Failed", "Failed"]
    url = f"/api/v1/projects/{project.pk}/versions/1/restore/"
    assert client.post(url, {}, content_type="application/json").status_code == 201
    assert states(client, project) == ["", ""]
    model.say(Failure(400))
    assert work(services.start_run(project, "Make it red")).state == Run.State.FAILED
    assert states(client, project) == ["Failed", "Failed"]
