"""The second wire protocol, OpenAI's chat completions: the same runs, the same errors, through the official SDK."""

import json
import re

import pytest

from agents import catalogue
from agents.llm import providers
from agents.models import Run
from demo_model import wire
from projects import versions
from tests.agents.scripted import Failure, finish, page, write


@pytest.fixture
def chat(model, settings):
    """The scripted model as OpenAI, at an address of its own; no other provider has a key."""
    settings.ANTHROPIC_API_KEY = ""
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "test-key", f"{model.url}/v1"
    return model


def stream(*deltas, usage=None):
    """An answer with these deltas as they are, each a chunk, and what was counted."""
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    sent = [json.dumps(chunk) for chunk in (*chunks, end, {"choices": [], "usage": usage})]
    body = "".join(f"data: {data}\n\n" for data in (*sent, "[DONE]"))
    return Failure(headers={"Content-Type": "text/event-stream"}, body=body.encode())


def test_it_builds(chat, start, work):
    chat.say([wire.text("I write the page."), write(index_html=page("Tea"))], [finish()])
    run = work(start())

    assert run.state == Run.State.SUCCEEDED
    assert versions.read(run.version, "index.html").decode() == page("Tea")
    reply = run.steps.filter(type="reply").first()
    assert reply.data["text"] == "I write the page."
    assert reply.data["usage"] == {"input": 900, "output": 60, "cache_read": 100}
    assert run.usage["calls"] == 3  # and the review


def pieces(*parts):
    """Deltas of two calls of a tool that makes a file; `parts`: what servers put beside each piece of them."""
    first, second = (json.dumps({"files": [{"path": f"{name}.txt", "content": "x"}]}) for name in "ab")
    cut = (first[:20], first[20:], second[:20], second[20:])
    return [
        {"tool_calls": [{**part, "function": {"arguments": text, **part.get("function", {})}}]}
        for part, text in zip(parts, cut, strict=True)
    ]


NAMED = {"function": {"name": "write_files"}}


@pytest.mark.parametrize(
    "parts",
    [
        ({"index": 0, "id": "a"} | NAMED, {"index": 0}, {"index": 0, "id": "b"} | NAMED, {"index": 0}),
        ({"index": 0, "id": "a"} | NAMED, {"index": 0, "id": "a"}, {"index": 1, "id": "b"} | NAMED, {"index": 1}),
        (
            {"index": 0, "id": "a"} | NAMED,
            {"index": 0, "id": "b"},
            {"index": 1, "id": "c"} | NAMED,
            {"index": 1, "id": "d"},
        ),
        ({"index": 0} | NAMED, {"index": 0, "id": "a"}, {"index": 1} | NAMED, {"index": 1, "id": "b"}),
        ({"id": "a"} | NAMED, {}, {"id": "b"} | NAMED, {"id": "b"}),
        (NAMED, {}, NAMED, {}),
    ],
    ids=[
        "one number for all",
        "an id with each piece",
        "another with each",
        "ids that come late",
        "no numbers",
        "neither numbers nor ids",
    ],
)
def test_it_tells_calls_apart(chat, start, work, parts):
    chat.say(stream(*pieces(*parts)), [finish()])
    run = work(start())
    assert versions.read(run.version, "a.txt") == versions.read(run.version, "b.txt") == b"x"
    made = chat.requests[1]["messages"][2]["tool_calls"]
    assert len({call["id"] for call in made}) == 2


TOOLS = "Function tools with reasoning_effort are not supported for this model in /v1/chat/completions."


@pytest.mark.parametrize(
    ("words", "effort"),
    [
        (f"{TOOLS} To use function tools, use /v1/responses or set reasoning_effort to 'none'.", "none"),
        (f"{TOOLS} Please use /v1/responses instead.", None),
        ("Unsupported value: 'reasoning_effort' does not support 'medium'. Supported values are: 'none', 'low'.", None),
        ("Model grok-4-1-fast-reasoning does not support parameter reasoningEffort.", None),
    ],
)
def test_it_thinks_as_a_model_asks_it_to_and_remembers_that(chat, start, work, words, effort):
    chat.say(Failure(400, say=words), [wire.tool("list_files", {})], [finish()])
    run = work(start())
    assert run.state == Run.State.SUCCEEDED
    assert [request.get("reasoning_effort") for request in chat.requests] == ["medium", effort, effort]
    assert not run.steps.filter(type="stage", data__status__in=["waiting", "fallback"]).exists()


