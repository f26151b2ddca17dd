"""A run's log in the hands of its worker: the steps so far, adding to them, and the questions the loop asks of them.

Everything the loop decides, it decides from these rows; so a worker that takes over decides the same.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts import prepared
from agents import runs
from agents.models import Step
from agents.runs import Fence

Block = dict[str, Any]


class Log:
    """`told` is told after each write whether the user has asked to stop."""

    def __init__(self, fence: Fence, told: Callable[[bool], None] = lambda stop: None) -> None:
        self.fence, self.told = fence, told
        self.kept: list[Step] | None = None
        self.steps = _steps(fence.run_id)
        self.keys = {(step.type, step.key): step for step in self.steps if step.key}
        # Written by workers before this one.
        self.inherited = set(self.keys)

    def add(self, type: str, data: dict[str, Any], key: str = "", record: Any = None) -> Step:
        """Appends a step; one with a key that is there already is returned as it stands. Raises LeaseLost."""
        if key and (done := self.keys.get((type, key))):
            return done
        step = Step(project_id=self.fence.project_id, run_id=self.fence.run_id, type=type, key=key, data=data)
        step.record = record
        if self.kept is not None:
            self.kept.append(step)
        else:
            self.told(runs.append_all(self.fence, [step]))
        self.steps.append(step)
        if key:
            self.keys[type, key] = step
        return step

    @contextmanager
    def together(self, spent: runs.Spent | None = None) -> Iterator[None]:
        """Steps added inside are written by one statement, at its end: one wait for the disk, not several. If it does
        not come to that, there are none. `spent`: what the call of a model took that they are about.

        Once the user has asked to stop, a tool call is not written any more, nor what comes after it.
        """
        self.kept = []
        steps, keys = list(self.steps), dict(self.keys)
        try:
            yield
            least = next((at for at, step in enumerate(self.kept) if step.type == "tool_call"), 0)
            stop = runs.append_all(self.fence, self.kept, spent, least) if self.kept else None
            if left := [step for step in self.kept if not step.pk]:
                self.steps = [step for step in self.steps if step.pk]
                for step in left:
                    self.keys.pop((step.type, step.key), None)
        except BaseException:
            self.steps, self.keys = steps, keys
            raise
        finally:
            self.kept = None
        if stop is not None:
            self.told(stop)

    def has(self, type: str, key: str) -> bool:
        return (type, key) in self.keys

    def of(self, type: str) -> list[Step]:
        return [step for step in self.steps if step.type == type]

    @property
    def turn(self) -> int:
        """Number of the model's newest turn; 0 before the first."""
        return len(self.of("reply"))

    @property
    def round(self) -> int:
        """0 while the model works, n in the nth round of mending."""
        return sum(step.data["stage"] == "fix" for step in self.of("stage"))

    def rounds(self, cause: str) -> int:
        """Rounds of mending so far, because of failed "checks" or of a "review"."""
        begun = [step.data for step in self.of("stage") if step.data["stage"] == "fix"]
        return sum(data.get("cause", "checks") == cause for data in begun)

    def state(self) -> str:
        """The state the page was last told."""
        return str(self.of("state")[-1].data["state"])

    def running_since(self) -> datetime:
        """When a worker first took the run, or took it up after its user had answered."""
        return [step.at for step in self.of("state") if step.data["state"] == "running"][-1]

    def seconds(self) -> float:
        """How long workers had the run: not how long it was queued, or waited for its user."""
        total, since = 0.0, None
        for step in self.of("state"):
            if step.data["state"] == "running":
                since = since or step.at
            elif step.data["state"] in ("waiting", "queued") and since:
                total, since = total + (step.at - since).total_seconds(), None
        return total + (self.steps[-1].at - since).total_seconds() if since else total

    def pending(self) -> Iterator[tuple[int, int, Block]]:
        """Tool calls of the newest turn without a result: (turn, index, block). What ends the work comes last."""
        if replies := self.of("reply"):
            made = enumerate(calls(replies[-1]))
            for index, block in sorted(made, key=lambda one: one[1]["name"] in ENDS):
                if not self.has("tool_result", f"{self.turn}.{index}"):
                    yield self.turn, index, block

    def failed(self) -> list[str]:
        """The titles of calls of the newest turn that failed: the model has not heard of that yet."""
        newest = [step.data for step in self.of("tool_result") if step.data["turn"] == self.turn]
        return [data["title"] for data in newest if not data["ok"]]

    def wants_answer(self) -> bool:
        """Whether the model has to be asked: at the start, after tool results, in a round of mending, after a nudge."""
        for step in reversed(self.steps):
            if step.type == "nudge" or (step.type == "stage" and step.data["stage"] == "fix"):
                return True
            if step.type == "reply":
                made = calls(step)
                return bool(made) and not any(self._ends(step, index, block) for index, block in enumerate(made))
        return True

    def _ends(self, reply: Step, index: int, block: Block) -> bool:
        """Whether a call is the last thing that the model does: its work is finished, or its plan proposed."""
        result = self.keys.get(("tool_result", f"{reply.data['turn']}.{index}"))
        return block["name"] in ENDS and (result is None or bool(result.data["ok"]))

    def answer_to(self, key: str) -> str | None:
        """What the person answered to a question, None while they have not."""
        answers = [step.data["text"] for step in self.of("user_message") if step.data.get("answers") == key]
        return answers[-1] if answers else None

    def touched(self) -> bool:
        """Whether a tool may have changed files: one that wrote, or a command, however it ended."""
        results = [step.data for step in self.of("tool_result")]
        return any(data["name"] in COMMANDS or (data["ok"] and data["name"] in WRITERS) for data in results)

    def scope(self) -> tuple[str, ...]:
        """Paths and globs that the agent named as what it will change; none: it named none."""
        return tuple(dict.fromkeys(name for step in self.of("tool_result") for name in step.data.get("scope", ())))

    def checks(self) -> dict[str, Step]:
        """The newest check of each name."""
        return {step.data["name"]: step for step in self.of("check")}

    def summary(self) -> str:
        """What the model said at the end: the summary it finished with, else its last words."""
        if plan := self.keys.get(("plan", "plan")):
            return f"**{plan.data['title']}**\n\n{plan.data['summary']}".strip()
        words: list[str] = []
        for reply in reversed(self.of("reply")):
            if words and not was_cut(reply):
                break
            for block in calls(reply):
                if block["name"] == "finish" and isinstance(block["input"].get("summary"), str):
                    return str(block["input"]["summary"])
            if reply.data["text"].strip():
                words.insert(0, str(reply.data["text"]))
        return "\n\n".join(words)

    def cost(self) -> int:
        """Micro-credits of the turns the user pays for: not those that mended the agent's own mistakes."""
        paid: list[int] = [step.data["cost"] for step in self.of("reply") if step.data["round"] == 0]
        return sum(paid)

    def tokens(self) -> int:
        """All tokens of the run so far, whoever pays for them."""
        asked = (step.data["usage"] for step in self.steps if step.type in ("reply", "aside"))
        return sum(sum(usage.values()) for usage in asked)

    def repeats(self, block: Block) -> int:
        """How often this very call was made before in the run; unless it writes, since a file last changed."""
        changed = max((step.seq for step in self.of("file")), default=0)
        since = 0 if block["name"] in WRITERS else changed
        made = [
            self.keys.get(("tool_call", f"{reply.data['turn']}.{index}"))
            for reply in self.of("reply")
            for index, other in enumerate(calls(reply))
            if (other["name"], other["input"]) == (block["name"], block["input"])
        ]
        return sum(step is not None and step.seq > since for step in made) - 1


