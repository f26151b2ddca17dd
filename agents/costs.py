"""What a run will probably cost, and what one did cost, part by part. All from the log and the rows; micro-credits."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet, Value

from accounts.models import User
from agents import catalogue
from agents.models import Run, Step
from projects.models import Message, Project, Version
from usage import services as credits

# Runs that an estimate looks back on, and how few are too few to say anything.
PAST, ENOUGH = 30, 3
# In the order in which they are shown. What the agent does for its own mistakes and asks beside the conversation is
# shown, and free.
PARTS = ("context", "cached", "output", "tools", "fixing", "review", "choosing")
FREE = ("fixing", "review", "choosing")


@dataclass(frozen=True)
class Estimate:
    """Four of five runs of this kind cost between `low` and `high`. `basis`: whose runs, "project" or "user"."""

    low: int
    high: int
    basis: str
    runs: int

    @property
    def text(self) -> str:
        low, high = credits.text(self.low), credits.text(self.high)
        if low == high:
            return f"about {high}"
        if low.startswith("under"):
            return f"up to {high}"
        least, most = low.split()[0], high.split()[0]
        # 0.15–0.60, not 0.15–0.6: two ends of one range are read together.
        places = max(len(number.partition(".")[2]) for number in (least, most))
        return f"{self.low / settings.MICRO:,.{places}f}–{self.high / settings.MICRO:,.{places}f} credits"


def estimate(user: User, mode: str, project: Project | None = None, model: str = "") -> Estimate | None:
    """From the project's own past runs in this mode, else from the user's; None while there are too few. A new app
    costs many times what a change of one does: for one without a version only runs count that began without.
    """
    name = model or (project.model if project else "")
    there = Exists(Version.objects.filter(project=OuterRef("project"), created__lt=OuterRef("created")))
    now = Exists(Version.objects.filter(project=project)) if project else Value(False)
    alike = Run.objects.filter(Q(there, now) | Q(~there, ~Q(now)))
    if project and (found := _from(alike.filter(project=project), mode, name, "project")):
        return found
    return _from(alike.filter(project__owner=user), mode, name, "user")


def _from(runs: QuerySet[Run], mode: str, model: str, basis: str) -> Estimate | None:
    past = runs.filter(message__mode=mode, cost__gt=0, finished__isnull=False).order_by("-created")
    chosen = catalogue.get(model).multiplier
    costs = sorted(
        round(cost * chosen / catalogue.get(name).multiplier) for cost, name in past.values_list("cost", "model")[:PAST]
    )
    if len(costs) < ENOUGH:
        return None
    tenth = (len(costs) - 1) / 10
    return Estimate(costs[round(tenth)], costs[round(9 * tenth)], basis, len(costs))


@dataclass
class Part:
    """A part of a run's cost. `cost` is what the work is worth by the model's prices; free parts are not charged."""

    name: str
    tokens: int = 0
    cost: int = 0

    @property
    def free(self) -> bool:
        return self.name in FREE


@dataclass(frozen=True)
class Anatomy:
    """`worth` is the sum of the parts; `charged` what was paid for it; `own_key`: the provider bills the user."""

    parts: list[Part]
    worth: int
    charged: int
    own_key: bool


def anatomy(run: Run) -> Anatomy:
    """What a run's credits went into, from the usage of its turns."""
    parts = {name: Part(name) for name in PARTS}
    turns = list(run.steps.filter(type="reply").order_by("seq"))
    for turn in turns:
        _add(parts, run, turn)
    for question in run.steps.filter(type="aside"):  # short questions to the small model: nobody pays for them
        usage = question.data.get("usage", {})
        part = parts["review" if question.data["name"].startswith("review-") else "choosing"]
        part.tokens += sum(usage.get(kind, 0) for kind in ("input", "cache_read", "cache_write", "output"))
        part.cost += catalogue.SMALL.cost(usage)
    own_key = bool(turns) and all(turn.data.get("own_key") for turn in turns)
    charged = run.cost if run.state in Run.TERMINAL else 0
    return Anatomy(list(parts.values()), sum(part.cost for part in parts.values()), charged, own_key)


def _add(parts: dict[str, Part], run: Run, turn: Step) -> None:
    usage, cost = turn.data["usage"], turn.data["cost"]
    tokens = {
        "context": usage.get("input", 0) + usage.get("cache_write", 0),
        "cached": usage.get("cache_read", 0),
        **_output(turn, usage.get("output", 0)),
    }
    if turn.data["round"] > 0:
        parts["fixing"].tokens += sum(tokens.values())
        parts["fixing"].cost += cost
        return
    model = catalogue.get(run.model)
    worth = {
        "context": model.cost({kind: usage.get(kind, 0) for kind in ("input", "cache_write")}),
        "cached": model.cost({"cache_read": tokens["cached"]}),
        "output": model.cost({"output": tokens["output"]}),
        "tools": model.cost({"output": tokens["tools"]}),
    }
    # Prices may have changed since; what the turn cost then is the truth, and its parts add up to it.
    whole = sum(worth.values())
    shares = {name: worth[name] * cost // whole if whole else 0 for name in worth}
    shares["context"] += cost - sum(shares.values())
    for name, share in shares.items():
        parts[name].tokens += tokens[name]
        parts[name].cost += share


def _output(turn: Step, tokens: int) -> dict[str, int]:
    """Tokens of words and tokens of tool calls, by their share of what was written."""
    blocks: list[dict[str, Any]] = (turn.record or {}).get("content", [])
    calls = sum(len(str(block["input"])) for block in blocks if block["type"] == "tool_use")
    words = sum(len(str(block.get("text", ""))) for block in blocks if block["type"] != "tool_use")
    share = tokens * calls // (calls + words) if calls + words else 0
    return {"output": tokens - share, "tools": share}


def modes() -> list[str]:
    """The modes that an estimate may be asked for."""
    return list(Message.Mode.values)
