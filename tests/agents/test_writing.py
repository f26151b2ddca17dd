"""While a model writes a tool call, pages are told which file it is about and how far it is."""

import json
import threading

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from agents import services, tasks
from agents.hub import follow
from agents.models import Run
from agents.writing import PATH_CHARS, Peek, Writing
from demo_model import wire
from tests.agents.scripted import Failure, finish, page, write

LONG = 60  # seconds that a model is silent: more than any of these tests takes


@pytest.fixture(params=["messages", "chat"])
def either(request, model, settings):
    """The scripted model by one protocol, then by the other."""
    if request.param == "chat":
        settings.ANTHROPIC_API_KEY = ""
        settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "test-key", f"{model.url}/v1"
    return model


@pytest.fixture
def watch(eventually):
    """Works on a run in a thread and follows it to its end in another: what a page has got so far, and the wait for all
    of it.
    """
    threads = []

    def watch(run):
        got = []

        async def read():
            async for event in follow(run.project_id, 0):
                got.extend([event] if event else [])
                if event and event["type"] == "complete":
                    return

        def work():
            tasks.run_agent(str(run.pk))
            connection.close()

        threads.extend([threading.Thread(target=async_to_sync(read)), threading.Thread(target=work)])
        threads[-2].start()
        eventually(lambda: got)
        threads[-1].start()

        def over():
            for thread in threads:
                thread.join(30)
                assert not thread.is_alive()
            return [event for event in got if event["run"] == str(run.pk)]

        return got, over

    yield watch
    for thread in threads:
        thread.join(30)


def told(got):
    return [event["data"] for event in got if event["type"] == "writing"]


def test_it_tells_which_file_is_written_and_its_lines(either, start, watch, eventually):
    files = write(index_html="<p>Tea\n" * 300, styles_css='a{content:"\\n"}\n' * 40)
    either.say(Failure(say="I write.", calls=[files], hang=LONG))
    run = start()
    got, over = watch(run)
    eventually(lambda: {"turn": 1, "name": "write_files", "path": "styles.css", "lines": 40} in told(got))
    services.cancel_run(run)
    events = over()

    assert all("id" not in event and event["topic"] == "messages" for event in events if event["type"] == "writing")
    kinds = [event["type"] for event in events]
    assert kinds.index("text") < kinds.index("writing")
    # Two files in an instant: not an event for each piece of them.
    assert len(told(events)) <= 4
    assert "writing" not in run.steps.values_list("type", flat=True)


@pytest.mark.parametrize(
    ("call", "path", "lines"),
    [
        (wire.tool("edit_file", {"path": "a.js", "edits": [{"search": "1\n2\n", "replace": "1\n2\n3\n"}]}), "a.js", 3),
        (wire.tool("terminal", {"command": "echo '\n\n'", "path": "a.js"}), "", 0),
        (wire.tool("x" * 100), "", 0),
    ],
    ids=["an edit", "another tool", "no tool at all"],
)
def test_it_tells_of_other_tools(either, start, watch, eventually, call, path, lines):
    either.say(Failure(calls=[call], hang=LONG))
    run = start()
    got, over = watch(run)
    now = {"turn": 1, "name": call["name"][:64], "path": path, "lines": lines}
    eventually(lambda: told(got)[-1:] == [now])
    services.cancel_run(run)
    over()


def test_it_is_over_when_the_turn_is_tried_again(either, start, watch, settings):
    settings.MODEL_STALL_SECONDS = 1
    either.say(Failure(calls=[write(index_html="<p>\n" * 50)], hang=LONG), [write(index_html=page("Tea"))], [finish()])
    run = start()
    _, over = watch(run)
    events = over()

    assert Run.objects.get(pk=run.pk).state == Run.State.SUCCEEDED
    kinds = [event["type"] for event in events]
    last = len(kinds) - 1 - kinds[::-1].index("writing")
    again = next(n for n, event in enumerate(events) if event["data"].get("status") == "waiting")
    # The second try is over in no time; if it is not, its own events come before its reply.
    assert kinds.index("writing") < again and (last < again or last < kinds.index("reply"))


def test_it_tells_nothing_of_a_call_that_is_over_at_once(either, start, watch, monkeypatch):
    monkeypatch.setattr(Writing, "SECONDS", LONG)
    either.say([write(index_html=page("Tea"))], [finish()])
    _, over = watch(start())
    assert not told(over())


TEXT = st.text(st.sampled_from('ab"\\\n/{}[]:,é\u2028😀\0'), max_size=40)
FILE = st.fixed_dictionaries({"path": TEXT, "content": TEXT})


@given(st.lists(FILE, min_size=1, max_size=4), st.data())
def test_it_reads_the_input_however_it_is_cut(files, data):
    text = json.dumps({"files": files}, ensure_ascii=data.draw(st.booleans()))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=20)))
    peek = Peek("write_files")
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        peek.read(text[start:end])
    assert (peek.path, peek.lines) == (files[-1]["path"], files[-1]["content"].count("\n"))


@given(st.lists(st.text(st.sampled_from('pathconten"\\{}[]:,n u0d8')), max_size=20))
def test_it_takes_whatever_a_model_sends(pieces):
    peek = Peek("write_files")
    for piece in pieces:
        peek.read(piece)
    assert len(peek.path) <= PATH_CHARS


def test_it_cuts_a_long_path():
    peek = Peek("edit_file")
    peek.read('{"path": "' + "\\u00e9" * 100_000 + '", "edits": [')
    assert peek.path == "é" * PATH_CHARS


def test_it_knows_a_file_whose_content_comes_first():
    peek = Peek("write_files")
    peek.read('{"files": [{"content": "1\\n2\\n", "path": "a"}, {"content": "1\\n')
    assert (peek.path, peek.lines) == ("", 1)
    peek.read('2\\n", "path": "b"')
    assert (peek.path, peek.lines) == ("b", 2)
