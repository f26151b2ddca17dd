"""/healthz and /readyz, on the real site."""

import json
import urllib.request

import pytest


def test_it_says_that_everything_it_needs_answers(stack):
    with urllib.request.urlopen(f"{stack.url}/readyz") as answer:
        facts = json.load(answer)
    assert facts["ok"], facts
    assert {"database", "redis", "sandbox", "model"} <= set(facts["checks"])


@pytest.mark.django_db
def test_it_lives_without_asking_anyone(client):
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.content == b"ok\n"
