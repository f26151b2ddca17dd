"""What a run costs its user: credits held back from its start on, the bill at its end, and its money back when undone.

With a key of their own nothing is held back and nothing is charged.
"""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from agents import runs
from agents.models import Run
from projects.models import Project
from usage import services as credits
from usage.models import Reservation

UNDO_FREE = timedelta(minutes=10)


def begin(run: Run) -> None:
    """Holds back the first credit; the run's own cap, or the project's or user's, bounds it. NotEnoughCredits."""
    credits.reserve(run.project.owner, settings.RUN_RESERVE_MICRO, run.pk, run.cap or run.project.cap)


def cover(run: Run, cost: int, held: int = 0) -> int:
    """Before a turn: sees that more is held back than the turns so far cost, and says how much. `held`: what an earlier
    call said; nobody is asked where that is enough. NotEnoughCredits, CapReached.
    """
    if cost < held or cost < (held := _held(run)) or credits.pays_itself(run.project.owner):
        return held
    if not held:  # it began with an own key that is gone
        begin(run)
        held = _held(run)
    while cost >= held:
        held = credits.extend(run.pk, settings.RUN_RESERVE_MICRO).amount
    return held


def _held(run: Run) -> int:
    """Micro-credits; 0 where nothing was ever held back."""
    return Reservation.objects.filter(run_id=run.pk).values_list("amount", flat=True).first() or 0


def settle(run: Run, cost: int) -> int:
    """Ends the reservation with a charge of at most `cost`; what was charged. Nothing was held: nothing is charged."""
    if not Reservation.objects.filter(run_id=run.pk).exists():
        return 0
    return credits.settle(run.pk, cost, f"Run in {run.project.name}").used


def undo(project: Project, number: int) -> int:
    """Refunds the runs of the last minutes whose versions a return to version `number` undoes; micro-credits."""
    since = timezone.now() - UNDO_FREE
    undone = Run.objects.filter(project=project, version__number__gt=number, finished__gte=since, cost__gt=0)
    total = 0
    for run in undone.order_by("created"):
        if back := credits.refund(run.pk, f"Undone within 10 minutes: run in {project.name}"):
            balance = credits.account_of(project.owner).balance
            said = {"charged": -back, "balance": balance, "reason": "undone within 10 minutes"}
            runs.note(project.pk, "credit", said, run.pk)
            total += back
    return total
