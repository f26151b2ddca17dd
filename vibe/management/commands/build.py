"""`bin/build`: one prompt to one app without a browser; the same run through the same services as from the page."""

import json
import os
import signal
import sys
import termios
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.text import slugify

from accounts.models import User
from agents import catalogue, events, services
from agents.models import Run
from projects import versions
from projects.frameworks import FRAMEWORKS, default
from projects.services import BadPrompt
from usage import services as credits

# Builds of this command belong to a user of their own, who signs in nowhere.
EMAIL = "command-line@vibe.localhost"
# What a build may use is topped up to this before it starts: the person at this terminal owns the machine.
CREDITS = 10
POLL_SECONDS = 0.1
# The exit code when the agent asked something and got no answer.
UNANSWERED = 3


class Command(BaseCommand):
    help = (
        "Build an app from a prompt and write its files to a folder. Exit code: 0 when the app is there, 1 when it is"
        f" not, 2 for options that do not fit, {UNANSWERED} when the agent asked something and nobody answered: a"
        " question is asked at the terminal, or where there is none ends the build."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prompt", help="what to build")
        by_itself = f"default: what the prompt names, or what fits it; when unsure {default()}"
        parser.add_argument("--framework", choices=sorted(FRAMEWORKS), help=by_itself)
        models = sorted(catalogue.MODELS)
        parser.add_argument("--model", type=str.lower, choices=models, help=f"default: {catalogue.DEFAULT_MODEL}")
        parser.add_argument("--out", type=Path, help="folder for the app's files (default: named after the app, here)")
        as_json = "print one JSON line per event instead of progress; a question is a tool_call of ask_user"
        parser.add_argument("--json", action="store_true", help=as_json)

    def handle(self, *args: Any, prompt: str, out: Path | None, json: bool, **options: Any) -> None:
        _refuse_full(out)
        try:
            run = services.start_project(_builder(), prompt, options["framework"], options["model"])
        except (BadPrompt, credits.NotEnoughCredits) as problem:
            raise CommandError(str(problem)) from None
        if unanswered := self.tell(run, as_json=json):
            raise CommandError(
                f"The agent asked: {unanswered} Nobody answered, so the build was stopped. Start it again with the"
                " answer in the prompt, or at a terminal, where it can be typed.",
                returncode=UNANSWERED,
            )
        run.refresh_from_db()
        if run.state != Run.State.SUCCEEDED:
            raise CommandError(f"The run {run.state}{f': {run.reason}' if run.reason else ''}.", returncode=1)
        target = out or Path(os.environ.get("VIBE_CALLER_DIR", ".")) / (slugify(run.project.name)[:40] or "app")
        _refuse_full(target)
        count = _write(run, target)
        if not json:
            seconds = (run.finished - run.created).total_seconds() if run.finished else 0.0
            self.stdout.write(f"\n{count} files in {target} ({seconds:.0f} s, {credits.text(run.cost)})")

    def tell(self, run: Run, *, as_json: bool) -> str:
        """Prints what happens until the run is over. The question that nobody answered, if there was one."""
        question: dict[str, Any] = {}
        unanswered = ""
        for event in _follow(run):
            self.show(event, as_json=as_json)
            data = event["data"]
            if event["type"] == "tool_call" and data["name"] == "ask_user":
                question = data
            elif event["type"] == "state" and data["state"] == Run.State.WAITING and not _answered(run, question):
                choices = ", ".join(question["options"])
                unanswered = f"{question['question']}{f' ({choices})' if choices else ''}"
                _stop(run)
        return unanswered

    def show(self, event: events.Event, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(event, ensure_ascii=False))
        elif line := _line(event["type"], event["data"]):
            self.stdout.write(line)
        self.stdout.flush()


def _follow(run: Run) -> Iterator[events.Event]:
    """The run's events from the log until it is over. Ctrl-C asks it to stop; its events are still told to the end."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    cursor, over = 0, False
    while not over:
        try:
            # Looked at before the log is read: what is written later is not missed.
            over = Run.objects.filter(pk=run.pk, state__in=Run.TERMINAL).exists()
            for event in events.events_after(run.project_id, cursor):
                cursor = event["id"]
                yield event
                over = over or event["type"] == "complete"
            time.sleep(0 if over else POLL_SECONDS)
        except KeyboardInterrupt:
            _stop(run)


def _stop(run: Run) -> None:
    with suppress(services.NotNow):  # it ended in this moment
        services.cancel_run(run)


def _answered(run: Run, question: dict[str, Any]) -> bool:
    """Whether the person at the terminal answered, so that the run goes on. False without a terminal."""
    while said := _typed(question):
        try:
            services.start_run(run.project, said)
            return True
        except BadPrompt as problem:
            print(problem, file=sys.stderr)
    return False


def _typed(question: dict[str, Any]) -> str:
    """The question's answer as typed, or the choice whose number was. Empty: an empty line, the end of the input,
    Ctrl-C, or no terminal.
    """
    if not os.isatty(0):
        return ""
    # An Enter that was pressed while the agent worked is no answer.
    termios.tcflush(0, termios.TCIFLUSH)
    options = question["options"]
    how = "The number of a choice, or an" if options else "An"
    lines = [question["question"], *(f"  {number}. {option}" for number, option in enumerate(options, 1))]
    # What is asked goes to standard error: with --json the output is for a program.
    print(*lines, f"{how} answer of your own; an empty line stops the build: ", sep="\n", end="", file=sys.stderr)
    sys.stderr.flush()
    try:
        said = sys.stdin.readline().strip()
    except KeyboardInterrupt:
        return ""
    if said not in options and said.isdecimal() and 1 <= int(said) <= len(options):
        return str(options[int(said) - 1])
    return said


def _line(kind: str, data: dict[str, Any]) -> str:
    """What a person at a terminal wants to know of an event; empty for the rest."""
    match kind:
        case "stage" if data.get("status") != "done":
            return f"• {data.get('title') or data.get('stage', '')}"
        case "reply":
            return str(data.get("text", "")).strip()
        case "file":
            counts = f"+{data.get('added', 0)} -{data.get('removed', 0)}"
            return f"    {data.get('action', 'wrote')} {data.get('path', '')} ({counts})"
        case "check":
            return f"    {data.get('title') or data.get('name', 'check')}: {'ok' if data.get('ok') else 'not yet'}"
        case "error":
            return "\n".join(str(data[name]) for name in ("title", "detail", "next") if data.get(name))
    return ""


def _builder() -> User:
    """The user of this command's builds, with enough credits for one."""
    user = User.objects.filter(email=EMAIL).first() or User.objects.create_user(EMAIL)
    account = credits.account_of(user)
    missing = CREDITS * settings.MICRO - (account.balance - account.reserved)
    if missing > 0:
        credits.grant(user, missing, f"build-{time.time_ns()}", "For builds on the command line")
    return user


def _refuse_full(folder: Path | None) -> None:
    """Raises CommandError rather than mixing the app into files that are there."""
    if folder is None or not folder.exists():
        return
    if not folder.is_dir() or any(folder.iterdir()):
        raise CommandError(f"{folder} is there already and not empty. Name another folder with --out.")


def _write(run: Run, target: Path) -> int:
    """The files of the run's version; their paths were checked when it was saved."""
    version = run.version or versions.newest(run.project)
    files = versions.files(version) if version else {}
    for path, content in files.items():
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return len(files)
