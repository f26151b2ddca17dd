"""Which model answers: branded names, the choice that `auto` makes, prices, who stands in, and short questions."""

import threading

import pytest

from agents import asking, catalogue, lease, runs, services
from agents.catalogue import LARGE, MEDIUM, SMALL
from agents.llm import ModelError, providers
from agents.log import Log
from agents.models import Run
from demo_model import wire
from tests.agents.scripted import Failure, finish, page, write
from usage.services import account_of

BUSY = Failure(529, {"retry-after": "0"})
TOOL = {
    "name": "choose",
    "description": "Choose one.",
    "input_schema": {
        "type": "object",
        "properties": {"framework": {"enum": ["react", "vue"]}},
        "required": ["framework"],
    },
}


# --- Names and prices -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "found"),
    [("Vibe-L", LARGE), (" vibe-s ", SMALL), ("AUTO", catalogue.AUTO), ("", catalogue.AUTO), ("gpt-2", catalogue.AUTO)],
)
def test_it_knows_names_in_any_case_and_takes_auto_for_others(name, found):
    assert catalogue.get(name) is found


@pytest.mark.parametrize(
    ("text", "facts", "picked"),
    [
        ("A shop for tea", {}, MEDIUM),
        ("Make it blue", {"follow_up": True}, SMALL),
        ("Make it blue. " * 40, {"follow_up": True}, MEDIUM),
        ("Try again", {"follow_up": True, "failed": True}, LARGE),
        ("A shop. " * 500, {}, LARGE),
        ("What is this? " * 500, {"question": True}, SMALL),
    ],
)
def test_auto_picks_by_its_rule(text, facts, picked):
    told = {"question": False, "follow_up": False, "failed": False, **facts}
    assert catalogue.pick("auto", text, **told) is picked
    assert catalogue.pick("vibe-l", text, **told) is LARGE


def test_auto_is_decided_once_and_a_run_may_ask_for_another(start):
    run = start()
    assert run.project.model == "auto" and run.model == "vibe-m"
    assert services.start_run(run.project, "Make it blue").model == "vibe-s"
    assert services.start_run(run.project, "Make it blue", model="VIBE-L").model == "vibe-l"


