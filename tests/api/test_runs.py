"""Messages, runs and events over REST."""

from uuid import uuid4

import pytest

from agents.models import Run

BASE = "/api/v1/projects"


def test_it_takes_a_message_and_queues_the_next(api, alice, project):
    client, url = api(alice), f"{BASE}/{project.pk}/messages/"
    first, second = client.post(url, {"text": "Make it blue"}), client.post(url, {"text": "Why?", "mode": "ask"})
    assert first.status_code == second.status_code == 202
    assert first.json()["run"]["state"] == second.json()["run"]["state"] == "queued"
    assert second.json()["message"]["mode"] == "ask"
    texts = [message["text"] for message in client.get(url).json()["results"]]
    assert texts == ["Why?", "Make it blue"]


def test_it_is_worked_on_by_the_model_that_is_chosen_for_the_message(api, alice, as_user, project):
    client, url = api(alice), f"{BASE}/{project.pk}/messages/"
    chosen = client.post(url, {"text": "Make it blue", "model": "Vibe-L"}).json()["run"]["id"]
    other = client.post(url, {"text": "Make it red"}).json()["run"]["id"]
    assert [Run.objects.get(pk=pk).model for pk in (chosen, other)] == ["vibe-l", "vibe-m"]
    # By the page's form it is the project's from then on.
    as_user(alice).post(f"/projects/{project.pk}/messages/", {"text": "Make it green", "model": "vibe-s"})
    project.refresh_from_db()
    assert (project.model, project.runs.latest("created").model) == ("vibe-s", "vibe-s")


@pytest.mark.parametrize(
    "body",
    [{}, {"text": " "}, {"text": "x" * 20_001}, {"text": "a", "mode": "rule"}, {"text": "a", "attachments": ["x"]}],
)
def test_it_refuses_a_bad_message(api, alice, project, body):
    answer = api(alice).post(f"{BASE}/{project.pk}/messages/", body)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert not Run.objects.exists()


def test_it_shows_a_run_with_its_steps(api, alice, run):
    body = api(alice).get(f"/api/v1/runs/{run.pk}/").json()
    assert (body["state"], body["cost"], body["cost_text"]) == ("queued", 0, "0 credits")
    assert [step["type"] for step in body["steps"]] == ["user_message", "state"]
    assert all("html" not in step for step in body["steps"])


def test_it_cancels_a_waiting_run_at_once_and_only_once(api, alice, run):
    url = f"/api/v1/runs/{run.pk}/cancel/"
    answer = api(alice).post(url)
    assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")
    again = api(alice).post(url)
    assert (again.status_code, again.json()["title"]) == (409, "Conflict")


def test_its_card_says_free_without_a_time_when_it_took_none(api, alice, run):
    client = api(alice)
    client.post(f"/api/v1/runs/{run.pk}/cancel/")
    card = client.get(f"{BASE}/{run.project_id}/events/", {"html": 1}).json()["events"][-1]["html"]
    assert '<span class="muted num">free</span>' in card


def test_it_asks_the_worker_of_a_running_run_to_stop(api, alice, run):
    Run.objects.filter(pk=run.pk).update(state="running")
    assert api(alice).post(f"/api/v1/runs/{run.pk}/cancel/").status_code == 202
    run.refresh_from_db()
    assert run.cancel_requested and run.state == "running"


def test_it_retries_what_has_ended_and_not_what_goes_on(api, alice, run):
    url = f"/api/v1/runs/{run.pk}/retry/"
    assert api(alice).post(url).status_code == 409
    Run.objects.filter(pk=run.pk).update(state="failed")
    answer = api(alice).post(url)
    assert answer.status_code == 202 and answer.json()["id"] != str(run.pk)
    assert Run.objects.get(pk=answer.json()["id"]).message.text == run.message.text


def test_it_retries_and_goes_on_with_as_high_a_cap_and_from_where_the_run_went_on(api, alice, project):
    client = api(alice)
    said = {"text": "Make it blue", "cap": 300_000}
    pk = client.post(f"{BASE}/{project.pk}/messages/", said).json()["run"]["id"]
    stopped = Run.objects.get(pk=pk)
    for action in ("continue", "retry", "retry"):
        Run.objects.filter(pk=pk).update(state="failed")
        pk = client.post(f"/api/v1/runs/{pk}/{action}/").json()["id"]
        run = Run.objects.get(pk=pk)
        assert (run.cap, run.follows) == (300_000, stopped)


def test_it_gives_events_after_a_cursor_without_a_gap(api, alice, run):
    client, url = api(alice), f"{BASE}/{run.project_id}/events/"
    body = client.get(url).json()
    assert [event["id"] for event in body["events"]] == [1, 2] and body["cursor"] == 2
    assert body["run_state"] == "queued"
    rest = client.get(url, {"after": 1}).json()
    assert [event["id"] for event in rest["events"]] == [2]
    assert client.get(url, {"after": 2}).json() == {"events": [], "cursor": 2, "run_state": "queued"}
    assert client.get(url, {"after": 99}).json()["cursor"] == 2


@pytest.mark.django_db(transaction=True)
def test_it_tells_proxies_and_caches_to_let_a_stream_pass(api, alice, project):
    headers = api(alice).get(f"{BASE}/{project.pk}/stream/").headers
    assert headers["Content-Type"] == "text/event-stream" and headers["Connection"] == "keep-alive"
    assert "no-cache" in headers["Cache-Control"] and headers["X-Accel-Buffering"] == "no"


def test_it_adds_the_pages_html_when_asked(api, alice, run):
    events = api(alice).get(f"{BASE}/{run.project_id}/events/", {"html": 1}).json()["events"]
    assert events[0]["html_id"].startswith("msg-") and "Make it blue" in events[0]["html"]


@pytest.mark.parametrize("after", ["x", "-1", "9" * 30, "1.5"])
def test_it_refuses_a_cursor_that_is_none(api, alice, project, after):
    assert api(alice).get(f"{BASE}/{project.pk}/events/", {"after": after}).status_code == 400


def test_it_says_there_is_no_run_in_a_new_project(api, alice, project):
    assert api(alice).get(f"{BASE}/{project.pk}/events/").json() == {"events": [], "cursor": 0, "run_state": None}


@pytest.mark.parametrize("action", ["", "cancel/", "retry/"])
def test_it_answers_a_stranger_as_if_there_were_no_run(api, bob, run, action):
    client, method = api(bob), "post" if action else "get"
    stranger = getattr(client, method)(f"/api/v1/runs/{run.pk}/{action}")
    missing = getattr(client, method)(f"/api/v1/runs/{uuid4()}/{action}")
    assert stranger.status_code == missing.status_code == 404
    assert stranger.json() == missing.json()
    run.refresh_from_db()
    assert run.state == "queued"
