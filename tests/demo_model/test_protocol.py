"""The wire: what the official SDK sees, streamed and not."""

import time
from typing import Any

import anthropic
import pytest

from demo_model.app import Model
from demo_model.pace import Pace
from tests.demo_model.playing import Server, tools

ASK: list[Any] = [{"role": "user", "content": "What can you do?"}]
BUILD: list[Any] = [{"role": "user", "content": "A landing page for a bakery called Crumb & Co"}]
SYSTEM = "Framework: html"


def test_it_answers_without_streaming(client):
    answer = client.messages.create(model="demo", max_tokens=1000, messages=ASK)
    assert answer.stop_reason == "end_turn"
    assert "scripted" in answer.content[0].text
    assert answer.usage.input_tokens == 6
    assert answer.usage.output_tokens > 20


def test_it_streams_text_and_tool_input_in_pieces(client):
    with client.messages.stream(model="demo", max_tokens=16000, system=SYSTEM, tools=tools(), messages=BUILD) as stream:
        kinds = [event.type for event in stream]
        answer = stream.get_final_message()
    assert kinds[0] == "message_start"
    assert kinds[-1] == "message_stop"
    assert kinds.count("text") > 5
    assert kinds.count("input_json") > 5
    assert answer.stop_reason == "tool_use"
    assert answer.content[-1].name == "write_files"
    assert answer.content[-1].id.startswith("toolu_")
    assert answer.content[-1].input["files"][0]["path"]


def test_it_says_the_same_streamed_and_whole(client):
    ask = {"model": "demo", "max_tokens": 16000, "system": SYSTEM, "tools": tools(), "messages": BUILD}
    whole = client.messages.create(**ask)
    with client.messages.stream(**ask) as stream:
        streamed = stream.get_final_message()
    assert [b.model_dump(exclude={"id"}) for b in whole.content] == [
        b.model_dump(exclude={"id", "parsed_output"}) for b in streamed.content
    ]
    assert whole.usage == streamed.usage


def test_it_stops_at_max_tokens(client):
    answer = client.messages.create(model="demo", max_tokens=10, messages=ASK)
    assert answer.stop_reason == "max_tokens"
    assert answer.usage.output_tokens == 10
    assert len(answer.content[0].text) == 40


def test_it_counts_a_marked_prefix_as_cached_the_second_time(client):
    system = [{"type": "text", "text": "Framework: html\n" + "x" * 4000, "cache_control": {"type": "ephemeral"}}]
    first = client.messages.create(model="demo", max_tokens=1000, system=system, messages=ASK)
    again = client.messages.create(model="demo", max_tokens=1000, system=system, messages=ASK)
    assert (first.usage.cache_creation_input_tokens, first.usage.cache_read_input_tokens) == (1004, 0)
    assert (again.usage.cache_creation_input_tokens, again.usage.cache_read_input_tokens) == (0, 1004)
    assert first.usage.input_tokens == again.usage.input_tokens > 0


def test_it_reads_the_cache_of_the_turn_before_when_the_mark_moves_on(client):
    def turn(words) -> list[Any]:
        return [{"type": "text", "text": words, "cache_control": {"type": "ephemeral"}}]

    talk: list[Any] = [{"role": "user", "content": turn("hello " * 100)}]
    first = client.messages.create(model="demo", max_tokens=1000, messages=talk)
    talk[0]["content"][0].pop("cache_control")
    talk += [{"role": "assistant", "content": "Hi."}, {"role": "user", "content": turn("what can you do?")}]
    second = client.messages.create(model="demo", max_tokens=1000, messages=talk)
    assert second.usage.cache_read_input_tokens == first.usage.cache_creation_input_tokens > 100
    assert 0 < second.usage.cache_creation_input_tokens < 30


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"messages": []}, "at least one message"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, 'first message must use the "user" role'),
        ({"messages": [{"role": "user", "content": ""}]}, "non-empty"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": " "}]}]}, "non-empty"),
        ({"max_tokens": 0}, "greater than or equal to 1"),
        ({"model": ""}, "model"),
    ],
)
def test_it_refuses_what_the_real_one_refuses(client, change, words):
    with pytest.raises(anthropic.BadRequestError, match=words) as caught:
        client.messages.create(**{"model": "demo", "max_tokens": 10, "messages": ASK} | change)
    assert caught.value.body["error"]["type"] == "invalid_request_error"  # type: ignore[index]


def test_it_refuses_a_tool_call_without_its_result(client):
    use = {"type": "tool_use", "id": "toolu_1", "name": "list_files", "input": {}}
    talk = [*ASK, {"role": "assistant", "content": [use]}, {"role": "user", "content": "go on"}]
    with pytest.raises(anthropic.BadRequestError, match="without `tool_result` blocks"):
        client.messages.create(model="demo", max_tokens=10, messages=talk)


def test_it_refuses_a_result_without_its_tool_call(client):
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "x"}
    talk = [*ASK, {"role": "assistant", "content": "Hm."}, {"role": "user", "content": [result]}]
    with pytest.raises(anthropic.BadRequestError, match="unexpected `tool_use_id`"):
        client.messages.create(model="demo", max_tokens=10, messages=talk)


def test_it_lists_one_model_and_says_that_it_is_scripted(client):
    models = client.models.list().data
    assert [m.display_name for m in models] == ["Demo model – scripted, not an AI"]
    assert client.models.retrieve(models[0].id).id == models[0].id
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("other")


def test_it_counts_tokens(client):
    assert client.messages.count_tokens(model="demo", messages=ASK).input_tokens == 6


def test_it_demands_the_key_when_one_is_set(model: Model, server: Server):
    model.key = "right"
    stranger = anthropic.Anthropic(api_key="wrong", base_url=server.url, max_retries=0)
    with stranger, pytest.raises(anthropic.AuthenticationError):
        stranger.messages.create(model="demo", max_tokens=10, messages=ASK)
    with anthropic.Anthropic(api_key="right", base_url=server.url, max_retries=0) as friend:
        assert friend.messages.create(model="demo", max_tokens=10, messages=ASK).content


def test_it_takes_its_time_when_told_to(model: Model, client):
    model.pace = Pace(tokens_per_second=200, first_token_ms=50)
    began = time.monotonic()
    answer = client.messages.create(model="demo", max_tokens=40, messages=ASK)
    assert answer.usage.output_tokens == 40
    assert time.monotonic() - began >= 0.2
