"""A run with the user's own key: that key goes to the provider, tokens cost nothing, and no page ever sees it."""

import json
import logging

import pytest

from accounts.models import ProviderKey
from agents.models import Run
from tests.agents.scripted import Failure, finish, page, write
from usage.models import Reservation
from usage.services import account_of

KEY = "sk-own-0123456789-secret"


def bring(owner, provider="anthropic"):
    row = ProviderKey(user=owner, provider=provider)
    row.put(KEY)
    row.save()


def test_it_uses_the_key_and_charges_nothing(model, start, work, owner):
    bring(owner)
    model.say([write(index_html=page("Tea"))], [finish()])
    run = work(start())

    assert (run.state, run.cost) == (Run.State.SUCCEEDED, 0)
    assert {KEY in "".join(headers.values()) for headers in model.headers} == {True}
    assert account_of(owner).available == 25_000_000
    assert run.steps.get(type="credit").data["reason"] == "your own key was used"


@pytest.mark.parametrize("credits", [25, 0])
def test_it_holds_nothing_back_and_needs_no_credits(model, start, work, owner, settings, credits):
    settings.SIGNUP_CREDITS = credits
    assert account_of(owner).available == credits * 1_000_000
    bring(owner)
    model.say([write(index_html=page("Tea"))], [finish()])
    run = start()
    assert not Reservation.objects.exists()
    assert work(run).state == Run.State.SUCCEEDED and account_of(owner).available == credits * 1_000_000


def test_it_shows_the_key_to_nobody(model, start, work, owner, caplog):
    bring(owner)
    model.say(Failure(500, {"retry-after": "0"}), [write(index_html=page("Tea"))], [finish()])
    with caplog.at_level(logging.DEBUG):
        run = work(start())
    assert KEY not in caplog.text
    steps = run.project.steps.values_list("data", "record")
    assert KEY not in json.dumps(list(steps))
    assert KEY not in json.dumps(model.requests)


def test_it_does_not_repeat_the_key_after_a_provider_that_does(model, start, work, owner):
    bring(owner)
    model.say(Failure(400, say=f"Bad header: x-api-key: {KEY}"))
    run = work(start())
    assert "Bad header: x-api-key: [removed]" in run.steps.get(type="error").data["detail"]
    assert KEY not in json.dumps(list(run.project.steps.values_list("data", "record")))


def test_it_prefers_the_users_provider(model, start, work, owner, settings):
    settings.OPENAI_BASE_URL = f"{model.url}/v1"
    bring(owner, "openai")
    model.say([write(index_html=page("Tea"))], [finish()])
    work(start())
    assert model.requests[0]["model"] == "gpt-6.1-terra"


def test_it_says_when_the_own_key_is_refused(model, start, work, owner):
    bring(owner)
    model.say(Failure(401))
    run = work(start())
    assert (run.state, run.reason) == (Run.State.FAILED, "model_key_refused")
    assert "Settings" in run.steps.get(type="error").data["next"]


def test_it_says_when_the_own_key_cannot_be_opened(model, start, work, owner):
    bring(owner)
    ProviderKey.objects.update(sealed="v1.00000000.AAAA")
    run = work(start())
    assert (run.state, run.reason) == (Run.State.FAILED, "own_key_lost")
    assert "Settings" in run.steps.get(type="error").data["next"]
