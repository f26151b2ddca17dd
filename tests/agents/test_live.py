"""Events reach a page in order, without a gap and without repetition, whatever is lost on the way."""

import asyncio
import threading

import pytest
from asgiref.sync import async_to_sync
from django.db import connection

from agents import events, hub, runs
from agents.hub import follow
from agents.models import Step

# Seconds: before a page that hears nothing looks into the log anyway, and finds whatever was missed.
SOON = hub.IDLE_SECONDS - 5


def collect(project_id, after, until, seconds=20.0, html=False):
    """Follows a project until `until(events)`; the events so far."""

    async def reading():
        got = []
        async with asyncio.timeout(seconds):
            async for event in follow(project_id, after, html):
                if event is not None:
                    got.append(event)
                if until(got):
                    break
        return got

    return async_to_sync(reading)()


def numbered(got):
    return [event["id"] for event in got if "id" in event]


def say(project_id, count=1):
    for _ in range(count):
        runs.note(project_id, "stage", {"stage": "work", "status": "started", "title": "."})


@pytest.fixture
def project_id(start):
    return start().project_id


def test_it_replays_the_past_after_a_cursor(project_id):
    say(project_id, 5)
    assert numbered(collect(project_id, 4, lambda got: len(got) == 3)) == [5, 6, 7]


def test_it_goes_from_the_past_to_the_present_without_a_gap(project_id):
    def speak():
        say(project_id, 300)
        connection.close()

    speaker = threading.Thread(target=speak)
    speaker.start()
    got = collect(project_id, 0, lambda got: len(numbered(got)) >= 302)
    speaker.join()
    assert numbered(got) == list(range(1, 303))


@pytest.mark.parametrize("html", [True, False])
def test_it_draws_the_cards_of_what_is_published_for_who_shows_them(project_id, html):
    joined = threading.Event()

    def speak():
        joined.wait(SOON)
        say(project_id)
        events._redis().publish(events.channel(project_id), b"no JSON")
        runs.note(project_id, "reply", {"turn": 1, "html": "<p>Green tea</p>"})
        say(project_id)
        connection.close()

    speaker = threading.Thread(target=speak)
    speaker.start()

    def until(got):
        joined.set()
        return len(numbered(got)) == 4

    got = collect(project_id, 1, until, SOON, html)[1:]
    speaker.join()
    assert numbered(got) == [3, 4, 5]
    assert ("html" in got[1], "html_id" in got[1]) == (html, html) and "html" not in got[0]
    assert not html or ("<p>Green tea</p>" in got[1]["html"] and got[1]["html_id"] == "turn-None-1")


def test_it_makes_what_many_followers_are_sent_once(project_id):
    async def listening():
        async with hub.hub().subscription(project_id) as one, hub.hub().subscription(project_id) as other:
            await asyncio.to_thread(say, project_id)
            heard = []
            for queue in (one, other):
                while (event := await asyncio.wait_for(queue.get(), SOON)) is hub.RESYNC:
                    pass
                heard.append(event)
            return heard

    one, other = async_to_sync(listening)()
    assert one.shown is other.shown and one.shown.json is other.shown.json and "html" not in one


def test_it_keeps_the_order_of_many_writers_of_one_run(start):
    run, gate = start(), threading.Barrier(16)
    project_id, fence = run.project_id, runs.claim(run.pk, 60)
    assert fence

    def speak(number):
        data = {"stage": "work", "status": "started", "title": "."}
        gate.wait()
        for _ in range(20):
            if number % 2:
                runs.append(fence, "stage", data)
            else:
                runs.note(project_id, "stage", data, run.pk)
        connection.close()

    speakers = [threading.Thread(target=speak, args=[number]) for number in range(16)]
    for speaker in speakers:
        speaker.start()
    got = collect(project_id, 0, lambda got: len(numbered(got)) >= 322)
    for speaker in speakers:
        speaker.join()
    assert numbered(got) == list(range(1, 323))
    steps = list(Step.objects.filter(project_id=project_id).order_by("pk").values_list("cursor", "seq"))
    assert sorted(steps) == [(number, number) for number in range(1, 323)]


