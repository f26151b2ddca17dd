"""How good the agent is: a case is one prompt and its follow-ups, run end to end, and looked at as a visitor would.

A suite is a JSON file: [{"name", "prompt", "framework", "then": [follow-ups], "text": [words the page must show]}].
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from accounts.models import User
from agents import aio, browser, previews, sandbox, services
from agents.models import Run, Sandbox, Step
from projects.frameworks import FRAMEWORKS
from projects.models import Project
from usage import services as credits

FOLDER = settings.BASE_DIR / "evaluation"
AXE = settings.BASE_DIR / "node_modules" / "axe-core" / "axe.min.js"
# The serious and critical violations of WCAG 2.2 A and AA, by rule.
AUDIT = """(async () => (await axe.run(document, {resultTypes: ["violations"], iframes: false,
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})).violations
    .filter(({impact}) => ["serious", "critical"].includes(impact))
    .map(({id, nodes}) => `${id} (${nodes.length})`))()"""
LOOK_SECONDS = 30
# A run that was not over by then counts as not finished.
RUN_SECONDS = 1_800


class BadSuite(ValueError):
    """The suite cannot be used. The text says where and why."""


@dataclass(frozen=True)
class Case:
    name: str
    prompt: str
    framework: str = ""
    then: tuple[str, ...] = ()
    text: tuple[str, ...] = ()


@dataclass
class Score:
    """What became of a case. Verdicts are None where nobody could look: no build, no browser, no page."""

    name: str
    framework: str = ""
    finished: bool = False
    reason: str = ""
    verdicts: dict[str, bool | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    turns: int = 0
    fixes: int = 0
    tokens: int = 0
    credits: float = 0.0
    usd: float | None = None
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        return self.finished and all(verdict is not False for verdict in self.verdicts.values())


# The columns of a score, in the order in which they are looked at.
VERDICTS = ("build", "lint", "page", "console", "text", "accessible")


def load(path: Path) -> list[Case]:
    """The cases of a suite. Raises BadSuite."""
    try:
        rows = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BadSuite(f"{path}: {error}") from None
    if not isinstance(rows, list) or not rows:
        raise BadSuite(f"{path}: a suite is a list of cases.")
    return [_case(path, number, row) for number, row in enumerate(rows, 1)]


def _case(path: Path, number: int, row: Any) -> Case:
    known: dict[str, type] = {"name": str, "prompt": str, "framework": str, "then": list, "text": list}
    if not isinstance(row, dict) or not {"name", "prompt"} <= row.keys():
        raise BadSuite(f"{path}: case {number} needs a name and a prompt.")
    if wrong := [key for key, value in row.items() if key not in known or not isinstance(value, known[key])]:
        raise BadSuite(f"{path}: case {number} ({row['name']}): {wrong[0]} is not known or not of its kind.")
    if row.get("framework") and row["framework"] not in FRAMEWORKS:
        raise BadSuite(f"{path}: case {number}: there is no framework {row['framework']!r}.")
    return Case(**{**row, "then": tuple(row.get("then", ())), "text": tuple(row.get("text", ()))})


def evaluate(user: User, case: Case, model: str, say: Callable[[str], None] = lambda line: None) -> Score:
    """Runs a case to its end and scores it; its project goes afterwards. Raises NotEnoughCredits, BadPrompt."""
    began = time.monotonic()
    run = services.start_project(user, case.prompt, case.framework or None, model or None, name=case.name[:80])
    runs = [run]
    try:
        for text in ("", *case.then):
            if text:
                runs.append(services.start_run(run.project, text))
            say(f"{case.name}: {text or case.prompt}"[:100])
            if not _over(runs[-1]):
                break
        score = _score(case, runs)
        if score.finished:
            _look(case, run.project, score)
    finally:
        _clear(run.project)
    score.seconds = round(time.monotonic() - began, 1)
    return score


def _over(run: Run) -> bool:
    """Waits for a run; whether it succeeded. One that asks its user something is told to decide by itself."""
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        run.refresh_from_db()
        if run.state in Run.TERMINAL:
            return run.state == Run.State.SUCCEEDED
        if run.state == Run.State.WAITING:
            services.start_run(run.project, "Decide by yourself; take the simplest that works.")
        connection.close()
        time.sleep(0.2)
    services.cancel_run(run)
    return False


def _score(case: Case, runs: list[Run]) -> Score:
    """What the log of its runs says of a case."""
    last = runs[-1]
    score = Score(case.name, Project.objects.get(pk=last.project_id).framework)
    score.finished = last.state == Run.State.SUCCEEDED and len(runs) == 1 + len(case.then)
    score.reason = "" if score.finished else last.reason or last.state
    steps = list(Step.objects.filter(run__in=runs).order_by("cursor"))
    replies = [step.data for step in steps if step.type == "reply"]
    checks = {step.data["name"]: bool(step.data["ok"]) for step in steps if step.type == "check"}
    score.verdicts = {name: checks.get(name) for name in VERDICTS}
    score.turns = len(replies)
    score.fixes = sum(step.type == "stage" and step.data.get("stage") == "fix" for step in steps)
    asked = [step.data for step in steps if step.type in ("reply", "aside")]
    score.tokens = sum(sum(data["usage"].values()) for data in asked)
    prices = [data.get("usd") for data in asked]
    score.usd = None if None in prices else round(sum(prices), 4)
    score.credits = round(sum(Run.objects.get(pk=run.pk).cost for run in runs) / settings.MICRO, 3)
    return score


def _look(case: Case, project: Project, score: Score) -> None:
    """Opens the app as a visitor would."""
    try:
        box = sandbox.ensure(project)
        aio.run(box.serve(), 90)
    except (sandbox.SandboxUnavailable, TimeoutError, *sandbox.DOWN) as error:
        score.verdicts["page"] = False
        score.notes.append(f"the app could not be opened: {error}")
        return
    address = previews.url(Sandbox.objects.get(project=project))
    audit = f"{AXE.read_text()};{AUDIT}" if AXE.exists() else ""
    try:
        seen = aio.run(browser.look(address, seconds=LOOK_SECONDS, audit=audit), LOOK_SECONDS + 60)
    except (browser.NoBrowser, TimeoutError) as error:
        score.notes.append(f"nobody looked: {error}")
        return
    missing = [words for words in case.text if words.lower() not in seen.text.lower()]
    score.verdicts["page"] = seen.status == 200
    score.verdicts["console"] = not seen.console
    score.verdicts["text"] = not missing if case.text else None
    score.verdicts["accessible"] = None if seen.audit is None else not seen.audit
    score.notes += [f"HTTP {seen.status} at {urlsplit(address).path}"] if seen.status != 200 else []
    score.notes += [f"console: {line[:200]}" for line in seen.console[:3]]
    score.notes += [f"not on the page: {words}" for words in missing]
    score.notes += [f"accessibility: {rule}" for rule in seen.audit or []]


def _clear(project: Project) -> None:
    """Ends the case's sandbox and hides its project: the next one wants the room."""
    from agents import edits

    for row in Sandbox.objects.filter(project=project):
        try:
            sandbox.kill(row)
        except (*sandbox.DOWN, TimeoutError):
            continue
    edits.delete_project(project)


def summary(scores: list[Score]) -> dict[str, Any]:
    """The whole as JSON has it."""
    passed = sum(score.passed for score in scores)
    known = [score.usd for score in scores if score.usd is not None]
    return {
        "passed": passed,
        "cases": len(scores),
        "tokens": sum(score.tokens for score in scores),
        "credits": round(sum(score.credits for score in scores), 3),
        "usd": round(sum(known), 4) if len(known) == len(scores) else None,
        "seconds": round(sum(score.seconds for score in scores), 1),
        "scores": [{**asdict(score), "passed": score.passed} for score in scores],
    }


def fund(user: User, amount: int) -> None:
    """Tops a user's credits up to `amount` micro-credits."""
    missing = amount - credits.account_of(user).available
    if missing > 0:
        credits.grant(user, missing, f"evaluation-{time.time_ns()}", "For evaluations on the command line")
