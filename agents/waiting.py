"""Messages that wait behind a run: one is taken back, or all are set aside when the run does not come to its end."""

from agents import runs
from agents.models import Run
from projects.markdown import render_markdown
from usage import services as credits


def end(run: Run, reason: str) -> bool:
    """Ends a run that no worker has. False: somebody has it, or it is over. Within the caller's transaction."""
    if not runs.end_unclaimed(run, Run.State.CANCELLED, reason):
        return False
    runs.note(run.project_id, "state", {"state": Run.State.CANCELLED, "reason": reason}, run.pk)
    runs.note(run.project_id, "complete", {**_unbegun(), "reason": reason}, run.pk)
    credits.release(run.pk)  # after what locks the project, as at the end of a run
    return True


def set_aside(run: Run) -> None:
    """Sets aside what waits behind a run: it was meant for what that run should have made, and is sent again when its
    author says so. Within the caller's transaction.
    """
    behind = Run.objects.filter(project=run.project_id, state=Run.State.QUEUED, created__gt=run.created)
    # One that somebody is changing at this moment is left to them, and runs in its turn: who changes it goes on to the
    # project's row, which the caller has already, and each would wait for the other.
    for one in behind.order_by("created").select_for_update(skip_locked=True):
        end(one, Run.ASIDE)


def forget(run: Run) -> bool:
    """Takes back a message that was set aside. False: it was not, or is no more."""
    if not Run.objects.filter(pk=run.pk, reason=Run.ASIDE).update(reason=Run.DROPPED):
        return False
    runs.note(run.project_id, "state", {"state": Run.State.CANCELLED, "reason": Run.DROPPED}, run.pk)
    return True


def _unbegun() -> dict[str, object]:
    """The closing event of a run that was ended before a worker took it."""
    text = "Stopped before it began."
    nothing: dict[str, list[str]] = {"added": [], "changed": [], "deleted": []}
    facts = {"message_id": None, "version": None, "files": nothing, "checks": {}, "seconds": 0, "cost": 0}
    ended = {"state": Run.State.CANCELLED, "reason": "cancelled", "summary": text, "html": render_markdown(text)}
    return {**ended, **facts, "cost_text": credits.text(0), "complete": True}
