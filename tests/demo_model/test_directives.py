"""Errors on request: each directive in a prompt, seen through the official SDK."""

import json
import time
from typing import Any

import anthropic
import httpx2
import pytest

from demo_model import colour
from demo_model.app import Model
from tests.demo_model.playing import Agent, Server, tools

BUILD = "a todo app called Zest"


def ask(client: anthropic.Anthropic, words: str, **more):
    """One streamed call; returns the whole answer."""
    fields: dict[str, Any] = {"model": "demo", "max_tokens": 16000, "system": "Framework: html", "tools": tools()}
    messages = [{"role": "user", "content": words}]
    with client.messages.stream(**fields | {"messages": messages} | more) as stream:
        return stream.get_final_message()


@pytest.mark.parametrize(
    ("name", "error", "kind"),
    [
        ("400", anthropic.BadRequestError, "invalid_request_error"),
        ("401", anthropic.AuthenticationError, "authentication_error"),
        ("429", anthropic.RateLimitError, "rate_limit_error"),
        ("500", anthropic.InternalServerError, "api_error"),
        ("529", anthropic.APIStatusError, "overloaded_error"),
    ],
)
def test_it_fails_with_a_status(client, name, error, kind):
    for _ in range(2):
        with pytest.raises(error) as caught:
            ask(client, f"{BUILD} [[demo:{name}]]")
        assert caught.value.status_code == int(name)
        assert caught.value.body["error"]["type"] == kind
        assert caught.value.response.headers.get("retry-after") == ("1" if name == "429" else None)


def test_it_fails_a_counted_number_of_times_then_works(client):
    words = f"{BUILD} [[demo:429x2]]"
    for _ in range(2):
        with pytest.raises(anthropic.RateLimitError):
            ask(client, words)
    assert ask(client, words).stop_reason == "tool_use"
    with pytest.raises(anthropic.RateLimitError):
        ask(client, words)  # a new run begins to count anew


def test_it_fails_at_a_later_turn(agent: Agent):
    agent.framework = "html"
    agent.messages.append({"role": "user", "content": f"{BUILD} [[demo:529x1@1]]"})
    assert agent.step()
    with pytest.raises(anthropic.APIStatusError):
        agent.step()
    assert agent.step()


def test_it_breaks_the_stream_once(client):
    words = f"{BUILD} [[demo:break-stream]]"
    with pytest.raises((anthropic.APIConnectionError, httpx2.TransportError)):
        ask(client, words)
    assert ask(client, words).stop_reason == "tool_use"


def test_it_sends_an_error_event_in_the_stream(client):
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        ask(client, f"{BUILD} [[demo:error-event]]")


def test_it_sends_broken_tool_input_once(client):
    words = f"{BUILD} [[demo:bad-json]]"
    fields = {"model": "demo", "max_tokens": 16000, "system": "Framework: html", "tools": tools(), "stream": True}
    events = list(client.messages.create(**fields, messages=[{"role": "user", "content": words}]))
    pieces = [
        e.delta.partial_json for e in events if e.type == "content_block_delta" and e.delta.type == "input_json_delta"
    ]
    with pytest.raises(json.JSONDecodeError):
        json.loads("".join(pieces))
    assert ask(client, words).content[-1].input["files"]


@pytest.mark.parametrize(("name", "first"), [("bad-tool", "teleport"), ("bad-arguments", "write_files")])
def test_it_goes_on_after_a_wrong_call(agent: Agent, name, first):
    agent.ask(f"{BUILD} [[demo:{name}]]")
    assert agent.calls[0][0] == first
    assert agent.messages[2]["content"][0]["is_error"]
    assert agent.summary


def test_it_writes_a_hostile_path_first(agent: Agent):
    agent.ask(f"{BUILD} [[demo:path=../../etc/passwd]]")
    assert agent.calls[0][1]["files"][0]["path"] == "../../etc/passwd"
    assert agent.messages[2]["content"][0]["is_error"]
    assert agent.summary


def test_it_runs_a_command_first(agent: Agent):
    agent.ask(f"{BUILD} [[demo:command=sleep 1; echo 'hi']]")
    assert agent.calls[0] == ("terminal", {"command": "sleep 1; echo 'hi'"})
    assert agent.summary


def test_it_asks_the_user_first(agent: Agent):
    agent.ask(f"{BUILD} [[demo:ask=Which colour?]]")
    assert agent.calls[0] == ("ask_user", {"question": "Which colour?"})
    assert agent.summary


