"""Plans: proposed by a run in Plan mode, edited and approved by a person, then built by a run of its own."""

from typing import Any

from django.db import transaction

from agents import prompts, runs
from agents.models import Run
from agents.plan_form import PLAN
from agents.services import SET_ASIDE, NotNow, start_run
from projects.models import Fragment, Message


class NoPlan(Exception):
    """The run has no plan: it was no planning, or it has not come to its end."""


# What a person may change; the rest of a plan says where it stands.
FIELDS = tuple(PLAN)


def of(run: Run, lock: bool = False) -> Fragment:
    """The plan of a run, as a fragment of its reply. Raises NoPlan."""
    found = Fragment.objects.filter(message__reply_of=run, kind=Fragment.Kind.PLAN)
    plan = (found.select_for_update(of=("self",)) if lock else found).first()
    if plan is None:
        raise NoPlan
    return plan


@transaction.atomic
def edit(run: Run, value: dict[str, Any]) -> dict[str, Any]:
    """Changes fields of a plan; the whole of it. Raises NoPlan, or NotNow once it is approved."""
    plan = _open(run)
    _keep(run, plan, {**plan.meta, **{name: value[name] for name in FIELDS if name in value}})
    return dict(plan.meta)


@transaction.atomic
def approve(run: Run, value: dict[str, Any] | None = None) -> Run:
    """Starts the run that builds a plan, with the last changes if there are some.

    Raises NoPlan, NotNow when it is approved already, BadPrompt and NotEnoughCredits as any start.
    """
    plan = _open(run)
    if run.message.aside:
        raise NotNow(SET_ASIDE)
    meta = {**plan.meta, **{name: item for name, item in (value or {}).items() if name in FIELDS}}
    building = start_run(run.project, prompts.plan(meta), Message.Mode.BUILD, follows=run)
    _keep(run, plan, {**meta, "state": "approved", "built_by": str(building.pk)})
    return building


def _open(run: Run) -> Fragment:
    plan = of(run, lock=True)
    if plan.meta["state"] != "proposed":
        raise NotNow("This plan is approved already. Send a message to change what it builds.")
    return plan


def _keep(run: Run, plan: Fragment, meta: dict[str, Any]) -> None:
    plan.meta, plan.text = meta, meta["title"]
    plan.save(update_fields=["meta", "text"])
    # The page's card: the newer event takes the place of the older one.
    runs.note(run.project_id, "plan", meta, run.pk)
