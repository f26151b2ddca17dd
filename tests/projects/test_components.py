"""The page of components shows each card of the chat in each state, to developers only."""

import pytest

from agents import events
from vibe.samples import SAMPLES


@pytest.fixture
def shown(client, settings, db):
    settings.DEBUG = True
    answer = client.get("/ui/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_shows_every_card(shown):
    partials = {partial for partial, _, _ in SAMPLES}
    assert partials == {f"steps/_{kind}.html" for kind in events.CARDS}
    for words in ("Interrupted", "No files changed", "Made the page.", "Limit reached", "Try again"):
        assert words in shown


def test_it_is_not_there_in_production(client, db):
    assert client.get("/ui/").status_code == 404