def test_its_prices_and_windows_are_those_of_the_providers():
    import genai_prices

    theirs = {"gemini": "google", "xai": "x-ai", "gateway": "openrouter"}
    for provider, models in catalogue.REAL.items():
        for name, real in models.items():
            assert real.price
            for prompt in (50_000, 300_000):
                usage = {"input": prompt // 2, "cache_read": prompt // 2, "output": 700}
                if real.price.cache_write:
                    usage["cache_write"] = 300
                told = genai_prices.Usage(
                    input_tokens=sum(usage.values()) - 700,
                    cache_read_tokens=usage["cache_read"],
                    cache_write_tokens=usage.get("cache_write", 0),
                    output_tokens=700,
                )
                price = genai_prices.calc_price(told, name, provider_id=theirs.get(provider, provider))
                assert real.price.usd(usage) == pytest.approx(float(price.total_price)), (provider, name, prompt)
                assert real.window == price.model.context_window, name


def test_it_keeps_what_each_call_took_and_what_the_provider_asks_for_it(model, start, work):
    model.say([write(index_html=page("Tea"))], [finish()])
    run = work(start())
    reply = run.steps.filter(type="reply").first().data
    assert reply["model"] == "anthropic:claude-sonnet-5-5"
    assert reply["usd"] == pytest.approx((reply["usage"]["input"] * 2 + reply["usage"]["output"] * 10) / 1e6)


# --- Who answers ------------------------------------------------------------------------------------------------------


def test_it_goes_on_with_the_sibling_for_the_rest_of_the_run(model, start, work):
    model.say(*[BUSY] * 3, [write(index_html=page("Tea"))], [finish()])
    run = work(start())

    assert run.state == Run.State.SUCCEEDED
    assert [request["model"] for request in model.requests] == ["claude-sonnet-5-5"] * 3 + ["claude-haiku-5-5"] * 2
    told = run.steps.get(type="stage", data__status="fallback").data
    assert "claude-haiku-5-5 by Anthropic" in told["title"]
    first = run.steps.filter(type="reply").first().data
    assert first["cost"] == SMALL.cost(first["usage"])


def test_it_goes_on_with_another_provider_that_has_a_key(model, start, work, settings):
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "test-key", f"{model.url}/v1"
    model.say(*[BUSY] * 3, [write(index_html=page("Tea"))], [finish()])
    run = work(start())
    assert run.state == Run.State.SUCCEEDED
    asked = [request["model"] for request in model.requests]
    assert asked == ["claude-sonnet-5-5"] * 3 + ["gpt-6.1-terra"] * 2


def test_it_does_not_wait_longer_than_it_may(model, start, work):
    model.say(Failure(429, {"retry-after": "3600"}), [wire.text("Hello.")])
    run = work(start())
    assert run.state == Run.State.SUCCEEDED
    assert [request["model"] for request in model.requests] == ["claude-sonnet-5-5", "claude-haiku-5-5"]
    assert "3600 s" in run.steps.get(type="stage", data__status="fallback").data["title"]


def test_it_never_spends_the_operators_money_in_place_of_the_users(model, start, work, owner, settings):
    from accounts.models import ProviderKey

    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "operators", f"{model.url}/v1"
    row = ProviderKey(user=owner, provider="anthropic")
    row.put("sk-users")
    row.save()
    model.say(*[BUSY] * 3, [wire.text("Hello.")])
    work(start())
    assert [request["model"] for request in model.requests] == ["claude-sonnet-5-5"] * 3 + ["claude-haiku-5-5"]
    assert all("operators" not in str(headers) for headers in model.headers)


def test_it_needs_no_key_for_a_server_of_ones_own(model, start, work, settings):
    settings.ANTHROPIC_API_KEY, settings.OPENAI_BASE_URL = "", f"{model.url}/v1"
    settings.MODEL_CHOICES = ["", "openai:qwen3-coder", ""]
    model.say([wire.text("Hello.")])
    run = work(start())
    assert (run.state, model.requests[0]["model"]) == (Run.State.SUCCEEDED, "qwen3-coder")
    assert len(providers.chain(MEDIUM)) == 1


def test_it_takes_turns_that_are_no_json_once(model, start, work):
    broken = [wire.tool("write_files", raw='{"files": [')]
    model.say(broken, broken, [finish()])
    run = work(start())
    assert (run.state, run.reason, len(model.requests)) == (Run.State.FAILED, "model_bad_json", 2)
    assert run.steps.get(type="error").data["next"]


# --- Thinking ---------------------------------------------------------------------------------------------------------


def test_it_asks_to_think_where_the_model_can(model, start, work):
    model.say([wire.text("Hello.")])
    work(start())
    assert model.requests[0]["thinking"] == {"type": "adaptive"}
    assert model.requests[0]["output_config"] == {"effort": "medium"}


# --- Short questions --------------------------------------------------------------------------------------------------


@pytest.fixture
def ask(model):
    """Asks the short question of a run that this worker has claimed."""

    def ask(run: Run, **more):
        fence = runs.claim(run.pk, 30)
        assert fence
        with lease.held(lease.Lease(fence)) as held:
            return asking.choose(held, Log(fence), run, "framework", "Be short.", "Which one?", TOOL, **more)

    return ask


def again(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(state=Run.State.QUEUED)


@pytest.mark.parametrize("protocol", ["messages", "chat"])
def test_it_asks_a_short_question_once(model, start, ask, settings, protocol):
    if protocol == "chat":
        settings.ANTHROPIC_API_KEY = ""
        settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "test-key", f"{model.url}/v1"
    model.say([wire.tool("choose", {"framework": "vue"})])
    run = start()
    assert ask(run) == {"framework": "vue"}
    again(run)
    assert ask(run) == {"framework": "vue"}

    [request] = model.requests
    assert "choose" in str(request["tool_choice"]) and "thinking" not in request
    assert request["model"] in ("claude-haiku-5-5", "gpt-6-luna")
    aside = run.steps.get(type="aside")
    assert aside.data["usage"]["input"] and aside.data["usd"] > 0 and "framework" not in aside.data
    run.refresh_from_db()
    assert (run.usage["calls"], run.cost) == (1, 0)
    assert account_of(run.project.owner).balance == 25_000_000


def test_it_asks_again_when_the_answer_does_not_fit(model, start, ask):
    model.say(
        [wire.tool("choose", {"framework": "cobol"})], [wire.text("vue")], [wire.tool("choose", {"framework": "vue"})]
    )
    run = start()
    assert ask(run) == {"framework": "vue"}
    again(run)
    assert ask(run) == {"framework": "vue"}
    assert (len(model.requests), _counted(run)) == (3, 3)


def test_it_fails_clearly_when_no_answer_fits(model, start, ask):
    model.say(*[[wire.text("vue")]] * 3)
    run = start()
    with pytest.raises(ModelError, match="did not answer in the form"):
        ask(run)
    assert (len(model.requests), _counted(run)) == (3, 3)


def _counted(run: Run) -> int:
    """How many calls of 1,000 tokens were counted, the same in a run's sums as in its steps; nobody pays for them."""
    run.refresh_from_db()
    asides = [step.data for step in run.steps.filter(type="aside")]
    assert run.usage["calls"] == len(asides) and run.cost == 0
    assert run.usage["input"] == sum(data["usage"]["input"] for data in asides) == 1_000 * len(asides)
    assert all(data["usd"] > 0 for data in asides)
    return len(asides)


def test_a_short_question_has_a_deadline(model, start, ask):
    model.say(Failure(hang=30), [wire.tool("choose", {"framework": "vue"})])
    assert ask(start(), seconds=1) == {"framework": "vue"}
    assert model.gone.wait(5)


def test_a_stop_interrupts_a_short_question(model, start, ask, eventually):
    model.say(Failure(hang=30))
    run = start()
    stopped = []

    def work():
        from django.db import connection

        try:
            ask(run)
        except lease.RunStopped:
            stopped.append(True)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    eventually(lambda: model.requests)
    services.cancel_run(run)
    thread.join(15)
    assert stopped and model.gone.wait(5)
