"""The small reads: models, frameworks, usage, sandbox state."""

from uuid import uuid4

import pytest

from agents.models import Sandbox
from usage import services


def test_it_lists_models_and_frameworks(api, alice):
    models = api(alice).get("/api/v1/models/").json()
    assert [model["name"] for model in models] == ["auto", "vibe-s", "vibe-m", "vibe-l"]
    assert all(set(model) == {"name", "title", "blurb", "multiplier"} for model in models)
    assert {one["name"] for one in api(alice).get("/api/v1/frameworks/").json()} >= {"html", "react"}


def test_it_shows_the_balance_and_the_ledger(api, alice):
    services.account_of(alice)
    services.grant(alice, 500_000, uuid4().hex, "A present")
    services.reserve(alice, 1_500_000, uuid4())
    body = api(alice).get("/api/v1/usage/").json()
    assert (body["balance"], body["reserved"], body["available"]) == (25_500_000, 1_500_000, 24_000_000)
    assert body["text"] == "24 credits"
    assert [entry["note"] for entry in body["entries"]] == ["A present", "Welcome"]
    older = api(alice).get("/api/v1/usage/", {"before": body["entries"][0]["id"]}).json()
    assert [entry["note"] for entry in older["entries"]] == ["Welcome"]


@pytest.mark.parametrize("before", ["x", "-1", "9" * 30])
def test_it_refuses_a_place_in_the_ledger_that_is_none(api, alice, before):
    assert api(alice).get("/api/v1/usage/", {"before": before}).status_code == 400


def test_it_shows_only_the_users_own_ledger(api, alice, bob):
    services.grant(alice, 500_000, uuid4().hex, "For Alice")
    assert b"For Alice" not in api(bob).get("/api/v1/usage/").content


def test_it_says_what_is_known_of_a_sandbox(api, alice, project):
    url = f"/api/v1/projects/{project.pk}/sandbox/"
    assert api(alice).get(url).json()["state"] == "none"
    Sandbox.objects.create(project=project, sandbox_id="s1", template="html", version=1, host="3000-s1.localhost:1")
    body = api(alice).get(url).json()
    assert body["state"] == "running" and "3000-s1.localhost:1" in body["url"]


def test_it_does_not_stop_a_sandbox_in_which_a_run_is_at_work(api, alice, run):
    Sandbox.objects.create(project=run.project, sandbox_id="s1", template="html", host="x")
    run.state = "running"
    run.save()
    assert api(alice).post(f"/api/v1/projects/{run.project_id}/sandbox/stop/").status_code == 409


def test_it_answers_at_once_when_a_sandbox_is_asked_to_start(api, alice, project):
    for action in ("start", "restart", "stop"):
        answer = api(alice).post(f"/api/v1/projects/{project.pk}/sandbox/{action}/")
        assert (answer.status_code, answer.json()["state"]) == (202, "none")
