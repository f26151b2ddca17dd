"""What a run does with promises: looks whether the kept ones and its own are true, and keeps what it found.

A kept one that is not true fails the check. The run has to mend only what was true before it; one that was untrue or
unknown then is told of.
"""

import time
from typing import Any
from urllib.parse import quote

from agents import browser, previews
from agents.bench import Bench
from agents.lease import StepTimeout
from agents.log import Log
from agents.models import Run
from projects import promises
from projects.models import Project, Promise, Version

# Pages beside the first that one check looks at; seconds of a look.
MORE_PAGES, LOOK_SECONDS = 2, 20
NAME, TITLE = "promises", "Promises kept"


def expected(log: Log) -> list[dict[str, Any]]:
    """What this run promises: the statements that it last finished with."""
    told = [step.data["expects"] for step in log.of("tool_result") if step.data.get("expects")]
    return list(told[-1]) if told else []


def outdated(log: Log) -> set[int]:
    """The earlier promises that this request made untrue on purpose."""
    return {number for step in log.of("tool_result") for number in step.data.get("outdated", [])}


def check(bench: Bench, seen: browser.Look | None) -> dict[str, Any] | None:
    """Whether the promises are true of the app as it is; `seen`: a look at its first page, if there was one.

    The facts of a check, or None where nothing could be seen: `held` {id: bool} of the kept ones, `new` with `holds`,
    `unchecked`, how many kept ones nobody saw, `to_mend`, whether one was true before this run, and `output`, which
    names what is not true.
    """
    project, began = bench.run.project, time.monotonic()
    changed, gone = promises.since(project), outdated(bench.log)
    kept = [promise for promise in promises.of(project.pk) if promise.pk not in gone]
    there = {promises.mark(promise.path, promise.text) for promise in kept}
    new = [one for one in expected(bench.log) if promises.mark(one["path"], one["text"]) not in there]
    pages: dict[str, list[str]] = {}
    for path, text in _wanted(new, kept):
        pages.setdefault(path, []).append(text)
    answers: dict[tuple[str, str], bool | None] = {}
    for path, texts in pages.items():
        answers |= _read(bench, path, texts, seen if path == "/" else None)
    held = {promise: answers.get((promise.path, promise.text)) for promise in kept}
    new = [{**one, "holds": answers.get((one["path"], one["text"]))} for one in new]
    broken = [promise for promise in kept if held[promise] is False and promises.holds(promise, changed)]
    if all(answer is None for answer in answers.values()):
        return None
    unchecked = [promise for promise in kept if held[promise] is None]
    ok = False not in held.values() and all(promises.holds(promise, changed) is not False for promise in unchecked)
    return {
        "name": NAME,
        "title": f"{TITLE}, {len(unchecked)} not checked" if ok and unchecked else TITLE,
        "ok": ok,
        "unchecked": len(unchecked),
        "to_mend": bool(broken),
        "seconds": time.monotonic() - began,
        "output": _told(broken, held, new),
        "held": {str(promise.pk): answer for promise, answer in held.items() if answer is not None},
        "new": new,
    }


def _wanted(new: list[dict[str, Any]], kept: list[Promise]) -> list[tuple[str, str]]:
    """The words to look for as (path, text), of the first page and as many others as there is time for: this run's,
    then those that were not looked at for longest.
    """
    waiting = sorted(kept, key=lambda promise: promise.checked or 0)
    found = [(one["path"], one["text"]) for one in new] + [(promise.path, promise.text) for promise in waiting]
    more = list(dict.fromkeys(path for path, _ in found if path != "/"))[:MORE_PAGES]
    return [(path, text) for path, text in found if path == "/" or path in more]


def _read(bench: Bench, path: str, texts: list[str], seen: browser.Look | None) -> dict[tuple[str, str], bool | None]:
    """Whether the page shows each text. What it does not show is looked for once more: a page can be late once."""
    shown: dict[tuple[str, str], bool | None] = {}
    for look in (seen, None):
        look = look or _look(bench, path)
        if look is None:
            break
        words = promises.same(look.text)
        for text in texts:
            is_there: bool | None = promises.same(text) in words
            if not is_there and len(look.text) >= browser.TEXT_CHARS:
                is_there = None  # there is more on the page than was read
            shown[path, text] = is_there
        if False not in shown.values():
            break
    return shown


