"""The platform's own checks of an app: lint, build, the page answers, its console is clean, promises are kept. Each has
a deadline.
"""

import time
from typing import Any

from django.conf import settings

from agents import about, browser, events, previews, promises
from agents.bench import Bench
from agents.fingerprints import fingerprint, first_line
from agents.lease import StepTimeout
from agents.log import to_mend
from agents.models import Step
from agents.tools.app import errors

LINT_SECONDS, PAGE_SECONDS, LOOK_SECONDS = 30, 45, 20


def validate(bench: Bench) -> list[Step]:
    """Checks the app as it is now; the checks that failed and are this run's to mend."""
    number, framework = bench.log.round, bench.sandbox.framework
    bench.stage("validate", "Checking the app", key=f"validate-{number}")
    if framework.lint:
        _command(bench, "lint", "Lint", framework.lint, LINT_SECONDS)
    if framework.build:
        _command(bench, "build", "Build", framework.build, settings.BUILD_SECONDS)
    answers = _page(bench)
    if answers and browser.available():
        seen = _console(bench)
        if (console := bench.log.keys.get(("check", f"console-{number}"))) and console.data["ok"]:
            _promises(bench, seen)
    return [step for step in bench.log.of("check") if step.data["round"] == number and to_mend(step)]


def _command(bench: Bench, name: str, title: str, command: str, seconds: float) -> None:
    key = f"{name}-{bench.log.round}"
    if bench.log.has("check", key):
        return
    began = time.monotonic()
    with about.span("check", name), events.lazy(bench.run, "terminal", {"key": key}) as live:
        run = bench.in_sandbox(
            lambda box, _: box.run_once(bench.step_key(key), command, seconds, live.feed), seconds + 30
        )
    output = f"{command} took longer than {seconds} s.\n{run.output}" if run.timed_out else run.output
    _add(bench, name, title, run.exit_code == 0, time.monotonic() - began, output)


def _page(bench: Bench) -> bool:
    if step := bench.log.keys.get(("check", f"page-{bench.log.round}")):
        return bool(step.data["ok"])
    began = time.monotonic()
    status = bench.in_sandbox(lambda box, _: box.serve(), PAGE_SECONDS)
    bench.show_preview()
    output = ""
    if status != 200:
        server = bench.in_sandbox(lambda box, _: box.server_log(), 30)
        output = f"GET / answered {status or 'nothing'}. The dev server's last lines:\n{server}"
    _add(bench, "page", "Page answers", status == 200, time.monotonic() - began, output)
    return bool(status == 200)


def _console(bench: Bench) -> browser.Look | None:
    """A look with a real browser: errors on the console. What it saw; None where it was checked before, or not."""
    if bench.log.has("check", f"console-{bench.log.round}"):
        return None
    began = time.monotonic()
    seen = _look(bench)
    if seen and errors(seen):
        seen = _look(bench) or seen  # what a dev server makes at first use can fail once
    if seen is None:
        return None
    wrong = errors(seen)
    output = "The browser's console, after opening /:\n" + "\n".join(wrong) if wrong else ""
    _add(bench, "console", "Console clean", not wrong, time.monotonic() - began, output)
    return seen


def _promises(bench: Bench, seen: browser.Look | None) -> None:
    """What this and earlier requests promised, on a page that works."""
    if not bench.log.has("check", f"promises-{bench.log.round}") and (found := promises.check(bench, seen)):
        _add(bench, **found)


def _look(bench: Bench) -> browser.Look | None:
    """The start page in a real browser; None when ours broke down or is too busy, which says nothing of the app."""
    try:
        seen = bench.lease.wait(browser.look(previews.url(bench.sandbox), seconds=LOOK_SECONDS), LOOK_SECONDS + 30)
    except (browser.NoBrowser, StepTimeout):
        return None
    return seen if seen.status else None


def _add(bench: Bench, name: str, title: str, ok: bool, seconds: float, output: str, **more: Any) -> None:
    number = bench.log.round
    shown = output if len(output) < 6_000 else output[:3_000] + "\n…\n" + output[-3_000:]
    data = {"name": name, "title": title, "ok": ok, "seconds": round(seconds, 1), "output": shown, "round": number}
    data |= more
    if not ok:
        mark = fingerprint(shown)
        data |= {"fingerprint": mark, "error": first_line(shown), "again": _survived(bench, name, mark)}
    bench.log.add("check", data, key=f"{name}-{number}")


def _survived(bench: Bench, name: str, mark: str) -> int:
    """After how many earlier fixes this check failed with this very error."""
    failed = [step.data for step in bench.log.of("check") if step.data["name"] == name and not step.data["ok"]]
    return sum(data.get("fingerprint") == mark for data in failed)
