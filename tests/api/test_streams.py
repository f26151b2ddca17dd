"""Streams of a project's events: what they carry, and bodies that are none."""

import json

import pytest
from django.http import StreamingHttpResponse
from django.test import AsyncClient

from accounts.models import ApiToken
from agents import runs
from agents.consumers import ProjectConsumer
from agents.stream import frame
from projects.services import create_project

DEEP = "[" * 100_000


@pytest.fixture
def alice_at(transactional_db, django_user_model):
    """A person's project in which something was said, and how they are let in."""
    person = django_user_model.objects.create_user("alice@example.com")
    project = create_project(person, "A page", model="vibe-m", framework="html")
    runs.note(project.pk, "reply", {"turn": 1, "html": "<p>Green tea</p>"})
    return project, {"Authorization": f"Bearer {ApiToken.issue(person)[1]}"}


@pytest.mark.parametrize(("query", "has_card"), [("", False), ("?html=1", True)])
async def test_it_draws_cards_for_who_asks_for_them(alice_at, query, has_card):
    project, headers = alice_at
    answer = await AsyncClient().get(f"/api/v1/projects/{project.pk}/stream/{query}", headers=headers)
    assert isinstance(answer, StreamingHttpResponse)
    pieces = aiter(answer.streaming_content)
    async for piece in pieces:
        if b"Green tea" in piece:
            break
    await pieces.aclose()
    event = json.loads(piece.split(b"data: ")[1])
    assert event["data"]["html"] == "<p>Green tea</p>"
    assert ("html" in event, "html_id" in event) == (has_card, has_card)


async def test_it_refuses_a_body_that_is_nested_too_deep(alice_at):
    answer = await AsyncClient().post("/api/v1/generate/", DEEP, content_type="application/json", headers=alice_at[1])
    assert answer.status_code == 400


async def test_a_socket_passes_over_what_is_nested_too_deep():
    assert await ProjectConsumer.decode_json(DEEP) is None


def test_it_sends_an_event_as_one_line_whatever_it_says():
    said = {"id": 7, "type": "text", "data": {"text": "a\u2028b\u2029c\x85d\x0b\x1c\n"}}
    head, line, *rest = frame(said).decode().splitlines()
    assert (head, rest) == ("id: 7", [""])
    assert json.loads(line.removeprefix("data: ")) == said
