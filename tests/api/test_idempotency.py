"""A request that is sent twice is done once."""

import itertools
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import KeptAnswer
from agents.models import Run
from projects.models import Project
from tests.usage.test_reservations import at_once

URL = "/api/v1/projects/"
BODY = {"prompt": "A page for a bakery"}


def test_it_answers_a_repeat_with_the_first_answer(api, alice):
    client, key = api(alice), uuid4().hex
    first = client.post(URL, BODY, HTTP_IDEMPOTENCY_KEY=key)
    again = client.post(URL, BODY, HTTP_IDEMPOTENCY_KEY=key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert Project.objects.count() == 1


def test_it_starts_one_run_when_all_come_at_once(api, alice, transactional_db):
    clients, key = itertools.cycle([api(alice) for _ in range(12)]), uuid4().hex
    answers = at_once(12, lambda: next(clients).post(URL, BODY, HTTP_IDEMPOTENCY_KEY=key))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Run.objects.count() == 1


@pytest.mark.parametrize("body", [{"prompt": "Another page"}, {**BODY, "name": "x"}])
def test_it_refuses_the_key_for_another_request(api, alice, body):
    client, key = api(alice), uuid4().hex
    client.post(URL, BODY, HTTP_IDEMPOTENCY_KEY=key)
    answer = client.post(URL, body, HTTP_IDEMPOTENCY_KEY=key)
    assert (answer.status_code, answer.json()["status"]) == (422, 422)
    assert Project.objects.count() == 1


def test_it_keeps_no_refusal(api, alice):
    client, key = api(alice), uuid4().hex
    assert client.post(URL, {"prompt": ""}, HTTP_IDEMPOTENCY_KEY=key).status_code == 400
    assert client.post(URL, BODY, HTTP_IDEMPOTENCY_KEY=key).status_code == 201


def test_it_keeps_the_keys_of_two_people_apart(api, alice, bob):
    key = uuid4().hex
    ids = {api(user).post(URL, BODY, HTTP_IDEMPOTENCY_KEY=key).json()["id"] for user in (alice, bob)}
    assert len(ids) == 2


def test_it_forgets_a_key_after_a_day(api, alice):
    client, key = api(alice), uuid4().hex
    client.post(URL, BODY, HTTP_IDEMPOTENCY_KEY=key)
    KeptAnswer.objects.update(created=timezone.now() - timedelta(hours=24, minutes=1))
    assert client.post(URL, {"prompt": "Another"}, HTTP_IDEMPOTENCY_KEY=key).status_code == 201


@pytest.mark.parametrize("key", ["x" * 201, "grüße", "a\tb"])
def test_it_refuses_a_strange_key(api, alice, key):
    assert api(alice).post(URL, BODY, HTTP_IDEMPOTENCY_KEY=key).status_code == 400


def test_it_covers_messages_too(api, alice, project):
    client, key, url = api(alice), uuid4().hex, f"{URL}{project.pk}/messages/"
    first, again = (client.post(url, {"text": "Hello"}, HTTP_IDEMPOTENCY_KEY=key) for _ in range(2))
    assert first.status_code == again.status_code == 202
    assert first.json() == again.json() and Run.objects.count() == 1
