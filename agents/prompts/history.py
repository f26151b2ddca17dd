"""Which prompts a run was given, by version; and the text of each version that a run was ever given."""

from django.db import transaction

from agents import prompts
from agents.log import to_mend
from agents.models import PromptVersion, Run, Step
from agents.prompts import talk
from projects.models import Message

# (name, version) of those that this process knows to be there.
kept: set[tuple[str, str]] = set()


def given(run: Run, steps: list[Step]) -> dict[str, str]:
    """{name: version} of the prompts that a run with these steps was given, as this process has them.

    Their texts are kept from here on; nothing else writes them, and nothing changes them.
    """
    versions = {name: prompts.version(name) for name in _names(run, steps)}
    if new := versions.items() - kept:
        rows = [PromptVersion(name=name, version=key, text=prompts.template(name)) for name, key in new]
        PromptVersion.objects.bulk_create(rows, ignore_conflicts=True)
        transaction.on_commit(lambda: kept.update(new))
    return versions


def _names(run: Run, steps: list[Step]) -> list[str]:
    frame = "system" if run.message.mode == Message.Mode.BUILD else run.message.mode
    before = run.follows
    found = {
        "framework": any(step.type == "stage" and step.key == "framework" for step in steps),
        "build_plan": before is not None and before.state == Run.State.SUCCEEDED,
        "referred": bool(run.message.references),
        "continue": before is not None and before.state != Run.State.SUCCEEDED,
        "fix": any(step.type == "check" and to_mend(step) for step in steps),
        "review": any(step.type == "review" for step in steps),
        "findings": any(step.type == "review" and step.data["verdict"] == "issues" for step in steps),
        "compaction": talk.mark(steps, talk.COMPACTED) > 0,
    }
    return [frame, run.project.framework, *(name for name, was in found.items() if was)]