def test_it_says_to_a_model_that_thinks_by_itself_not_to(chat, start, work, settings):
    """Nothing was said of an effort, and that was refused, too."""
    settings.MODEL_CHOICES = ["", "openai:gpt-5.6", ""]
    chat.say(Failure(400, say=f"{TOOLS} Set reasoning_effort to 'none'."), [wire.text("Hello.")])
    work(start())
    assert [request.get("reasoning_effort") for request in chat.requests] == [None, "none"]


@pytest.mark.parametrize(
    ("failures", "asked"),
    [
        ([Failure(400, say=f"{TOOLS} Set reasoning_effort to 'none'.")] * 2, 2),
        ([Failure(400, say="The tool 'finish' has no schema.")], 1),
        ([Failure(422, say="Your plan has no reasoning_effort.")], 1),
    ],
    ids=["refused again", "refused for something else", "refused with another status"],
)
def test_it_asks_once_more_at_most_and_only_for_the_effort(chat, start, work, failures, asked):
    chat.say(*failures, [wire.text("too late")])
    run = work(start())
    assert (run.state, len(chat.requests)) == (Run.State.FAILED, asked)


@pytest.mark.parametrize("fallback", ["anthropic", "gateway"])
def test_it_goes_on_with_what_another_provider_can_read(chat, start, work, settings, fallback):
    """Ids of all forms, some twice, signatures and thoughts: they are the first provider's own business."""
    settings.MODEL_CHOICES = ["", "openai:gpt-6.1-terra", ""]
    if fallback == "anthropic":
        settings.ANTHROPIC_API_KEY = "test-key"
    else:
        settings.AI_GATEWAY_API_KEY, settings.AI_GATEWAY_BASE_URL = "test-key", f"{chat.url}/v1"
    look = {"name": "list_files", "arguments": "{}"}
    signed = {"index": 0, "function": look, "extra_content": {"google": {"thought_signature": "c2ln"}}}
    mine, theirs = {"reasoning_details": [{"text": "mine"}]}, {"reasoning_details": [{"text": "theirs"}]}
    busy = Failure(529, {"retry-after": "0"})
    chat.say(
        stream(mine, {"tool_calls": [signed, {"index": 1, "id": "functions.list_files:0", "function": look}]}),
        stream({"tool_calls": [{"index": 0, "function": look}, {"index": 1, "id": "call_0", "function": look}]}),
        *[busy] * 3,
        stream(theirs, {"tool_calls": [{"index": 0, "id": "own:1", "function": look}]})
        if fallback == "gateway"
        else [{**wire.tool("list_files", {}), "id": "own_1"}],
        [finish()],
    )
    run = work(start())
    assert run.state == Run.State.SUCCEEDED

    for request, own in ((chat.requests[-2], []), (chat.requests[-1], ["own:1" if fallback == "gateway" else "own_1"])):
        assert request["model"] in ("claude-sonnet-5-5", "anthropic/claude-sonnet-5.5")
        made, answered = called(request)
        assert made == answered and len(set(made)) == len(made) == 4 + len(own) and made[4:] == own
        assert all(re.fullmatch("[a-zA-Z0-9_-]+", name) for name in made[:4])
        assert "signature" not in str(request["messages"]) and "mine" not in str(request["messages"])
    assert ("theirs" in str(chat.requests[-1])) == (fallback == "gateway")


