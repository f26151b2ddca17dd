"""A worker that comes to a bad end at a named point: `python -m tests.agents.dying ID POINT SIGNAL`.

POINT: `stream` (a piece of the model's answer came), `before:TYPE` or `after:TYPE` (a step of that type is written),
`submitted` (ID is a project: a message was committed, nobody was told). Signals are real, and sent once.
"""

import os
import signal
import sys
from typing import Any
from uuid import UUID

import django


def main(ident: str, point: str, name: str) -> None:
    django.setup()
    from agents import events, runs, services, tasks
    from projects.models import Project

    sent: list[str] = []

    def end(*_: Any) -> None:
        if not sent:
            sent.append(name)
            os.kill(os.getpid(), signal.Signals[name])

    append, when, _, kind = runs.append, *point.partition(":")

    def watched(fence: Any, type: str, *args: Any, **kwargs: Any) -> Any:
        if (when, kind) == ("before", type):
            end()
        step = append(fence, type, *args, **kwargs)
        if (when, kind) == ("after", type):
            end()
        return step

    runs.append = watched
    if point == "stream":
        events.Live.feed = end  # type: ignore[method-assign, assignment]
    if point == "submitted":
        events.publish = end  # type: ignore[assignment]
        services.start_run(Project.objects.get(pk=UUID(ident)), "What is tea?", "ask")
    tasks.run_agent(ident)


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "vibe.settings"
    main(*sys.argv[1:4])
