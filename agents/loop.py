"""The agent: prepare, work with the model and its tools until done, check, fix, save.

Each part first looks at the log: what is written there is done. So the same lines begin a run and take one over.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction

from agents import aio, charging, closing, events, previews, prompts, runs, sandbox
from agents.asking import next_turn
from agents.box import Box
from agents.closing import Ending
from agents.lease import Lease, RunStopped, StepTimeout
from agents.llm import ModelError
from agents.log import Log, record
from agents.models import Run
from agents.runs import MAX_DEATHS, LeaseLost
from agents.tools import READ_ONLY, TOOLS, Outcome, Tool, Toolbox, ToolFailed
from projects.models import Message
from usage import services as credits

log = logging.getLogger(__name__)

# The same call with the same input this often in one run is a model going in circles.
MAX_REPEATS = 5
LINT_SECONDS = 30


def run_agent(lease: Lease) -> None:
    """Works on a run until it ends or the lease is lost."""
    run = Run.objects.select_related("project", "project__owner", "message").get(pk=lease.fence.run_id)
    work = Work(lease, run)
    try:
        ending = work.go()
    except Waiting:
        runs.wait(lease.fence)
        return
    except Ending as early:
        ending = early
    except RunStopped:
        ending = Ending(Run.State.CANCELLED, "cancelled")
    except ModelError as error:
        ending = Ending(Run.State.FAILED, error.code, "The model did not answer", error.detail, error.next)
    except sandbox.SandboxUnavailable as error:
        ending = Ending(Run.State.FAILED, "sandbox_unavailable", "No sandbox", str(error), "Try again in a moment.")
    except (LeaseLost, OperationalError, InterfaceError):
        raise  # not ours any more, or the database is away: the sweeper hands the run to a worker that has it
    except Exception as error:
        log.exception("run %s broke", run.pk)
        text = f"Something in Vibe broke ({type(error).__name__}). It is logged; this run costs nothing."
        ending = Ending(Run.State.FAILED, "internal_error", "Our mistake", text, "Try again.")
    if work.box is None and work.log.touched():  # it ended before this worker used the sandbox
        work.box = _box(run)
    closing.close(lease, run, work.log, work.box, ending)
    work.let_go()


def _box(run: Run) -> Box | None:
    with contextlib.suppress(sandbox.SandboxUnavailable):
        return sandbox.ensure(run.project)
    return None


class Waiting(Exception):
    """The model asked the person something; the run goes on when they have answered."""


class Work:
    """One worker's work on one run."""

    def __init__(self, lease: Lease, run: Run) -> None:
        self.lease, self.run, self.log = lease, run, Log(lease.fence)
        self.ask_only = run.message.mode == Message.Mode.ASK
        self.tools = READ_ONLY if self.ask_only else TOOLS
        self.box: Box | None = None
        self.opening: Future[sandbox.Opened] | None = None
        self.serving: Any = None

    def go(self) -> Ending:
        if self.run.deaths >= MAX_DEATHS:
            text = f"The worker died {self.run.deaths} times at the same step, so the run was given up."
            raise Ending(
                Run.State.FAILED, "crash_loop", "The run kept crashing", text, "Try again, or say it differently."
            )
        if self.log.state() != Run.State.RUNNING:
            self.log.add("state", {"state": Run.State.RUNNING})
        self.prepare()
        while True:
            self.work()
            if self.ask_only or not self.log.touched():
                break
            failed = self.validate()
            if not failed:
                break
            if self.log.round >= settings.RUN_MAX_FIX_ROUNDS:
                names = ", ".join(failed)
                rounds = f"{self.log.round} rounds of fixing"
                text = f"{names} still failed after {rounds}. The files are kept; nothing is charged."
                raise Ending(
                    Run.State.FAILED,
                    "checks_failed",
                    "The app does not pass its checks",
                    text,
                    "Describe what to change, or restore an earlier version.",
                )
            number = self.log.round + 1
            self.stage("fix", f"Fixing what failed (round {number})", key=f"fix-{number}")
        return Ending(Run.State.SUCCEEDED)

    def prepare(self) -> None:
        """What the model is told at first; meanwhile a sandbox with the project's files is being made."""
        self.stage("prepare", "Getting the sandbox ready")
        self.opening = sandbox.in_background(self.run.project, serve=not self.ask_only)
        if not self.log.has("stage", "context"):
            self.stage("context", "Reading the project", record=prompts.context(self.run.project))
        self.context = str(self.log.keys["stage", "context"].record)
        self.system = prompts.instructions(self.run.project.framework, self.run.message.mode)
        self.stage("work", "Answering" if self.ask_only else "Building")

    def work(self) -> None:
        """The loop proper: ask, run the tools that were called, until the model is done."""
        definitions = [tool.definition() for tool in self.tools.values()]
        while True:
            for turn, index, block in self.log.pending():
                self.use(turn, index, block)
            self.show_preview()
            if not self.log.wants_answer():
                return
            self.stay_within_limits()
            messages = prompts.conversation(self.run, self.log.steps, self.context)
            next_turn(self.lease, self.log, self.run, self.system, messages, definitions)
            self.nudge_if_empty()

    def nudge_if_empty(self) -> None:
        reply = self.log.of("reply")[-1]
        if record(reply)["content"]:
            return
        if len(self.log.of("nudge")) >= 2:
            raise ModelError(
                "model_empty", "The model answered with nothing, three times.", "Try again or choose another model."
            )
        self.log.add("nudge", {"text": "Your answer was empty. Go on with the task, or call finish."})

    def stay_within_limits(self) -> None:
        """Ends the run gracefully at its bounds; the work so far is kept."""
        again = "Send a message to go on from here."
        if self.log.turn >= settings.RUN_MAX_TURNS:
            raise Ending(
                Run.State.STOPPED, "limit", "Step limit", f"The run used its {settings.RUN_MAX_TURNS} turns.", again
            )
        # By the database's clock, which wrote both: a worker's own may be hours off.
        if (self.log.steps[-1].at - self.log.running_since()).total_seconds() > settings.RUN_MAX_SECONDS:
            minutes = settings.RUN_MAX_SECONDS // 60
            raise Ending(Run.State.STOPPED, "limit", "Time limit", f"The run used its {minutes} minutes.", again)
        try:
            charging.cover(self.run, self.log.cost())
        except credits.NotEnoughCredits:
            text = "Your credits are used up. What was built so far is kept."
            raise Ending(
                Run.State.STOPPED, "credits", "Out of credits", text, "Get more credits, then go on."
            ) from None
        except credits.CapReached as reached:
            text = f"{reached} What was built so far is kept."
            raise Ending(Run.State.STOPPED, "cap", "The run's cap is reached", text, again) from None

    # --- Tools ------------------------------------------------------------------------------------------------------

    def use(self, turn: int, index: int, block: dict[str, Any]) -> None:
        """Runs one tool call, or finds out what became of it, and logs the result."""
        self.lease.renew()
        key, tool = f"{turn}.{index}", self.tools.get(block["name"])
        again = self.log.has("tool_call", key)
        if block["name"] == "ask_user" and not self.ask_only:
            self.ask_user(key, turn, index, block)
            return
        title = tool.title(block["input"]) if tool else f"Unknown tool {block['name'][:40]}"
        facts = {"key": key, "turn": turn, "index": index, "name": block["name"], "title": title}
        self.log.add("tool_call", {**facts, "summary": "", "input": _shown(block["input"])}, key=key)
        began = time.monotonic()
        try:
            outcome = self.outcome(tool, block, key, again)
        except ToolFailed as error:
            outcome = Outcome(str(error), ok=False, summary=str(error).split("\n")[0][:200])
        result = {
            **facts,
            "ok": outcome.ok,
            "summary": outcome.summary,
            "output": outcome.output[:4_000] if not outcome.facts.get("files") else "",
            "seconds": round(time.monotonic() - began, 2),
            **outcome.facts,
        }
        answer = {
            "type": "tool_result",
            "tool_use_id": block["id"],
            "content": outcome.output,
            "is_error": not outcome.ok,
        }
        with transaction.atomic():
            self.log.add("tool_result", result, key=key, record=answer)
            for change in outcome.facts.get("files", []):
                self.log.add("file", {name: change[name] for name in ("path", "action", "added", "removed")})

    def ask_user(self, key: str, turn: int, index: int, block: dict[str, Any]) -> None:
        """Puts the run to wait for the person, or takes their answer as the call's result."""
        facts = {"key": key, "turn": turn, "index": index, "name": "ask_user", "title": "A question for you"}
        try:
            TOOLS["ask_user"].check(block["input"])
        except ToolFailed as error:
            answer, ok = str(error), False
        else:
            asked = {"question": block["input"]["question"], "options": block["input"].get("options", [])}
            self.log.add("tool_call", {**facts, **asked, "summary": "", "input": {}}, key=key)
            if (said := self.log.answer_to(key)) is None:
                raise Waiting
            answer, ok, facts = said, True, {**facts, **asked}
        result = {"type": "tool_result", "tool_use_id": block["id"], "content": answer, "is_error": not ok}
        shown = {**facts, "ok": ok, "summary": answer[:200], "output": "", "seconds": 0}
        self.log.add("tool_result", shown, key=key, record=result)

    def outcome(self, tool: Tool | None, block: dict[str, Any], key: str, again: bool) -> Outcome:
        """What the tool did. Raises ToolFailed with what the model should know."""
        if tool is None:
            raise ToolFailed(f"There is no tool {block['name']!r}. There are: {', '.join(self.tools)}.")
        if (raw := record(self.log.of("reply")[-1])["bad_inputs"].get(block["id"])) is not None:
            raise ToolFailed(f"The input was not a valid JSON object: {raw[:500]!r}. Send the call again.")
        tool.check(block["input"])
        if self.log.repeats(block) >= MAX_REPEATS:
            raise ToolFailed(
                f"Not run: this very call was made {MAX_REPEATS} times already. Do something else or finish."
            )
        live = Lazy(lambda: events.Live(self.run.project_id, self.run.pk, "terminal", {"key": key}))
        step_key = self.step_key(key)
        try:
            outcome: Outcome = self.in_sandbox(
                lambda box, retry: tool.work(Toolbox(box, step_key, live.feed, again or retry), block["input"]),
                tool.seconds,
            )
            return outcome
        except StepTimeout as error:
            aio.run(self.sandbox.kill_step(step_key))
            raise ToolFailed(f"{tool.name} was stopped: {error}.") from error
        except RunStopped:
            aio.run(self.sandbox.kill_step(step_key))
            raise
        finally:
            live.close()

    def in_sandbox(self, work: Callable[[Box, bool], Any], seconds: float) -> Any:
        """Runs sandbox work; a sandbox that went away meanwhile is resumed or rebuilt once."""
        try:
            return self.lease.wait(work(self.sandbox, False), seconds)
        except sandbox.GONE:
            self.box = sandbox.ensure(self.run.project, self.lease.wait)
            self.serving = aio.submit(self.box.serve())
            return self.lease.wait(work(self.box, True), seconds)
        except sandbox.DOWN as error:
            raise ToolFailed(f"The sandbox did not do it: {error}") from error

    @property
    def sandbox(self) -> Box:
        """The run's sandbox, waited for at its first use. Raises SandboxUnavailable."""
        if self.box is None:
            self.box, self.serving = self.lease.wait(_result(self.opening), sandbox.OPENING_SECONDS)
        return self.box

    def step_key(self, key: str) -> str:
        return f"{self.run.pk.hex}-{key}"

    def let_go(self) -> None:
        """Gives a sandbox that nobody needed any more a moment to open, so that its row is written and it is found."""
        if self.opening and not self.opening.cancel():
            wait([self.opening], timeout=5)

    # --- Checks -----------------------------------------------------------------------------------------------------

    def validate(self) -> list[str]:
        """Lints, builds and opens the app; the titles of what failed."""
        number, framework = self.log.round, self.sandbox.framework
        self.stage("validate", "Checking the app", key=f"validate-{number}")
        if framework.lint:
            self.check_command("lint", "Lint", framework.lint, LINT_SECONDS)
        if framework.build:
            self.check_command("build", "Build", framework.build, settings.BUILD_SECONDS)
        self.check_page()
        return [
            step.data["title"] for step in self.log.of("check") if step.data["round"] == number and not step.data["ok"]
        ]

    def check_command(self, name: str, title: str, command: str, seconds: float) -> None:
        key = f"{name}-{self.log.round}"
        if self.log.has("check", key):
            return
        began = time.monotonic()
        run = self.in_sandbox(
            lambda box, _: box.run_once(self.step_key(key), command, seconds, lambda text: None), seconds + 30
        )
        output = f"{command} took longer than {seconds} s." if run.timed_out else run.output
        self.add_check(name, title, run.exit_code == 0, time.monotonic() - began, output)

    def check_page(self) -> None:
        if self.log.has("check", f"page-{self.log.round}"):
            return
        began = time.monotonic()
        status = self.in_sandbox(lambda box, _: box.serve(), 45)
        self.show_preview()
        output = ""
        if status != 200:
            server = self.in_sandbox(lambda box, _: box.server_log(), 30)
            output = f"GET / answered {status or 'nothing'}. The dev server's last lines:\n{server}"
        self.add_check("page", "Page answers", status == 200, time.monotonic() - began, output)

    def add_check(self, name: str, title: str, ok: bool, seconds: float, output: str) -> None:
        number = self.log.round
        shown = output if len(output) < 6_000 else output[:3_000] + "\n…\n" + output[-3_000:]
        data = {"name": name, "title": title, "ok": ok, "seconds": round(seconds, 1), "output": shown, "round": number}
        self.log.add("check", data, key=f"{name}-{number}")

    # --- Events -----------------------------------------------------------------------------------------------------

    def stage(self, stage: str, title: str, key: str = "", record: Any = None) -> None:
        self.log.add("stage", {"stage": stage, "status": "started", "title": title}, key=key or stage, record=record)

    def show_preview(self) -> None:
        """Says once that the dev server answers, as soon as it does."""
        if self.serving is None or not self.serving.done():
            return
        serving, self.serving = self.serving, None
        status = 0 if serving.cancelled() or serving.exception() else serving.result()
        state = "ready" if status else "failed"
        data = {"state": state, "url": previews.url(self.sandbox), "port": self.sandbox.framework.port}
        if not any(step.data == data for step in self.log.of("preview")[-1:]):
            self.log.add("preview", data)


async def _result(opening: "Future[sandbox.Opened] | None") -> sandbox.Opened:
    assert opening is not None
    return await asyncio.wrap_future(opening)


class Lazy:
    """Live output that begins with its first piece: most tools have none."""

    def __init__(self, make: Callable[[], events.Live]) -> None:
        self.make = make
        self.live: events.Live | None = None

    def feed(self, text: str) -> None:
        if self.live is None:
            self.live = self.make()
        self.live.feed(text)

    def close(self) -> None:
        if self.live:
            self.live.close()


def _shown(values: dict[str, Any]) -> dict[str, Any]:
    """A tool's input as a page may see it: paths and short values, not whole files."""
    return {name: value[:500] for name, value in values.items() if isinstance(value, str)}