def called(request):
    """The ids of the calls in a conversation, and of their results, in either protocol."""
    made, answered = [], []
    for message in request["messages"]:
        made += [call["id"] for call in message.get("tool_calls") or ()]
        answered += [message["tool_call_id"]] if "tool_call_id" in message else []
        blocks = message["content"] if isinstance(message["content"], list) else []
        made += [block["id"] for block in blocks if block["type"] == "tool_use"]
        answered += [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    return made, answered


@pytest.mark.parametrize(
    ("usage", "output"),
    [
        # xAI's and Gemini's: thoughts are in the total only.
        ({"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135}, 103),
        # OpenAI's: they are part of the completion.
        ({"prompt_tokens": 32, "completion_tokens": 103, "total_tokens": 135}, 103),
        # A server's that counts no total.
        ({"prompt_tokens": 32, "completion_tokens": 103}, 103),
    ],
    ids=["beside", "within", "no total"],
)
def test_it_counts_thoughts_as_answered(chat, start, work, usage, output):
    details = {"completion_tokens_details": {"reasoning_tokens": 94}}
    chat.say(stream({"content": "Hello."}, usage=usage | details))
    reply = work(start()).steps.get(type="reply").data

    assert reply["usage"] == {"input": 32, "output": output, "cache_read": 0}
    assert reply["cost"] == catalogue.MEDIUM.cost(reply["usage"])
    assert reply["usd"] == pytest.approx((32 * 1 + output * 5) / 1e6)


def test_it_tells_gateways_who_calls(chat, start, work, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.example.com", "https://vibe.example.com"]
    chat.say([wire.text("Hello.")])
    work(start())
    sent = {name.lower(): value for name, value in dict(chat.headers[0]).items()}
    assert (sent["http-referer"], sent["x-title"]) == ("https://vibe.example.com", "Vibe")


def test_it_says_what_was_said_before_in_the_protocols_own_form(chat, start, work):
    chat.say([wire.text("Writing."), write(a_txt="one"), write(b_txt="two")], [finish()])
    work(start())

    roles = [message["role"] for message in chat.requests[1]["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "tool"]
    assistant, first, second = chat.requests[1]["messages"][2:]
    assert assistant["content"] == "Writing."
    assert [call["id"] for call in assistant["tool_calls"]] == [first["tool_call_id"], second["tool_call_id"]]
    assert chat.requests[0]["tools"][0]["function"]["parameters"]["type"] == "object"
    assert chat.requests[0]["model"] == "gpt-6.1-terra"


@pytest.mark.parametrize(
    "failure",
    [Failure(429, {"retry-after": "0"}), Failure(503), Failure(break_after=3)],
    ids=["429", "503", "broken stream"],
)
def test_it_tries_again(chat, start, work, failure):
    chat.say(failure, [write(index_html=page("Tea"))], [finish()])
    run = work(start())
    assert run.state == Run.State.SUCCEEDED
    assert run.steps.filter(type="stage", data__status="waiting").count() == 1


def test_it_does_not_ask_again_with_a_refused_key(chat, start, work, operator):
    chat.say(Failure(401))
    run = work(start())
    assert (run.state, run.reason, len(chat.requests)) == (Run.State.FAILED, "model_key_refused", 1)
    assert "OPENAI_API_KEY" in run.steps.get(type="error").data["next"]


def test_it_tells_the_model_of_arguments_that_are_not_json(chat, start, work):
    chat.say([wire.tool("write_files", raw='{"files": [')], [wire.text("I see.")])
    work(start())
    assert "not a valid JSON object" in chat.requests[1]["messages"][-1]["content"]


def test_it_takes_the_model_that_the_operator_names(chat, start, work, settings):
    settings.MODEL_CHOICES = ["", "OpenAI:qwen3-coder", ""]
    chat.say([wire.text("Hello.")])
    work(start())
    assert chat.requests[0]["model"] == "qwen3-coder"


def test_it_says_what_to_set_when_no_provider_has_a_key(model, start, work, settings, operator):
    settings.ANTHROPIC_API_KEY = ""
    run = work(start())
    assert (run.state, run.reason) == (Run.State.FAILED, "model_missing")
    assert "ANTHROPIC_API_KEY" in run.steps.get(type="error").data["detail"]


def test_it_says_to_others_that_no_model_answers(model, start, work, settings):
    settings.ANTHROPIC_API_KEY = ""
    error = work(start()).steps.get(type="error").data
    assert "No model answers on this site" in error["detail"] and "KEY" not in str(error)


def test_it_refuses_a_choice_without_a_key(settings):
    settings.MODEL_CHOICES = ["", "xai:grok", ""]
    with pytest.raises(providers.NoProvider, match="MODEL_M=xai:grok"):
        providers.source(catalogue.MEDIUM)
