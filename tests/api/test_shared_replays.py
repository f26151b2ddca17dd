"""A share link shows how the newest run went only if its owner wants that, and of it only what is meant for others."""

import json
from typing import Any

import pytest

from agents import runs
from agents.models import Run
from projects import services

KEY = "sk-ant-api03-abcdefghijklmnopqrstuvwx"


@pytest.fixture
def share(api, alice, project):
    return lambda **body: api(alice).patch(f"/api/v1/projects/{project.pk}/share/", body)


@pytest.fixture
def link(api, alice, project):
    """The share link's path."""
    made = api(alice).post(f"/api/v1/projects/{project.pk}/share/").json()
    assert made["replay"] is False
    return "/s/" + made["url"].split("/s/")[1]


@pytest.fixture
def built(project, alice):
    """A run that built something, with all that its log may hold."""
    asked = services.add_message(project, "user", f"A page. Write to {alice.email.upper()}, my key is {KEY}")
    run = Run.objects.create(
        project=project,
        message=asked,
        model="vibe-m",
        state="succeeded",
        version=project.versions.first(),
        cost=777_000,
    )
    usage = {"input": 4321, "output": 20}
    words = f"I made **it** for {alice.email}.\n\n```js\nconst secretCode = 1;\n```\nAll done."
    tool = {"turn": 1, "index": 0, "input": {}, "summary": "undisclosed summary"}
    file = {"path": "app.js", "action": "changed", "added": 3, "removed": 1, "diff": "+undisclosed diff"}
    command = {**tool, "key": "1.1", "name": "terminal", "title": f"Run curl -H {KEY} undisclosed-host"}
    write = {**tool, "key": "1.0", "name": "write_files", "title": "Write app.js"}
    checks = {"build": True, "lint": False}
    attached = [{"id": "undisclosed-attachment", "name": "x.png"}]
    steps: list[tuple[str, dict[str, Any]]] = [
        (
            "user_message",
            {"message_id": str(asked.pk), "text": asked.text, "html": "undisclosed html", "attachments": attached},
        ),
        ("stage", {"stage": "work", "status": "started", "title": "Building"}),
        ("stage", {"stage": "work", "status": "waiting", "title": "http://undisclosed-gateway did not answer."}),
        ("reply", {"turn": 1, "text": words, "html": "undisclosed html", "usage": usage, "cost": 777_000}),
        ("tool_call", write),
        ("tool_result", {**write, "ok": True, "files": [file], "output": "undisclosed output"}),
        ("tool_result", {**command, "ok": True, "output": "undisclosed output", "exit_code": 0}),
        ("tool_result", {**tool, "key": "1.2", "name": "remember", "title": "undisclosed memory", "ok": True}),
        ("check", {"name": "build", "title": "Builds", "ok": True, "round": 0, "output": "undisclosed output"}),
        ("credit", {"balance": 123_456}),
        ("file", {"path": "undisclosed file event"}),
        (
            "complete",
            {"state": "succeeded", "checks": checks, "cost": 777_000, "cost_text": "0.78", "html": "undisclosed html"},
        ),
    ]
    for kind, data in steps:
        runs.note(project.pk, kind, data, run.pk)
    return run


def test_it_is_off_until_the_owner_switches_it_on(share, link, built, as_user):
    assert as_user().get(f"{link}replay/").status_code == 404
    assert "How it was made" not in as_user().get(link).text
    answer = share(replay=True)
    assert (answer.status_code, answer.json()["replay"]) == (200, True)
    assert "How it was made" in as_user().get(link).text
    assert as_user().get(f"{link}replay/").status_code == 200
    share(replay=False)
    assert as_user().get(f"{link}replay/").status_code == 404


def test_it_tells_what_was_asked_and_done(share, link, built, as_user):
    share(replay=True)
    events = as_user().get(f"{link}replay/").json()["events"]
    kinds = ["user_message", "stage", "reply", "tool_call", "tool_result", "tool_result", "check", "complete"]
    assert [event["type"] for event in events] == kinds
    assert events[1]["data"] == {"title": "Building"}
    assert events[3]["html_id"] == events[4]["html_id"] != events[5]["html_id"]
    assert len({event["html_id"] for event in events}) == len(events) - 1
    text = " ".join(event["html"] for event in events)
    for shown in (
        "A page. Write to",
        "<strong>it</strong>",
        "All done.",
        "Write app.js",
        "+3",
        "−1",
        "Run a command",
        "Builds",
    ):
        assert shown in text


def test_it_tells_nothing_that_is_the_owners_own(share, link, built, as_user, alice, project):
    share(replay=True)
    page, answer = as_user().get(link), as_user().get(f"{link}replay/")
    told = (page.text + json.dumps(answer.json())).lower()
    kept = [
        alice.email,
        KEY,
        "curl",
        "undisclosed",
        "secretcode",
        "4321",
        "777000",
        "0.78",
        "123456",
        str(project.pk),
        str(built.pk),
    ]
    assert [one for one in kept if one.lower() in told] == []
    assert answer.headers["Cache-Control"].startswith("max-age=0")


def test_it_shows_no_run_that_built_nothing_or_goes_on(share, link, built, as_user):
    share(replay=True)
    Run.objects.update(state="running")
    assert as_user().get(f"{link}replay/").status_code == 404
    Run.objects.update(state="succeeded", version=None)
    assert as_user().get(f"{link}replay/").status_code == 404
    assert "How it was made" not in as_user().get(link).text


def test_it_is_the_owners_to_switch(api, bob, share, link, built, project, as_user):
    url = f"/api/v1/projects/{project.pk}/share/"
    assert api(bob).patch(url, {"replay": True}).status_code == 404
    assert share(replay="perhaps").status_code == 400
    assert as_user().get(f"{link}replay/").status_code == 404
    share(replay=True)
    services.delete(project)
    assert as_user().get(f"{link}replay/").status_code == 404


def test_it_is_off_again_for_another_link(api, alice, project, share, link, built):
    share(replay=True)
    url = f"/api/v1/projects/{project.pk}/share/"
    api(alice).delete(url)
    assert share(replay=True).status_code == 404
    assert api(alice).post(url).json()["replay"] is False