def _look(bench: Bench, path: str) -> browser.Look | None:
    """A page in a real browser; None when ours broke down or is too busy, which says nothing of the app."""
    url = previews.url(bench.sandbox).rstrip("/") + quote(path)
    try:
        seen = bench.lease.wait(browser.look(url, seconds=LOOK_SECONDS), LOOK_SECONDS + 30)
    except (browser.NoBrowser, StepTimeout):
        return None
    return seen if seen.status else None


def _told(broken: list[Promise], held: dict[Promise, bool | None], new: list[dict[str, Any]]) -> str:
    parts = {
        "True before, and not any more": [_line(promise) for promise in broken],
        "Not true, and not known to be true before": [
            _line(promise) for promise, answer in held.items() if answer is False and promise not in broken
        ],
        "Said of this change, but not there": [
            f"- {one['says']} (“{one['text']}” on {one['path']})" for one in new if one["holds"] is False
        ],
        "Not checked": [_line(promise) for promise, answer in held.items() if answer is None],
        "Still true": [f"- {promise.says}" for promise, answer in held.items() if answer],
        "True from now on": [f"- {one['says']}" for one in new if one["holds"]],
    }
    return "\n\n".join(f"{title}:\n" + "\n".join(lines) for title, lines in parts.items() if lines)


def _line(promise: Promise) -> str:
    return f"- {promise.pk}: {promise.says} (“{promise.text}” on {promise.path})"


def found(log: Log) -> dict[str, Any]:
    """What the newest check found, if nothing was done to the app since: `held` {id: bool} and `new`. Where nothing
    was seen, this run's own statements are neither true nor untrue.
    """
    steps = [step for step in log.of("check") if step.data["name"] == NAME][-1:]
    if not steps or any(step.seq > steps[0].seq for step in log.of("tool_result")):
        return {"held": {}, "new": [{**one, "holds": None} for one in expected(log)]}
    return {name: steps[0].data[name] for name in ("held", "new")}


def settle(project: Project, log: Log, state: str, version: Version | None) -> tuple[dict[str, Any], list[str]]:
    """Keeps what a run found out of `version`, its files; with a run that succeeded also what it promised. Belongs into
    the transaction that ends the run. What the closing card says, {} where there is nothing to say; and its doubts.
    """
    if version is None and not log.checks():
        return {}, []
    facts, gone = found(log), outdated(log)
    held = {int(number): answer for number, answer in facts["held"].items()}
    worked = state == Run.State.SUCCEEDED and version is not None and bool(log.checks())
    earlier = promises.of(project.pk)
    retired = [promise for promise in earlier if worked and promise.pk in gone]
    earlier = [promise for promise in earlier if promise not in retired]
    new = facts["new"] if worked else []
    if version is not None:
        for answer in (True, False):
            those = [number for number, one in held.items() if one is answer]
            project.promises.filter(pk__in=those).update(held=answer, checked=version.number)
    if worked and retired:
        project.promises.filter(pk__in=[promise.pk for promise in retired]).update(aside=True)
    if version is not None and (kept := [one for one in new if one["holds"] is not False]):
        promises.keep(project, kept, version.number)
    if version is not None:
        promises.note(version)
    if not (log.checks() and (earlier or retired or new)):
        return {}, []
    doubts = [f"Said, but not seen on {one['path']}: “{one['text']}”." for one in new if one["holds"] is False]
    return {
        "of": len(earlier),
        "held": sum(held.get(promise.pk) is True for promise in earlier),
        "broken": [promise.says for promise in earlier if held.get(promise.pk) is False],
        "unchecked": sum(promise.pk not in held for promise in earlier),
        "retired": [promise.says for promise in retired],
        "new": sum(one["holds"] is not False for one in new),
    }, doubts
