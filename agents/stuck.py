"""When mending does not help: the same error after different fixes, or rounds used up. Says what was tried."""

from typing import Any

from django.conf import settings

from agents.bench import Bench
from agents.ending import Ending
from agents.log import calls
from agents.models import Run, Step
from projects import versions

# The same error after this many fixes is one that the agent does not understand.
SAME_ERROR_FIXES = 2


def check(bench: Bench, failed: list[Step]) -> None:
    """Raises Ending when another round of fixing is not worth its time. Nothing of such a run is charged."""
    rounds = bench.log.rounds("checks")
    names = ", ".join(step.data["title"] for step in failed)
    same = [step for step in failed if step.data.get("again", 0) >= SAME_ERROR_FIXES]
    idle = [step for step in failed if step.data.get("again") and not changed_in(bench.log.steps, bench.log.round)]
    if not bench.run.project.auto_fix:
        text = f"{names} failed, and fixing by itself is switched off. Nothing is charged."
    elif same:
        text = f"{names} failed with the same error after {same[0].data['again']} fixes, so the run was stopped."
    elif idle:
        text = f"{names} failed, and the attempt to fix it changed no file, so the run was stopped."
    elif rounds >= settings.RUN_MAX_FIX_ROUNDS:
        text = f"{names} still failed after {rounds} rounds of fixing. Nothing is charged."
    else:
        return
    cause = failed[0].data.get("error", "")
    reason = "same_error" if same or idle else "checks_failed"
    raise Ending(
        Run.State.FAILED,
        reason,
        "The app does not pass its checks",
        text,
        "Describe what to change.",
        cause=cause,
    )


def changed_in(steps: list[Step], round: int) -> bool:
    """Whether a file may have been changed in a round: one was written, or a command was run."""
    now = 0
    for step in steps:
        if step.type == "stage" and step.data["stage"] == "fix":
            now += 1
        elif now == round and (step.type == "file" or (step.type == "tool_result" and "exit_code" in step.data)):
            return True
    return False


def tried(steps: list[Step]) -> list[dict[str, Any]]:
    """What each round of mending did: {"round", "cause", "said", "files"}."""
    found: list[dict[str, Any]] = []
    for step in steps:
        if step.type == "stage" and step.data["stage"] == "fix":
            found.append({"round": len(found) + 1, "cause": step.data.get("cause", "checks"), "said": "", "files": []})
        elif found and step.type == "file" and step.data["path"] not in found[-1]["files"]:
            found[-1]["files"].append(step.data["path"])
        elif found and step.type == "reply":
            said = [block["input"].get("summary") for block in calls(step) if block["name"] == "finish"]
            found[-1]["said"] = str((said or [None])[0] or step.data["text"] or found[-1]["said"])[:300]
    return found


def options(run: Run) -> list[dict[str, Any]]:
    """What a person can do now, most helpful first. Going back is one where it changes something."""
    found: list[dict[str, Any]] = []
    good, newest = versions.last_working(run.project), versions.newest(run.project)
    if good and newest and good.manifest != newest.manifest:
        label = f"Go back to version {good.number}, the last that worked"
        found.append({"action": "restore", "version": good.number, "label": label})
    found.append({"action": "continue", "label": "Go on from here"})
    found.append({"action": "plan", "label": "Ask for a plan first"})
    return found
