"""A conversation that grows: old results are shortened, then old turns summed up; a worker that takes over agrees."""

import pytest

from agents import asking, loop
from agents.models import Run, Step
from agents.prompts import talk
from demo_model import wire
from projects import versions
from tests.agents.scripted import Failure, finish, page, write

LONG = "cup of tea\n" * 1_200  # some 3,800 tokens


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(asking, "window", lambda run: 20_000)
    monkeypatch.setattr("agents.bench.window", lambda run: 20_000)


def read(number):
    lines = {"path": "long.txt", "to": 1_200 - number}
    return [wire.text(f"Decision {number}: tea before milk."), wire.tool("read_files", {"paths": [lines]})]


def build(model, turns):
    long = {"files": [{"path": "long.txt", "content": LONG}]}
    failing = wire.tool("terminal", {"command": "echo 'error: no milk' >&2; exit 1"})
    model.say([wire.tool("write_files", long), failing], *[read(number) for number in range(turns)], [finish()])


def test_it_shortens_old_results_first_and_then_sums_old_turns_up(model, start, work, small):
    build(model, 9)
    run = work(start())
    assert run.state == Run.State.SUCCEEDED

    marks = [step for step in run.steps.filter(type="stage") if step.data.get("kind")]
    kinds = [step.data["kind"] for step in marks]
    assert kinds[0] == "shorten" and "compact" in kinds
    for request in model.requests:
        assert talk.tokens(request["messages"]) < 20_000
    last = str(model.requests[-1]["messages"])
    assert "Decision 0: tea before milk" in last
    assert "long.txt (created)" in last
    assert "error: no milk" in last
    assert "A page about tea" in last
    # The newest turns are whole.
    assert LONG[:2_000] in "".join(
        block["content"] for block in model.requests[-1]["messages"][-1]["content"] if block["type"] == "tool_result"
    )


def test_it_shortens_for_the_very_call_that_is_too_long_and_sums_nothing_up_then(model, start, work, monkeypatch):
    monkeypatch.setattr("agents.bench.window", lambda run: 30_000)
    monkeypatch.setattr(loop, "KEPT_TURNS", 1)
    long = wire.tool("write_files", {"files": [{"path": "long.txt", "content": LONG}]})
    model.say([long], [read(number)[1] for number in range(3)], [read(number)[1] for number in range(3, 5)], [finish()])
    run = work(start())

    kinds = [step.data["kind"] for step in run.steps.filter(type="stage") if step.data.get("kind")]
    assert kinds == ["shorten", "shorten"]
    assert max(talk.tokens(request["messages"]) for request in model.requests) < loop.COMPACT_SHARE * 30_000 - 5_000


def test_it_sends_what_it_sent_before_when_it_is_taken_over(model, start, work, small):
    build(model, 9)
    run = work(start())
    context = Step.objects.get(run=run, type="stage", key="context").record
    steps = list(Step.objects.filter(run=run).order_by("seq"))
    last = next(step for step in reversed(steps) if step.type == "reply")
    assert context
    again = talk.messages(run, [step for step in steps if step.seq < last.seq], context)
    sent = model.requests[-1]["messages"]
    sent[-1]["content"][-1].pop("cache_control", None)
    assert again == sent


def test_it_sums_up_once_when_the_provider_says_that_it_is_too_long(model, start, work):
    refused = Failure(400, say="prompt is too long: 200241 tokens > 200000 maximum")
    model.say([write(index_html=page("Tea"))], [wire.tool("list_files", {})], refused, [finish("Done.")])
    run = work(start())
    assert (run.state, run.reply.text) == (Run.State.SUCCEEDED, "Done.")
    assert "index.html (changed)" in str(model.requests[-1]["messages"])
    assert len(model.requests[-1]["messages"]) < len(model.requests[-2]["messages"])
    assert versions.read(run.version, "index.html").decode() == page("Tea")


def test_it_sums_up_when_it_is_too_long_for_the_fallback(model, start, work):
    busy = Failure(529, {"retry-after": "3600"})
    refused = Failure(400, say="prompt is too long: 200241 tokens > 200000 maximum")
    model.say([write(index_html=page("Tea"))], [wire.tool("list_files", {})], busy, refused, [finish("Done.")])
    run = work(start())
    assert (run.state, run.reply.text) == (Run.State.SUCCEEDED, "Done.")
    asked = [request["model"] for request in model.requests]
    assert asked == ["claude-sonnet-5-5"] * 3 + ["claude-haiku-5-5"] * 2
    assert len(model.requests[-1]["messages"]) < len(model.requests[-2]["messages"])


def test_it_shortens_for_a_fallback_that_reads_less(model, start, work, settings):
    """Half of 128,000 tokens, which is assumed of a model that nobody knows; the first one reads a million."""
    settings.MODEL_CHOICES = ["anthropic:some-model", "anthropic:claude-sonnet-5-5", ""]
    long = wire.tool("write_files", {"files": [{"path": "long.txt", "content": "cup of tea\n" * 23_000}]})
    model.say([long], *[[wire.tool("list_files", {})] for _ in range(4)], [finish()])
    run = work(start())
    assert {request["model"] for request in model.requests} == {"claude-sonnet-5-5"}
    kinds = [step.data["kind"] for step in run.steps.filter(type="stage") if step.data.get("kind")]
    assert kinds and set(kinds) == {"shorten"}


def test_it_fails_clearly_when_it_stays_too_long(model, start, work):
    refused = Failure(400, say="prompt is too long")
    model.say([write(index_html=page("Tea"))], refused, refused)
    run = work(start())
    assert (run.state, run.reason) == (Run.State.FAILED, "model_context")


def test_it_keeps_the_newest_pictures_only():
    def result(number):
        image = {"type": "image", "source": {"type": "base64", "media_type": "image/webp", "data": str(number)}}
        return {"type": "tool_result", "tool_use_id": str(number), "content": [{"type": "text", "text": "seen"}, image]}

    said = [{"role": "user", "content": [result(number) for number in range(4)]}]
    kept = [len(block["content"]) for block in talk._fewer_pictures(said)[0]["content"]]
    assert kept == [1, 1, 2, 2]
    assert loop.SHORTEN_SHARE < loop.COMPACT_SHARE
