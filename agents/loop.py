"""The agent: prepare, work with the model and its tools until done, check, fix, review, save.

Each part first looks at the log: what is written there is done. So the same lines begin a run and take one over.
"""

import logging
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts import prepared
from agents import charging, choosing, closing, prompts, reviewing, runs, sandbox, stuck
from agents.asking import next_turn
from agents.bench import Bench
from agents.calling import Waiting, announce, use
from agents.checking import validate
from agents.ending import Ending
from agents.lease import Lease, RunStopped, StepTimeout
from agents.llm import ModelError
from agents.log import calls, record, said, was_cut
from agents.mcp.calls import for_run
from agents.models import Run
from agents.prompts import talk
from agents.runs import MAX_DEATHS, MAX_LEASES, LeaseLost
from agents.tools import ToolFailed, tools_of
from projects.models import Message
from projects.paths import BadFiles
from usage import services as credits

log = logging.getLogger(__name__)

# Shares of the model's window: above the first old tool results are shortened, above the second old turns compacted.
SHORTEN_SHARE, COMPACT_SHARE = 0.5, 0.8
# Tokens of a first question that need no look at the model's window.
FITS_ANYWHERE = 20_000
# The newest turns that stay as they are.
KEPT_TURNS = 3
STAGE_TITLES = {"build": "Building", "ask": "Answering", "plan": "Planning"}
# A model that says nothing, is cut off, or in Plan mode gives no plan, is asked again so often.
MAX_NUDGES = 2


def run_agent(lease: Lease) -> bool:
    """Works on a run until it ends or the lease is lost. Whether it touched the app's files."""
    (run,) = _for_work(lease.fence.run_id)
    work = Work(lease, run)
    try:
        ending = work.go()
    except Waiting:
        if runs.wait(lease.fence):
            work.bench.let_go()
            return False
        ending = Ending(Run.State.CANCELLED, "cancelled")
    except Ending as early:
        ending = early
    except RunStopped:
        ending = Ending(Run.State.CANCELLED, "cancelled")
    except ModelError as error:
        ending = Ending(Run.State.FAILED, error.code, "The model did not answer", error.detail, error.next)
    except sandbox.SandboxUnavailable as error:
        ending = Ending(Run.State.FAILED, "sandbox_unavailable", "No sandbox", str(error), "Try again in a moment.")
    except (ToolFailed, StepTimeout) as error:  # outside a tool call: the sandbox did not answer the platform itself
        text = f"The sandbox gave {error}." if isinstance(error, StepTimeout) else str(error)
        ending = Ending(Run.State.FAILED, "sandbox_lost", "The sandbox went away", text, "Try again in a moment.")
    except (LeaseLost, OperationalError, InterfaceError, transaction.TransactionManagementError):
        raise  # not ours any more, or the database is away: the sweeper hands the run to a worker that has it
    except Exception as error:
        log.exception("run %s broke", run.pk)
        text = f"Something in Vibe broke ({type(error).__name__}). It is logged; this run costs nothing."
        ending = Ending(Run.State.FAILED, "internal_error", "Our mistake", text, "Try again.")
    box = work.bench.find_box() if work.bench.log.touched() else work.bench.box
    closing.close(lease, run, work.bench.log, box, ending)
    work.bench.let_go()
    return work.bench.log.touched()


@prepared.rows
def _for_work(run_id: UUID) -> QuerySet[Run]:
    return Run.objects.for_work().filter(pk=run_id)


