"""What becomes of a run when the model fails: tried again when that may help, a clear and free end when not."""

import pytest

from agents import prompts
from agents.models import Run
from demo_model import wire
from tests.agents.scripted import Failure, finish, frames_of, page, write
from tests.agents.test_taking_over import work_until
from usage.services import account_of


@pytest.mark.parametrize(
    "failure",
    [
        Failure(429, {"retry-after": "0"}),
        Failure(529),
        Failure(500),
        Failure(break_after=5),
        Failure(break_after=0),
    ],
    ids=["rate limit", "overloaded", "server error", "stream breaks", "nothing comes"],
)
def test_it_tries_again_and_goes_on(model, start, work, failure):
    model.say(failure, [write(index_html=page("Tea"))], [finish()])
    run = work(start())

    assert run.state == Run.State.SUCCEEDED
    assert run.steps.filter(type="reply").count() == 2
    assert run.usage["calls"] == 3  # and the review
    assert run.steps.filter(type="stage", data__status="waiting").count() == 1


def test_it_obeys_retry_after(model, start, work):
    model.say(Failure(429, {"retry-after": "2"}), [wire.text("Hello.")])
    run = work(start())

    waiting = run.steps.get(type="stage", data__status="waiting")
    reply = run.steps.get(type="reply")
    assert 2 <= (reply.at - waiting.at).total_seconds() < 6  # by itself it would wait 1.2 s at most


def test_it_ends_after_three_tries_of_each_model_and_costs_nothing(model, start, work):
    model.say(*[Failure(429, {"retry-after": "0"})] * 6, [wire.text("too late")])
    run = work(start())

    assert (run.state, run.reason, run.cost) == (Run.State.FAILED, "model_rate_limited", 0)
    assert len(model.requests) == 6
    error = run.steps.get(type="error").data
    assert "429" in error["detail"] and error["next"]
    assert "{" not in error["detail"], "the provider's words, not its JSON"
    assert account_of(run.project.owner).available == 25_000_000


@pytest.mark.parametrize("status", [400, 403, 404, 413])
def test_it_does_not_ask_again_what_was_refused(model, start, work, status):
    model.say(Failure(status), [wire.text("too late")])
    run = work(start())

    assert (run.state, len(model.requests)) == (Run.State.FAILED, 1)
    assert not run.steps.filter(type="stage", data__status__in=["waiting", "fallback"]).exists()


def test_it_does_not_ask_again_with_a_refused_key(model, start, work, operator):
    model.say(Failure(401))
    run = work(start())

    assert (run.state, run.reason) == (Run.State.FAILED, "model_key_refused")
    assert len(model.requests) == 1
    assert "ANTHROPIC_API_KEY" in run.steps.get(type="error").data["next"]


def test_it_names_a_model_that_cannot_be_reached(model, start, work, settings, operator):
    settings.ANTHROPIC_BASE_URL = "http://127.0.0.1:9"
    run = work(start())

    assert (run.state, run.reason) == (Run.State.FAILED, "model_unreachable")
    error = run.steps.get(type="error").data
    assert "http://127.0.0.1:9" in error["detail"] and "ANTHROPIC_BASE_URL" in error["next"]


WEB_PAGE = Failure(headers={"Content-Type": "text/html"}, body=b"<h1>Welcome</h1>")


@pytest.mark.parametrize("fault", [Failure(401), Failure(403), WEB_PAGE, None])
def test_it_shows_addresses_and_settings_only_to_who_runs_the_site(model, start, work, settings, caplog, fault):
    if fault:
        model.say(fault, fault)
    else:
        settings.ANTHROPIC_BASE_URL = "http://127.0.0.1:9"
    run = work(start())
    assert run.state == Run.State.FAILED
    said = str(list(run.project.steps.values_list("data", flat=True)))
    assert "http" not in said and "127.0.0.1" not in said and "ANTHROPIC" not in said and ".env" not in said
    assert "whoever runs this site" in run.steps.get(type="error").data["next"]
    assert "http://127.0.0.1" in caplog.text


def test_it_tells_the_model_of_tool_input_that_is_not_json(model, start, work):
    model.say(
        [wire.tool("write_files", raw='{"files": [{"path": "index.html"')], [write(index_html=page("Tea"))], [finish()]
    )
    run = work(start())

    assert run.state == Run.State.SUCCEEDED
    result = model.requests[1]["messages"][-1]["content"][0]
    assert result["is_error"] and "not a valid JSON object" in str(result["content"])


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (wire.tool("launch_rocket", {}), "There is no tool"),
        (wire.tool("write_files", {"files": "index.html"}), "does not fit its schema"),
        (wire.tool("write_files", {}), "required property"),
        (wire.tool("terminal", {"command": "true", "user": "root"}), "does not fit its schema"),
    ],
    ids=["unknown tool", "wrong type", "missing argument", "extra argument"],
)
def test_it_tells_the_model_of_a_call_that_cannot_be_made(model, start, work, call, word):
    model.say([call], [wire.text("I see.")])
    run = work(start())

    result = model.requests[1]["messages"][-1]["content"][0]
    assert result["is_error"] and word in str(result["content"])
    assert run.state == Run.State.SUCCEEDED


