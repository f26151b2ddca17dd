"""Every way in which a model can fail, by both protocols: the run goes on, with the same model or with the one that
stands in for it, or ends with one clear error; within its deadlines, and nobody pays for a call that failed.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from agents import asking, services, tasks
from agents.llm import Call, ModelError, Turn, chat, messages, streams
from agents.models import Run
from demo_model import wire
from tests.agents import half_read
from tests.agents.scripted import Failure, ScriptedModel
from usage.services import account_of

ROOT = Path(__file__).parents[2]
STREAM = {"Content-Type": "text/event-stream"}
# A piece of text of 10 MB, as one event of each protocol.
HUGE = "x" * 10_000_000
BEGIN = b"".join(event.encode() for event in list(wire.events(wire.Answer([wire.text("x")])))[:3])
DELTA = wire.Event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": HUGE}}).encode()
_HEAD = '{"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [{"index": 0, "delta":'
CHUNK = f'data: {_HEAD} {{"content": "{HUGE}"}}}}]}}\n\n'.encode()
# Thoughts without an end, a hundred letters at a time.
THOUGHT = {"type": "thinking_delta", "thinking": "x" * 100}
THOUGHTS = b"".join(
    wire.Event(data).encode()
    for data in (
        next(wire.events(wire.Answer([]))).data,
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        *[{"type": "content_block_delta", "index": 0, "delta": THOUGHT}] * 30,
    )
)
# Calls without an end: empty ones, and one whose name grows.
BLOCK: dict[str, Any] = {
    "type": "content_block_start",
    "content_block": {"type": "tool_use", "id": "1", "name": "x", "input": {}},
}
BLOCKS = b"".join(
    wire.Event(data).encode()
    for data in (next(wire.events(wire.Answer([]))).data, *[{**BLOCK, "index": index} for index in range(30)])
)
NAMES = "".join(
    f'data: {_HEAD} {{"tool_calls": [{{"index": {index}, "id": "1", "function": {{"name": "{name}"}}}}]}}}}]}}\n\n'
    for index, name in [*[(0, "x" * 100)] * 5, *[(index, "") for index in range(1, 30)]]
).encode()
# One event of lines without an end.
LINES = b"data: x\n" * 1_000
REASONING = f'data: {_HEAD} {{"reasoning_details": [{{"text": "{"x" * 100}"}}]}}}}]}}\n\n'.encode() * 30

# JSON, but of a form that neither protocol has, and a count that is no number.
FORM = wire.Event({"type": "content_block_delta", "index": 7, "delta": {}, "choices": [7]}).encode()
# A text in parts, as no chunk has it.
PARTS = wire.Event({"type": "text", "choices": [{"delta": {"content": ["x"]}}]}).encode()
MANY = {"type": "message_start", "message": {"usage": {"input_tokens": "many"}}, "usage": {"prompt_tokens": "many"}}
SAID = {"type": "message_delta", "delta": {}, "usage": {"output_tokens": "many", "completion_tokens": "many"}}
# A whole answer with a call whose name is a number.
UNNAMED = b"".join(
    wire.Event(data).encode()
    for data in (
        {"type": "message_start", "message": {}},
        {
            **BLOCK,
            "content_block": {**BLOCK["content_block"], "name": 7},
            "index": 0,
            "choices": [{"delta": {"tool_calls": [{"index": 0, "id": "1", "function": {"name": 7}}]}}],
        },
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
        {"type": "message_stop"},
    )
)
STOP = {"type": "message_stop", "choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}]}

FAULTS: dict[str, Failure] = {
    "429 and when to come back": Failure(429, {"retry-after": "0"}),
    "408": Failure(408, {"retry-after": "0"}),
    "500": Failure(500, {"retry-after": "0"}),
    "529": Failure(529, {"retry-after": "0"}),
    "silence": Failure(hang=90),
    "silence in the middle": Failure(hang=90, say="I was about to"),
    "a byte a second": Failure(headers=STREAM, body=b"event: message_start\ndata: " + b" " * 60, drip=0.3),
    "cut": Failure(break_after=4),
    "an empty body": Failure(headers=STREAM, body=b"\n"),
    "10 MB in one piece": Failure(headers=STREAM, body=BEGIN + DELTA + CHUNK),
    "a web page": Failure(headers={"Content-Type": "text/html"}, body=b"<h1>Welcome to nginx</h1>"),
    "a form of its own": Failure(headers=STREAM, body=FORM),
    "a count that is none": Failure(headers=STREAM, body=wire.Event(MANY).encode()),
    "a count of its words that is none": Failure(
        headers=STREAM, body=wire.Event(SAID).encode() + wire.Event(STOP).encode()
    ),
    "a text that is none": Failure(headers=STREAM, body=PARTS),
    "a name that is none": Failure(headers=STREAM, body=UNNAMED),
    "nested too deep": Failure(headers=STREAM, body=b"data: " + b"[" * 100_000 + b"\n\n"),
    "no JSON in the stream": Failure(headers=STREAM, body=b"event: message_start\ndata: {oh no\n\n"),
}


@pytest.fixture(params=["messages", "chat"])
def either(request: Any, model: ScriptedModel, settings: Any, monkeypatch: pytest.MonkeyPatch) -> ScriptedModel:
    """The scripted model by one protocol, then by the other; nothing is waited for long."""
    monkeypatch.setattr(asking, "FIRST_WAIT", 0.05)
    settings.MODEL_FIRST_SECONDS = settings.MODEL_STALL_SECONDS = 1
    if request.param == "chat":
        settings.ANTHROPIC_API_KEY = ""
        settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "test-key", f"{model.url}/v1"
    return model


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_it_goes_on_after_any_fault(either: ScriptedModel, start: Any, work: Any, fault: Failure) -> None:
    either.say(fault, [wire.text("There is nothing to do.")])
    began = time.monotonic()
    run = work(start())

    assert (run.state, run.reply.text) == (Run.State.SUCCEEDED, "There is nothing to do.")
    assert run.usage["calls"] == 1 and run.steps.filter(type="reply").count() == 1
    assert run.steps.filter(type="stage", data__status__in=["waiting", "fallback"]).count() == 1
    assert time.monotonic() - began < 60


def test_it_waits_for_no_connection_after_the_end_of_the_answer(
    either: ScriptedModel, start: Any, work: Any, settings: Any
) -> None:
    settings.MODEL_FIRST_SECONDS = settings.MODEL_STALL_SECONDS = 60
    either.say(Failure(hang=60, say="There is nothing to do.", whole=True))
    began = time.monotonic()
    run = work(start())

    assert (run.state, len(either.requests)) == (Run.State.SUCCEEDED, 1)
    assert run.reply.text == "There is nothing to do." and time.monotonic() - began < 30


def test_it_repeats_so_much_of_what_a_provider_says(either: ScriptedModel, start: Any, work: Any) -> None:
    either.say(Failure(400, say="no " * 100_000))
    assert len(work(start()).steps.get(type="error").data["detail"]) < 1_200


@pytest.mark.parametrize("fault", [FAULTS["silence"], FAULTS["10 MB in one piece"], FAULTS["a web page"]])
def test_it_ends_with_one_clear_and_free_error_when_a_fault_stays(
    either: ScriptedModel, start: Any, work: Any, fault: Failure
) -> None:
    either.say(*[fault] * 6)
    run = work(start())

    assert (run.state, run.cost) == (Run.State.FAILED, 0)
    error = run.steps.get(type="error").data
    assert error["detail"] and error["next"]
    assert account_of(run.project.owner).available == 25_000_000


def test_a_stop_closes_the_connection(
    either: ScriptedModel, start: Any, eventually: Callable[..., Any], settings: Any
) -> None:
    settings.MODEL_FIRST_SECONDS = 60
    either.say(Failure(hang=60))
    run = start()
    thread = Thread(target=tasks.run_agent, args=[str(run.pk)])
    thread.start()
    eventually(lambda: either.requests)
    services.cancel_run(run)
    thread.join(20)
    assert either.gone.wait(5)
    assert Run.objects.get(pk=run.pk).state == Run.State.CANCELLED


@pytest.mark.parametrize("protocol", [messages, chat], ids=["messages", "chat"])
@pytest.mark.parametrize(
    "words",
    [
        "prompt is too long: 210000 tokens > 200000 maximum",
        "This model's maximum context length is 8192 tokens.",
        "request (14429 tokens) exceeds the available context size (8192 tokens), try increasing it",
        "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
        "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).",
        "Input is too long for requested model.",
    ],
)
async def test_it_knows_a_conversation_that_is_too_long(model: ScriptedModel, protocol: Any, words: str) -> None:
    model.say(Failure(400, say=words))
    assert await _fails(protocol, _call(model)) == "model_context"


@pytest.mark.parametrize("protocol", [messages, chat], ids=["messages", "chat"])
@pytest.mark.parametrize(
    "named", [{"code": "context_length_exceeded"}, {"code": 500, "type": "exceed_context_size_error"}]
)
@pytest.mark.parametrize("status", [400, 500, 200])
async def test_it_knows_a_conversation_that_is_too_long_by_its_name(
    model: ScriptedModel, protocol: Any, named: dict[str, Any], status: int
) -> None:
    """Also where the status says something else, and where it is said in the stream."""
    body = json.dumps({"error": {"message": "Too much.", **named}}).encode()
    model.say(Failure(status, STREAM, body=b"data: " + body + b"\n\n") if status == 200 else Failure(status, body=body))
    assert await _fails(protocol, _call(model)) == "model_context"


@pytest.mark.parametrize("protocol", [messages, chat], ids=["messages", "chat"])
@pytest.mark.parametrize(
    ("status", "words", "code"),
    [
        (429, "Too many tokens, please wait before trying again.", "model_rate_limited"),
        (500, "The context window service is away.", "model_overloaded"),
        (400, "max_tokens: 64000 > 32000, which is the maximum allowed number of output tokens", "model_refused"),
        (400, "max_completion_tokens exceeds the maximum number of tokens that may be answered", "model_refused"),
        (400, "tools.0.name: String is too long", "model_refused"),
    ],
)
async def test_it_takes_other_limits_for_what_they_are(
    model: ScriptedModel, protocol: Any, status: int, words: str, code: str
) -> None:
    model.say(Failure(status, say=words))
    assert await _fails(protocol, _call(model)) == code


async def _fails(protocol: Any, call: Call) -> str:
    with pytest.raises(ModelError) as caught:
        await _ask(protocol, call)
    return caught.value.code


@pytest.mark.parametrize("protocol", [messages, chat], ids=["messages", "chat"])
@pytest.mark.parametrize("answer", [wire.text("word " * 300), wire.tool("write_files", {"a": "word " * 300})])
async def test_it_reads_an_answer_to_a_limit(
    model: ScriptedModel, monkeypatch: pytest.MonkeyPatch, protocol: Any, answer: wire.Block
) -> None:
    monkeypatch.setattr(streams, "MAX_CHARS", 1_000)
    model.say([answer])
    with pytest.raises(ModelError) as caught:
        await _ask(protocol, _call(model))
    assert caught.value.code == "model_too_long"


async def test_it_reads_an_answer_for_as_long_as_something_comes(model: ScriptedModel, settings: Any) -> None:
    """Longer than it would wait for the first event, and than for the next one."""
    settings.MODEL_FIRST_SECONDS, settings.MODEL_STALL_SECONDS = 2, 2
    body = b"".join(event.encode() for event in wire.events(wire.Answer([wire.text("Green tea. " * 50)])))
    model.say(Failure(headers=STREAM, body=body, drip=5 / len(body)))
    began = time.monotonic()
    turn = await _ask(messages, _call(model))
    assert turn.text == "Green tea. " * 50
    assert time.monotonic() - began > 4


@pytest.mark.parametrize(
    ("protocol", "body"),
    [(messages, THOUGHTS), (messages, BLOCKS), (messages, LINES), (chat, REASONING), (chat, NAMES), (chat, LINES)],
)
async def test_it_reads_what_is_no_text_to_a_limit(
    model: ScriptedModel, monkeypatch: pytest.MonkeyPatch, protocol: Any, body: bytes
) -> None:
    monkeypatch.setattr(streams, "MAX_CHARS", 1_000)
    model.say(Failure(headers=STREAM, body=body))
    with pytest.raises(ModelError) as caught:
        await _ask(protocol, _call(model))
    assert caught.value.code == "model_too_long"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
def test_it_reads_a_stream_however_it_is_cut(size: int, end: str) -> None:
    lines = [
        '\ufeffdata: {"a":',
        'data:"ü€😀\u2028\x85"}',
        "",
        ": hm",
        "event: x",
        "id",
        'data: {"b": 2}',
        "",
        "",
        "data: [DONE]",
        "",
        "",
    ]
    sent = end.join([*lines, ":"]).encode()
    events = streams.Events()
    got = [event for start in range(0, len(sent), size) for event in events.read(sent[start : start + size])]
    assert got == [{"a": "ü€😀\u2028\x85"}, {"b": 2}]
    assert events.done


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": 1e999}', '{"a":' * 5_000, "[]", "{"])
def test_it_keeps_an_input_apart_that_is_no_json_object(text: str) -> None:
    turn, block = Turn(), {"type": "tool_use", "id": "1", "name": "x", "input": {}}
    turn.set_input(block, text)
    assert turn.bad_inputs == {"1": text} and block["input"] == {}


async def test_it_takes_a_call_whose_number_is_none_for_one_of_its_own(model: ScriptedModel) -> None:
    calls = [
        f'data: {_HEAD} {{"tool_calls": [{{"index": {index}, "id": "{name}", "function": {{"name": "{name}"}}}}]}}}}]}}'
        for index, name in ((0, "one"), ('"b"', "two"))
    ]
    body = "\n\n".join([*calls, f"data: {json.dumps(STOP)}", "data: [DONE]", ""]) + "\n"
    model.say(Failure(headers=STREAM, body=body.encode()))
    turn = await _ask(chat, _call(model))
    assert [block["name"] for block in turn.content if block["type"] == "tool_use"] == ["one", "two"]


async def test_it_reads_a_date_to_come_back_at(model: ScriptedModel) -> None:
    from email.utils import formatdate

    model.say(Failure(429, {"retry-after": formatdate(time.time() + 20, usegmt=True)}))
    with pytest.raises(ModelError) as caught:
        await _ask(messages, _call(model))
    assert 15 < getattr(caught.value, "retry_after", 0) <= 20


async def test_it_gives_thoughts_back_as_they_came(model: ScriptedModel) -> None:
    """Signed thoughts of the Messages protocol; signatures beside tool calls and reasoning details of the other."""
    signed = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
    call = wire.tool("list_files", {})
    answer = {"type": "tool_result", "tool_use_id": call["id"], "content": "a.txt"}
    foreign = {"type": "reasoning", "details": [{"type": "reasoning.encrypted", "data": "x"}]}
    extra = {"extra": {"extra_content": {"google": {"thought_signature": "c2ln"}}}}
    said = [
        {"role": "user", "content": [wire.text("What is there?")]},
        {"role": "assistant", "content": [signed, foreign, {**call, **extra}]},
        {"role": "user", "content": [answer]},
    ]
    model.say([wire.text("a.txt")], [wire.text("a.txt")])
    await _ask(messages, _call(model, said))
    await _ask(chat, _call(model, said))

    theirs = model.requests[0]["messages"][1]["content"]
    assert theirs == [signed, call]
    other = model.requests[1]["messages"][2]
    assert other["reasoning_details"] == foreign["details"]
    assert other["tool_calls"][0]["extra_content"] == extra["extra"]["extra_content"]


@pytest.mark.parametrize("provider", ["gemini", "openai"])
async def test_it_signs_for_gemini_what_gemini_did_not_sign(model: ScriptedModel, provider: str) -> None:
    """The first call of a turn only, and only where there is no signature: what Gemini checks."""
    signed = {**wire.tool("list_files", {}), "extra": {"extra_content": {"google": {"thought_signature": "c2ln"}}}}
    turns = [[wire.tool("list_files", {}), wire.tool("list_files", {})], [signed, wire.tool("list_files", {})]]
    said = [
        message
        for calls in turns
        for message in (
            {"role": "user", "content": [wire.text("What is there?")]},
            {"role": "assistant", "content": calls},
        )
    ]
    model.say([wire.text("a.txt")])
    await _ask(chat, replace(_call(model, said), provider=provider))

    sent = [message["tool_calls"] for message in model.requests[0]["messages"] if message["role"] == "assistant"]
    signatures = [
        call.get("extra_content", {}).get("google", {}).get("thought_signature") for calls in sent for call in calls
    ]
    skip = "skip_thought_signature_validator" if provider == "gemini" else None
    assert signatures == [skip, None, "c2ln", None]


def _call(model: ScriptedModel, said: Any = None) -> Call:
    said = said or [{"role": "user", "content": [wire.text("Hello")]}]
    return Call("test", "some-model", "Be short.", said, [], "test-key", model.url, "TEST_KEY")


def test_it_asks_nobody_but_anthropic_for_input_as_it_is_written() -> None:
    tool = {"name": "finish", "description": "Ends it.", "input_schema": {"type": "object"}}
    theirs = Call("anthropic", "m", "", [], [tool, tool], "k", "https://api.anthropic.com", "K")
    others = [
        replace(theirs, base_url=url) for url in ("http://127.0.0.1:8002", "https://example.com/api.anthropic.com")
    ]
    asked = [
        [tool.get("eager_input_streaming") for tool in messages._request(call)["tools"]]
        for call in (theirs, replace(theirs, must_call="finish"), *others)
    ]
    assert asked == [[True, True], [None, None], [None, None], [None, None]]


@pytest.mark.parametrize("protocol", [messages, chat], ids=["messages", "chat"])
async def test_it_gives_no_cookie_of_one_key_to_another(model: ScriptedModel, protocol: Any) -> None:
    """Everybody's calls share their connections."""
    model.say(Failure(500, {"Set-Cookie": "session=ann"}), [wire.text("Hello")])
    call = replace(_call(model), base_url=model.url.replace("127.0.0.1", "localhost"))
    try:
        with pytest.raises(ModelError):
            await protocol.ask(call, lambda text: None)
        await protocol.ask(replace(call, api_key="another-key"), lambda text: None)
    finally:
        await streams.close()
    assert len(model.headers) == 2
    assert not [name for headers in model.headers for name in headers if name.lower() == "cookie"]


async def _ask(protocol: Any, call: Call) -> Turn:
    """On the test's own loop, so that nothing of it is left when that closes."""
    try:
        turn: Turn = await protocol.ask(call, lambda text: None)
        return turn
    finally:
        await streams.close()


def test_it_leaves_no_half_read_stream_to_the_garbage(model: ScriptedModel) -> None:
    """Where a collection of garbage finds one, it closes it in its own thread while the loop runs it."""
    names = ("silence in the middle", "10 MB in one piece", "no JSON in the stream", "a web page")
    faults = [FAULTS[name] for name in names]
    model.say(*faults, *faults)
    command = [sys.executable, "-m", half_read.__name__, model.url, str(len(faults))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    lines = [f"agents.llm.{protocol} {number}:" for protocol in ("messages", "chat") for number in range(len(faults))]
    assert done.stdout.splitlines() == lines, done.stdout + done.stderr
