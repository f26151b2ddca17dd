"""The framework of a project whose owner named none: one short question to a cheap model, at the first run."""

import logging
from typing import Any

from django.db import transaction

from agents import prompts, sandbox
from agents.asking import choose
from agents.bench import Bench
from agents.llm import ModelError
from agents.models import Sandbox
from projects import frameworks
from projects.models import Project

log = logging.getLogger(__name__)

# The answer is a word; a person waits for it.
TOKENS, SECONDS = 200, 8
PROMPT_CHARS = 4_000


def tool() -> dict[str, Any]:
    """The call that answers: one of the frameworks there are."""
    names = list(frameworks.FRAMEWORKS)
    names.sort(key=lambda name: name != frameworks.default())  # the one for when it is unsure comes first
    choice = {"framework": {"type": "string", "enum": names}}
    schema = {"type": "object", "properties": choice, "required": ["framework"], "additionalProperties": False}
    return {"name": "choose_framework", "description": "Choose the framework.", "input_schema": schema}


def choose_framework(bench: Bench) -> None:
    """Decides once, and says so. Without an answer it is the default."""
    project = bench.run.project
    if not project.framework_open:
        return
    text = f"Choose the framework for this request:\n\n{bench.run.message.text[:PROMPT_CHARS]}"
    try:
        said = choose(
            bench.lease, bench.log, bench.run, "framework", prompts.choosing(), text, tool(),
            max_tokens=TOKENS, seconds=SECONDS,
        )  # fmt: skip
        name, how = said["framework"], "chosen for this request"
    except ModelError as error:
        log.info("no framework was chosen: %s", error)
        name, how = frameworks.default(), "the default"
    for row in Sandbox.objects.filter(project=project).exclude(template=name):
        sandbox.kill(row, bench.lease.wait)  # somebody looked at the project before it was decided
    title = f"{frameworks.FRAMEWORKS[name].title}: {how}"
    with transaction.atomic():
        data = {"stage": "prepare", "status": "done", "title": title, "framework": name}
        bench.log.add("stage", data, key="framework")
        Project.objects.filter(pk=project.pk).update(framework=name, framework_open=False, context="")
    project.framework, project.framework_open, project.context = name, False, ""