def test_it_finds_what_was_never_published(project_id, monkeypatch):
    def half(steps, publish=events.publish):
        publish([step for step in steps if step.cursor % 2])

    monkeypatch.setattr(events, "publish", half)

    def speak():
        say(project_id, 51)
        connection.close()

    speaker = threading.Thread(target=speak)
    speaker.start()
    got = collect(project_id, 0, lambda got: len(numbered(got)) >= 53, SOON)
    speaker.join()
    assert numbered(got) == list(range(1, 54))


def test_it_reads_the_log_again_when_a_page_does_not_keep_up(project_id, monkeypatch):
    async def slowly():
        got = []
        async with asyncio.timeout(SOON), hub.hub().subscription(project_id) as witness:
            monkeypatch.setattr(hub, "QUEUE_SIZE", 10)
            async for event in follow(project_id, 0):
                got.append(event)
                if len(got) == 1:
                    await asyncio.to_thread(speak)
                    while (await witness.get()).get("id") != 202:
                        pass  # until all were handed to this page, too
                if event and event.get("id") == 202:
                    break
        return got

    def speak():
        say(project_id, 200)
        connection.close()

    assert numbered([event for event in async_to_sync(slowly)() if event]) == list(range(1, 203))


def test_it_shows_text_that_grows_to_a_page_that_joins_in_the_middle(start, monkeypatch):
    monkeypatch.setattr(events.Live, "SECONDS", 0)
    run = start()
    live = events.Live(run.project_id, run.pk, "text", {"turn": 1})
    live.feed("Hello ")
    live.feed("there")
    got = collect(run.project_id, 2, lambda got: len(got) == 1)
    assert got[0]["type"] == "text"
    assert got[0]["data"] == {"turn": 1, "offset": 0, "text": "Hello there"}
    assert "id" not in got[0]


def test_it_keeps_no_text_of_an_answer_that_is_complete(start):
    run = start()
    live = events.Live(run.project_id, run.pk, "text", {"turn": 1})
    live.feed("Hello")
    live.close()
    say(run.project_id)
    assert [event["type"] for event in collect(run.project_id, 2, lambda got: len(got) == 1)] == ["stage"]


def test_it_gives_pieces_their_place(start):
    run = start()
    live = events.Live(run.project_id, run.pk, "text", {"turn": 1})

    def speak():
        for word in ["one ", "two ", "three"]:
            live.feed(word)
            live.close()

    threading.Timer(0.3, speak).start()
    got = collect(
        run.project_id,
        2,
        lambda got: "".join(e["data"]["text"] for e in got if e["data"].get("text")) == "one two three",
    )
    assert [event["data"]["offset"] for event in got] == [0, 4, 8]


def test_it_sends_what_comes_after_what_was_sent(start, eventually):
    run = start()
    live = events.Live(run.project_id, run.pk, "text", {"turn": 1})
    for word, so_long in [("one ", "one "), ("two ", "one two "), ("three", "one two three")]:
        live.feed(word)
        eventually(lambda so_long=so_long: (so_far(run) or {"data": {}})["data"].get("text") == so_long, 5)


def test_it_forgets_the_text_of_a_worker_that_died(start):
    run = start()
    events.Live(run.project_id, run.pk, "text", {"turn": 1}).feed("I was about to")
    collect(run.project_id, 2, lambda got: len(got) == 1)
    assert so_far(run)
    events.Live(run.project_id, run.pk, "text", {"turn": 1}).close()  # the next worker's answer: only a tool call
    assert not so_far(run)


def so_far(run):
    name = events.channel(run.project_id)
    return events.live_so_far(*events._redis().mget(f"{name}:head", f"{name}:text"))