class Work:
    """One worker's work on one run: its stages in their order."""

    def __init__(self, lease: Lease, run: Run) -> None:
        self.lease, self.run = lease, run
        self.bench = Bench(lease, run)
        self.log = self.bench.log
        self.tools = {**tools_of(run.message), **for_run(run)}
        # Micro-credits known to be held back for the run.
        self.held = run.held or 0

    def go(self) -> Ending:
        if self.run.deaths >= MAX_DEATHS or self.run.lease_token > MAX_LEASES:
            text = f"The worker died {self.run.deaths} times at the same step, so the run was given up."
            if self.run.deaths < MAX_DEATHS:
                text = f"The run was begun {MAX_LEASES} times without coming to its end, so it was given up."
            raise Ending(
                Run.State.FAILED, "crash_loop", "The run kept crashing", text, "Try again, or say it differently."
            )
        self.prepare()
        while True:
            self.work()
            if not self.bench.writes or not self.log.touched():
                break
            if failed := validate(self.bench):
                stuck.check(self.bench, failed)
                self.fix("checks", f"Fixing what failed (round {self.log.rounds('checks') + 1})")
            elif self.review():
                self.fix("review", "Mending what the review found")
            else:
                break
        return Ending(Run.State.SUCCEEDED)

    def prepare(self) -> None:
        """What the model is told at first; meanwhile a sandbox with the project's files is being made."""
        is_open = self.run.project.framework_open
        with self.log.together():
            if self.log.state() != Run.State.RUNNING:
                self.log.add("state", {"state": Run.State.RUNNING})
            self.bench.stage("prepare", "Getting ready")
            if not is_open:
                self.read_project()
        if is_open:
            choosing.choose_framework(self.bench)
            with self.log.together():
                self.read_project()
        self.bench.open()
        self.context = str(self.log.keys["stage", "context"].record)
        self.opening = talk.opening(self.run)
        self.system = prompts.instructions(self.run.project.framework, self.bench.mode)

    def read_project(self) -> None:
        if not self.log.has("stage", "context"):
            project = self.run.project
            seen = "\n\n".join(filter(None, (prompts.context(project), prompts.told(project))))
            self.bench.stage("context", "Reading the project", record=seen, tokens=talk.tokens([], seen))
        self.bench.stage("work", STAGE_TITLES[self.bench.mode])

    def work(self) -> None:
        """The loop proper: ask, run the tools that were called, until the model is done."""
        definitions = [tool.definition() for tool in self.tools.values()]
        self.fixed = self.system + str(definitions)
        while True:
            for turn, index, block in self.log.pending():
                use(self.bench, self.tools, turn, index, block)
            self.bench.show_preview()
            if not self.log.wants_answer() and not self.nudge():
                return
            self.stay_within_limits()
            self.ask(definitions)

    def ask(self, definitions: list[dict[str, object]]) -> None:
        """The model's next turn. A conversation that turns out too long for it is compacted once."""
        messages = self.fitting()
        try:
            reply = next_turn(self.lease, self.log, self.run, self.system, messages, definitions)
        except ModelError as error:
            if error.code != "model_context" or not self.compact(talk.COMPACTED, keep=1):
                raise
            reply = next_turn(self.lease, self.log, self.run, self.system, self.said(), definitions)
        with self.log.together(reply.spent):
            self.log.add("reply", reply.data, key=reply.key, record=reply.record)
            announce(self.bench, self.tools)
        if reply.owners_key:
            self.run.project.owner.provider_keys.filter(provider=reply.owners_key).update(last_used=Now())

    def fitting(self) -> list[talk.Say]:
        """The conversation, shortened where it would fill too much of the model's window."""
        messages = self.said()
        size = talk.tokens(messages, self.fixed)
        if not self.log.turn and size < FITS_ANYWHERE:
            return messages
        window = self.bench.window
        for share, kind, keep in (
            (SHORTEN_SHARE, talk.SHORTENED, KEPT_TURNS),
            (COMPACT_SHARE, talk.COMPACTED, KEPT_TURNS),
            (COMPACT_SHARE, talk.COMPACTED, 0),
        ):
            if size > share * window and self.compact(kind, keep):
                messages = self.said()
                size = talk.tokens(messages, self.fixed)
        return messages

    def said(self) -> list[talk.Say]:
        return talk.messages(self.run, self.log.steps, self.context, self.opening)

    def compact(self, kind: str, keep: int) -> bool:
        """Marks all but the newest turns as shortened or compacted. False: there is nothing more to mark."""
        replies = self.log.of("reply")
        if len(replies) <= keep:
            return False
        upto = replies[-keep].seq - 1 if keep else self.log.steps[-1].seq
        key = f"{kind}-{upto}"
        if upto <= talk.mark(self.log.steps, kind):
            return False
        title = "Shortened the conversation" if kind == talk.SHORTENED else "Summed the earlier work up"
        data = {"stage": "context", "status": "done", "title": f"{title} to make room", "kind": kind}
        self.log.add("stage", data, key=key, record={"upto": upto})
        return True

    def nudge(self) -> bool:
        """Whether a model that made no call is told to go on. Raises ModelError for one that says nothing, or declines;
        Ending for one that does not come to an end.
        """
        reply = self.log.of("reply")[-1]
        if calls(reply):
            return False
        if record(reply)["stop_reason"] == "refusal":
            text = "The model declined to answer, or a filter of its provider's kept the answer back."
            raise ModelError("model_declined", text, "Say it differently, or choose another model.")
        if was_cut(reply):
            text = "Your answer was cut at its longest length. Go on from there; write a few files at a time."
        elif not said(reply):
            text = "Your answer was empty. Go on with the task, or call finish."
        elif self.bench.mode == Message.Mode.PLAN:
            text = "Give the plan by calling propose_plan."
        else:
            return False
        if len(self.log.of("nudge")) < MAX_NUDGES:
            self.log.add("nudge", {"text": text})
            return True
        if not said(reply):
            raise ModelError(
                "model_empty", "The model answered with nothing, three times.", "Try again or choose another model."
            )
        if was_cut(reply):
            text = "The model's answers were cut at their longest length, again and again."
            raise Ending(Run.State.STOPPED, "limit", "Length limit", text, "Ask for less at once, or continue.")
        return False

    def fix(self, cause: str, title: str) -> None:
        """Begins a round of mending. The model's turns in it are free: they mend its own mistakes."""
        number = self.log.round + 1
        self.bench.stage("fix", title, key=f"fix-{number}", cause=cause)

    def review(self) -> bool:
        """Whether a review asks for another round."""
        number = self.log.rounds("review") + 1
        if number > settings.RUN_MAX_REVIEW_ROUNDS or not self.run.project.review:
            return False
        key = f"review-{number}"
        if not self.log.has("review", key):
            self.bench.stage("review", "Reviewing the change", key=key)
            try:
                files = self.bench.in_sandbox(lambda box, _: box.snapshot(), 120)
            except BadFiles:
                return False  # it cannot be saved, and the end of the run says why
            reviewing.review(self.bench, files)
        found = self.log.keys["review", key].data["verdict"] == "issues"
        return bool(found and self.run.project.auto_fix)

    def stay_within_limits(self) -> None:
        """Ends the run gracefully at its bounds; the work so far is kept."""
        again = "Continue to go on from here."
        if self.log.turn >= settings.RUN_MAX_TURNS:
            raise Ending(
                Run.State.STOPPED, "limit", "Step limit", f"The run used its {settings.RUN_MAX_TURNS} turns.", again
            )
        # By the database's clock, which wrote both: a worker's own may be hours off.
        if (self.log.steps[-1].at - self.log.running_since()).total_seconds() > settings.RUN_MAX_SECONDS:
            minutes = settings.RUN_MAX_SECONDS // 60
            raise Ending(Run.State.STOPPED, "limit", "Time limit", f"The run used its {minutes} minutes.", again)
        if self.log.tokens() >= settings.RUN_MAX_TOKENS:
            text = f"The run used its {settings.RUN_MAX_TOKENS:,} tokens."
            raise Ending(Run.State.STOPPED, "limit", "Token limit", text, again)
        try:
            self.held = charging.cover(self.run, self.log.cost(), self.held)
        except credits.NotEnoughCredits:
            text, buy = "Your credits are used up.", "Get more credits, then go on."
            raise Ending(Run.State.STOPPED, "credits", "Out of credits", text, buy) from None
        except credits.CapReached as reached:
            more = "Allow more by Limit below, or by your own limit under Usage. Then continue."
            raise Ending(Run.State.STOPPED, "cap", "The run's limit is reached", str(reached), more) from None