def test_it_asks_when_told_to_and_builds_what_was_answered(agent: Agent):
    agent.ask("a todo app called Zest, but ask me about the colour")
    assert agent.calls[0][0] == "ask_user" and "Teal" in agent.calls[0][1]["options"]
    blue = dict(colour.css(colour.asked_for("blue") or colour.Tone(0, 0)))
    assert f"--accent: {blue['--accent']};" in agent.text("src/index.css")
    assert "Built Zest" in agent.summary


def test_it_never_finishes_when_told_so(agent: Agent):
    with pytest.raises(AssertionError, match="still working"):
        agent.ask(f"{BUILD} [[demo:never-finish]]", limit=12)
    assert {name for name, _ in agent.calls} == {"list_files"}


def test_it_answers_with_nothing_once(client):
    assert ask(client, f"{BUILD} [[demo:empty]]").content == []
    assert ask(client, f"{BUILD} [[demo:empty]]").content


def test_it_reports_an_expensive_answer(client):
    assert ask(client, f"{BUILD} [[demo:expensive=90000]]").usage.output_tokens == 90000


def test_it_takes_a_drip_as_long_as_asked(client):
    words = "What can you do? [[demo:slow=0.6]]"
    asked = {"model": "demo", "max_tokens": 500, "messages": [{"role": "user", "content": words}]}
    for _ in range(2):  # another person may ask for the same
        with client.messages.stream(**asked) as stream:
            first = next(iter(stream)).type
            began = time.monotonic()
            stream.until_done()
        assert first == "message_start"
        assert time.monotonic() - began > 0.4


@pytest.mark.parametrize("name", ["hang", "stall", "slow=600"])
def test_it_stops_when_the_client_goes_away(server: Server, model: Model, name):
    impatient = anthropic.Anthropic(api_key="x", base_url=server.url, max_retries=0, timeout=0.5)
    with impatient, pytest.raises((anthropic.APIConnectionError, httpx2.TransportError)):
        ask(impatient, f"{BUILD} [[demo:{name}]]", timeout=0.5)
    assert server.wait_for(lambda: model.active == 0)
    assert model.left == 1


def report(agent: Agent) -> str:
    """What the platform says of the mistake that is there."""
    text = agent.text("src/content.ts")
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "forty-" in line)
    return (
        "The platform's check failed: Build.\n\n"
        f"src/content.ts({line},7): error TS2322: Type 'string' is not assignable to type 'number'.\n\n"
        "Find the cause and fix only that. Then call finish."
    )


@pytest.mark.parametrize("words", ["[[demo:broken-build]]", "with a broken build"])
def test_it_breaks_the_build_and_mends_it_when_told(agent: Agent, words):
    agent.ask(f"{BUILD} {words}")
    agent.ask(report(agent))
    assert "forty-" not in agent.text("src/content.ts")
    assert [name for name, _ in agent.calls][-5:] == [
        "read_files", "declare_files", "edit_file", "terminal", "finish"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "prompt", ["a dashboard of build failures", "a todo app that never works against me", "an app to ask me riddles"]
)
def test_it_takes_no_innocent_words_for_a_wish_to_fail(agent: Agent, prompt):
    agent.ask(prompt)
    assert "forty-" not in agent.text("src/content.ts")
    assert "ask_user" not in {name for name, _ in agent.calls}


@pytest.mark.parametrize("words", ["[[demo:broken-buildx2]]", "that needs two rounds to build"])
def test_it_needs_two_rounds_when_told_so(agent: Agent, words):
    agent.ask(f"{BUILD} {words}")
    first = report(agent)
    agent.ask(first)
    assert "forty-" in agent.text("src/content.ts") and "wrong on purpose" in agent.summary
    agent.ask(report(agent))
    assert "forty-" not in agent.text("src/content.ts")


@pytest.mark.parametrize("words", ["[[demo:never-builds]]", "that never builds"])
def test_it_never_mends_what_shall_never_build(agent: Agent, words):
    agent.ask(f"{BUILD} {words}")
    seen = {agent.text("src/content.ts")}
    for _ in range(4):
        agent.ask(report(agent))
        seen.add(agent.text("src/content.ts"))
    assert len(seen) == 5  # another try each time, the same error


def test_directives_do_not_show_in_the_app(agent: Agent):
    agent.ask("a todo app [[demo:expensive=5]] called Zest")
    assert "[[demo" not in agent.everything()
    assert "Zest" in agent.text("index.html")