def to_mend(check: Step) -> bool:
    """Whether a check failed and the run has to mend it: not what was wrong before it."""
    return not check.data["ok"] and bool(check.data.get("to_mend", True))


@prepared.rows
def _steps(run_id: UUID) -> QuerySet[Step]:
    return Step.objects.filter(run_id=run_id).order_by("seq")


# Calls after which the model is not asked again.
ENDS = {"finish", "propose_plan"}
WRITERS = {"write_files", "edit_file", "delete_files"}
COMMANDS = {"terminal", "add_packages"}


def record(step: Step) -> Block:
    """What a step keeps for a resumed run."""
    kept: Block = step.record or {}
    return kept


def said(reply: Step) -> list[Block]:
    """A turn's blocks up to its last words or call. Thoughts after that are no answer, and no provider takes a message
    back that ends in them.
    """
    content: list[Block] = record(reply)["content"]
    ends = [at for at, block in enumerate(content, 1) if block["type"] in ("text", "tool_use")]
    return content[: max(ends, default=0)]


def was_cut(reply: Step) -> bool:
    """Whether a turn reached the longest length that one may have before it came to a call."""
    return record(reply)["stop_reason"] == "max_tokens" and not calls(reply)


def calls(reply: Step) -> list[Block]:
    """The tool calls of a turn, in order."""
    return [block for block in record(reply)["content"] if block["type"] == "tool_use"]
