"""What the model is told: prompts are files here, put together with the project's facts."""

from functools import cache
from pathlib import Path
from typing import Any

from agents.box import Box
from agents.models import Run, Step
from projects.models import Message, Project

HERE = Path(__file__).parent
# Messages of earlier runs that a follow-up sees, newest kept.
HISTORY_MESSAGES = 20
HISTORY_CHARS = 4_000
TREE_LINES = 200


@cache
def _file(name: str) -> str:
    return (HERE / name).read_text().strip()


def system(project: Project, mode: str, box: Box) -> str:
    """The system prompt: the same for every call of a run, so that it is cached."""
    frame = _file("ask.md" if mode == Message.Mode.ASK else "system.md")
    return frame.format(framework=project.framework, port=box.framework.port, rules=_file(f"{project.framework}.md"))


async def context(box: Box) -> str:
    """The project's tree and package.json, as the model's first look at it."""
    paths = await box.paths()
    tree = "\n".join(paths[:TREE_LINES]) + (f"\n… {len(paths) - TREE_LINES} more" if len(paths) > TREE_LINES else "")
    package = await box.read("package.json")
    parts = [f"Files:\n{tree or '(none)'}"]
    if package:
        parts.append(f"package.json:\n{package.decode('utf-8', 'replace')[:3_000]}")
    return "\n\n".join(parts)


def conversation(run: Run, steps: list[Step], context: str) -> list[dict[str, Any]]:
    """The messages of the run's next model call, from what is stored: earlier runs in short, this one in full."""
    messages = _history(run)
    prompt = f"<project_context>\n{context}\n</project_context>\n\n{run.message.text}"
    _say(messages, "user", [{"type": "text", "text": prompt}])
    for step in steps:
        record: dict[str, Any] = step.record or {}
        if step.type == "reply" and record["content"]:
            _say(messages, "assistant", record["content"])
        elif step.type == "tool_result":
            _say(messages, "user", [record])
        elif step.type == "check" and not step.data["ok"]:
            _say(messages, "user", [{"type": "text", "text": problem(step.data)}])
        elif step.type == "nudge":
            _say(messages, "user", [{"type": "text", "text": step.data["text"]}])
    return messages


def problem(check: dict[str, Any]) -> str:
    """A failed check as the model is told of it."""
    return (
        f"The platform's check failed: {check['title']}.\n\n{check['output']}\n\n"
        "Find the cause and fix only that. Then call finish."
    )


def _history(run: Run) -> list[dict[str, Any]]:
    earlier = run.project.messages.filter(created__lt=run.message.created).order_by("-created")[:HISTORY_MESSAGES]
    messages: list[dict[str, Any]] = []
    for message in reversed(earlier):
        if messages or message.role == Message.Role.USER:  # a conversation begins with the user
            _say(messages, message.role, [{"type": "text", "text": message.text[:HISTORY_CHARS] or "(nothing)"}])
    return messages


def _say(messages: list[dict[str, Any]], role: str, content: list[dict[str, Any]]) -> None:
    """Adds content; neighbours of one role are one message, as the protocol wants it."""
    if messages and messages[-1]["role"] == role:
        messages[-1]["content"] = [*messages[-1]["content"], *content]
    else:
        messages.append({"role": role, "content": list(content)})
