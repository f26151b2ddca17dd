"""Workers that come to a bad end at a named point: `python -m tests.agents.dying`, one JSON object a line.

Asked {"id", "point", "signal", "model"} it starts a worker and says its pid; asked {"wait": pid} it waits until that
one has ended and says how, as Popen.returncode does. Everything is imported once, and each worker is forked from there.

Points: `stream` (a piece of the model's answer came), `before:TYPE` or `after:TYPE` (a step of that type is written),
`submitted` (the id is a project's: a message was committed, nobody was told). Signals are real, and sent once.
"""

import json
import os
import signal
import sys
from typing import Any
from uuid import UUID

import django


def main() -> None:
    django.setup()
    from agents import asking, loop  # noqa: F401 – what a worker's first run would wait for
    from agents.llm import messages  # noqa: F401

    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            answer = os.waitstatus_to_exitcode(os.waitpid(order["wait"], 0)[1])
        elif not (answer := os.fork()):
            work(order["id"], order["point"], order["signal"], order["model"])
            os._exit(0)
        print(answer, flush=True)


def work(ident: str, point: str, name: str, model: str) -> None:
    from django.conf import settings

    from agents import browser, events, runs, services, tasks
    from projects.models import Project

    settings.ANTHROPIC_BASE_URL = model
    browser.available = lambda: False  # as for the worker that takes over: see conftest.py
    sent: list[str] = []

    def end(*_: Any) -> None:
        if not sent:
            sent.append(name)
            os.kill(os.getpid(), signal.Signals[name])

    append, when, _, kind = runs.append_all, *point.partition(":")

    def watched(fence: Any, steps: Any, *more: Any) -> bool:
        is_it = any(step.type == kind for step in steps)
        if is_it and when == "before":
            end()
        stop = append(fence, steps, *more)
        if is_it and when == "after":
            end()
        return stop

    runs.append_all = watched  # type: ignore[assignment]
    if point == "stream":
        events.Live.feed = end  # type: ignore[method-assign, assignment]
    if point == "submitted":
        events.publish = end  # type: ignore[assignment]
        services.start_run(Project.objects.get(pk=UUID(ident)), "What is tea?", "ask")
    tasks.run_agent(ident)


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "vibe.settings"
    main()