def test_it_nudges_a_silent_model_and_then_gives_up(model, start, work):
    model.say([], [], [])
    run = work(start())

    assert (run.state, run.reason) == (Run.State.FAILED, "model_empty")
    assert len(model.requests) == 3


def ended(reason: str, *blocks: wire.Block) -> Failure:
    """A turn that ends for this reason."""
    old = b'"stop_reason":"end_turn"'
    body = b"".join(frames_of(list(blocks))).replace(old, old.replace(b"end_turn", reason.encode()))
    return Failure(headers={"Content-Type": "text/event-stream"}, body=body)


def thoughts(reason: str = "end_turn", *before: wire.Block) -> Failure:
    """A turn whose last block is a thought."""
    said, mark = ended(reason, *before, wire.text("Hm.")), b'"content_block":{"type":"text","text":""}'
    head, tail = said.body.rsplit(mark, 1)
    tail = tail.replace(b'"type":"text_delta","text"', b'"type":"thinking_delta","thinking"')
    said.body = head + mark.replace(b"text", b"thinking") + tail
    return said


def blocks_of(model):
    return [(m["role"], block["type"]) for m in model.requests[-1]["messages"] for block in m["content"]]


def test_it_takes_thoughts_alone_for_nothing_and_does_not_send_them_on(model, start, work):
    model.say([write(index_html=page("Tea"))], thoughts(), [wire.text("  \n")], [finish()])
    run = work(start())

    assert (run.state, len(model.requests)) == (Run.State.SUCCEEDED, 4)
    assert blocks_of(model)[-3:] == [("user", "tool_result"), ("user", "text"), ("user", "text")]
    assert "was empty" in str(model.requests[3]["messages"][-1])


def test_it_gives_up_a_model_that_only_thinks(model, start, work):
    model.say(*[thoughts()] * 3)
    assert (work(start()).reason, len(model.requests)) == ("model_empty", 3)


def test_it_has_a_model_go_on_that_was_cut_off(model, start, work):
    model.say(thoughts("max_tokens", wire.text("First I")), [write(index_html=page("Tea"))], [finish()])
    run = work(start())

    assert (run.state, len(model.requests)) == (Run.State.SUCCEEDED, 3) and run.version
    asked = model.requests[1]["messages"][-2:]
    assert asked[0]["content"] == [wire.text("First I")] and "was cut" in str(asked[1])


def test_it_keeps_both_parts_of_an_answer_that_was_cut(model, start, work):
    model.say([wire.text("Before.")], ended("max_tokens", wire.text("Tea is")), [wire.text("a drink.")])
    work(start())
    run = work(start())
    assert run.reply.text == "Tea is\n\na drink."


def test_it_stops_a_model_that_is_cut_off_again_and_again(model, start, work):
    model.say([write(index_html=page("Tea"))], *[ended("max_tokens", wire.text("And so"))] * 3)
    run = work(start())

    assert (run.state, run.reason, len(model.requests)) == (Run.State.STOPPED, "limit", 4)
    assert "longest length" in run.reply.text and run.version


def test_it_says_that_the_model_declined(model, start, work):
    model.say(ended("refusal", wire.text("I cannot")))
    run = work(start())

    assert (run.state, run.reason, len(model.requests)) == (Run.State.FAILED, "model_declined", 1)
    assert "declined" in run.reply.text and "Say it differently" in run.steps.get(type="error").data["next"]
    assert account_of(run.project.owner).reserved == 0


def test_it_asks_on_where_a_worker_died_after_an_empty_answer(model, start, work, monkeypatch):
    model.say([], [finish()])
    run = start()
    work_until(run, monkeypatch, "reply", before=False)
    run = work(run)
    assert (run.state, len(model.requests)) == (Run.State.SUCCEEDED, 2)


def test_it_stops_a_model_that_goes_in_circles(model, start, work):
    model.say(*[[wire.tool("list_files", {})] for _ in range(7)], [wire.text("Oh well.")])
    run = work(start())

    results = [step.data for step in run.steps.filter(type="tool_result")]
    assert [result["ok"] for result in results] == [True] * 5 + [False] * 2


def test_it_stops_at_the_limit_of_turns_and_keeps_the_work(model, start, work, settings):
    settings.RUN_MAX_TURNS = 3
    model.say([write(index_html=page("Tea"))], *[[wire.tool("search", {"pattern": str(n)})] for n in range(9)])
    run = work(start())

    assert (run.state, run.reason) == (Run.State.STOPPED, "limit")
    assert len(model.requests) == 3
    assert "index.html" in run.version.manifest


def test_it_ends_clearly_when_the_project_cannot_be_read(model, start, work, monkeypatch):
    """What was to be written together with it is not in the log, and nothing is counted by it."""

    def broken(project):
        raise ZeroDivisionError

    monkeypatch.setattr(prompts, "context", broken)
    run = work(start())
    assert (run.state, run.reason) == (Run.State.FAILED, "internal_error")
    assert [step.data["state"] for step in run.steps.filter(type="state").order_by("seq")] == ["queued", "failed"]
